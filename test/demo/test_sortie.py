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
"""The motion is continuous, fits its own derivatives, and its sensors can be integrated back."""

from __future__ import annotations

from itertools import pairwise
import math

from fdr_node.demo.sortie import (
    DURATION_MAX_S,
    DURATION_MIN_S,
    GRAVITY_M_S2,
    Phase,
    Quaternion,
    Sortie,
    Vector,
)
from fdr_node.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st
import pytest

SORTIES = st.floats(DURATION_MIN_S, 2000.0).map(lambda duration_s: Sortie(duration_s=duration_s))
SHARES = st.floats(0.0, 1.0)

SPEED_MAX_M_S = 12.0
CLIMB_MAX_M_S = 4.0


def times(sortie: Sortie, count: int) -> list[float]:
    """Return times spread over a sortie (s)."""
    return [sortie.duration_s * index / count for index in range(count + 1)]


def turn(attitude: Quaternion, vector: Vector) -> Vector:
    """Return a vector of the body in NED, with a formula that the module does not use."""
    w, x, y, z = attitude
    a, b, c = vector
    # t = 2 q x v, then v + w t + q x t.
    tx, ty, tz = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return (
        a + w * tx + y * tz - z * ty,
        b + w * ty + z * tx - x * tz,
        c + w * tz + x * ty - y * tx,
    )


def product(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the product of two quaternions."""
    return (
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    )


@given(SORTIES, SHARES)
def test_velocity_and_acceleration_are_the_derivatives(sortie: Sortie, share: float) -> None:
    """Differences over a small step agree with what is given."""
    step_s = 1e-4
    t_s = share * sortie.duration_s
    before, now, after = (sortie.motion(t_s + shift) for shift in (-step_s, 0.0, step_s))

    velocity = [
        (b - a) / (2 * step_s) for a, b in zip(before.position_m, after.position_m, strict=True)
    ]
    acceleration = [
        (b - a) / (2 * step_s)
        for a, b in zip(before.velocity_m_s, after.velocity_m_s, strict=True)
    ]
    assert velocity == pytest.approx(now.velocity_m_s, abs=1e-4)
    assert acceleration == pytest.approx(now.acceleration_m_s2, abs=1e-2)


@given(SORTIES, SHARES)
def test_the_accelerometer_feels_acceleration_less_gravity(sortie: Sortie, share: float) -> None:
    """Turned into NED, with gravity back, it is the acceleration; the thrust is straight up."""
    motion = sortie.motion(share * sortie.duration_s)

    north, east, down = turn(motion.attitude_wxyz, motion.specific_force_m_s2)
    assert (north, east, down + GRAVITY_M_S2) == pytest.approx(motion.acceleration_m_s2, abs=1e-9)
    assert motion.specific_force_m_s2[:2] == pytest.approx((0.0, 0.0), abs=1e-9)
    assert math.hypot(*motion.attitude_wxyz) == pytest.approx(1.0)


def test_the_gyro_integrates_to_the_attitude() -> None:
    """Small turns, one after the other, end up at the attitude at the end of the course."""
    sortie = Sortie(duration_s=20.0)
    step_s = 0.002
    attitude = sortie.motion(0.0).attitude_wxyz
    for index in range(round(12.0 / step_s)):
        rate = sortie.motion((index + 0.5) * step_s).turn_rate_rad_s
        angle = math.hypot(*rate) * step_s
        scale = math.sin(angle / 2) / math.hypot(*rate) if angle else 0.0
        attitude = product(
            attitude,
            (math.cos(angle / 2), rate[0] * scale, rate[1] * scale, rate[2] * scale),
        )

    expected = sortie.motion(12.0).attitude_wxyz
    alike = abs(sum(a * b for a, b in zip(attitude, expected, strict=True)))
    assert alike == pytest.approx(1.0, abs=1e-6)


@given(SORTIES)
def test_it_starts_and_ends_at_rest_where_it_took_off(sortie: Sortie) -> None:
    """On the ground, level, and back home."""
    for t_s in (0.0, sortie.duration_s):
        motion = sortie.motion(t_s)
        assert motion.position_m == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)
        assert motion.velocity_m_s == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)
        assert motion.turn_rate_rad_s == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)
        assert motion.specific_force_m_s2 == pytest.approx((0.0, 0.0, -GRAVITY_M_S2), abs=1e-6)


@given(SORTIES)
def test_it_stays_within_what_the_aircraft_can_do(sortie: Sortie) -> None:
    """Above the ground, not too fast, and no jump of the attitude from one time to the next."""
    motions = [sortie.motion(t_s) for t_s in times(sortie, 150)]

    for motion in motions:
        north, east, down = motion.velocity_m_s
        assert motion.position_m[2] <= 1e-9
        assert math.hypot(north, east) <= SPEED_MAX_M_S + 1e-9
        assert abs(down) <= CLIMB_MAX_M_S + 1e-9
        assert math.hypot(*motion.acceleration_m_s2) < GRAVITY_M_S2
    for before, after in pairwise(motions):
        alike = sum(a * b for a, b in zip(before.attitude_wxyz, after.attitude_wxyz, strict=True))
        assert abs(alike) > 0.99


def test_the_phases_follow_each_other_and_gnss_is_pulled_in_one() -> None:
    """Take-off, route, spoofing, route, landing."""
    sortie = Sortie(duration_s=100.0)
    phases = [sortie.phase(t_s) for t_s in times(sortie, 1000)]
    order = [phases[0]] + [after for before, after in pairwise(phases) if before is not after]

    assert order == [Phase.TAKE_OFF, Phase.ROUTE, Phase.SPOOFING, Phase.ROUTE, Phase.LANDING]
    for t_s, phase in zip(times(sortie, 1000), phases, strict=True):
        pull_m = math.hypot(*sortie.gnss_pull_m(t_s))
        expected_m = 3.0 * (t_s - sortie.spoofing_begin_s) if phase is Phase.SPOOFING else 0.0
        assert pull_m == pytest.approx(expected_m)


@pytest.mark.parametrize('duration_s', [0.0, DURATION_MIN_S - 0.1, DURATION_MAX_S + 1, math.nan])
def test_a_duration_that_leaves_no_time_for_the_phases_is_refused(duration_s: float) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError) as caught:
        Sortie(duration_s=duration_s)

    assert caught.value.name == 'seconds'
