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
"""What the environment, the messages and the clocks are taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.clock import Instant, NS_PER_S
from fdr_node.preflight.check import Verdict
from fdr_node.preflight.computer import (
    clock_checks,
    environment_checks,
    is_clock_synchronised,
    message_check,
)
import pytest

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = Instant(1_800_000_000 * NS_PER_S, 1000)


def prefix(folder: Path, *packages: str) -> str:
    """Make an ament prefix with packages."""
    index = folder / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    for name in packages:
        (index / name).touch()
    return str(folder)


def test_the_middleware_is_looked_for_where_ros_looks(tmp_path: Path) -> None:
    """The one that is asked for, or the default of ROS."""
    path = f'{tmp_path}/none:{prefix(tmp_path / "ros", "rmw_fastrtps_cpp")}'
    found = {
        rmw: environment_checks({'AMENT_PREFIX_PATH': path, 'RMW_IMPLEMENTATION': rmw})[0]
        for rmw in ('', 'rmw_fastrtps_cpp', 'rmw_zenoh_cpp')
    }
    assert [(c.verdict, c.text) for c in found.values()] == [
        (Verdict.GO, 'rmw_fastrtps_cpp'),
        (Verdict.GO, 'rmw_fastrtps_cpp'),
        (Verdict.WARN, 'rmw_zenoh_cpp is not installed in AMENT_PREFIX_PATH'),
    ]
    unset = environment_checks({})[0]
    assert (unset.verdict, 'AMENT_PREFIX_PATH is not set' in unset.text) == (Verdict.WARN, True)


@pytest.mark.parametrize(
    ('text', 'verdict', 'found'),
    [
        ('', Verdict.GO, '0'),
        ('0', Verdict.GO, '0'),
        ('101', Verdict.GO, '101'),
        ('102', Verdict.WARN, '102: its ports may be taken by other programs'),
        ('233', Verdict.NO_GO, "ROS_DOMAIN_ID is '233', allowed: 0 to 232"),
        ('-1', Verdict.NO_GO, "ROS_DOMAIN_ID is '-1', allowed: 0 to 232"),
        ('one', Verdict.NO_GO, "ROS_DOMAIN_ID is 'one', allowed: 0 to 232"),
        ('²', Verdict.NO_GO, "ROS_DOMAIN_ID is '²', allowed: 0 to 232"),
    ],
)
def test_the_domain(text: str, verdict: Verdict, found: str) -> None:
    """A number, and one whose ports are free."""
    check = environment_checks({'ROS_DOMAIN_ID': text})[1]
    assert (check.verdict, check.text) == (verdict, found)


@pytest.mark.slow
def test_messages_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of what was said is the reason; one that hangs is not waited for."""
    monkeypatch.setenv('RMW_IMPLEMENTATION', 'rmw_of_nobody')
    wrong = message_check()
    assert (wrong.verdict, 'rmw_of_nobody' in wrong.text) == (Verdict.NO_GO, True)
    monkeypatch.delenv('RMW_IMPLEMENTATION')
    missing = message_check('fdr_node.nothing_here')
    assert missing.text.endswith('No module named fdr_node.nothing_here')
    assert message_check('http.server', seconds_max=0.3).text == 'rclpy took more than 0.3 s'


@pytest.mark.slow
@pytest.mark.ros
def test_messages_as_they_should_be() -> None:
    """With the real rclpy and the real messages."""
    assert message_check().verdict is Verdict.GO


@pytest.mark.parametrize(
    ('wall_s', 'verdict', 'text'),
    [
        (3.0, Verdict.GO, '2027-01-15 08:00:03 UTC'),
        (3.05, Verdict.GO, '2027-01-15 08:00:03 UTC'),
        (3.2, Verdict.WARN, '2027-01-15 08:00:03 UTC, stepped by +0.2 s just now'),
        (-60.0, Verdict.WARN, '2027-01-15 07:59:00 UTC, stepped by -63.0 s just now'),
    ],
)
def test_a_clock_that_was_stepped(wall_s: float, verdict: Verdict, text: str) -> None:
    """Between two looks that are 3 s apart."""
    end = Instant(BEGIN.wall_ns + round(wall_s * NS_PER_S), BEGIN.monotonic_ns + 3 * NS_PER_S)
    check = clock_checks(BEGIN, end, is_synchronised=True)[0]
    assert (check.verdict, check.text) == (verdict, text)


def test_a_clock_that_was_never_set() -> None:
    """A computer without a battery starts in 1970, or when its system was built."""
    begin = Instant(NS_PER_S, 1000)
    check = clock_checks(begin, begin, is_synchronised=True)[0]
    assert (check.verdict, check.text) == (Verdict.NO_GO, '1970-01-01 00:00:01 UTC')


def test_whether_the_kernel_follows_another_clock() -> None:
    """It is no reason to stay on the ground."""
    verdicts = {
        is_it: clock_checks(BEGIN, BEGIN, is_synchronised=is_it)[1].verdict
        for is_it in (True, False)
    }
    assert verdicts == {True: Verdict.GO, False: Verdict.WARN}
    # Asking changes nothing, and the answer stays.
    assert is_clock_synchronised() is is_clock_synchronised()
