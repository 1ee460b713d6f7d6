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
"""How much of a segment is whole, chunk by chunk, and what ends it."""

from __future__ import annotations

from io import BytesIO
import struct
import zlib

from fdr_node.storage import read_back as module
from fdr_node.storage.read_back import read_back, Whole
import mcap_bytes
import pytest
from wrecks import chunk_places, closed_flight, flipped, IN_CHUNK, IN_SEGMENT, name_of, patched

FILES = {name: closed_flight(name)[name_of(1)] for name in ('none', 'lz4', 'zstd')}
PLACES = {name: chunk_places(data) for name, data in FILES.items()}


def beginning(name: str) -> Whole:
    """Return what is in front of the chunks of a file."""
    at = PLACES[name][0].whole.start
    return Whole(at, 0, 0, zlib.crc32(FILES[name][:at]))


def whole_in(name: str, data: bytes) -> Whole:
    """Read what may be one of the files."""
    return read_back(BytesIO(data), beginning(name))


@pytest.mark.parametrize('name', FILES)
def test_all_chunks_of_a_segment_are_whole(name: str) -> None:
    """They end where something else follows."""
    data, last = FILES[name], PLACES[name][-1]
    end = last.message_index.end
    whole = Whole(end, IN_SEGMENT, len(PLACES[name]), zlib.crc32(data[:end]))
    assert whole_in(name, data) == whole
    # It can go on where it stopped.
    assert read_back(BytesIO(data), whole) == whole
    first = PLACES[name][0].message_index.end
    part = whole_in(name, data[:first])
    assert part == Whole(first, IN_CHUNK, 1, zlib.crc32(data[:first]))
    assert read_back(BytesIO(data), part) == whole


@pytest.mark.parametrize('name', FILES)
def test_a_chunk_counts_once_its_index_is_there(name: str) -> None:
    """At every byte where the file may be cut."""
    first, second, _ = PLACES[name]
    for size in range(first.message_index.end, second.message_index.end + 1):
        is_there = size == second.message_index.end
        end = second.message_index.end if is_there else first.message_index.end
        whole = whole_in(name, FILES[name][:size])
        assert whole[:3] == (end, IN_CHUNK * (1 + is_there), 1 + is_there), size


@pytest.mark.parametrize('name', FILES)
def test_a_chunk_that_is_wrong_ends_it(name: str) -> None:
    """Whichever byte of its CRC, its name, its lengths or its data it is."""
    first, second, _ = PLACES[name]
    data = FILES[name]
    offsets = [*range(second.whole.start, second.whole.start + 9)]
    offsets += [*range(second.crc.start, second.data.start)]
    offsets += [second.whole.start + 25, second.data.start, second.data.end - 1]
    offsets += [second.message_index.start, second.message_index.start + 4]
    for offset in offsets:
        whole = whole_in(name, flipped(data, offset, 2))
        assert (whole.end, whole.records) == (first.message_index.end, IN_CHUNK), offset


def test_what_is_no_chunk_of_its_own_ends_it() -> None:
    """Two chunks without an index, an index without a chunk, a chunk that has no fields."""
    data, first = FILES['none'], PLACES['none'][0]
    start, at, end = first.whole.start, first.whole.end, first.message_index.end
    chunk, index = data[start:at], data[at:end]
    short = b'\x06' + struct.pack('<Q', 3) + b'abc'
    for wrong in (chunk + chunk + index, index, short + index, b''):
        assert whole_in('none', data[:start] + wrong) == beginning('none')
        assert whole_in('none', data[:end] + wrong).records >= IN_CHUNK


def test_no_more_memory_is_taken_than_a_chunk_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the file says of it."""
    data, (first, second, _) = FILES['zstd'], PLACES['zstd']
    before = first.message_index.end
    huge = struct.pack('<Q', 2**63)
    for at in (second.whole.start + 1, second.whole.start + 25):
        assert whole_in('zstd', patched(data, at, huge)).end == before
    (chunk, *_) = [item for item in mcap_bytes.records_of(data) if item.opcode == mcap_bytes.CHUNK]
    _, stored, content = mcap_bytes.chunk_content(chunk)
    assert len(chunk.body) < len(content)
    monkeypatch.setattr(module, 'RECORD_BYTES_MAX', len(content) - 1)
    assert whole_in('zstd', data) == beginning('zstd')
    assert len(stored) < len(content)
