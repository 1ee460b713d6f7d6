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
"""Single records in bytes of which nothing is sure: what is believed, and what is found again."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
import struct

from fdr_node.storage import segment_bytes
from fdr_node.storage.compression import LZ4, ZSTD
from fdr_node.storage.segment_bytes import SegmentBytes
import mcap_bytes
import pytest
from wrecks import chunk_places, closed_flight, flipped, name_of, patched

DATA = closed_flight()[name_of(1)]
RECORDS = mcap_bytes.records_of(DATA)
FIRST, SECOND, THIRD = chunk_places(DATA)
(DATA_END,) = [item for item in RECORDS if item.opcode == mcap_bytes.DATA_END]


def over(data: bytes) -> SegmentBytes:
    """Return some bytes as a segment."""
    return SegmentBytes(BytesIO(data), size_bytes=len(data))


def test_records_are_what_stands_there() -> None:
    """In any order of asking."""
    file = over(DATA)
    data_section = [item for item in RECORDS if item.offset <= DATA_END.offset]
    for item in [*data_section, *reversed(data_section)]:
        record = file.record(item.offset)
        assert record == (item.offset, item.opcode, item.body)
        assert record is not None
        assert record.end == item.offset + item.size
        assert file.is_record(item.offset)
    assert file.is_record(len(DATA))


@pytest.mark.parametrize(
    ('patch', 'at'),
    [
        (b'\x00', 0),
        (b'\x05', 0),
        (b'\x08', 0),
        (b'\x90', 0),
        (struct.pack('<Q', len(DATA)), 1),
        (struct.pack('<Q', 2**64 - 1), 1),
    ],
)
def test_what_may_not_stand_there_is_no_record(patch: bytes, at: int) -> None:
    """Opcodes of another section, of nobody, and lengths beyond the end."""
    offset = SECOND.whole.start
    file = over(patched(DATA, offset + at, patch))
    assert file.record(offset) is None
    assert not file.is_record(offset)


def test_a_record_that_memory_should_not_hold_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A length is believed only as far as memory is promised to be bounded."""
    size = SECOND.data.end - SECOND.data.start
    monkeypatch.setattr(segment_bytes, 'RECORD_BYTES_MAX', size - 1)
    assert over(DATA).record(SECOND.whole.start) is None
    assert over(DATA).chunk_data(SECOND.whole.start) is None
    monkeypatch.setattr(segment_bytes, 'RECORD_BYTES_MAX', size)
    assert over(DATA).chunk_data(SECOND.whole.start) is not None


def test_there_is_nothing_behind_the_end() -> None:
    """Nor in the last bytes in front of it."""
    file = over(DATA)
    assert file.bytes_at(len(DATA) + 5, 10) == b''
    assert file.bytes_at(len(DATA) - 3, 10) == DATA[-3:]
    assert file.record(len(DATA) - 3) is None
    assert file.chunk_data(len(DATA) - 20) is None
    assert file.is_without_messages(len(DATA))


@pytest.mark.parametrize('field', [1, 25, 41], ids=['record', 'size', 'data'])
def test_one_right_length_of_a_chunk_is_enough(field: int) -> None:
    """It is told three times, and the CRC says which one is right."""
    offset = SECOND.whole.start
    data = patched(DATA, offset, bytes(33))
    data = patched(data, offset + 41, bytes(8))
    told = struct.pack('<Q', SECOND.data.end - SECOND.data.start + (40 if field == 1 else 0))
    data = patched(data, offset + field, told)
    start, end = SECOND.data
    assert over(data).chunk_data(offset) == DATA[start:end]


def test_a_chunk_without_its_crc_is_none() -> None:
    """Nor one whose data is not what it was."""
    for offset in (SECOND.crc.start, SECOND.data.start, SECOND.data.end - 1):
        assert over(flipped(DATA, offset)).chunk_data(SECOND.whole.start) is None


