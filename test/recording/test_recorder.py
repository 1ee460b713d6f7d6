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
The recorder on a store in memory: opening, keeping time, misuse, and what it does when steps fail.

What is on disk after all this is tested in test/storage/test_backends.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
import errno
import json
from typing import TYPE_CHECKING

from faulty_store import FaultyStore
from fdr_node.clock import NS_PER_S
from fdr_node.config import KIB, MIB
from fdr_node.errors import FdrOpenError, FlightStateError, PayloadError, StorageError
from fdr_node.events import Level
from fdr_node.record import decode_cdr, encode_cdr, FdrRecord, peek
from fdr_node.recording import beginning, ending
from fdr_node.recording.failure import Failure
from fdr_node.recording.recorder_status import RecorderStatus
from fdr_node.schema import (
    ClockStep,
    FOOTER_NAME,
    HEADER_NAME,
    LossCause,
    ProducerTotals,
    Recovered,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from memory_store import Message, ROOT
import pytest
from rigs import FLIGHT_ID, header_of, MemoryRig, OTHER_FLIGHT_ID, payload_of, record_of

if TYPE_CHECKING:
    from collections.abc import Callable


LARGE_BYTES = 180 * KIB
STEP = ClockStep(wall_before_ns=1, wall_after_ns=5, monotonic_ns=7, step_ns=4)


@pytest.fixture
def rig() -> MemoryRig:
    """Return a recorder."""
    return MemoryRig()


@pytest.fixture
def flying(rig: MemoryRig) -> MemoryRig:
    """Return a recorder with an open flight."""
    rig.open_flight()
    return rig


def durable(rig: MemoryRig) -> list[FdrRecord]:
    """Return all records that are in the flight's segments."""
    return [
        decode_cdr(message.data)
        for segment in rig.flight.segments.values()
        for message in segment.messages
    ]


def numbers(rig: MemoryRig) -> list[int]:
    """Return the numbers of the records that producers sent, as they are in the flight."""
    return [record.seq for record in durable(rig) if record.producer_id != 'fdr']


def kinds(rig: MemoryRig) -> list[str]:
    """Return the kinds of the recorder's own records in the flight."""
    return [record.kind for record in durable(rig) if record.producer_id == 'fdr']


# --- opening


def test_an_opened_flight_has_its_header_on_disk(rig: MemoryRig) -> None:
    """As its first record, in the segment, and in the metadata; all durable."""
    header = rig.open_flight()
    (record,) = durable(rig)
    assert (record.producer_id, record.kind, record.seq) == ('fdr', 'flight_header', 0)
    assert payload_of(record) == json.loads(header.to_json())
    (segment,) = rig.flight.segments.values()
    assert segment.begin_texts == {HEADER_NAME: header.to_json()}
    assert rig.flight.custom_data == segment.begin_texts
    assert rig.flight.listed == [segment.facts]
    (event,) = rig.events
    assert (event.name, event.level, event.facts) == (
        'flight_opened',
        Level.INFO,
        {'flight_id': FLIGHT_ID, 'directory': str(ROOT / FLIGHT_ID)},
    )


@pytest.mark.parametrize('flight_id', [FLIGHT_ID, OTHER_FLIGHT_ID])
def test_an_open_flight_is_not_opened_again(flying: MemoryRig, flight_id: str) -> None:
    """Neither under its own id nor under another; it goes on."""
    with pytest.raises(FlightStateError, match=f'flight {FLIGHT_ID} is open'):
        flying.open_flight(flight_id)
    flying.write([0])
    assert flying.recorder.close_flight().records_written == 3


@pytest.mark.parametrize('step', ['open_segment', 'commit', 'publish'])
def test_an_opening_that_fails_leaves_nothing(rig: MemoryRig, step: str) -> None:
    """No flight, no lock; the error says why; then it can be opened."""
    rig.faults.arm(step, number=errno.ENOSPC)
    with pytest.raises(FdrOpenError, match='ENOSPC: No space left on device') as caught:
        rig.open_flight()
    assert caught.value.path == str(ROOT / FLIGHT_ID)
    assert (rig.disk.flights, rig.disk.holder, rig.events) == ({}, '', [])
    assert rig.recorder.status().header is None
    rig.open_flight()


@pytest.mark.parametrize('step', ['claim', 'free_bytes', 'flight', 'commit', 'report'])
def test_a_fault_of_the_program_at_the_opening_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Neither a lock nor a file, on neither disk; a flight needs no second disk, though."""
    rig = MemoryRig(has_spare=True)
    fault = ZeroDivisionError(step)

    def fail(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        match step:
            case 'commit':
                rig.faults.arm('commit', fault=fault)
            case 'report':
                patch.setattr(rig.recorder, '_report', fail)
            case 'flight':
                patch.setattr(beginning, 'Flight', fail)
            case name:
                patch.setattr(FaultyStore, name, fail)
        if step in {'claim', 'free_bytes'}:
            rig.open_flight()
            assert rig.told() == ['no_fallback', 'flight_opened']
            assert rig.recorder.close_flight().clean_shutdown
            rig.disk.flights.clear()
        else:
            with pytest.raises(ZeroDivisionError):
                rig.open_flight()
    for disk in (rig.disk, rig.spare_disk):
        assert (disk.holder, disk.flights) == ('', {})
    rig.open_flight()
    assert rig.recorder.close_flight().clean_shutdown


def test_a_header_that_cannot_be_written_is_refused(rig: MemoryRig) -> None:
    """Before anything is touched; what such a header is, test_identity.py says."""
    header = replace(header_of(rig.config, rig.clock), flight_id='../elsewhere')
    with pytest.raises(FdrOpenError, match='is no UUID'):
        rig.recorder.open_flight(header)
    assert (rig.disk.flights, rig.disk.holder) == ({}, '')


def test_a_flight_id_is_used_once(flying: MemoryRig) -> None:
    """The flight before stays as it was, and so does its footer."""
    footer = flying.recorder.close_flight()
    with pytest.raises(FdrOpenError, match='exists already'):
        flying.open_flight()
    assert flying.recorder.close_flight() is footer
    assert kinds(flying) == ['flight_header', 'flight_footer']


def test_flights_follow_each_other(flying: MemoryRig) -> None:
    """Each with counts of its own."""
    flying.write(range(3))
    first = flying.recorder.close_flight()
    flying.open_flight(OTHER_FLIGHT_ID)
    flying.write([0])
    second = flying.recorder.close_flight()
    assert (first.records_written, second.records_written) == (5, 3)
    assert (first.flight_id, second.flight_id) == (FLIGHT_ID, OTHER_FLIGHT_ID)


# --- misuse


def test_nothing_is_written_before_an_opening_or_after_a_close(rig: MemoryRig) -> None:
    """The error says which of the two it is; tick, which a timer calls, does nothing."""
    record = record_of(0)
    data = encode_cdr(record)
    calls: list[Callable[[], object]] = [
        lambda: rig.recorder.write_record(record),
        lambda: rig.recorder.write(data, peek(data), received_ns=0),
        lambda: rig.recorder.write_own(STEP),
        rig.recorder.commit,
    ]
    for state in ('no flight is open', 'the flight is closed'):
        for call in calls:
            with pytest.raises(FlightStateError, match=state):
                call()
        rig.recorder.tick()
        if state == 'no flight is open':
            rig.open_flight()
            rig.recorder.close_flight()


def test_a_close_without_an_opening_is_an_error(rig: MemoryRig) -> None:
    """There is no footer to return."""
    with pytest.raises(FlightStateError, match='no flight was opened') as caught:
        rig.recorder.close_flight()
    assert caught.value.operation == 'close_flight'


def test_a_second_close_returns_the_footer_of_the_first(flying: MemoryRig) -> None:
    """And does nothing else."""
    footer = flying.recorder.close_flight()
    calls, told = list(flying.faults.calls), flying.told()
    assert flying.recorder.close_flight({'x': ProducerTotals(published=1, recorded=0)}) is footer
    assert (flying.faults.calls, flying.told()) == (calls, told)


def test_a_record_that_is_too_large_is_refused(flying: MemoryRig) -> None:
    """A segment may have no room for it; the largest that is allowed is taken."""
    room = flying.config.record_bytes_max - len(encode_cdr(record_of(0, payload_bytes=0)))
    flying.write([0], payload_bytes=room)
    with pytest.raises(PayloadError, match='record is 262145, allowed: at most 262144 bytes'):
        flying.write([1], payload_bytes=room + 1)
    flying.recorder.close_flight()
    assert numbers(flying) == [0]


def test_a_record_that_cannot_be_encoded_is_refused(flying: MemoryRig) -> None:
    """And not counted."""
    with pytest.raises(PayloadError, match='producer_id'):
        flying.recorder.write_record(record_of(0)._replace(producer_id=''))
    assert flying.recorder.status().records_written == 1


# --- writing and committing


def test_a_record_is_taken_at_once_and_durable_later(flying: MemoryRig) -> None:
    """A commit by hand makes it so now."""
    flying.write([0, 1])
    assert (numbers(flying), flying.recorder.status().records_written) == ([], 3)
    assert flying.recorder.commit()
    assert numbers(flying) == [0, 1]


def test_a_full_chunk_is_committed(flying: MemoryRig) -> None:
    """``chunk_bytes`` is what memory holds at most."""
    flying.write(range(3), payload_bytes=11 * KIB)
    assert numbers(flying) == [0, 1, 2]


def test_what_waits_is_committed_within_the_interval(flying: MemoryRig) -> None:
    """A little before it has passed, counted from the oldest record that waits."""
    flying.clock.advance(100)
    flying.write([0])
    flying.clock.advance(0.7)
    flying.write([1])
    flying.clock.advance(0.099)
    flying.recorder.tick()
    assert numbers(flying) == []
    flying.clock.advance(0.001)
    flying.recorder.tick()
    assert numbers(flying) == [0, 1]


def test_the_wall_clock_has_no_part_in_it(flying: MemoryRig) -> None:
    """Neither forwards nor backwards."""
    flying.write([0])
    flying.clock.step_wall(-1e6)
    flying.recorder.tick()
    flying.clock.step_wall(2e6)
    flying.recorder.tick()
    assert numbers(flying) == []
    flying.clock.advance(1)
    flying.recorder.tick()
    assert numbers(flying) == [0]


def test_a_commit_with_nothing_new_writes_nothing(flying: MemoryRig) -> None:
    """Hours without a record cost no wear."""
    calls = list(flying.faults.calls)
    for _ in range(10):
        flying.clock.advance(1)
        flying.recorder.tick()
    assert flying.faults.calls == calls + 10 * ['size_of']


def test_a_segment_is_cut_when_it_is_old() -> None:
    """By the monotonic clock, at the next tick; an idle flight stays one segment."""
    rig = MemoryRig({'segment_duration_max_s': 60.0})
    rig.open_flight()
    for seq in range(6):
        rig.clock.advance(30)
        rig.write([seq])
        rig.recorder.tick()
    for _ in range(10):
        rig.clock.advance(100)
        rig.recorder.tick()
    assert [len(segment.messages) for segment in rig.flight.ever] == [3, 3, 1, 0]


def test_a_record_of_the_recorder_itself(flying: MemoryRig) -> None:
    """Next to the records of producers, in its own row of numbers."""
    flying.write([0])
    assert flying.recorder.write_own(STEP)
    flying.recorder.commit()
    record = durable(flying)[-1]
    assert (record.producer_id, record.kind, record.seq) == ('fdr', 'clock_step', 1)
    assert payload_of(record) == STEP.to_payload()


def test_a_step_of_the_wall_clock_is_recorded(flying: MemoryRig) -> None:
    """With both clocks, at the next tick; slewing and the passing of time are no step."""
    flying.clock.advance(10)
    flying.clock.step_wall(0.05)
    flying.recorder.tick()
    flying.clock.step_wall(-3600)
    before_ns = flying.clock.wall_ns() + 3600 * 10**9
    for _ in range(3):
        flying.recorder.tick()
    flying.recorder.commit()
    (record,) = [record for record in durable(flying) if record.kind == 'clock_step']
    assert payload_of(record) == {
        'wall_before_ns': before_ns,
        'wall_after_ns': flying.clock.wall_ns(),
        'monotonic_ns': flying.clock.monotonic_ns(),
        'step_ns': -3600 * 10**9,
    }
    (event,) = [event for event in flying.events if event.name == 'clock_step']
    assert event.facts['step_s'] == -3600


def test_a_step_before_the_first_tick_is_recorded_too(rig: MemoryRig) -> None:
    """It is counted from the start that the header tells."""
    header = header_of(rig.config, rig.clock)
    rig.clock.step_wall(5)
    rig.recorder.open_flight(header)
    rig.recorder.tick()
    rig.recorder.commit()
    assert kinds(rig) == ['flight_header', 'clock_step']


def test_gnss_time_comes_to_a_computer_that_booted_in_1970() -> None:
    """One step of half a century; log time and durations go on as if nothing had been."""
    rig = MemoryRig({'segment_duration_max_s': 2.0})
    rig.clock.step_wall(3 - rig.clock.wall_ns() / NS_PER_S)
    header = rig.open_flight()
    assert header.start_utc.startswith('1970-01-01T00:00:0')
    for seq in range(5):
        rig.clock.advance(1)
        rig.write([seq])
        rig.recorder.tick()
        if seq == 2:
            rig.clock.step_wall(1.7e9)
    footer = rig.recorder.close_flight()
    assert footer.end_monotonic_ns - header.start_monotonic_ns == 5 * NS_PER_S
    assert footer.end_utc.startswith('2023-')
    messages = [m for segment in rig.flight.ever for m in segment.messages]
    (step,) = [m for m in messages if decode_cdr(m.data).kind == 'clock_step']
    assert payload_of(decode_cdr(step.data))['step_ns'] == 1_700_000_000 * NS_PER_S
    times = [m.log_time_ns - header.start_wall_ns for m in messages]
    assert times == sorted(times)
    assert times[-1] == 5 * NS_PER_S


@pytest.mark.parametrize('years_s', [0, 20 * 365 * 86400], ids=['in flight', 'from the start'])
def test_a_clock_beyond_2038_does_not_end_the_recording(years_s: int) -> None:
    """The stamp of a message ends there; what the recorder says of itself stays at that end."""
    rig = MemoryRig()
    rig.clock.step_wall(years_s)
    header = rig.open_flight()
    rig.clock.step_wall(20 * 365 * 86400)
    rig.recorder.tick()
    footer = rig.recorder.close_flight()
    assert footer.clean_shutdown
    assert kinds(rig) == ['flight_header', 'clock_step', 'flight_footer']
    assert durable(rig)[-1].stamp_ns == 2**31 * NS_PER_S - 1
    payloads = [payload_of(record) for record in durable(rig)]
    assert payloads[0]['start_wall_ns'] == header.start_wall_ns
    assert payloads[1]['wall_after_ns'] == payloads[2]['end_wall_ns'] == rig.clock.wall_ns()


def test_every_step_is_recorded_once() -> None:
    """There and back, on a clock that is slewed and at ticks that are late."""
    rig = MemoryRig()
    rig.open_flight()
    steps_s = [0, 3600, 0, 0, -3600, 0.2, -0.2, 0, 0.099, -0.099]
    for seq, step_s in enumerate(steps_s * 3):
        rig.clock.advance(0.01 * (1 + seq % 7) ** 2)
        rig.clock.step_wall(0.0004 + step_s)
        rig.recorder.tick()
    rig.recorder.close_flight()
    found = [
        payload_of(decode_cdr(message.data))
        for segment in rig.flight.ever
        for message in segment.messages
        if decode_cdr(message.data).kind == 'clock_step'
    ]
    expected = [step_s for step_s in steps_s * 3 if abs(step_s) > 0.1]
    assert [round(as_float(item['step_ns']) / NS_PER_S, 1) for item in found] == expected
    assert [event.facts['step_s'] for event in rig.events if event.name == 'clock_step'] == [
        as_float(item['step_ns']) / NS_PER_S for item in found
    ]


def test_a_step_that_the_disk_refuses_is_recorded_later() -> None:
    """When it takes data again, together with what was stepped meanwhile; it is told then."""
    rig = MemoryRig()
    rig.open_flight()
    for size in (LARGE_BYTES, 10_000, 500, 1):
        while rig.flight.ever[0].fits(len(encode_cdr(record_of(0, payload_bytes=size)))):
            rig.write([0], payload_bytes=size)
    rig.recorder.commit()
    rig.clock.step_wall(50)
    rig.faults.arm('open_segment')
    rig.recorder.tick()
    assert rig.recorder.status().degraded_reason.startswith('cut:')
    assert 'clock_step' not in rig.told()
    rig.clock.step_wall(7)
    for _ in range(3):
        rig.clock.advance(1)
        rig.recorder.tick()
    rig.recorder.commit()
    (record,) = [record for record in durable(rig) if record.kind == 'clock_step']
    assert payload_of(record)['step_ns'] == 57 * NS_PER_S
    assert rig.told().count('clock_step') == 1


def as_float(value: object) -> float:
    """Return a number of a payload."""
    assert isinstance(value, int)
    return float(value)


def test_an_urgent_kind_is_durable_at_once() -> None:
    """With all that was taken before it; others wait."""
    rig = MemoryRig({'commit_now_kinds': ('alarm',)})
    rig.open_flight()
    rig.write([0])
    assert numbers(rig) == []
    rig.recorder.write_record(record_of(1)._replace(kind='alarm'))
    assert numbers(rig) == [0, 1]


def test_a_kind_of_the_recorder_itself_can_be_urgent() -> None:
    """And is durable at once when it is."""
    rig = MemoryRig({'commit_now_kinds': ('clock_step',)})
    rig.open_flight()
    rig.recorder.write_own(Recovered(cause='commit', duration_ns=1))
    assert kinds(rig) == ['flight_header']
    rig.recorder.write_own(STEP)
    assert kinds(rig) == ['flight_header', 'recovered', 'clock_step']


def test_an_urgent_record_that_cannot_be_committed_waits_alone() -> None:
    """It is taken; what follows is not, until it is durable."""
    rig = MemoryRig({'commit_now_kinds': ('alarm',)})
    rig.open_flight()
    rig.faults.arm('commit')
    rig.recorder.write_record(record_of(0)._replace(kind='alarm'))
    data = encode_cdr(record_of(1))
    assert not rig.recorder.write(data, peek(data), received_ns=0)
    rig.clock.advance(1)
    rig.recorder.tick()
    assert numbers(rig) == [0]
    assert rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns())


def test_drops_are_told() -> None:
    """One event for each segment, at once, whoever caused the cut."""
    flying = MemoryRig({'chunk_bytes': MIB})
    flying.open_flight()
    flying.write(range(11), payload_bytes=LARGE_BYTES)
    drops = [event for event in flying.events if event.name == 'segment_dropped']
    gone = [s for s in flying.flight.ever if s not in flying.flight.segments.values()]
    assert [(event.level, event.facts) for event in drops] == [
        (
            Level.INFO,
            {
                'file': segment.facts.name,
                'reason': 'cap',
                'size_bytes': segment.facts.size_bytes,
                'records': segment.facts.records,
                'rollover_count': 1 + place,
            },
        )
        for place, segment in enumerate(gone)
    ]
    assert len(drops) == 2


# --- status


def test_the_status_without_a_flight(rig: MemoryRig) -> None:
    """All zeros."""
    nothing = RecorderStatus(
        header=None,
        directory=None,
        segment_index=0,
        segment_bytes=0,
        size_bytes=0,
        is_rolling=False,
        degraded_reason='',
        records_written=0,
        producers={},
        bytes_written=0,
        rollover_count=0,
        commit_age_ns=None,
    )
    assert rig.recorder.status() == nothing
    assert (rig.recorder.current_size_bytes(), rig.recorder.is_rolling()) == (0, False)
    rig.open_flight()
    rig.recorder.close_flight()
    assert rig.recorder.status() == nothing


def test_the_status_of_a_flight_that_is_rolling(flying: MemoryRig) -> None:
    """Every field of it."""
    flying.write(range(10), payload_bytes=LARGE_BYTES)
    flying.clock.advance(0.25)
    flying.recorder.commit()
    flying.clock.advance(0.5)
    flying.write([10])
    ever = flying.flight.ever
    status = flying.recorder.status()
    assert status.header is not None
    assert status == RecorderStatus(
        header=status.header,
        directory=ROOT / FLIGHT_ID,
        segment_index=len(ever) - 1,
        segment_bytes=ever[-1].facts.size_bytes,
        size_bytes=flying.recorder.current_size_bytes(),
        is_rolling=True,
        degraded_reason='',
        records_written=13,
        producers={'fdr': 2, 'imu_1': 11},
        bytes_written=sum(segment.facts.size_bytes for segment in ever),
        rollover_count=1,
        commit_age_ns=500_000_000,
    )
    assert (status.header.flight_id, flying.recorder.is_rolling()) == (FLIGHT_ID, True)
    left = sum(s.facts.size_bytes for s in flying.flight.segments.values())
    assert status.size_bytes > left


class Passing:
    """Stands for a value that another thread replaces right after it was looked at."""

    def __init__(self, value: object, pass_on: Callable[[], None]) -> None:
        self._value = value
        self._pass_on = pass_on

    def __bool__(self) -> bool:
        self._pass_on()
        return True

    def __getattr__(self, name: str) -> object:
        return getattr(self._value, name)


def test_the_status_is_taken_while_another_thread_goes_on(flying: MemoryRig) -> None:
    """It reads what changes once: a segment that is cut, a failure that is over."""
    recorder, flight = flying.recorder, flying.recorder._flight
    assert flight is not None
    segment = flight._segment
    assert segment is not None
    passing = Passing(segment, lambda: setattr(flight, '_segment', None))
    flight._segment = passing  # type: ignore[assignment]  # it stands in for the segment
    assert recorder.status().segment_bytes == segment.facts.size_bytes
    failure = Failure.first('commit', OSError(errno.EIO, 'x'), 0)
    degradation = recorder._degradation
    passing = Passing(failure, lambda: setattr(degradation, 'failure', None))
    degradation.failure = passing  # type: ignore[assignment]  # and for the failure
    assert recorder.status().degraded_reason == 'commit: EIO: x'


# --- closing


def test_the_footer_says_how_the_flight_went(flying: MemoryRig) -> None:
    """In the record, at the end of the last segment, and in the metadata."""
    flying.write(range(3))
    flying.clock.advance(20)
    totals = {
        'imu_1': ProducerTotals(published=10, recorded=0, lost={LossCause.TRANSPORT: 7}),
        'gnss': ProducerTotals(published=4, recorded=0, lost={LossCause.RING: 4}),
    }
    footer = flying.recorder.close_flight(totals)
    (segment,) = flying.flight.segments.values()
    assert footer.to_payload() == {
        'flight_id': FLIGHT_ID,
        'end_utc': '2026-01-31T12:00:20.000000Z',
        'end_wall_ns': flying.clock.wall_ns(),
        'end_monotonic_ns': flying.clock.monotonic_ns(),
        'records_written': 5,
        'records_dropped_by_cause': {'transport': 7, 'ring': 4},
        'records_rolled_off': 0,
        'bytes_written': segment.facts.size_bytes,
        'rollover_count': 0,
        'segment_count': 1,
        'clean_shutdown': True,
        'producers': {
            'fdr': ProducerTotals(published=2, recorded=2).to_payload(),
            'gnss': totals['gnss'].to_payload(),
            'imu_1': replace(totals['imu_1'], recorded=3).to_payload(),
        },
        'producers_omitted': 0,
    }
    assert payload_of(durable(flying)[-1]) == footer.to_payload()
    assert (segment.end_texts or {})[FOOTER_NAME] == footer.to_json()
    assert flying.flight.custom_data[FOOTER_NAME] == footer.to_json()
    assert (flying.disk.holder, flying.told()) == ('', ['flight_opened', 'flight_closed'])
    assert flying.events[-1].facts == {
        'flight_id': FLIGHT_ID,
        'clean_shutdown': True,
        'records_written': 5,
        'bytes_written': segment.facts.size_bytes,
    }


# --- failing


def test_a_commit_that_fails_degrades_the_recorder(flying: MemoryRig) -> None:
    """What was taken is kept; nothing more is taken; the caller is told so."""
    flying.write([0])
    flying.faults.arm('commit', times=99, number=errno.ENOSPC)
    assert not flying.recorder.commit()
    status = flying.recorder.status()
    assert status.degraded_reason == 'commit: ENOSPC: No space left on device'
    data = encode_cdr(record_of(1))
    assert not flying.recorder.write(data, peek(data), received_ns=flying.clock.monotonic_ns())
    assert not flying.recorder.write_own(STEP)
    with pytest.raises(StorageError) as caught:
        flying.write([2])
    assert (caught.value.errno, caught.value.path) == (errno.ENOSPC, str(ROOT / FLIGHT_ID))
    assert flying.recorder.status() == status
    event = flying.events[-1]
    assert (event.name, event.level, event.facts) == (
        'storage_failed',
        Level.ERROR,
        {
            'step': 'commit',
            'errno': 'ENOSPC',
            'text': 'No space left on device',
            'path': str(ROOT / FLIGHT_ID),
            'free_bytes': 1 << 40,
            'tries': 1,
        },
    )


def test_a_full_chunk_that_cannot_be_committed_is_taken_all_the_same(flying: MemoryRig) -> None:
    """It is in memory until the disk takes it."""
    flying.faults.arm('commit')
    flying.write([0], payload_bytes=40 * KIB)
    assert flying.recorder.status().degraded_reason
    flying.clock.advance(0.25)
    flying.recorder.tick()
    assert numbers(flying) == [0]


def test_it_is_tried_again_after_growing_pauses(flying: MemoryRig) -> None:
    """A quarter of a second, then twice as long, two seconds at most; one log line in 10 s."""
    flying.write([0])
    flying.faults.arm('commit', times=20, number=errno.EMFILE)
    before = len(flying.faults.calls)
    flying.recorder.commit()
    start_ns = flying.clock.monotonic_ns()
    tries_s: list[float] = []
    while len(tries_s) < 19:
        flying.clock.advance(0.05)
        calls = len(flying.faults.calls)
        flying.recorder.tick()
        if len(flying.faults.calls) > calls:
            tries_s.append((flying.clock.monotonic_ns() - start_ns) / 1e9)
    pauses = [after - first for first, after in zip([0, *tries_s], tries_s, strict=False)]
    assert [round(pause, 6) for pause in pauses] == [0.25, 0.5, 1.0] + [2.0] * 16
    assert len(flying.faults.calls) - before == 20
    failed = [event.facts['tries'] for event in flying.events if event.name == 'storage_failed']
    assert failed == [1, 9, 14, 19]


def test_a_storage_that_recovers(flying: MemoryRig) -> None:
    """All that was taken is there, once; the log and the events say how long it lasted."""
    flying.write(range(3))
    flying.faults.arm('commit', times=3, number=errno.EMFILE)
    flying.recorder.commit()
    for _ in range(100):
        flying.clock.advance(0.05)
        flying.recorder.tick()
    flying.write(range(3, 5))
    flying.recorder.commit()
    assert numbers(flying) == [0, 1, 2, 3, 4]
    assert kinds(flying) == ['flight_header', 'degraded', 'recovered']
    (record,) = [record for record in durable(flying) if record.kind == 'recovered']
    assert payload_of(record) == {'cause': 'commit', 'duration_ns': 1_750_000_000, 'lost': {}}
    assert flying.recorder.status().degraded_reason == ''
    assert flying.told() == ['flight_opened', 'storage_failed', 'recovered']
    assert flying.events[-1].facts == {
        'reason': 'commit: EMFILE: Too many open files',
        'duration_s': 1.75,
        'directory': str(ROOT / FLIGHT_ID),
        'records_lost': 0,
    }


def test_a_second_failure_is_a_new_one(flying: MemoryRig) -> None:
    """It is logged at once, and starts with the short pause."""
    for seq in range(2):
        flying.write([seq])
        flying.faults.arm('commit')
        flying.recorder.commit()
        flying.clock.advance(0.25)
        flying.recorder.tick()
    told = ['storage_failed', 'recovered']
    assert flying.told() == ['flight_opened', *told, *told]


def test_a_commit_by_hand_while_degraded_is_a_try_too(flying: MemoryRig) -> None:
    """When it succeeds the records are safe and the failure is over."""
    flying.write([0])
    flying.faults.arm('commit', times=3, number=errno.EMFILE)
    assert [flying.recorder.commit() for _ in range(4)] == [False, False, False, True]
    assert numbers(flying) == [0]
    assert flying.recorder.status().degraded_reason == ''


@pytest.mark.parametrize('times', [1, 3])
@pytest.mark.parametrize('step', ['close', 'release', 'publish', 'drop_segment', 'open_segment'])
def test_a_cut_that_fails_goes_on_where_it_stopped(step: str, times: int) -> None:
    """The record that needed it is offered again by its producer; no other is lost or doubled."""
    rig = MemoryRig()
    rig.open_flight()
    rig.write(range(8), payload_bytes=LARGE_BYTES)
    rig.faults.arm(step, times=times)
    taken = []
    for seq in range(8, 11):
        for _ in range(20):
            data = encode_cdr(record_of(seq, payload_bytes=LARGE_BYTES))
            now_ns = rig.clock.monotonic_ns()
            if rig.recorder.write(data, peek(data), received_ns=now_ns):
                taken.append(seq)
                break
            assert rig.recorder.status().degraded_reason.startswith(('cut:', 'commit:'))
            rig.clock.advance(1)
            rig.recorder.tick()
    footer = rig.recorder.close_flight()
    assert taken == [8, 9, 10]
    assert numbers(rig) == list(range(11 - len(numbers(rig)), 11))
    failures = kinds(rig).count('recovered')
    assert failures >= 1
    ever = rig.flight.ever
    assert footer.clean_shutdown
    assert footer.bytes_written == sum(s.facts.size_bytes for s in ever)
    # The header, the records, the footer, a note for each drop, two for each failure.
    own = 2 + footer.rollover_count + 2 * failures
    assert footer.records_written == sum(s.facts.records for s in ever) == 11 + own
    assert footer.rollover_count == rig.told().count('segment_dropped') >= 1
    assert rig.flight.listed == [s.facts for s in rig.flight.segments.values()]


def test_a_cut_for_age_that_fails_is_finished_later() -> None:
    """It is not begun anew."""
    rig = MemoryRig({'segment_duration_max_s': 60.0})
    rig.open_flight()
    rig.clock.advance(60)
    rig.faults.arm('open_segment')
    rig.recorder.tick()
    assert rig.recorder.status().degraded_reason.startswith('cut:')
    rig.clock.advance(0.25)
    rig.recorder.tick()
    rig.recorder.commit()
    assert [[m.sequence for m in s.messages] for s in rig.flight.ever] == [[0], [1, 2]]
    assert kinds(rig) == ['flight_header', 'degraded', 'recovered']


def closing_fails(step: str, *, times: int = 1) -> MemoryRig:
    """Return a flight with one record durable and one not, whose close failed at a step."""
    rig = MemoryRig()
    rig.open_flight()
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    rig.faults.arm(step, times=times)
    return rig


@pytest.mark.parametrize(
    ('step', 'times', 'kept', 'refused'),
    [
        ('commit', 1, ['flight_header', 'imu'], {'imu_1': 1}),
        ('close', 1, ['flight_header', 'imu', 'imu'], {}),
        ('release', 2, ['flight_header', 'imu', 'imu', 'flight_footer'], {}),
        ('publish', 1, ['flight_header', 'imu', 'imu', 'flight_footer'], {}),
    ],
)
def test_a_close_that_fails_says_so(
    step: str, times: int, kept: list[str], refused: dict[str, int]
) -> None:
    """The footer that is returned counts what is durable; the place is given back."""
    rig = closing_fails(step, times=times)
    footer = rig.recorder.close_flight({'imu_1': ProducerTotals(published=2, recorded=0)})
    (segment,) = rig.flight.segments.values()
    assert [record.kind for record in durable(rig)] == kept
    assert (footer.clean_shutdown, footer.records_written) == (False, len(kept))
    assert footer.bytes_written == segment.facts.size_bytes
    recorded = Counter(record.producer_id for record in durable(rig))
    assert {name: total.recorded for name, total in footer.producers.items()} == recorded
    assert {name: total.lost for name, total in footer.producers.items() if total.lost} == {
        name: {LossCause.DISK: count} for name, count in refused.items()
    }
    assert rig.disk.holder == ''
    assert segment.is_abandoned or step == 'publish'
    assert [(e.name, e.level) for e in rig.events[1:]] == [
        ('storage_failed', Level.ERROR),
        ('flight_closed', Level.ERROR),
    ]
    assert rig.recorder.status().degraded_reason == 'close: EIO: Input/output error'
    assert rig.recorder.close_flight() is footer
    rig.open_flight(OTHER_FLIGHT_ID)
    assert rig.recorder.status().degraded_reason == ''


def test_a_close_that_ends_in_a_fault_of_the_program_lets_go(
    flying: MemoryRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next flight is not refused for it."""
    with monkeypatch.context() as patch:
        patch.delattr(ending, 'footer_of')
        with pytest.raises(NameError, match='footer_of'):
            flying.recorder.close_flight()
    assert flying.told().count('step_failed') == 1
    assert (flying.disk.holder, flying.recorder.is_open) == ('', False)
    flying.open_flight(OTHER_FLIGHT_ID)
    assert flying.recorder.close_flight().clean_shutdown


def test_a_close_can_succeed_where_a_commit_failed(flying: MemoryRig) -> None:
    """The disk has space again, and the next try is the close itself."""
    flying.write([0])
    flying.faults.arm('commit')
    flying.recorder.commit()
    footer = flying.recorder.close_flight()
    assert (footer.clean_shutdown, footer.records_written) == (True, 3)
    assert numbers(flying) == [0]
    assert flying.recorder.status().degraded_reason == ''


STEPS = ['commit', 'close', 'release', 'publish', 'drop_segment', 'open_segment']


@settings(deadline=None, max_examples=100)
# A commit that fails just after a cut, in a segment that holds nothing yet.
@example([('tick', 3562), ('commit', 1), ('write', 0), ('tick', 1438), ('tick', 250)])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just('write'), st.integers(0, 200 * KIB)),
            st.tuples(st.just('tick'), st.integers(1, 3000)),
            st.tuples(st.just('step_wall'), st.integers(-(10**6), 10**6)),
            st.tuples(st.sampled_from(STEPS), st.integers(1, 3)),
        ),
        max_size=40,
    )
)
def test_no_record_that_was_taken_is_lost(actions: list[tuple[str, int]]) -> None:
    """Whatever is written, whenever the disk fails, and however the wall clock jumps."""
    rig = MemoryRig({'segment_duration_max_s': 5.0})
    rig.open_flight()
    taken: list[int] = []
    for seq, (action, number) in enumerate(actions):
        match action:
            case 'write':
                data = encode_cdr(record_of(seq, payload_bytes=number))
                if rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns()):
                    taken.append(seq)
            case 'tick':
                rig.clock.advance(number / 1000)
                rig.recorder.tick()
            case 'step_wall':
                rig.clock.step_wall(number)
            case _:
                rig.faults.arm(action, times=number)
    rig.faults.pending.clear()
    footer = rig.recorder.close_flight()
    flight = rig.flight
    assert footer.clean_shutdown
    messages = [m for s in flight.ever for m in s.messages if b'fdr\0' not in m.data[:60]]
    assert [message.sequence for message in messages] == taken
    times = [message.log_time_ns for segment in flight.ever for message in segment.messages]
    assert times == sorted(times)
    assert footer.records_written == len(durable(rig)) + footer.records_rolled_off
    assert footer.bytes_written == sum(segment.facts.size_bytes for segment in flight.ever)
    assert all(segment.facts.size_bytes <= 512 * KIB for segment in flight.ever)
    assert flight.listed == [segment.facts for segment in flight.segments.values()]
    assert all(facts.records for facts in flight.listed)


