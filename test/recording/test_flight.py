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
The segments of one flight, on a store in memory: filling, cutting, dropping, ending.

A step that fails is called again until it succeeds; what is there in the end must be what would
be there without the failure.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
import json
from typing import NamedTuple, TYPE_CHECKING

from faulty_store import Faults, FaultyStore
from fdr_node.clock import LogClock, NS_PER_S
from fdr_node.config import KIB, MIB
from fdr_node.record import decode_cdr, encode_cdr, peek
from fdr_node.recording import tally
from fdr_node.recording.drops import Dropped
from fdr_node.recording.ending import Ending
from fdr_node.recording.flight import Flight
from fdr_node.recording.rotation import on_disk
from fdr_node.schema import (
    DropReason,
    FlightFooter,
    FOOTER_NAME,
    HEADER_NAME,
    OTHERS,
    SEGMENT_FOOTER_NAME,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock, WALL_NS
from memory_store import MemoryDisk, MemoryFlight, MemorySegment, MemoryStore
import pytest
from rigs import config_of, FLIGHT_ID, header_of, payload_of, record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fdr_node.config import Setting
    from fdr_node.record import FdrRecord

# Two such records fill a segment; four segments are more than the cap holds.
LARGE_BYTES = 180 * KIB


class Hangar:
    """A flight that is open, and what is needed to look at it."""

    def __init__(self, settings_: Mapping[str, Setting] | None = None) -> None:
        config = config_of(settings=settings_)
        self.clock = ManualClock()
        self.faults = Faults()
        disk = MemoryDisk()
        store = MemoryStore(disk, flight_id=FLIGHT_ID, segment_bytes_max=config.segment_bytes_max)
        store.open_flight()
        self.disk = disk
        self.open_ns = self.clock.monotonic_ns()
        self.flight = Flight(
            header_of(config, self.clock),
            config=config,
            store=FaultyStore(store, self.faults),
            clock=self.clock,
            log_clock=LogClock(
                wall_at_open_ns=self.clock.wall_ns(), monotonic_at_open_ns=self.open_ns
            ),
        )

    @property
    def stored(self) -> MemoryFlight:
        """Return what is in the store."""
        return self.disk.flights[FLIGHT_ID]

    @property
    def open_segment(self) -> MemorySegment:
        """Return the segment that was begun last."""
        return self.stored.ever[-1]

    def put(self, seq: int, *, payload_bytes: int = 100, received_ns: int | None = None) -> None:
        """Put a record, received now."""
        data = encode_cdr(record_of(seq, payload_bytes=payload_bytes))
        now_ns = self.clock.monotonic_ns() if received_ns is None else received_ns
        assert self.flight.put([(data, peek(data), now_ns)]) == 1

    def close(self) -> FlightFooter:
        """Close the flight."""
        ending = Ending(self.flight, clock=self.clock)
        ending.put_footer({})
        return ending.finish()


def records_in(segment: MemorySegment) -> list[FdrRecord]:
    """Return the records of a segment."""
    return [decode_cdr(message.data) for message in segment.messages]


def names(records: list[FdrRecord]) -> list[str]:
    """Return kind and number of records."""
    return [f'{record.kind} {record.seq}' for record in records]


# --- filling


def test_the_first_record_begins_a_segment() -> None:
    """With the flight header in it; until then there is none."""
    hangar = Hangar()
    assert (hangar.flight.segment_count, hangar.stored.ever) == (0, [])
    hangar.put(0)
    assert (hangar.flight.segment_count, hangar.flight.segment_index) == (1, 0)
    assert hangar.open_segment.begin_texts == {HEADER_NAME: hangar.flight.header.to_json()}


def test_a_record_is_stored_as_it_was_received() -> None:
    """Log time of its reception, publish time of its making, its number, its bytes."""
    hangar = Hangar()
    hangar.clock.advance(2.5)
    hangar.put(7, received_ns=hangar.open_ns + 2 * NS_PER_S)
    hangar.flight.commit()
    (message,) = hangar.open_segment.messages
    record = record_of(7)
    assert (message.log_time_ns, message.publish_time_ns, message.sequence, message.data) == (
        WALL_NS + 2 * NS_PER_S,
        record.stamp_ns,
        7,
        encode_cdr(record),
    )


def test_log_time_never_runs_backwards() -> None:
    """Neither when records are handed over out of turn, nor when the wall clock is set back."""
    hangar = Hangar()
    for seq, late_s in enumerate((1, 5, 3, 6)):
        hangar.clock.step_wall(-1000.0 * late_s)
        hangar.put(seq, received_ns=hangar.open_ns + late_s * NS_PER_S)
    hangar.flight.commit()
    assert [m.log_time_ns - WALL_NS for m in hangar.open_segment.messages] == [
        1 * NS_PER_S,
        5 * NS_PER_S,
        5 * NS_PER_S,
        6 * NS_PER_S,
    ]


def test_log_time_goes_on_across_segments() -> None:
    """A record that was received before the cut and written after it."""
    hangar = Hangar()
    hangar.put(0, received_ns=hangar.open_ns + 9)
    hangar.flight.cut()
    hangar.put(1, received_ns=hangar.open_ns + 3)
    hangar.flight.commit()
    assert hangar.open_segment.messages[0].log_time_ns == WALL_NS + 9


def test_own_records_count_from_zero() -> None:
    """They have the session of the header, and the numbers of a producer."""
    hangar = Hangar()
    for _ in range(3):
        hangar.flight.put_own(hangar.flight.header)
    hangar.flight.commit()
    records = records_in(hangar.open_segment)
    assert [(r.producer_id, r.kind, r.seq, r.session_id) for r in records] == [
        ('fdr', 'flight_header', seq, hangar.flight.header.session_id) for seq in range(3)
    ]
    assert payload_of(records[0])['flight_id'] == FLIGHT_ID
    assert hangar.flight.tally.taken == Counter(fdr=3)


# --- committing


def test_a_commit_makes_durable_and_lists_the_segment() -> None:
    """Once: the next commits of the segment leave the metadata alone."""
    hangar = Hangar()
    hangar.put(0)
    assert (hangar.flight.times.pending_since_ns, hangar.flight.times.committed_ns) == (
        hangar.open_ns,
        None,
    )
    hangar.clock.advance(0.5)
    hangar.flight.commit()
    assert hangar.stored.listed == [hangar.open_segment.facts]
    assert hangar.stored.custom_data == {HEADER_NAME: hangar.flight.header.to_json()}
    assert (hangar.flight.times.pending_since_ns, hangar.flight.times.committed_ns) == (
        None,
        hangar.clock.monotonic_ns(),
    )
    hangar.put(1)
    hangar.flight.commit()
    assert hangar.faults.calls.count('publish') == 1
    assert len(hangar.open_segment.messages) == 2


def test_a_segment_without_records_is_not_listed() -> None:
    """rosbag2 would refuse the whole bag."""
    hangar = Hangar()
    hangar.flight.commit()
    assert (hangar.flight.segment_count, hangar.faults.calls.count('publish')) == (1, 0)


def test_a_commit_that_was_not_listed_is_listed_by_the_next() -> None:
    """The records are durable, the metadata was refused."""
    hangar = Hangar()
    hangar.put(0)
    hangar.faults.arm('publish')
    with pytest.raises(OSError, match='Input/output'):
        hangar.flight.commit()
    assert len(hangar.open_segment.messages) == 1
    hangar.flight.commit()
    assert hangar.stored.listed == [hangar.open_segment.facts]


# --- cutting


def test_a_record_that_does_not_fit_goes_into_the_next_segment() -> None:
    """The one before is ended, listed, and never touched again."""
    hangar = Hangar()
    for seq in range(3):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    first, second = hangar.stored.ever
    assert (names(records_in(first)), names(records_in(second))) == (['imu 0', 'imu 1'], [])
    assert json.loads((first.end_texts or {})[SEGMENT_FOOTER_NAME]) == {
        'records': 2,
        'producers': {'imu_1': 2},
        'producers_omitted': 0,
    }
    assert hangar.stored.listed == [first.facts]
    assert (len(second.pending), hangar.flight.segment_index) == (1, 1)
    assert second.begin_texts == first.begin_texts


def test_sizes_are_those_of_the_segments() -> None:
    """What is pending is in none of them."""
    hangar = Hangar()
    for seq in range(3):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    first, second = (segment.facts.size_bytes for segment in hangar.stored.ever)
    flight = hangar.flight
    assert (flight.segment_bytes, flight.bytes_written) == (second, first + second)
    assert flight.size_bytes - flight.bytes_written == 1000 + 300 + len(HEADER_NAME) + len(
        flight.header.to_json().encode()
    )
    assert flight.pending_bytes == hangar.open_segment.pending_bytes > LARGE_BYTES


def test_a_segment_grows_old_from_its_first_record_on() -> None:
    """The clock of an empty one does not run: idle hours must not fill the flight with files."""
    hangar = Hangar({'segment_duration_max_s': 10.0})
    assert not hangar.flight.is_old()
    hangar.flight.cut()
    hangar.clock.advance(100)
    assert not hangar.flight.is_old()
    hangar.put(0)
    hangar.clock.advance(9.999)
    assert not hangar.flight.is_old()
    hangar.clock.advance(0.001)
    assert hangar.flight.is_old()
    hangar.flight.cut()
    assert not hangar.flight.is_old()
    hangar.clock.advance(100)
    assert not hangar.flight.is_old()


def test_a_step_of_the_wall_clock_makes_no_segment_old() -> None:
    """Age is monotonic time."""
    hangar = Hangar({'segment_duration_max_s': 10.0})
    hangar.put(0)
    hangar.clock.step_wall(1e6)
    assert not hangar.flight.is_old()


def test_without_a_longest_duration_no_segment_is_old() -> None:
    """The default."""
    hangar = Hangar()
    hangar.put(0)
    hangar.clock.advance(1e6)
    assert not hangar.flight.is_old()


# --- dropping


def filled_beyond_the_cap() -> Hangar:
    """Return a flight whose first segments had to go."""
    hangar = Hangar()
    for seq in range(12):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    hangar.flight.commit()
    return hangar


def test_the_oldest_segments_are_dropped_and_the_log_says_so() -> None:
    """Unlisted, removed, counted, and noted in the segment that took their place."""
    hangar = filled_beyond_the_cap()
    flight, stored = hangar.flight, hangar.stored
    gone = [s for s in stored.ever if s not in stored.segments.values()]
    assert [s.facts.index for s in gone] == [0, 1]
    assert stored.listed == [s.facts for s in stored.segments.values()]
    assert (flight.drops.segments, flight.drops.records) == (2, 4)
    assert list(flight.drops.untold) == [Dropped(s.facts, DropReason.CAP) for s in gone]
    notes = [
        payload_of(record)
        for segment in stored.segments.values()
        for record in records_in(segment)
        if record.kind == 'segment_dropped'
    ]
    assert notes == [
        {
            'file': s.facts.name,
            'index': s.facts.index,
            'records': 2,
            'size_bytes': s.facts.size_bytes,
            'start_ns': s.facts.start_ns,
            'end_ns': s.facts.end_ns,
            'producers': {'imu_1': 2},
            'records_rolled_off': 2 * (s.facts.index + 1),
            'producers_rolled_off': {'imu_1': 2 * (s.facts.index + 1)},
            'reason': 'cap',
        }
        for s in gone
    ]


def test_invented_producers_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not follow them, and no record goes uncounted, here and in dropped segments."""
    monkeypatch.setattr(tally, 'PRODUCERS_MAX', 3)
    hangar = Hangar()
    for seq in range(12):
        record = record_of(seq, payload_bytes=LARGE_BYTES, producer_id=f'invented_{seq % 6}')
        data = encode_cdr(record)
        hangar.flight.put([(data, peek(data), hangar.clock.monotonic_ns())])
    hangar.flight.commit()
    assert hangar.flight.tally.taken == {
        'invented_0': 2,
        'invented_1': 2,
        'invented_2': 2,
        OTHERS: 6 + 2,
    }
    notes = [
        payload_of(record)['producers_rolled_off']
        for segment in hangar.stored.segments.values()
        for record in records_in(segment)
        if record.kind == 'segment_dropped'
    ]
    assert notes == [
        {'invented_0': 1, 'invented_1': 1},
        {'invented_0': 1, 'invented_1': 1, 'invented_2': 1, OTHERS: 1},
    ]


def test_a_note_of_a_drop_does_not_make_the_record_behind_it_younger() -> None:
    """The commit is due by the record that was received before the cut, however long that took."""
    hangar = filled_beyond_the_cap()
    drops, seq = hangar.flight.drops.segments, 100
    while hangar.flight.drops.segments == drops:
        received_ns = hangar.clock.monotonic_ns()
        hangar.clock.advance(0.3)
        hangar.put(seq, payload_bytes=LARGE_BYTES, received_ns=received_ns)
        seq += 1
    assert hangar.flight.times.pending_since_ns == received_ns


def test_bytes_and_records_of_dropped_segments_still_count() -> None:
    """They were written."""
    hangar = filled_beyond_the_cap()
    flight = hangar.flight
    assert flight.bytes_written == sum(s.facts.size_bytes for s in hangar.stored.ever)
    assert flight.records == sum(s.facts.records for s in hangar.stored.ever) == 14
    assert flight.tally.taken == Counter(imu_1=12, fdr=2)


def test_a_segment_is_unlisted_before_it_is_removed() -> None:
    """rosbag2 refuses a bag that lists a file which is not there."""
    hangar = Hangar()
    hangar.faults.arm('drop_segment')
    for seq in range(8):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    with pytest.raises(OSError, match='Input/output'):
        hangar.put(8, payload_bytes=LARGE_BYTES)
    oldest = f'{FLIGHT_ID}_0.mcap'
    assert oldest in hangar.stored.segments
    assert oldest not in [facts.name for facts in hangar.stored.listed]


def bytes_on_disk(hangar: Hangar) -> int:
    """Return what a flight takes at most: the open segment reserved, its metadata twice."""
    sizes = [segment.facts.size_bytes for segment in hangar.stored.segments.values()]
    metadata_bytes = hangar.flight.size_bytes - sum(sizes)
    closed = [s for s in hangar.stored.segments.values() if s.end_texts is not None]
    return (
        on_disk(512 * KIB)
        + sum(on_disk(segment.facts.size_bytes) for segment in closed)
        + 2 * on_disk(metadata_bytes)
    )


@pytest.mark.parametrize('room_bytes', range(-8 * KIB, 160 * KIB, 8 * KIB))
def test_the_cap_holds_with_metadata_and_reserved_space(room_bytes: int) -> None:
    """Closed segments that fill it up to some room: what is replaced exists twice meanwhile."""
    hangar = Hangar()
    hangar.put(0, payload_bytes=LARGE_BYTES)
    hangar.put(1, payload_bytes=LARGE_BYTES)
    hangar.flight.cut()
    wanted = (2 * MIB - 512 * KIB - room_bytes - hangar.stored.ever[0].facts.size_bytes) // 3
    payload_bytes = LARGE_BYTES + (wanted - hangar.stored.ever[0].facts.size_bytes) // 2
    for seq in range(2, 12):
        hangar.put(seq, payload_bytes=payload_bytes)
        assert bytes_on_disk(hangar) <= 2 * MIB
    assert hangar.flight.drops.segments >= 1


def test_a_segment_that_somebody_removed_is_dropped_all_the_same() -> None:
    """By hand, in the middle of the flight."""
    hangar = Hangar()
    for seq in range(6):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    del hangar.stored.segments[f'{FLIGHT_ID}_0.mcap']
    for seq in range(6, 12):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    assert hangar.flight.drops.segments == 2


# --- closing


@pytest.mark.parametrize('count', [0, 1, 3])
def test_the_footer_is_the_last_record_and_counts_itself(count: int) -> None:
    """In the records, in the bytes, and in the footer of its segment."""
    hangar = Hangar()
    for seq in range(count):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    footer = hangar.close()
    last = hangar.open_segment
    records = records_in(last)
    assert records[-1].kind == 'flight_footer'
    assert payload_of(records[-1]) == json.loads(footer.to_json())
    assert footer.bytes_written == sum(s.facts.size_bytes for s in hangar.stored.ever)
    assert footer.records_written == sum(s.facts.records for s in hangar.stored.ever)
    assert footer.segment_count == len(hangar.stored.ever)
    texts = last.end_texts or {}
    assert texts[FOOTER_NAME] == footer.to_json()
    assert json.loads(texts[SEGMENT_FOOTER_NAME])['records'] == len(records)
    assert hangar.stored.custom_data[FOOTER_NAME] == footer.to_json()
    assert hangar.stored.listed == [s.facts for s in hangar.stored.segments.values()]


def test_a_footer_that_does_not_fit_goes_into_a_segment_of_its_own() -> None:
    """And what the cut drops for it is in its counts."""
    hangar = Hangar()
    for seq in range(8):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    hangar.put(8, payload_bytes=20 * KIB)
    assert not hangar.open_segment.fits(64 * KIB)
    before = hangar.flight.drops.segments
    footer = hangar.close()
    assert footer.rollover_count == before + 1
    assert footer.bytes_written == sum(s.facts.size_bytes for s in hangar.stored.ever)
    assert names(records_in(hangar.open_segment))[-1] == f'flight_footer {before + 1}'


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 250 * KIB), max_size=14), st.integers(1, 4))
def test_the_footer_is_exact(sizes: list[int], commit_every: int) -> None:
    """Bytes of all segments ever, records readable and rolled off, whatever was written."""
    hangar = Hangar()
    for seq, size in enumerate(sizes):
        hangar.put(seq, payload_bytes=size)
        if seq % commit_every == 0:
            hangar.flight.commit()
    footer = hangar.close()
    stored = hangar.stored
    readable = sum(len(segment.messages) for segment in stored.segments.values())
    assert footer.bytes_written == sum(s.facts.size_bytes for s in stored.ever)
    assert footer.records_written == readable + footer.records_rolled_off
    assert footer.rollover_count == len(stored.ever) - len(stored.segments)
    assert all(s.facts.size_bytes <= 512 * KIB for s in stored.ever)


# --- letting go


def test_a_flight_that_is_discarded_leaves_nothing() -> None:
    """Neither a segment nor a place that is taken."""
    hangar = Hangar()
    hangar.put(0)
    hangar.flight.discard()
    assert (hangar.disk.flights, hangar.disk.holder) == ({}, '')
    Hangar().flight.discard()


def test_a_flight_that_is_abandoned_lets_go_of_its_segment() -> None:
    """When it cannot be closed; what was committed stays."""
    hangar = Hangar()
    hangar.flight.abandon()
    hangar.put(0)
    hangar.flight.commit()
    hangar.flight.abandon()
    assert (hangar.open_segment.is_abandoned, len(hangar.open_segment.messages)) == (True, 1)


def test_what_is_durable_is_counted_apart() -> None:
    """What is pending may be lost yet."""
    hangar = Hangar()
    for seq in range(12):
        hangar.put(seq, payload_bytes=LARGE_BYTES)
    flight = hangar.flight
    assert (flight.records, flight.records_durable) == (14, 11)
    assert flight.tally.durable == Counter(imu_1=10, fdr=1)
    flight.commit()
    assert (flight.records_durable, flight.tally.durable) == (14, flight.tally.taken)


# --- failing


class EndState(NamedTuple):
    """All that is there in the end, and all that the flight says of it."""

    segments: dict[str, list[str]]
    footers: list[int]
    listed: list[str]
    rollover_count: int
    records_rolled_off: int
    producers: Counter[str]
    dropped: list[str]


def insist(hangar: Hangar, step: Callable[[], object]) -> None:
    """Do a step until it succeeds, with a commit between, as the recorder does."""
    for _ in range(3):
        try:
            step()
        except OSError:
            hangar.faults.reach('again')
            insist(hangar, hangar.flight.commit)
        else:
            return
    raise AssertionError


def end_state(hangar: Hangar) -> EndState:
    """Write two segments more than the cap holds, one cut for its age among them."""
    for seq in range(9):
        insist(hangar, partial(hangar.put, seq, payload_bytes=LARGE_BYTES))
    insist(hangar, hangar.flight.commit)
    insist(hangar, hangar.flight.cut)
    for seq in range(9, 12):
        insist(hangar, partial(hangar.put, seq, payload_bytes=LARGE_BYTES))
    insist(hangar, hangar.flight.commit)
    flight, stored = hangar.flight, hangar.stored
    ever = stored.ever
    assert flight.bytes_written == sum(s.facts.size_bytes for s in ever)
    assert flight.records == sum(s.facts.records for s in ever)
    ended = [s for s in ever if s.end_texts]
    return EndState(
        segments={s.facts.name: names(records_in(s)) for s in stored.segments.values()},
        footers=[json.loads((s.end_texts or {})[SEGMENT_FOOTER_NAME])['records'] for s in ended],
        listed=[facts.name for facts in stored.listed],
        rollover_count=flight.drops.segments,
        records_rolled_off=flight.drops.records,
        producers=flight.tally.taken,
        dropped=[item.facts.name for item in flight.drops.untold],
    )


STEPS = ['commit', 'close', 'release', 'publish', 'drop_segment', 'open_segment']


@pytest.mark.parametrize('times', [1, 2])
@pytest.mark.parametrize('step', STEPS)
def test_a_step_that_fails_is_continued_where_it_stopped(step: str, times: int) -> None:
    """At every one of its calls: nothing is lost, doubled, or counted twice."""
    without = Hangar()
    expected = end_state(without)
    calls = without.faults.calls.count(step)
    assert calls > 0
    for after in range(calls):
        hangar = Hangar()
        hangar.faults.arm(step, after=after, times=times)
        assert end_state(hangar) == expected
        assert hangar.faults.calls.count('again') == times


def test_a_file_that_could_not_be_removed_goes_later() -> None:
    """It counts for nothing: no list has it, and it would take space beyond the cap."""
    hangar = Hangar()
    hangar.put(0)
    hangar.flight.commit()
    stray = MemorySegment(
        hangar.stored, f'{FLIGHT_ID}_1.mcap', index=1, size_max=512 * KIB, texts={}
    )
    hangar.faults.arm('drop_segment')
    with pytest.raises(OSError, match='Input/output error'):
        hangar.flight.cut()
    hangar.flight.cut()
    hangar.put(1)
    hangar.flight.commit()
    assert [facts.index for facts in hangar.stored.listed] == [0, 1]
    assert stray not in hangar.stored.segments.values()


# --- a sync that failed


def test_after_a_failed_sync_the_segment_is_left_for_a_new_one() -> None:
    """It ends at its last commit; what was pending is in the next, and no number is missing."""
    hangar = Hangar()
    hangar.put(0)
    hangar.flight.commit()
    hangar.put(1)
    hangar.put(2)
    hangar.faults.arm('sync')
    with pytest.raises(OSError, match='Input/output error'):
        hangar.flight.commit()
    assert hangar.flight.records_durable == 1
    assert hangar.flight.pending_bytes > 0
    hangar.flight.commit()
    hangar.put(3)
    footer = hangar.close()
    left, last = hangar.stored.ever
    assert (left.is_abandoned, left.end_texts) == (True, None)
    assert names(records_in(left)) == ['imu 0']
    assert names(records_in(last)) == ['imu 1', 'imu 2', 'imu 3', 'flight_footer 0']
    assert [facts.records for facts in hangar.stored.listed] == [1, 4]
    assert footer.records_written == 5
    assert json.loads((last.end_texts or {})[SEGMENT_FOOTER_NAME])['producers'] == {
        'imu_1': 3,
        'fdr': 1,
    }


def test_a_segment_whose_first_sync_fails_is_not_kept() -> None:
    """Nothing in it counts, and the next one has its number."""
    hangar = Hangar()
    hangar.put(0)
    hangar.faults.arm('sync')
    with pytest.raises(OSError, match='Input/output error'):
        hangar.flight.commit()
    assert hangar.stored.segments == {}
    hangar.flight.commit()
    assert [(facts.index, facts.records) for facts in hangar.stored.listed] == [(0, 1)]
    assert names(records_in(hangar.open_segment)) == ['imu 0']
