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
"""A flight session whose disk refuses, hangs and comes back, with real files."""

from __future__ import annotations

from contextlib import contextmanager
import errno
from itertools import count
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from bag_reader import read_bag
from failing_calls import FailingCalls
from fdr_node.clock import NS_PER_S
from fdr_node.config import KIB, MIB
from fdr_node.errors import FdrConcurrentWriterError, FlightStateError
from fdr_node.recording.states import Change, State
from fdr_node.ros.closing import close_within
from fdr_node.ros.session import FlightSession
from fdr_node.schema import LossCause, ProducerTotals
from fdr_node.storage import fs
from fdr_node.storage.lock import LOCK_NAME
from fdr_node.storage.mcap_segment import McapSegment
from heads import serialised
import pytest
from rigs import FLIGHT_ID, OTHER_FLIGHT_ID, payload_of
from session_rig import check_balance, footer_in, refuse, Rig, seqs_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STALLED = 'stall: the disk does not answer'


def test_what_comes_while_the_disk_returns_pushes_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts of the outage are those of the footer: nothing is lost behind them."""
    rig = Rig(tmp_path, ring_records_max=10).begin()
    calls = FailingCalls(monkeypatch)
    refuse(rig, calls)
    rig.take_in(range(40))
    calls.mend()
    rig.clock.advance(2.0)
    rig.react('recovered', lambda: rig.take_in(range(40, 50)))
    rig.session.write_out()
    footer, bag = rig.land()
    assert seqs_in(bag) == list(range(30, 50))
    (recovered,) = [payload_of(r) for r in bag.records if r.kind == 'recovered']
    assert recovered['lost'] == {'imu_1': 30}
    assert footer.producers['imu_1'] == ProducerTotals(
        published=50, recorded=20, lost={LossCause.DISK: 30}
    )
    (event,) = rig.told('recovered')
    assert event.facts['records_lost'] == 30
    check_balance(footer, bag)


@pytest.mark.parametrize(('name', 'nth'), [('add', 700), ('commit', 2)])
def test_a_fault_of_the_program_while_it_writes_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, nth: int
) -> None:
    """In the middle of a batch or at its end: it is told, and what waits is written later."""
    rig = Rig(tmp_path).begin()
    step, calls = getattr(McapSegment, name), count(1)

    def fail_once(*args: object, **options: object) -> object:
        if next(calls) == nth:
            raise ZeroDivisionError(name)
        return step(*args, **options)

    monkeypatch.setattr(McapSegment, name, fail_once)
    rig.take_in(range(1000))
    rig.session.write_out()
    rig.clock.advance(1.0)
    rig.session.write_out()
    (event,) = rig.told('step_failed')
    assert event.facts['error'] == repr(ZeroDivisionError(name))
    footer, bag = rig.land()
    assert seqs_in(bag) == [*range(1000)]
    assert footer.producers['imu_1'] == ProducerTotals(published=1000, recorded=1000)
    check_balance(footer, bag)


class HungDisk:
    """Lets every sync wait until it is released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_waited_for, self._is_released = Flag(), Flag()
        self.writer: Thread | None = None
        self._sync = fs.sync_data
        monkeypatch.setattr(fs, 'sync_data', self._wait)

    def _wait(self, descriptor: int) -> None:
        self.is_waited_for.set()
        assert self._is_released.wait(10)
        self._sync(descriptor)

    def release(self) -> None:
        """Let it answer."""
        self._is_released.set()