# --- many at once


def test_records_are_taken_together_as_one_by_one() -> None:
    """Segments and chunks are the same, and urgent records are durable at once."""
    kinds = ['imu', 'imu', 'urgent'] * 40
    datas = [
        encode_cdr(record_of(seq, payload_bytes=seq * 997 % 9000)._replace(kind=kind))
        for seq, kind in enumerate(kinds)
    ]
    ends: list[tuple[list[list[Message]], list[str]]] = []
    for together in (1, 7, len(datas)):
        rig = MemoryRig({'commit_now_kinds': ('urgent',), 'chunk_bytes': 16 * KIB})
        rig.open_flight()
        for first in range(0, len(datas), together):
            end = first + together
            batch = [(d, peek(d), 10**9) for d in datas[first:end]]
            assert rig.recorder.write_all(batch) == len(batch)
        segments = [segment.messages for segment in rig.flight.ever]
        segments[0] = segments[0][1:]  # the flight header, whose session is random
        ends.append((segments, rig.faults.calls))
    assert len(ends[0][0]) > 1
    assert ends[0] == ends[1] == ends[2]


def test_of_many_records_those_before_the_failure_are_taken(flying: MemoryRig) -> None:
    """The disk fails at the first commit; the rest is taken when it is back, from there on."""
    records = [(d, peek(d), 10**9) for d in map(encode_cdr, map(record_of, range(1000)))]
    flying.faults.arm('commit')
    taken = flying.recorder.write_all(records)
    assert 0 < taken < 1000
    assert flying.recorder.write_all(records[taken:]) == 0
    flying.clock.advance(1.0)
    flying.recorder.tick()
    assert flying.recorder.write_all(records[taken:]) == 1000 - taken
    flying.recorder.close_flight()
    assert numbers(flying) == list(range(1000))


def test_none_of_many_is_taken_when_one_is_too_large(flying: MemoryRig) -> None:
    """The intake refuses such records before."""
    datas = [encode_cdr(record_of(seq, payload_bytes=size)) for seq, size in ((0, 10), (1, 2**19))]
    with pytest.raises(PayloadError):
        flying.recorder.write_all([(data, peek(data), 0) for data in datas])
    assert flying.recorder.status().producers == {'fdr': 1}
