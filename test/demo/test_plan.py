# Copyright 2026 The fdr_node authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""A plan knows who takes part, and survives being handed to a process."""

from __future__ import annotations

from collections import Counter
import math
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo.plan import Plan, SPEED_MAX
from fdr_node.demo.ulog import Topic
from fdr_node.demo.ulog_records import PRODUCERS
from fdr_node.errors import ConfigError
from fdr_node.schema import Kind
import pytest

if TYPE_CHECKING:
    from pathlib import Path

# What the recorder writes itself, and what every client adds.
NOT_OF_COMPONENTS = {
    Kind.FLIGHT_HEADER,
    Kind.FLIGHT_FOOTER,
    Kind.OVERRUN,
    Kind.PRODUCER_STATS,
    Kind.SEGMENT_DROPPED,
    Kind.CLOCK_STEP,
    Kind.DEGRADED,
    Kind.RECOVERED,
}


def test_a_sortie_has_every_kind_that_a_component_makes() -> None:
    """Each producer its own, within the length of the sortie."""
    plan = Plan(seconds=20, speed=1.0)
    outline = plan.outline()
    kinds: Counter[str] = Counter()
    for producer_id in outline.producers:
        script = plan.script(producer_id, 1_800_000_000 * NS_PER_S)
        assert script.duration_ns == outline.duration_ns == 20 * NS_PER_S
        kinds.update(entry.kind for entry in script.due(0, script.duration_ns))

    assert set(kinds) == set(Kind) - NOT_OF_COMPONENTS
    assert (kinds[Kind.IMU], kinds[Kind.ESTIMATE], kinds[Kind.MAVLINK_TX]) == (4000, 1000, 400)


def test_a_log_brings_its_own_producers_and_length(px4_log: Path) -> None:
    """The length of the simulation does not matter then."""
    plan = Plan(seconds=math.nan, speed=1.0, ulog=px4_log)
    outline = plan.outline()

    assert outline.producers == PRODUCERS
    assert round(outline.duration_ns / NS_PER_S, 1) == 11.7
    assert round(outline.silence_ns / NS_PER_S, 1) == 1182.7
    assert plan.script('px4_imu', 0).duration_ns == outline.duration_ns
    assert plan.phase(0) == 'replay'


def test_producers_without_a_topic_in_the_log_stay_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a log without messages is none."""
    topics = [Topic(name='airspeed', instance=0, times_us=[5], columns={})]
    monkeypatch.setattr('fdr_node.demo.plan.read_topics', lambda _path: topics)
    plan = Plan(seconds=20, speed=1.0, ulog=tmp_path)

    assert plan.outline().producers == ('px4_vehicle',)
    topics.clear()
    with pytest.raises(ConfigError) as caught:
        plan.outline()
    assert caught.value.name == 'ulog'


def test_the_phases_are_those_of_the_sortie() -> None:
    """At times of the plan, whatever the speed."""
    plan = Plan(seconds=20, speed=3.0)

    assert [plan.phase(at_s * NS_PER_S) for at_s in (0, 5, 10, 19)] == [
        'take-off',
        'route',
        'spoofing',
        'landing',
    ]


def test_arguments_name_all_of_a_plan(tmp_path: Path) -> None:
    """As the process of a producer reads them."""
    simulated = Plan(seconds=20.5, speed=2.0, seed=7)

    assert simulated.to_arguments() == ['--seconds=20.5', '--speed=2.0', '--seed=7']
    replayed = Plan(seconds=20, speed=1.0, ulog=tmp_path / 'x.ulg')
    assert replayed.to_arguments()[-1] == f'--ulog={tmp_path}/x.ulg'


@pytest.mark.parametrize('speed', [0.0, -1.0, math.nan, SPEED_MAX + 1])
def test_a_speed_that_no_one_can_fly_is_refused(speed: float) -> None:
    """By name."""
    with pytest.raises(ConfigError) as caught:
        Plan(seconds=20, speed=speed)

    assert caught.value.name == 'speed'


def test_a_sortie_that_is_too_short_is_refused_at_once() -> None:
    """Not only when it is flown."""
    with pytest.raises(ConfigError):
        Plan(seconds=1, speed=1.0)


def test_a_producer_that_the_simulation_does_not_have_is_refused() -> None:
    """It is named, with those that there are."""
    with pytest.raises(ConfigError) as caught:
        Plan(seconds=20, speed=1.0).script('wing', 0)
    error = caught.value
    assert (error.name, error.value) == ('producer', 'wing')
    assert error.bound == 'one of: estimator, imu, mavlink_router, health_monitor, mapper'