@pytest.mark.parametrize('name', [LZ4, ZSTD])
@pytest.mark.parametrize('field', [1, 41], ids=['record', 'data'])
def test_a_compressed_chunk_is_what_it_was(name: str, field: int) -> None:
    """With one of its two lengths, and the CRC; name and size follow from the data."""
    data = closed_flight(name)[name_of(1)]
    place = chunk_places(data)[1]
    offset, (start, end) = place.whole.start, place.data
    content = over(DATA).chunk_data(SECOND.whole.start)
    whole = over(data).chunk(offset)
    assert whole == (content, (data[start:end], name), end)
    spoilt = patched(data, offset, bytes(33))
    spoilt = patched(spoilt, place.crc.end, bytes([9, 0, 0, 0]) + b'?' * len(name) + bytes(8))
    length = end - start if field == 41 else end - offset - 9
    at = offset + field + (len(name) if field == 41 else 0)
    assert over(patched(spoilt, at, struct.pack('<Q', length))).chunk(offset) == whole
    # Without either of them it is not known where it ends, and a name alone packs nothing.
    assert over(spoilt).chunk(offset) is None
    assert over(flipped(data, start)).chunk(offset) is None
    assert over(data[: end - 1]).chunk(offset) is None


@pytest.mark.parametrize('name', [LZ4, ZSTD])
def test_a_compressed_chunk_is_found_again(name: str) -> None:
    """As any other is."""
    data = closed_flight(name)[name_of(1)]
    places = chunk_places(data)
    for place, following in pairwise(places):
        before, start = place.whole.start + 1, following.whole.start
        # The message index stands between the two, and is not searched for.
        assert over(data).search(before) == start


def test_a_chunk_is_not_unpacked_to_more_than_memory_should_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it says of its size."""
    data = closed_flight(ZSTD)[name_of(1)]
    place = chunk_places(data)[1]
    content = over(data).chunk_data(place.whole.start)
    assert content is not None
    packed_bytes = place.data.end - place.data.start
    for size in (0, 1, len(content), 2**63):
        spoilt = patched(data, place.whole.start + 25, struct.pack('<Q', size))
        for bytes_max in (packed_bytes, len(content) - 1, len(content)):
            monkeypatch.setattr(segment_bytes, 'RECORD_BYTES_MAX', bytes_max)
            found = over(spoilt).chunk_data(place.whole.start)
            assert found == (content if bytes_max == len(content) else None)


def test_the_first_byte_tells_whether_messages_may_be_lost() -> None:
    """Of everything but a chunk it is known that it holds none."""
    file = over(DATA)
    for item in RECORDS:
        if item.offset <= DATA_END.offset:
            is_chunk = item.opcode == mcap_bytes.CHUNK
            assert file.is_without_messages(item.offset) != is_chunk


def test_the_next_whole_record_is_found() -> None:
    """A chunk, a text of ours, or the end that the footer knows of."""
    texts = [item.offset for item in RECORDS if item.opcode == mcap_bytes.METADATA]
    chunks = [place.whole.start for place in (FIRST, SECOND, THIRD)]
    places = sorted([*texts, *chunks, DATA_END.offset])
    file = over(DATA)
    for start in range(0, DATA_END.offset, 13):
        assert file.search(start) == min(place for place in places if place >= start)
    assert file.search(DATA_END.offset + 1) is None


def test_what_only_looks_like_a_chunk_is_passed_over() -> None:
    """Its CRC is wrong."""
    data = flipped(DATA, SECOND.data.start)
    assert over(data).search(SECOND.whole.start) == THIRD.whole.start


def test_it_is_found_across_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever one ends."""
    for window_bytes in range(1, 60):
        monkeypatch.setattr(segment_bytes, '_WINDOW_BYTES', window_bytes)
        assert over(DATA).search(SECOND.whole.start - 30) == SECOND.whole.start
        damaged = flipped(DATA, SECOND.data.start)
        assert over(damaged).search(SECOND.whole.start - 30) == THIRD.whole.start
