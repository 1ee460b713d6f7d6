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
"""Alerts are told in time and never in a flood."""

from __future__ import annotations

from typing import TypeAlias

from fdr_node.alerts import catalogue
from fdr_node.alerts.cadence import Cadence
from fdr_node.alerts.catalogue import Entry, Manner
from fdr_node.alerts.wording import alert_of, Notice
from fdr_node.clock import NS_PER_S
from fdr_node.events import Event, Fact
from hypothesis import given
from hypothesis import strategies as st

REPEAT_S, PREARM_S = 10, 4

FULL = 'FDR: disk full, not recording'
GONE = 'FDR: disk gone, not recording'
MISSING = 'PreArm: FDR flight root missing'
READ_ONLY = 'PreArm: FDR disk is read-only'
NOT_RECORDING = 'PreArm: FDR not recording'
READY = 'FDR: ready for take-off, recording'
AGAIN = 'FDR: recording again, out 3 s, 0 lost'
FALLBACK = 'FDR: recording to fallback disk'


class Flight:
    """A cadence, and the time in seconds."""

    def __init__(self) -> None:
        self.cadence = Cadence(repeat_ns=REPEAT_S * NS_PER_S, prearm_ns=PREARM_S * NS_PER_S)

    def hear(self, at_s: float, name: str, **facts: Fact) -> list[str]:
        """Return what an event makes it tell."""
        return texts(self.cadence.hear(Event(name=name, facts=facts), round(at_s * NS_PER_S)))

    def tick(self, at_s: float, *, is_ready: bool = False) -> list[str]:
        """Return what is due."""
        return texts(self.cadence.tick(round(at_s * NS_PER_S), is_ready=is_ready))


def texts(notices: list[Notice]) -> list[str]:
    """Return what the operator reads."""
    return [alert_of(notice).text for notice in notices]


def test_a_failure_is_told_at_once_and_repeated_until_it_ends() -> None:
    """However often the recorder says it; the end is told, and the next one is the first again."""
    flight = Flight()
    assert flight.hear(0, 'storage_failed', errno='ENOSPC') == [FULL]
    assert flight.hear(0.1, 'storage_failed', errno='ENOSPC') == []
    assert flight.tick(9.9) == []
    assert flight.tick(10) == [FULL]
    assert flight.hear(10.1, 'storage_failed', errno='ENOSPC') == []
    assert flight.tick(19.9) == []
    assert flight.tick(20) == [FULL]
    assert flight.hear(21, 'recovered', duration_s=3) == [AGAIN]
    assert flight.tick(31, is_ready=True) == []
    assert flight.hear(31.1, 'storage_failed', errno='ENOSPC') == [FULL]
    assert flight.hear(31.2, 'recovered', duration_s=3) == [AGAIN]
    assert flight.hear(31.3, 'storage_failed', errno='ENOSPC') == [FULL]


def test_another_failure_is_told_at_once() -> None:
    """And is the one that is repeated; one after the other in turns is no flood."""
    flight = Flight()
    assert flight.hear(0, 'storage_failed', errno='ENOSPC') == [FULL]
    assert flight.hear(1, 'storage_failed', errno='ENODEV') == [GONE]
    assert flight.hear(2, 'storage_failed', errno='ENOSPC') == []
    assert flight.hear(3, 'storage_failed', errno='ENODEV') == []
    assert flight.tick(10.5) == []
    assert flight.tick(11) == [GONE]


def test_a_failure_is_not_repeated_once_the_recorder_is_ready() -> None:
    """Whatever was or was not said about its end."""
    flight = Flight()
    assert flight.hear(0, 'storage_failed', errno='ENOSPC') == [FULL]
    assert flight.tick(60, is_ready=True) == []


def test_a_second_disk_is_told_and_does_not_end_the_failure() -> None:
    """That is not over before records are on it."""
    flight = Flight()
    assert flight.hear(0, 'storage_failed', errno='ENODEV') == [GONE]
    assert flight.hear(1, 'fallback_opened') == [FALLBACK]
    assert flight.tick(10) == [GONE]
    assert flight.hear(11, 'recovered', duration_s=3) == [AGAIN]
    assert flight.hear(12, 'storage_failed', errno='ENODEV') == [GONE]


def test_a_flight_that_ends_takes_its_failure_along() -> None:
    """It may have ended without a footer."""
    for end in ('flight_closed', 'flight_not_closed'):
        flight = Flight()
        assert flight.hear(0, 'storage_failed', errno='ENODEV') == [GONE]
        assert flight.hear(1, end) == ['FDR: flight not closed cleanly']
        assert flight.tick(2) == []
        assert flight.tick(6) == [NOT_RECORDING]


def test_prearm_is_repeated_until_it_is_ready() -> None:
    """The retries of the recorder do not add to it; a new reason is told at once."""
    flight = Flight()
    assert flight.hear(0, 'flight_not_opened', errno='ENOENT') == [MISSING]
    assert flight.hear(2, 'flight_not_opened', errno='ENOENT') == []
    assert flight.tick(3.9) == []
    assert flight.tick(4) == [MISSING]
    assert flight.hear(6, 'flight_not_opened', errno='EROFS') == [READ_ONLY]
    assert flight.hear(7, 'flight_not_opened', errno='ENOENT') == []
    assert flight.tick(8) == [MISSING]
    assert flight.hear(9, 'flight_opened') == []
    assert flight.tick(9.1, is_ready=True) == [READY]
    assert flight.tick(60, is_ready=True) == []
    assert flight.hear(61, 'flight_not_opened', errno='ENOENT') == [MISSING]


