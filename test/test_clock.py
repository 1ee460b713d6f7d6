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
"""Log time, the two clocks, and instants in words."""

from __future__ import annotations

from datetime import datetime, timedelta, UTC
import time

from fdr_node.clock import (
    CLOCK_STEP_NS,
    ClockWatch,
    Instant,
    iso_utc,
    LogClock,
    now,
    NS_PER_S,
    SystemClock,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock, MONOTONIC_NS, WALL_NS
import pytest

# No deadline: the computers that test may be slow.
SETTINGS = settings(deadline=None)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_log_time_is_the_wall_time_at_the_opening_plus_monotonic_time() -> None:
    """What passes on the monotonic clock passes in the log."""
    clock = LogClock(wall_at_open_ns=1_000, monotonic_at_open_ns=40)
    assert [clock.log_time_ns(at) for at in (40, 41, 140)] == [1_000, 1_001, 1_100]


def test_log_time_is_never_negative() -> None:
    """A record that was received before the opening, on a computer that boots at 1970."""
    clock = LogClock(wall_at_open_ns=5, monotonic_at_open_ns=100)
    assert [clock.log_time_ns(at) for at in (94, 95, 96)] == [0, 0, 1]


@SETTINGS
@given(st.integers(-(2**62), 2**62), st.integers(0, 2**62), st.lists(st.integers(0, 2**62)))
def test_log_time_never_runs_backwards(wall_ns: int, open_ns: int, instants: list[int]) -> None:
    """Later on the monotonic clock is never earlier in the log."""
    clock = LogClock(wall_at_open_ns=wall_ns, monotonic_at_open_ns=open_ns)
    times = [clock.log_time_ns(at) for at in sorted(instants)]
    assert times == sorted(times)


def test_system_clock_reads_both_clocks_of_the_computer() -> None:
    """Each reading lies between two readings of the right clock."""
    wall_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    instant = now(SystemClock())
    assert wall_ns <= instant.wall_ns <= time.time_ns()
    assert monotonic_ns <= instant.monotonic_ns <= time.monotonic_ns()


def test_now_reads_the_clock_that_it_is_given() -> None:
    """Wall first, monotonic second."""
    assert now(ManualClock()) == Instant(wall_ns=WALL_NS, monotonic_ns=MONOTONIC_NS)


@pytest.mark.parametrize(
    ('step_ns', 'expected_ns'),
    [
        (0, 0),
        (CLOCK_STEP_NS - 1, 0),
        (1 - CLOCK_STEP_NS, 0),
        (CLOCK_STEP_NS, CLOCK_STEP_NS),
        (-CLOCK_STEP_NS, -CLOCK_STEP_NS),
        (10**18, 10**18),
    ],
)
def test_a_step_of_the_wall_clock_is_noticed_once(step_ns: int, expected_ns: int) -> None:
    """By its size and its sign; what is smaller is slewing."""
    clock = ManualClock()
    watch = ClockWatch(clock.now())
    clock.advance(5)
    clock.step_wall(step_ns / NS_PER_S)
    assert [watch.step(clock.now()), watch.step(clock.now())] == [expected_ns, 0]


def test_slewing_never_adds_up_to_a_step() -> None:
    """However long it lasts."""
    clock = ManualClock()
    watch = ClockWatch(clock.now())
    for _ in range(1000):
        clock.advance(1)
        clock.step_wall(0.0005)
        assert watch.step(clock.now()) == 0


def test_iso_utc_has_microseconds_and_says_utc() -> None:
    """The form that the flight header promises."""
    assert iso_utc(WALL_NS) == '2026-01-31T12:00:00.000000Z'
    assert iso_utc(WALL_NS + 1_234_567) == '2026-01-31T12:00:00.001234Z'
    assert iso_utc(0) == '1970-01-01T00:00:00.000000Z'


@SETTINGS
@given(st.integers(-(2**63), 2**63 - 1))
def test_iso_utc_names_the_instant(wall_ns: int) -> None:
    """Read back by the standard library, it is the instant cut to microseconds."""
    instant = datetime.fromisoformat(iso_utc(wall_ns))
    assert instant - EPOCH == timedelta(microseconds=wall_ns // 1000)
    assert NS_PER_S == 1000**3
