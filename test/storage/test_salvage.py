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
What is found whole in a segment, byte by byte, against a rule that knows how it was written.

The rule: a chunk survives when its data and the CRC in its head are as they were written, and all
of it is there. Nothing else that is wrong in a file costs a record. What is done about it is
tested with repair and recovery.
"""

from __future__ import annotations

from io import BytesIO
import struct
from typing import NamedTuple

from fdr_node.storage import mcap_format
from fdr_node.storage.bag_format import beginning_texts, channel_spec
from fdr_node.storage.compression import LZ4, ZSTD
from fdr_node.storage.salvage import Salvage, salvage, summarise
from mcap_bytes import DATA_END, records_of
import pytest
from seeds import numbers
from wrecks import (
    chunk_places,
    closed_flight,
    drop_of,
    flipped,
    header_text,
    IN_SEGMENT,
    killed_flight,
    last_commit_bytes,
    message_of,
    name_of,
    OPEN_END_BYTES,
    patched,
    Span,
    torn_flight,
)

CLOSED = closed_flight()[name_of(1)]
OPEN = killed_flight()[name_of(2)]
FILES = {'closed': CLOSED, 'open': OPEN}
FIRST, SECOND, THIRD = chunk_places(CLOSED)
SECTOR_BYTES = 512


def found_in(data: bytes) -> Salvage:
    """Go through some bytes."""
    return salvage(BytesIO(data), size_bytes=len(data), progress=lambda _: None)


class Outcome(NamedTuple):
    """What there is to say of a file in short."""

    records: int
    has_loss: bool
    is_fine: bool


def outcome_of(data: bytes) -> Outcome:
    """Go through some bytes and say in short what was found."""
    found = found_in(data)
    has_loss = bool(found.damage) or found.has_torn_records
    return Outcome(found.records, has_loss, found.is_closed and found.is_sound)


def kept_without(data: bytes, wrong: Span) -> int:
    """Return the records that survive when some bytes of a file are wrong."""
    return sum(
        len(place.seqs)
        for place in chunk_places(data)
        if not place.crc.overlaps(wrong) and not place.data.overlaps(wrong)
    )


# --- a file that is as it was written


def test_a_closed_segment_is_closed_and_sound() -> None:
    """And all that is in it is known."""
    found = found_in(CLOSED)
    assert (found.is_closed, found.is_sound, found.damage, found.flaws) == (True, True, [], [])
    assert (found.records, found.producers) == (IN_SEGMENT, {'imu_1'})
    assert found.texts.keys() == {'fdr_flight_header', 'rosbag2', 'fdr_segment_footer'}
    assert [item.name for item in found.metadata] == ['fdr_flight_header', 'rosbag2']
    assert found.channel == channel_spec()
    assert found.record_bytes == THIRD.message_index.end - FIRST.whole.start


def test_an_open_segment_is_complete_and_not_closed() -> None:
    """Nothing was torn off; all that it lacks is its index."""
    found = found_in(OPEN)
    assert (found.is_complete, found.is_closed, found.is_sound) == (True, False, True)
    assert (found.records, found.good_bytes) == (IN_SEGMENT, len(OPEN) - OPEN_END_BYTES)
    assert not found.has_torn_records


def test_progress_is_told_up_to_the_end() -> None:
    """Never backwards."""
    told: list[int] = []
    salvage(BytesIO(CLOSED), size_bytes=len(CLOSED), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(CLOSED)


def test_a_closed_segment_is_taken_at_its_word() -> None:
    """What it says of itself is what is found in it."""
    told, found = summarise(BytesIO(CLOSED), size_bytes=len(CLOSED)), found_in(CLOSED)
    assert told is not None
    for name in ('records', 'start_ns', 'end_ns', 'record_bytes', 'texts', 'channel'):
        assert getattr(told, name) == getattr(found, name), name
    assert told.is_closed
    assert told.is_sound


@pytest.mark.parametrize(
    'data', [OPEN, CLOSED[:-1], CLOSED[:20], b''], ids=['open', 'cut', 'begun', 'empty']
)
def test_what_is_not_closed_has_no_word(data: bytes) -> None:
    """It has to be gone through."""
    assert summarise(BytesIO(data), size_bytes=len(data)) is None


# --- cut off


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize('label', FILES)
def test_a_file_that_is_cut_off_keeps_its_whole_chunks(label: str) -> None:
    """At every byte of the last two chunks and of what follows them."""
    data = FILES[label]
    places = chunk_places(data)
    for size in range(places[-2].whole.start, len(data)):
        found = found_in(data[:size])
        records = sum(len(place.seqs) for place in places if place.whole.end <= size)
        assert (found.records, found.is_closed, found.is_sound) == (records, False, True), size
        in_chunk = any(place.whole.start < size < place.whole.end for place in places)
        assert found.has_torn_records == in_chunk, size


def test_a_commit_that_is_torn_leaves_the_one_before() -> None:
    """At every byte of it; the end that it is written over is gone by then."""
    chunk_bytes = last_commit_bytes() - OPEN_END_BYTES - mcap_format.message_index_bytes(2)
    for written_bytes in range(last_commit_bytes() + 1):
        found = found_in(torn_flight(written_bytes)[name_of(2)])
        assert found.records == IN_SEGMENT + 2 * (written_bytes >= chunk_bytes), written_bytes
        assert found.is_sound, written_bytes


def test_a_file_that_is_cut_off_in_its_beginning_holds_nothing() -> None:
    """And nothing of it is lost with that: the first chunk comes later."""
    for size in range(0, FIRST.whole.start, 7):
        assert outcome_of(CLOSED[:size]) == (0, False, False), size


# --- damaged


@pytest.mark.parametrize('sector', range(0, len(CLOSED), SECTOR_BYTES))
@pytest.mark.parametrize('label', FILES)
def test_a_sector_of_zeros_costs_the_chunks_that_it_touches(label: str, sector: int) -> None:
    """The others are found again."""
    data = FILES[label]
    size = max(0, min(SECTOR_BYTES, len(data) - sector))
    kept = kept_without(data, Span(sector, sector + size))
    outcome = outcome_of(patched(data, sector, bytes(size)))
    assert outcome.records == kept
    assert outcome.has_loss >= (kept < IN_SEGMENT)
    assert not outcome.is_fine


def check_flips(data: bytes, offsets: range, bit: int) -> None:
    """Turn bits round one after the other, and check what is found each time."""
    for offset in offsets:
        kept = kept_without(data, Span(offset, offset + 1))
        found = outcome_of(flipped(data, offset, bit))
        assert (found.records, found.is_fine) == (kept, False), (offset, bit)
        is_lost = kept < IN_SEGMENT
        # Without a summary it is not always known whether there was a chunk in the gap.
        is_told = found.has_loss == is_lost if data is CLOSED else found.has_loss >= is_lost
        assert is_told, (offset, bit)


@pytest.mark.parametrize('label', FILES)
def test_a_flipped_bit_costs_at_most_its_chunk(label: str) -> None:
    """Bits in every part of the file, other ones in each run."""
    choice = numbers(label)
    offsets = range(choice.randrange(11), len(FILES[label]), 11)
    check_flips(FILES[label], offsets, choice.randrange(8))


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize('bit', range(8))
@pytest.mark.parametrize('label', FILES)
def test_every_flipped_bit_costs_at_most_its_chunk(label: str, bit: int) -> None:
    """Each bit of the whole file."""
    check_flips(FILES[label], range(len(FILES[label])), bit)


# --- compressed


COMPRESSED = {
    f'{label} {name}': flight(name)[name_of(index)]
    for name in (LZ4, ZSTD)
    for label, flight, index in (('closed', closed_flight, 1), ('open', killed_flight, 2))
}


@pytest.mark.parametrize('label', COMPRESSED)
def test_a_compressed_segment_holds_what_another_does(label: str) -> None:
    """Whole, and cut off in its last two chunks and in what follows them."""
    data = COMPRESSED[label]
    state, name = label.split()
    found, plain = found_in(data), found_in(FILES[state])
    assert found.is_sound
    assert {item.compression for item in found.chunks} == {name}
    for fact in ('records', 'start_ns', 'end_ns', 'producers', 'channel', 'is_closed'):
        assert getattr(found, fact) == getattr(plain, fact), fact
    places = chunk_places(data)
    edges = [edge for place in places[-2:] for edge in (*place.whole, place.message_index.end)]
    first = edges[0] + numbers(label).randrange(17)
    for size in sorted({*edges, *(edge + 1 for edge in edges), *range(first, len(data), 17)}):
        found = found_in(data[:size])
        records = sum(len(place.seqs) for place in places if place.whole.end <= size)
        assert (found.records, found.is_closed, found.is_sound) == (records, False, True), size
        in_chunk = any(place.whole.start < size < place.whole.end for place in places)
        assert found.has_torn_records == in_chunk, size


def check_compressed_flips(data: bytes, offsets: range, first_bit: int) -> None:
    """Turn bits round one after the other, and check what is found each time."""
    for offset in offsets:
        bit = (first_bit + offset) % 8
        kept = kept_without(data, Span(offset, offset + 1))
        found = outcome_of(flipped(data, offset, bit))
        # Not every bit of what is packed is looked at by who unpacks it.
        assert found.records >= kept, (offset, bit)
        assert not found.is_fine, (offset, bit)
        assert found.has_loss >= (found.records < IN_SEGMENT), (offset, bit)


@pytest.mark.parametrize('label', COMPRESSED)
def test_a_flipped_bit_costs_at_most_its_compressed_chunk(label: str) -> None:
    """Bits in every part of the file, other ones in each run."""
    choice = numbers(label)
    offsets = range(choice.randrange(41), len(COMPRESSED[label]), 41)
    check_compressed_flips(COMPRESSED[label], offsets, choice.randrange(8))


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize('label', COMPRESSED)
def test_a_flipped_bit_in_every_byte_costs_at_most_its_compressed_chunk(label: str) -> None:
    """Another bit in each run."""
    choice = numbers(label)
    data = COMPRESSED[label]
    check_compressed_flips(data, range(len(data)), choice.randrange(8))


@pytest.mark.parametrize('label', COMPRESSED)
def test_sectors_of_zeros_cost_the_compressed_chunks_that_they_touch(label: str) -> None:
    """The others are found again."""
    data = COMPRESSED[label]
    for sector in range(0, len(data), SECTOR_BYTES):
        size = min(SECTOR_BYTES, len(data) - sector)
        kept = kept_without(data, Span(sector, sector + size))
        outcome = outcome_of(patched(data, sector, bytes(size)))
        assert (outcome.records, outcome.is_fine) == (kept, False)
        assert outcome.has_loss >= (kept < IN_SEGMENT)


# --- words


def test_a_damaged_chunk_is_told_with_the_number_of_its_records() -> None:
    """Its message index knows it, where there is one."""
    at = SECOND.whole.start
    damaged = patched(CLOSED, SECOND.data.start, b'?')
    assert found_in(damaged).damage == [f'byte {at}: a chunk of 4 records is damaged']
    cut = damaged[: SECOND.whole.end]
    assert found_in(cut).damage == [f'byte {at}: a chunk of some records is damaged']


def test_a_chunk_that_a_summary_counts_and_nobody_finds_is_lost() -> None:
    """It is told also where another wrong place would pass for the reason."""
    # The head of the text behind it says that no record is in the gap.
    gap = Span(THIRD.whole.start, THIRD.message_index.end)
    data = patched(CLOSED, gap.start, b'\x0c' + bytes(gap.end - gap.start - 1))
    found = found_in(data)
    assert found.damage == ['8 of 12 records can be read']
    assert found.flaws == [f'byte {gap.start}: nothing is whole up to byte {gap.end}']


def test_several_damaged_places_are_all_told() -> None:
    """With what is whole between them."""
    data = patched(patched(CLOSED, FIRST.data.start, b'?'), THIRD.data.start, b'?')
    found = found_in(data)
    assert (found.records, len(found.damage), found.is_scattered) == (4, 2, True)
    assert [item.chunk_start_offset for item in found.chunks] == [SECOND.whole.start]


def test_a_tail_that_is_damaged_is_nothing_to_copy_for() -> None:
    """Nothing whole follows it, so an open segment is cut there."""
    last = chunk_places(OPEN)[-1]
    found = found_in(patched(OPEN, last.data.start, b'?'))
    assert (found.records, found.is_scattered, found.good_bytes) == (8, False, last.whole.start)


def test_garbage_holds_nothing() -> None:
    """However long it is, and whatever is in it."""
    choice = numbers('garbage')
    for data in (b'?', bytes(10_000), bytes(range(256)) * 40, choice.randbytes(100_000)):
        found = found_in(data)
        assert (found.records, found.is_complete, found.is_sound) == (0, False, False)


def test_the_chunks_of_a_file_without_its_beginning_are_found() -> None:
    """The topic is taken from the summary, or not known."""
    begin = FIRST.whole.start
    found = found_in(bytes(begin) + CLOSED[begin:])
    assert (found.records, found.channel) == (IN_SEGMENT, channel_spec())
    found = found_in(bytes(begin) + OPEN[begin:])
    assert (found.records, found.channel) == (IN_SEGMENT, None)


def test_an_end_of_the_data_in_front_of_more_is_the_end() -> None:
    """What a power cut has left of a commit: the old end, and something behind it."""
    data = OPEN[:-37] + bytes(3000)
    found = found_in(data)
    assert (found.records, found.is_complete, found.is_closed) == (IN_SEGMENT, True, False)
    assert found.is_sound


# --- what is in the chunks


def file_of(*contents: bytes) -> bytes:
    """Return an open segment with chunks of messages, or of what passes for them."""
    data = mcap_format.prologue(library='test', channel=channel_spec())
    texts = beginning_texts(name_of(0), {'fdr_flight_header': header_text()})
    data += mcap_format.metadata_records(texts, offset=len(data))[0]
    for content in contents:
        data += mcap_format.chunk([content], entries=[5, 0], offset=len(data)).data
    return data


def test_what_the_chunks_tell_is_told() -> None:
    """Of the recorder that the header in front of them names (census)."""
    found = found_in(file_of(*(drop_of(index, 9 * index) for index in (0, 1))))
    assert (found.segments_dropped, found.records_rolled_off) == (2, 9)
    assert found.producers == {'fdr'}


@pytest.mark.parametrize(
    'content',
    [
        message_of(b'cut')[:-1],
        message_of(b'') + b'\x05',
        b'\x05' + struct.pack('<Q', 3) + b'abc',
        b'\x04' + struct.pack('<Q', 3) + b'abc',
    ],
    ids=['cut message', 'cut head', 'no message', 'other record'],
)
def test_a_chunk_without_whole_messages_is_none_of_ours(content: bytes) -> None:
    """Although its CRC is right: it cannot be indexed."""
    found = found_in(file_of(message_of(b'before'), content, message_of(b'behind')))
    assert (found.records, len(found.damage)) == (2, 1)


def test_the_data_end_of_a_file_is_where_the_records_say() -> None:
    """What the tests above take for granted of the files that they spoil."""
    (end,) = [item for item in records_of(CLOSED) if item.opcode == DATA_END]
    found = found_in(CLOSED)
    assert found.good_bytes == THIRD.message_index.end < end.offset