@contextmanager
def hanging(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[HungDisk]:
    """Let the writer hang in a sync, in a thread of its own, with one record to write."""
    disk = HungDisk(monkeypatch)
    rig.take_in([0])
    rig.session.write_out()
    rig.clock.advance(1.0)
    writer = disk.writer = Thread(target=rig.session.write_out)
    writer.start()
    try:
        assert disk.is_waited_for.wait(10)
        yield disk
    finally:
        disk.release()
        writer.join(10)
    assert not writer.is_alive()


def test_a_disk_that_does_not_answer_is_told_and_the_intake_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another thread; what finds no room meanwhile is lost to the disk, and the log says so."""
    rig = Rig(tmp_path, ring_records_max=10).begin()
    session = rig.session
    with hanging(rig, monkeypatch) as disk:
        rig.clock.advance(1.9)
        session.watch()
        assert (session.state, rig.told('storage_stalled')) == (State.RECORDING, [])
        rig.clock.advance(0.1)
        session.watch()
        assert (session.state, session.not_ready_reason) == (State.DEGRADED, STALLED)
        for _ in range(25):
            rig.clock.advance(1.0)
            session.watch()
        stalled_s = [event.facts['stalled_s'] for event in rig.told('storage_stalled')]
        assert stalled_s == [2.0, 12.0, 22.0]
        rig.take_in(range(1, 41))
        disk.release()
    session.watch()
    assert (session.state, session.not_ready_reason) == (State.RECORDING, '')
    footer, bag = rig.land()
    own = [r.kind for r in bag.records if r.producer_id == 'fdr']
    assert own[:3] == ['flight_header', 'degraded', 'recovered']
    (recovered,) = [payload_of(r) for r in bag.records if r.kind == 'recovered']
    assert (recovered['cause'], recovered['lost']) == ('stall', {'imu_1': 30})
    assert footer.producers['imu_1'].lost == {LossCause.DISK: 30}
    assert seqs_in(bag) == [0, *range(31, 41)]
    check_balance(footer, bag)


def test_a_writer_that_hangs_does_not_keep_the_flight_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left as a crash would leave it, and that is told."""
    rig = Rig(tmp_path, shutdown_deadline_s=0.1).begin()
    with hanging(rig, monkeypatch):
        assert not rig.session.split()
        assert not rig.session.flush()
        assert rig.session.finish() is None
        assert rig.session.state is State.CLOSED
        assert len(rig.told('flight_not_closed')) == 1
        assert not rig.told('flight_closed')


def test_a_writer_that_comes_back_too_late_closes_the_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that had come, and the next flight is not refused for it."""
    rig = Rig(tmp_path, shutdown_deadline_s=0.1).begin()
    after = Rig(tmp_path, flight_id=OTHER_FLIGHT_ID)
    with hanging(rig, monkeypatch):
        rig.take_in(range(1, 600))
        assert rig.session.finish() is None
        with pytest.raises(FdrConcurrentWriterError):
            after.session.open_flight()
    assert rig.told('flight_closed')[0].facts['clean_shutdown'] is True
    bag = read_bag(rig.directory)
    assert seqs_in(bag) == [*range(600)]
    check_balance(footer_in(bag), bag)
    after.begin()
    assert after.session.finish() is not None


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_writer_that_comes_back_with_a_fault_closes_the_flight_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else would, and the root would be locked as long as the process lives."""
    rig = Rig(tmp_path, shutdown_deadline_s=0.1).begin()
    with hanging(rig, monkeypatch):
        assert rig.session.finish() is None
        monkeypatch.delattr(FlightSession, '_end_stall')
    assert rig.told('flight_closed')[0].facts['clean_shutdown'] is True
    after = Rig(tmp_path, flight_id=OTHER_FLIGHT_ID).begin()
    assert after.session.finish() is not None


def test_a_writer_that_comes_back_at_the_last_moment_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After nobody waited for it any more, and before it could know."""
    rig = Rig(tmp_path, shutdown_deadline_s=0.1).begin()
    move = rig.session._move
    with hanging(rig, monkeypatch) as disk:

        def come_back_and_move(change: Change) -> None:
            disk.release()
            assert disk.writer is not None
            disk.writer.join(10)
            move(change)

        monkeypatch.setattr(rig.session, '_move', come_back_and_move)
        footer = rig.session.finish()
    assert footer is not None
    assert footer.clean_shutdown
    assert rig.told('flight_not_closed') == []


def test_a_writer_that_comes_back_after_the_stop_is_not_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flight that is open and does not record writes nothing: that is no stall."""
    rig = Rig(tmp_path, shutdown_deadline_s=0.1).begin()
    with hanging(rig, monkeypatch):
        assert not rig.session.flush()
    rig.clock.advance(60)
    rig.session.watch()
    assert (rig.session.state, rig.session.degraded_reason) == (State.READY, '')
    assert rig.told('storage_stalled') == []


def test_a_writer_that_always_has_something_to_write_is_not_waited_for(tmp_path: Path) -> None:
    """The end of the flight comes between two batches; the writer does not hang."""
    rig = Rig(tmp_path, shutdown_deadline_s=5.0).begin()
    recorder, begun = rig.session._recorder, Flag()
    numbers = iter(range(10**9))

    def tick_and_more() -> None:
        begun.set()
        rig.take_in([next(numbers)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, 'tick', tick_and_more)
        rig.take_in([next(numbers)])
        writer = Thread(target=rig.session.write_out)
        writer.start()
        assert begun.wait(10)
        assert rig.session.split()
        writer.join(10)
    footer, bag = rig.land()
    assert seqs_in(bag) == list(range(next(numbers)))
    check_balance(footer, bag)


def test_a_slow_disk_with_much_to_write_is_no_stall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of a second for each record, as an SD card takes for pictures."""
    rig = Rig(tmp_path, segment_bytes_max=32 * MIB, flight_bytes_max=80 * MIB).begin()
    sync = fs.sync_data

    def slowly(descriptor: int) -> None:
        rig.clock.advance(0.1)
        rig.session.watch()
        sync(descriptor)

    monkeypatch.setattr(fs, 'sync_data', slowly)
    batch = [serialised(seq, 'camera', payload_bytes=200 * KIB) for seq in range(80)]
    rig.session.take_in(batch)
    begun_ns = rig.clock.monotonic_ns()
    rig.session.write_out()
    assert rig.clock.monotonic_ns() - begun_ns > 5 * NS_PER_S
    assert rig.told('storage_stalled') == []
    assert seqs_in(rig.land()[1], 'camera') == [*range(80)]


def test_a_flood_does_not_keep_losses_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the ring is never empty."""
    rig = Rig(tmp_path).begin()
    session, numbers = rig.session, iter(range(0, 2000, 2))
    monkeypatch.setattr(session._recorder, 'tick', lambda: rig.take_in([next(numbers)]))
    rig.take_in([next(numbers)])
    session.write_out()
    rig.clock.advance(1.0)
    session.write_out()
    assert rig.told('records_lost')
    assert next(numbers) < 1000


@pytest.mark.parametrize(('times', 'number'), [(1, errno.EIO), (3, errno.ENOSPC)])
def test_a_disk_that_fails_for_a_moment_at_the_end_costs_no_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, number: int
) -> None:
    """At whichever call of the end: it is tried again, and the footer is there once."""
    made = nth = 0
    while nth <= made:
        nth += 1
        rig = Rig(tmp_path / f'{nth}').begin()
        rig.take_in(range(3))
        rig.session.flush()
        rig.take_in(range(3, 6))
        with monkeypatch.context() as patch:
            calls = FailingCalls(patch)
            for later in range(times):
                calls.fail('', nth=nth + later, number=number)
            footer, bag = rig.land()
            made = len(calls.made)
        assert footer.clean_shutdown
        assert seqs_in(bag) == [*range(6)]
        assert [record.kind for record in bag.records].count('flight_footer') == 1
        check_balance(footer, bag)
    assert nth > 10


def test_a_disk_that_hangs_at_the_very_end_keeps_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flight is left as a crash would leave it, and that is told."""
    rig = Rig(tmp_path).begin()
    rig.take_in([0])
    disk = HungDisk(monkeypatch)
    assert close_within(rig.session, 0.2, report=rig.events.append) is None
    assert disk.is_waited_for.is_set()
    (event,) = rig.told('flight_not_closed')
    assert event.facts == {'reason': 'the disk has not answered for 0.2 s'}
    disk.release()


def test_a_close_in_a_thread_of_its_own(tmp_path: Path) -> None:
    """It is like any other, and so is its fault."""
    rig = Rig(tmp_path).begin()
    rig.take_in([0])
    footer = close_within(rig.session, 10.0, report=rig.events.append)
    assert footer is not None
    assert footer.clean_shutdown
    assert rig.told('flight_closed')
    with pytest.raises(FlightStateError):
        close_within(rig.session, 10.0, report=rig.events.append)


def test_the_states_of_a_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready for take-off is recording alone."""
    rig = Rig(tmp_path)
    session = rig.session
    seen = [(session.state, bool(session.not_ready_reason))]

    def note() -> None:
        session.watch()
        seen.append((session.state, bool(session.not_ready_reason)))

    session.open_flight()
    note()
    session.listen()
    note()
    calls = FailingCalls(monkeypatch)
    refuse(rig, calls)
    note()
    calls.mend()
    session.retry()
    session.write_out()
    note()
    session.flush()
    note()
    session.finish()
    note()
    assert seen == [
        (State.UNREADY, True),
        (State.READY, True),
        (State.RECORDING, False),
        (State.DEGRADED, True),
        (State.RECORDING, False),
        (State.READY, True),
        (State.CLOSED, True),
    ]


def test_a_segment_is_begun_when_somebody_asks(tmp_path: Path) -> None:
    """And the file that is open is known."""
    rig = Rig(tmp_path).begin()
    rig.take_in(range(3))
    rig.session.write_out()
    before = rig.session.open_file()
    assert rig.session.split()
    rig.take_in(range(3, 5))
    rig.session.write_out()
    opened = rig.session.open_file()
    _, bag = rig.land()
    assert before is not None
    assert opened is not None
    assert (before.name, opened.name) == (f'{FLIGHT_ID}_0.mcap', f'{FLIGHT_ID}_1.mcap')
    assert seqs_in(bag) == [0, 1, 2, 3, 4]
    assert rig.session.open_file() is None


def test_a_root_that_another_recorder_has_taken_is_waited_for(tmp_path: Path) -> None:
    """Somebody removed the lock file; who holds the root is the reason that is told."""
    rig = Rig(tmp_path).begin()
    rig.take_in(range(3))
    rig.session.write_out()
    (tmp_path / LOCK_NAME).unlink()
    other = Rig(tmp_path, flight_id=OTHER_FLIGHT_ID).begin()
    rig.take_in(range(3, 6))
    rig.session.write_out()
    assert not rig.session.split()
    rig.session.watch()
    assert f'flight {OTHER_FLIGHT_ID} holds the lock' in rig.session.not_ready_reason
    other.session.finish()
    rig.clock.advance(1.0)
    rig.session.write_out()
    assert rig.session.degraded_reason == ''
    footer = rig.session.finish()
    assert footer is not None
    assert footer.clean_shutdown
    assert footer.producers['imu_1'] == ProducerTotals(published=6, recorded=6)
