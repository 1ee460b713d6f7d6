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
"""
Where the simulated aircraft is, how it moves and what disturbs it, at any time of the sortie.

A multicopter climbs, flies one circle and lands where it took off. Height and course follow
quintic steps, so position, velocity and acceleration are continuous, and the sensors that are
derived from them fit each other. In the middle of the route somebody pulls the GNSS position away.

Wind, drag and the controller are left out: the thrust is always what the path needs. Noise comes
with the sensors (components), not from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
import math
from typing import Final, NamedTuple, TypeAlias

from fdr_node.errors import ConfigError

Vector: TypeAlias = tuple[float, float, float]
Quaternion: TypeAlias = tuple[float, float, float, float]
# Columns of the rotation from body (forward, right, down) to NED.
_Axes: TypeAlias = tuple[Vector, Vector, Vector]

GRAVITY_M_S2: Final = 9.80665

# A shorter sortie has no time for its phases (s); a longer one is a day (s).
DURATION_MIN_S: Final = 5.0
DURATION_MAX_S: Final = 86_400.0

# Shares of the sortie. The course begins in the climb and ends in the descent.
_TAKE_OFF_END: Final = 0.15
_COURSE: Final = (0.1, 0.9)
_SPOOFING: Final = (0.45, 0.65)
_LANDING_BEGIN: Final = 0.85

# Limits of the aircraft.
_HEIGHT_MAX_M: Final = 30.0
_CLIMB_MAX_M_S: Final = 4.0
_CLIMB_MAX_M_S2: Final = 3.0
_SPEED_MAX_M_S: Final = 12.0
_TURN_MAX_M_S2: Final = 4.0

# Largest slope and second derivative of a quintic step from 0 to 1 over one unit of time.
_STEP_SLOPE_MAX: Final = 1.875
_STEP_BEND_MAX: Final = 10.0 / math.sqrt(3.0)

# How fast the spoofer pulls the GNSS position away, to the north and to the east (m/s).
_PULL_M_S: Final = (2.4, 1.8)

# Half of the time over which the turn rate is taken (s).
_RATE_STEP_S: Final = 1e-3


class Phase(StrEnum):
    """What the sortie is about."""

    TAKE_OFF = 'take-off'
    ROUTE = 'route'
    SPOOFING = 'spoofing'
    LANDING = 'landing'


class Motion(NamedTuple):
    """
    The aircraft at one time.

    :param position_m: north, east, down of the place of take-off (m)
    :param velocity_m_s: north, east, down (m/s)
    :param acceleration_m_s2: north, east, down (m/s^2)
    :param attitude_wxyz: unit quaternion that turns body (forward, right, down) into NED
    :param turn_rate_rad_s: about forward, right, down (rad/s)
    :param specific_force_m_s2: along forward, right, down (m/s^2)
    """

    position_m: Vector
    velocity_m_s: Vector
    acceleration_m_s2: Vector
    attitude_wxyz: Quaternion
    turn_rate_rad_s: Vector
    specific_force_m_s2: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Sortie:
    """
    One flight of the simulated aircraft.

    :param duration_s: from before the take-off to after the landing
        [DURATION_MIN_S..DURATION_MAX_S] (s)
    :raises ConfigError: the duration is out of its range
    """

    duration_s: float

    def __post_init__(self) -> None:
        if not DURATION_MIN_S <= self.duration_s <= DURATION_MAX_S:
            bound = f'{DURATION_MIN_S:g}..{DURATION_MAX_S:g} s'
            raise ConfigError(name='seconds', value=self.duration_s, bound=bound)

    @property
    def spoofing_begin_s(self) -> float:
        """When the GNSS position begins to be pulled away (s)."""
        return _SPOOFING[0] * self.duration_s

    def phase(self, t_s: float) -> Phase:
        """Return what the sortie is about at a time (s)."""
        share = t_s / self.duration_s
        if share < _TAKE_OFF_END:
            return Phase.TAKE_OFF
        if share >= _LANDING_BEGIN:
            return Phase.LANDING
        return Phase.SPOOFING if _SPOOFING[0] <= share < _SPOOFING[1] else Phase.ROUTE

    def gnss_pull_m(self, t_s: float) -> Vector:
        """Return how far a spoofer has pulled the GNSS position away, in NED (m)."""
        if self.phase(t_s) is not Phase.SPOOFING:
            return (0.0, 0.0, 0.0)
        pulled_s = t_s - self.spoofing_begin_s
        return (_PULL_M_S[0] * pulled_s, _PULL_M_S[1] * pulled_s, 0.0)

    def motion(self, t_s: float) -> Motion:
        """Return where the aircraft is at a time (s) and how it moves."""
        position, velocity, acceleration, course = self._path(t_s)
        axes = _axes(acceleration, course)
        return Motion(
            position,
            velocity,
            acceleration,
            _quaternion(axes),
            self._turn_rate(t_s),
            _to_body(axes, _specific_force(acceleration)),
        )

    def _path(self, t_s: float) -> tuple[Vector, Vector, Vector, float]:
        """Return position, velocity, acceleration and course (rad)."""
        duration_s = self.duration_s
        climb_s = _TAKE_OFF_END * duration_s
        height = min(
            _HEIGHT_MAX_M,
            _CLIMB_MAX_M_S * climb_s / _STEP_SLOPE_MAX,
            _CLIMB_MAX_M_S2 * climb_s**2 / _STEP_BEND_MAX,
        )
        up = _step(t_s, 0.0, climb_s)
        down = _step(t_s, _LANDING_BEGIN * duration_s, duration_s)
        z, vz, az = (height * (fall - rise) for rise, fall in zip(up, down, strict=True))

        begin_s, end_s = (share * duration_s for share in _COURSE)
        turn_rate_max = math.tau * _STEP_SLOPE_MAX / (end_s - begin_s)
        radius = min(_SPEED_MAX_M_S / turn_rate_max, _TURN_MAX_M_S2 / turn_rate_max**2)
        course, rate, rate_change = (math.tau * part for part in _step(t_s, begin_s, end_s))
        cos, sin = math.cos(course), math.sin(course)
        speed, along, across = radius * rate, radius * rate_change, radius * rate**2
        return (
            (radius * sin, radius * (1.0 - cos), z),
            (speed * cos, speed * sin, vz),
            (along * cos - across * sin, along * sin + across * cos, az),
            course,
        )

    def _turn_rate(self, t_s: float) -> Vector:
        before, after = (
            _axes(acceleration, course)
            for _, _, acceleration, course in map(
                self._path, (t_s - _RATE_STEP_S, t_s + _RATE_STEP_S)
            )
        )
        # The rotation from before to after; what is antisymmetric in it is the turn.
        (_, xy, xz), (yx, _, yz), (zx, zy, _) = (_to_body(after, axis) for axis in before)
        span_s = 2.0 * 2.0 * _RATE_STEP_S
        return ((zy - yz) / span_s, (xz - zx) / span_s, (yx - xy) / span_s)


def _step(t_s: float, begin_s: float, end_s: float) -> Vector:
    """Return a quintic step from 0 to 1 between two times, and its first two derivatives."""
    span_s = end_s - begin_s
    x = min(1.0, max(0.0, (t_s - begin_s) / span_s))
    return (
        x**3 * (10.0 - 15.0 * x + 6.0 * x**2),
        30.0 * x**2 * (1.0 - x) ** 2 / span_s,
        60.0 * x * (1.0 - x) * (1.0 - 2.0 * x) / span_s**2,
    )


def _specific_force(acceleration: Vector) -> Vector:
    """Return what an accelerometer feels, in NED."""
    north, east, down = acceleration
    return (north, east, down - GRAVITY_M_S2)


def _axes(acceleration: Vector, course: float) -> _Axes:
    """Return the body axes in NED: the thrust makes the acceleration, the nose the course."""
    force = _specific_force(acceleration)
    down = _unit((-force[0], -force[1], -force[2]))
    right = _unit(_cross(down, (math.cos(course), math.sin(course), 0.0)))
    return (_cross(right, down), right, down)


def _to_body(axes: _Axes, vector: Vector) -> Vector:
    forward, right, down = axes
    return (_dot(forward, vector), _dot(right, vector), _dot(down, vector))


def _quaternion(axes: _Axes) -> Quaternion:
    """Return the unit quaternion of a rotation matrix, with w not negative."""
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = axes
    # Each component squared; the largest one is safe to divide by.
    squares = (1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz)
    largest = max(range(4), key=squares.__getitem__)
    rows = (
        (squares[0], zy - yz, xz - zx, yx - xy),
        (zy - yz, squares[1], yx + xy, xz + zx),
        (xz - zx, yx + xy, squares[2], zy + yz),
        (yx - xy, xz + zx, zy + yz, squares[3]),
    )
    row = rows[largest]
    scale = math.copysign(0.5 / math.sqrt(squares[largest]), row[0])
    w, x, y, z = (part * scale for part in row)
    return (w, x, y, z)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def _unit(vector: Vector) -> Vector:
    norm = math.hypot(*vector)
    return (vector[0] / norm, vector[1] / norm, vector[2] / norm)
