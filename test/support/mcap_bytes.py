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
Takes an MCAP file apart by the specification, with struct alone, and checks all its checksums.

Neither the mcap library nor the code under test has a part in it.

Source: the MCAP specification, version 0.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, TYPE_CHECKING
import zlib

import lz4.frame
import zstandard

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b'\x89MCAP0\r\n'

HEADER = 0x01
FOOTER = 0x02
SCHEMA = 0x03
CHANNEL = 0x04
MESSAGE = 0x05
CHUNK = 0x06
MESSAGE_INDEX = 0x07
CHUNK_INDEX = 0x08
STATISTICS = 0x0B
METADATA = 0x0C
METADATA_INDEX = 0x0D
SUMMARY_OFFSET = 0x0E
DATA_END = 0x0F

_HEAD = struct.Struct('<BQ')


class Raw(NamedTuple):
    """One record: its opcode, where its opcode stands, and what follows its length."""

    opcode: int
    offset: int
    body: bytes

    @property
    def size(self) -> int:
        """Bytes of it in the file."""
        return _HEAD.size + len(self.body)


class Cursor:
    """Reads fields one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, form: str) -> int:
        """Return one integer."""
        (value,) = struct.unpack_from('<' + form, self.data, self.place)
        self.place += struct.calcsize('<' + form)
        return int(value)

    def blob(self, form: str = 'I') -> bytes:
        """Return bytes behind their length."""
        size = self.take(form)
        start, end = self.place, self.place + size
        self.place = end
        return self.data[start:end]

    def text(self) -> str:
        """Return text behind its length."""
        return self.blob().decode()

    def texts(self) -> dict[str, str]:
        """Return a map of texts behind its length in bytes."""
        inner = Cursor(self.blob())
        pairs = {}
        while inner.place < len(inner.data):
            key = inner.text()
            pairs[key] = inner.text()
        return pairs

    def pairs(self, form: str) -> list[tuple[int, int]]:
        """Return pairs of integers behind their length in bytes."""
        return list(struct.iter_unpack('<' + form, self.blob()))


def split(data: bytes, offset: int = 0) -> list[Raw]:
    """Return the records in some bytes, which must be whole."""
    records = []
    place = 0
    while place < len(data):
        opcode, size = _HEAD.unpack_from(data, place)
        start, end = place + _HEAD.size, place + _HEAD.size + size
        assert end <= len(data), f'the record at {offset + place} is cut'
        records.append(Raw(opcode, offset + place, data[start:end]))
        place = end
    return records


def records_of(data: bytes) -> list[Raw]:
    """Return the records of a whole file."""
    assert data.startswith(MAGIC)
    assert data.endswith(MAGIC)
    return split(data.removeprefix(MAGIC).removesuffix(MAGIC), offset=len(MAGIC))


def chunk_content(chunk: Raw) -> tuple[str, bytes, bytes]:
    """Return how a chunk is compressed, its data in the file, and the same unpacked."""
    fields = Cursor(chunk.body)
    for form in 'QQQI':
        fields.take(form)
    compression, stored = fields.text(), fields.blob('Q')
    if compression == 'lz4':
        return compression, stored, lz4.frame.decompress(stored)
    if compression == 'zstd':
        return compression, stored, zstandard.decompress(stored)
    assert compression == ''
    return compression, stored, stored


def check(data: bytes) -> None:
    """Check every checksum, index and count of a whole file."""
    records = records_of(data)
    (end,) = [item for item in records if item.opcode == DATA_END]
    assert Cursor(end.body).take('I') == zlib.crc32(data[: end.offset])
    _check_footer(data, end, records[-1])
    section = [item for item in records if item.offset < end.offset]
    summary = [item for item in records if item.offset > end.offset]
    _check_offsets(summary)
    chunks = [item for item in section if item.opcode == CHUNK]
    indexes = [item for item in summary if item.opcode == CHUNK_INDEX]
    assert len(chunks) == len(indexes)
    counts = [
        _check_chunk(data, chunk, index.body) for chunk, index in zip(chunks, indexes, strict=True)
    ]
    _check_metadata(section, summary)
    _check_statistics(section, summary, counts)


def is_open(path: Path) -> bool:
    """Return whether a file has the end of a segment that is being written: without a summary."""
    footer = records_of(path.read_bytes())[-1]
    return footer.opcode == FOOTER and Cursor(footer.body).take('Q') == 0


def _check_footer(data: bytes, end: Raw, footer: Raw) -> None:
    assert footer.opcode == FOOTER
    fields = Cursor(footer.body)
    start = fields.take('Q')
    offsets_start = fields.take('Q')
    assert start == end.offset + end.size
    assert data[offsets_start] == SUMMARY_OFFSET
    crc_at = footer.offset + footer.size - 4
    assert fields.take('I') == zlib.crc32(data[start:crc_at])


def _check_offsets(summary: list[Raw]) -> None:
    groups: dict[int, list[Raw]] = {}
    for item in summary:
        if item.opcode not in {SUMMARY_OFFSET, FOOTER}:
            groups.setdefault(item.opcode, []).append(item)
    told = {}
    for item in summary:
        if item.opcode == SUMMARY_OFFSET:
            fields = Cursor(item.body)
            opcode = fields.take('B')
            told[opcode] = (fields.take('Q'), fields.take('Q'))
    assert told == {
        opcode: (group[0].offset, sum(item.size for item in group))
        for opcode, group in groups.items()
    }


def _check_chunk(data: bytes, chunk: Raw, index: bytes) -> int:
    """Check a chunk, its message index and its chunk index. :return: its messages."""
    fields = Cursor(chunk.body)
    start_ns, end_ns, size, crc = (fields.take(form) for form in 'QQQI')
    compression, stored, content = chunk_content(chunk)
    assert (len(content), zlib.crc32(content)) == (size, crc)
    # What compression does not make smaller has none.
    assert (len(stored) < size) == bool(compression)
    messages = split(content)
    assert {item.opcode for item in messages} == {MESSAGE}
    entries = []
    for item in messages:
        head = Cursor(item.body)
        head.take('H')
        head.take('I')
        entries.append((head.take('Q'), item.offset))
    times = [log_time_ns for log_time_ns, _ in entries]
    assert (start_ns, end_ns) == (min(times), max(times))

    (message_index,) = split(_record_at(data, chunk.offset + chunk.size))
    listed = Cursor(message_index.body)
    channel, pairs = listed.take('H'), listed.pairs('QQ')
    assert (message_index.opcode, channel, pairs) == (MESSAGE_INDEX, 1, entries)

    fields = Cursor(index)
    assert [fields.take('Q') for _ in range(4)] == [start_ns, end_ns, chunk.offset, chunk.size]
    assert fields.pairs('HQ') == [(1, chunk.offset + chunk.size)]
    assert fields.take('Q') == message_index.size
    told = fields.text(), fields.take('Q'), fields.take('Q')
    assert told == (compression, len(stored), size)
    return len(messages)


def _record_at(data: bytes, offset: int) -> bytes:
    _, size = _HEAD.unpack_from(data, offset)
    end = offset + _HEAD.size + size
    return data[offset:end]


def _check_metadata(section: list[Raw], summary: list[Raw]) -> None:
    there = [
        (item.offset, item.size, Cursor(item.body).text())
        for item in section
        if item.opcode == METADATA
    ]
    told = []
    for item in summary:
        if item.opcode == METADATA_INDEX:
            fields = Cursor(item.body)
            told.append((fields.take('Q'), fields.take('Q'), fields.text()))
    assert told == there


def _check_statistics(section: list[Raw], summary: list[Raw], counts: list[int]) -> None:
    (item,) = [item for item in summary if item.opcode == STATISTICS]
    fields = Cursor(item.body)
    told = [fields.take(form) for form in 'QHIIII']
    metadata = [item for item in section if item.opcode == METADATA]
    assert told == [sum(counts), 1, 1, 0, len(metadata), len(counts)]
    chunks = [Cursor(item.body) for item in section if item.opcode == CHUNK]
    times = [(fields.take('Q'), fields.take('Q')) for fields in chunks]
    assert fields.take('Q') == min((start for start, _ in times), default=0)
    assert fields.take('Q') == max((end for _, end in times), default=0)
    assert fields.pairs('HQ') == ([(1, sum(counts))] if counts else [])
