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
"""Events go in, alerts come out at every sink, and nothing that a sink does comes back."""

from __future__ import annotations

from threading import Thread
import time
from typing import TYPE_CHECKING

from alert_sinks import KeptSink
from fdr_node.alerts.desk import AlertDesk, Diagnosis, diagnosis
from fdr_node.alerts.ports import SinkHealth
from fdr_node.events import Event, Level
from manual_clock import ManualClock
from processes import WAIT_S
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = Event(name='storage_failed', level=Level.ERROR, facts={'errno': 'ENOSPC'})
RECOVERED = Event(name='recovered', facts={'duration_s': 3, 'records_lost': 4})
FULL = 'FDR: disk full, not recording'
AGAIN = 'FDR: recording again, out 3 s, 4 lost'


class Rig:
    """A desk with two sinks and a clock that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sinks = [KeptSink('one'), KeptSink('two')]
        self.desk = AlertDesk(self.sinks, clock=self.clock, repeat_s=10, prearm_s=10)

    def close(self) -> None:
        """End it."""
        for sink in self.sinks:
            sink.free()
        assert self.desk.close(WAIT_S)


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a desk, and close it."""
    rig = Rig()
    yield rig
    rig.close()


def test_every_sink_gets_every_alert(rig: Rig) -> None:
    """In the order of the events, and the repeats."""
    rig.desk.tell(FAILED)
    for sink in rig.sinks:
        sink.wait_for_texts(FULL)
    for _ in range(100):
        rig.clock.advance(0.1)
        rig.desk.tick('disk full')
    rig.desk.tell(RECOVERED)
    rig.desk.tell(Event(name='clock_step'))
    for sink in rig.sinks:
        sink.wait_for_texts(FULL, FULL, AGAIN)


def test_a_sink_that_hangs_hurts_no_other(rig: Rig) -> None:
    """The others get everything; it does when it is free again."""
    stuck, well = rig.sinks
    stuck.stick()
    rig.desk.tell(FAILED)
    stuck.wait_for_tries(1)
    rig.desk.tell(RECOVERED)
    well.wait_for_texts(FULL, AGAIN)
    assert stuck.texts() == []
    stuck.free()
    stuck.wait_for_texts(FULL, AGAIN)


def test_a_sink_that_fails_hurts_no_other(rig: Rig) -> None:
    """It is what /diagnostics says."""
    broken, well = rig.sinks
    broken.fail(OSError('broken'))
    rig.desk.tell(FAILED)
    broken.wait_for_tries(2)
    well.wait_for_texts(FULL)
    health = rig.desk.health()
    assert (health.level, health.text) == (Level.WARN, 'not delivered: one')
    assert health.values['one: fault'] == 'broken'
    broken.fail(None)
    broken.wait_for_texts(FULL)


def test_telling_costs_the_same_whether_a_sink_hangs_or_not(rig: Rig) -> None:
    """It is a few microseconds of work, and no waiting."""
    events = 2000

    def cost_s() -> float:
        begin = time.perf_counter()
        for _ in range(events):
            rig.desk.tell(FAILED)
            rig.desk.tell(RECOVERED)
        return time.perf_counter() - begin

    free_s = cost_s()
    for sink in rig.sinks:
        sink.stick()
    # Half a second of another's work on the computer is let pass; one wait for a sink takes 15 s.
    assert cost_s() < 5 * free_s + 0.5


def test_any_thread_may_tell(rig: Rig) -> None:
    """Nothing is lost between them."""
    lost = Event(name='records_lost', facts={'records': 1})

    def tell_often() -> None:
        for _ in range(100):
            rig.desk.tell(lost)

    threads = [Thread(target=tell_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    rig.clock.advance(10)
    rig.desk.tick('')
    for sink in rig.sinks:
        sink.wait_for_texts('FDR: 1 records lost', 'FDR: 399 records lost')


def test_a_fault_of_its_own_is_counted_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder goes on."""
    clock = ManualClock()
    desk = AlertDesk([], clock=clock, repeat_s=10, prearm_s=10)
    monkeypatch.delattr(ManualClock, 'monotonic_ns')
    desk.tell(FAILED)
    desk.tick('disk full')
    assert desk.health() == Diagnosis(
        level=Level.ERROR, text='internal fault', values={'faults': 2}
    )


def test_at_the_end_what_waits_is_sent() -> None:
    """And what comes later goes nowhere."""
    rig = Rig()
    rig.desk.tell(FAILED)
    rig.close()
    rig.desk.tell(RECOVERED)
    assert [sink.texts() for sink in rig.sinks] == [[FULL], [FULL]]
    assert [sink.is_closed for sink in rig.sinks] == [True, True]


def test_a_sink_that_hangs_does_not_hold_up_the_end() -> None:
    """The time is for all sinks together."""
    rig = Rig()
    for sink in rig.sinks:
        sink.stick()
    rig.desk.tell(FAILED)
    for sink in rig.sinks:
        sink.wait_for_tries(1)
    assert not rig.desk.close(0.01)
    rig.close()


@pytest.mark.parametrize(
    ('sinks', 'wanted'),
    [
        ([], Diagnosis(level=Level.INFO, text='no sink', values={})),
        (
            [SinkHealth(name='topic', sent=3)],
            Diagnosis(
                level=Level.INFO,
                text='delivered',
                values={
                    'topic: sent': 3,
                    'topic: dropped': 0,
                    'topic: waiting': 0,
                    'topic: fault': '',
                },
            ),
        ),
        (
            [
                SinkHealth(name='topic', sent=3),
                SinkHealth(name='mavlink', sent=1, dropped=4, waiting=16, fault='refused'),
            ],
            Diagnosis(
                level=Level.WARN,
                text='not delivered: mavlink',
                values={
                    'topic: sent': 3,
                    'topic: dropped': 0,
                    'topic: waiting': 0,
                    'topic: fault': '',
                    'mavlink: sent': 1,
                    'mavlink: dropped': 4,
                    'mavlink: waiting': 16,
                    'mavlink: fault': 'refused',
                },
            ),
        ),
    ],
)
def test_diagnosis(sinks: list[SinkHealth], wanted: Diagnosis) -> None:
    """A sink that cannot send is a warning: the recorder itself is well."""
    assert diagnosis(sinks, faults=0) == wanted
