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
"""The sensors follow the aircraft, and the estimator notices that it is being spoofed."""

from __future__ import annotations

from itertools import pairwise
import math
from statistics import mean, stdev
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo.navigation import (
    estimator,
    geographic,
    gnss_test_ratio,
    HOME_LATITUDE_DEG,
    HOME_LONGITUDE_DEG,
    imu,
)
from fdr_node.demo.sortie import Sortie
from fdr_node.demo.stream import Scene, StreamScript
from fdr_node.schema import Estimate, EstimatorHealth, Imu, SpoofPromotionBlock
import pytest

if TYPE_CHECKING:
    from fdr_node.demo.script import Entry

SECONDS = 20
SCENE = Scene(sortie=Sortie(duration_s=SECONDS), seed=3, speed=1.0, wall_ns=0)


@pytest.fixture(scope='module')
def estimates() -> list[Entry]:
    """Return all that the estimator records."""
    script = StreamScript(duration_ns=SECONDS * NS_PER_S, streams=estimator(SCENE))
    return list(script.due(0, script.duration_ns))


@pytest.fixture(scope='module')
def samples() -> list[Entry]:
    """Return all that the inertial sensor records."""
    script = StreamScript(duration_ns=SECONDS * NS_PER_S, streams=imu(SCENE))
    return list(script.due(0, script.duration_ns))


def test_the_imu_runs_at_200_hz_and_estimates_at_50(
    samples: list[Entry], estimates: list[Entry]
) -> None:
    """Regular, from the first moment on."""
    found = [entry.at_ns for entry in estimates if isinstance(entry.payload, Estimate)]

    assert [entry.at_ns for entry in samples] == list(range(0, SECONDS * NS_PER_S, 5_000_000))
    assert found == list(range(0, SECONDS * NS_PER_S, 20_000_000))


def test_imu_samples_are_the_motion_and_noise_without_bias(samples: list[Entry]) -> None:
    """The differences from the truth have the mean and the deviation of the sensor."""
    errors: list[float] = []
    for entry in samples:
        payload = entry.payload
        assert isinstance(payload, Imu)
        truth = SCENE.sortie.motion(entry.at_ns / NS_PER_S)
        errors += [
            a - b for a, b in zip(payload.accel_m_s2, truth.specific_force_m_s2, strict=True)
        ]

    assert mean(errors) == pytest.approx(0.0, abs=0.003)
    assert stdev(errors) == pytest.approx(0.05, rel=0.1)


def test_estimates_do_not_jump_and_lie_where_the_map_says(estimates: list[Entry]) -> None:
    """From one to the next it moves by speed and noise; degrees and metres are one place."""
    found = [entry.payload for entry in estimates if isinstance(entry.payload, Estimate)]
    for before, after in pairwise(found):
        assert before.position_ned_m is not None
        assert after.position_ned_m is not None
        assert math.dist(before.position_ned_m, after.position_ned_m) < 12.0 / 50 + 10 * 0.05
        north_m, east_m, _ = after.position_ned_m
        assert (after.latitude_deg, after.longitude_deg) == geographic(north_m, east_m)


def test_spoofing_is_noticed_blocked_and_over(estimates: list[Entry]) -> None:
    """GNSS is blocked while its ratio is above 1, once a second, and dead reckoning meanwhile."""
    blocks = [entry for entry in estimates if isinstance(entry.payload, SpoofPromotionBlock)]
    health = {
        entry.at_ns: entry.payload.health
        for entry in estimates
        if isinstance(entry.payload, Estimate)
    }

    assert [entry.at_ns // NS_PER_S for entry in blocks] == [11, 12]
    for at_ns, found in health.items():
        is_spoofed = gnss_test_ratio(SCENE, at_ns / NS_PER_S) > 1.0
        assert found is (EstimatorHealth.DEAD_RECKONING if is_spoofed else EstimatorHealth.GOOD)
    blind = [at_ns for at_ns, found in health.items() if found is EstimatorHealth.DEAD_RECKONING]
    assert 9 * NS_PER_S < min(blind) < max(blind) < 13 * NS_PER_S


def test_geographic_places() -> None:
    """Home is home, and a hundred metres are what they are at this latitude."""
    assert geographic(0.0, 0.0) == (HOME_LATITUDE_DEG, HOME_LONGITUDE_DEG)
    north_deg, east_deg = geographic(111.319, 75.358)
    assert north_deg - HOME_LATITUDE_DEG == pytest.approx(0.001, rel=1e-3)
    assert east_deg - HOME_LONGITUDE_DEG == pytest.approx(0.001, rel=1e-3)
