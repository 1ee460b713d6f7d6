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
Says what time it is, and turns monotonic time into log time that never runs backwards.

It does not read a clock by itself where it decides: :class:`LogClock` is given its instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, UTC
import time
from typing import NamedTuple, Protocol

NS_PER_S = 1_000_000_000

# A jump of the wall clock from this on is a step. Between two looks, a fraction of a second apart,
# slewing moves it by far less (adjtimex: 500 ppm), and being descheduled between the two readings
# hardly ever that much.
CLOCK_STEP_NS = NS_PER_S // 10


class Clock(Protocol):
    """The two clocks that the recorder needs, in integer nanoseconds."""

    def wall_ns(self) -> int:
        """Return nanoseconds since the UNIX epoch; may step when GNSS time arrives."""

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds; never steps."""


class Instant(NamedTuple):
    """
    One moment on both clocks.

    :param wall_ns: nanoseconds since the UNIX epoch.
    :param monotonic_ns: CLOCK_MONOTONIC in nanoseconds.
    """

    wall_ns: int
    monotonic_ns: int


class SystemClock:
    """The clocks of this computer."""

    def wall_ns(self) -> int:
        """Return CLOCK_REALTIME in nanoseconds since the UNIX epoch."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogClock:
    """
    Wall time at the opening of the flight plus the monotonic time since.

    ``ros2 bag play`` plays the segments in log_time order only if log_time never runs backwards,
    so a wall clock that GNSS steps in flight must not reach it.
    """

    wall_at_open_ns: int
    monotonic_at_open_ns: int

    def log_time_ns(self, monotonic_ns: int) -> int:
        """
        Return the log time of an instant.

        :param monotonic_ns: CLOCK_MONOTONIC of the instant.
        :return: nanoseconds since the UNIX epoch as it was known at the opening, never negative.
        """
        return max(0, self.wall_at_open_ns + monotonic_ns - self.monotonic_at_open_ns)


class ClockWatch:
    """
    Notices when the wall clock is stepped; what NTP slews stays below.

    :param start: the moment from which on it watches.
    """

    def __init__(self, start: Instant) -> None:
        self._offset_ns = start.wall_ns - start.monotonic_ns

    def step(self, instant: Instant) -> int:
        """
        Return by how much the wall clock was stepped since the last call.

        :param instant: this moment; both clocks read one right after the other.
        :return: nanoseconds, negative when it was set back; 0 when it was not stepped.
        """
        offset_ns = instant.wall_ns - instant.monotonic_ns
        step_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        return step_ns if abs(step_ns) >= CLOCK_STEP_NS else 0


def now(clock: Clock) -> Instant:
    """Return this moment."""
    return Instant(clock.wall_ns(), clock.monotonic_ns())


def iso_utc(wall_ns: int) -> str:
    """
    Return an instant as ISO 8601 UTC with microseconds, for example 2026-01-31T12:00:00.000000Z.

    :param wall_ns: nanoseconds since the UNIX epoch.
    """
    instant = datetime.fromtimestamp(wall_ns // NS_PER_S, tz=UTC)
    return f'{instant:%Y-%m-%dT%H:%M:%S}.{wall_ns % NS_PER_S // 1000:06d}Z'