def test_a_start_that_goes_well_says_nothing() -> None:
    """It takes a moment until the recorder is ready."""
    flight = Flight()
    assert flight.tick(0) == []
    assert flight.tick(3.9) == []
    assert flight.tick(4, is_ready=True) == []


def test_a_recorder_that_nobody_starts_is_not_ready() -> None:
    """Without any event, and again after a flight."""
    flight = Flight()
    assert flight.tick(0) == []
    assert flight.tick(4) == [NOT_RECORDING]
    assert flight.tick(7.9) == []
    assert flight.tick(8) == [NOT_RECORDING]
    assert flight.tick(9, is_ready=True) == [READY]
    assert flight.hear(20, 'flight_closed', clean_shutdown=True) == []
    assert flight.tick(20) == []
    assert flight.tick(24) == [NOT_RECORDING]


def test_a_failure_in_flight_takes_the_place_of_prearm() -> None:
    """The aircraft is in the air: what failed is what the operator wants to read."""
    flight = Flight()
    assert flight.tick(0, is_ready=True) == []
    assert flight.hear(1, 'storage_failed', errno='ENOSPC') == [FULL]
    assert [flight.tick(second) for second in range(1, 11)] == [[]] * 10
    assert flight.tick(11) == [FULL]


def test_losses_are_put_together() -> None:
    """None of them goes uncounted."""
    flight = Flight()
    assert flight.hear(0, 'records_lost', records=5) == ['FDR: 5 records lost']
    assert flight.hear(1, 'records_lost', records=7) == []
    assert flight.hear(2, 'records_lost', records=8) == []
    assert flight.tick(9.9, is_ready=True) == []
    assert flight.tick(10, is_ready=True) == ['FDR: 15 records lost']
    assert flight.tick(20, is_ready=True) == []
    assert flight.hear(20, 'records_lost', records=1) == ['FDR: 1 records lost']
    assert flight.hear(21, 'records_lost', records=2) == []
    assert flight.hear(30, 'records_lost', records=3) == ['FDR: 5 records lost']


Step: TypeAlias = tuple[float, str, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 1.0, 3.9, 4.0, 9.9, 10.0]),
        st.sampled_from(
            [
                'tick',
                'ready',
                'storage_failed',
                'storage_stalled',
                'recovered',
                'fallback_opened',
                'flight_not_opened',
                'flight_opened',
                'flight_closed',
                'flight_not_closed',
                'records_lost',
                'segment_dropped',
            ]
        ),
        st.sampled_from(['ENOSPC', 'ENODEV']),
        st.integers(min_value=0, max_value=1000),
    ),
    max_size=60,
)
# What makes the next alert of a manner the first again.
RESETS = {
    Manner.FAILURE: {'recovered', 'flight_opened', 'flight_closed', 'flight_not_closed'},
    Manner.PREARM: {'ready'},
    Manner.PASSING: set[str](),
}


class Model:
    """Takes steps, and checks each against what was told before."""

    def __init__(self) -> None:
        self.cadence = Cadence(repeat_ns=REPEAT_S * NS_PER_S, prearm_ns=PREARM_S * NS_PER_S)
        self.now_ns = 0
        self.told_ns: dict[Entry, int] = {}
        self.lost = 0
        self.lost_told = 0

    def take(self, step: Step) -> None:
        """Take one step."""
        pause_s, name, errno, count = step
        self.now_ns += round(pause_s * NS_PER_S)
        for manner, ends in RESETS.items():
            if name in ends:
                self.told_ns = {e: at for e, at in self.told_ns.items() if e.manner != manner}
        if name in {'tick', 'ready'}:
            told = self.cadence.tick(self.now_ns, is_ready=name == 'ready')
            self.check_ready(told, is_ready=name == 'ready')
        else:
            facts: dict[str, Fact] = {'errno': errno, 'records': count, 'reason': 'space'}
            told = self.cadence.hear(Event(name=name, facts=facts), self.now_ns)
            self.check_heard(name, errno, told)
            self.lost += count if name == 'records_lost' else 0
        for notice in told:
            self.check_told(notice)

    @staticmethod
    def check_ready(told: list[Notice], *, is_ready: bool) -> None:
        """Check that who is ready hears of nothing that stands in the way."""
        manners = {notice.entry.manner for notice in told}
        assert not (is_ready and manners & {Manner.FAILURE, Manner.PREARM})

    def check_heard(self, name: str, errno: str, told: list[Notice]) -> None:
        """Check that a recovery is always told, and a failure at once when it is the first."""
        entries = [notice.entry for notice in told]
        assert name != 'recovered' or entries == [catalogue.RECOVERED]
        failure = catalogue.FAILURES[errno]
        assert name != 'storage_failed' or entries == [failure] or failure in self.told_ns

    def check_told(self, notice: Notice) -> None:
        """Check that it is not told too often."""
        period_s = PREARM_S if notice.entry.manner is Manner.PREARM else REPEAT_S
        before_ns = self.told_ns.get(notice.entry)
        if notice.entry.manner is not Manner.RECOVERY and before_ns is not None:
            assert self.now_ns - before_ns >= period_s * NS_PER_S
        self.told_ns[notice.entry] = self.now_ns
        if notice.entry is catalogue.LOST:
            self.lost_told += notice.count


@given(STEPS)
def test_never_too_often_and_nothing_is_lost(steps: list[Step]) -> None:
    """Any sequence of events and ticks: the promises of the module hold."""
    model = Model()
    for step in steps:
        model.take(step)
    model.take((REPEAT_S, 'ready', 'ENOSPC', 0))
    assert model.lost_told == model.lost
    assert model.cadence.tick(model.now_ns + REPEAT_S * NS_PER_S, is_ready=True) == []
