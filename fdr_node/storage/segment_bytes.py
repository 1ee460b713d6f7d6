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
Finds single records in the bytes of a segment, of which nothing is sure.

A record is believed when its length fits, a chunk when its data has the CRC in its head. What they
mean together is decided elsewhere (salvage). It reads, and changes nothing.
"""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple, TYPE_CHECKING
import zlib

from fdr_node.schema import FOOTER_NAME, HEADER_NAME, SEGMENT_FOOTER_NAME
from fdr_node.storage.segment_summary import read_at, read_end
from mcap.opcode import Opcode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# A chunk of the recorder is 64 MiB and one record of 64 MiB at most; a longer one is damage.
RECORD_BYTES_MAX: Final = 192 << 20

_HEAD: Final = struct.Struct('<BQ')
# Behind the head of a chunk without compression: start, end, size, CRC, name's and data's length.
_CHUNK: Final = struct.Struct('<QQQIIQ')
CHUNK_DATA_AT: Final = _HEAD.size + _CHUNK.size

# What stands between magic and DataEnd, beside the chunks: no message is lost with it.
_WITHOUT_MESSAGES: Final = frozenset(
    {
        Opcode.HEADER,
        Opcode.SCHEMA,
        Opcode.CHANNEL,
        Opcode.MESSAGE_INDEX,
        Opcode.METADATA,
        Opcode.DATA_END,
    }
)
_OPCODES: Final = _WITHOUT_MESSAGES | {Opcode.CHUNK}

_NAMES: Final = b'|'.join(
    re.escape(struct.pack('<I', len(name)) + name.encode())
    for name in (HEADER_NAME, 'rosbag2', SEGMENT_FOOTER_NAME, FOOTER_NAME)
)
# How a chunk begins (lengths below 1 TiB, no compression), or one of these metadata records.
_BEGINNING: Final = re.compile(
    rb'(?=\x06.{5}\0{3}.{21}\0{3}.{4}\0{4}.{5}\0{3}|\x0c.{8}(?:' + _NAMES + rb'))', re.DOTALL
)
_BEGINNING_BYTES_MAX: Final = 64
_WINDOW_BYTES: Final = 1 << 20


class Raw(NamedTuple):
    """A record as it stands in a file."""

    offset: int
    opcode: int
    body: bytes

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.offset + _HEAD.size + len(self.body)


class SegmentBytes:
    """
    The bytes of a segment.

    :param stream: the file, seekable.
    :param size_bytes: its size.
    :raises OSError: the disk refuses to read; so do all its methods.
    """

    def __init__(self, stream: BinaryIO, *, size_bytes: int) -> None:
        self._stream = stream
        self.size = size_bytes
        self.end = read_end(stream, size_bytes=size_bytes)
        # What was read last: a chunk is looked at several times.
        self._last_at = 0
        self._last = b''

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return so many bytes, or what is left of the file there."""
        start, end = offset - self._last_at, offset - self._last_at + length
        if start >= 0 and end <= len(self._last):
            return self._last[start:end]
        self._last_at = offset
        self._last = read_at(self._stream, offset, max(0, min(length, self.size - offset)))
        return self._last

    def record(self, offset: int) -> Raw | None:
        """Return the record at a place if it is one that may stand there, and is not cut off."""
        head = self.bytes_at(offset, _HEAD.size)
        if len(head) < _HEAD.size:
            return None
        opcode, length = _HEAD.unpack(head)
        room = min(RECORD_BYTES_MAX, self.size - offset - _HEAD.size)
        if opcode not in _OPCODES or length > room:
            return None
        body_at = _HEAD.size
        return Raw(offset, opcode, self.bytes_at(offset, _HEAD.size + length)[body_at:])

    def is_record(self, offset: int) -> bool:
        """Return whether a record may well begin there, or the file ends."""
        return offset == self.size or self.record(offset) is not None

    def is_without_messages(self, offset: int) -> bool:
        """Return whether what begins there is no chunk, as far as its first byte tells."""
        first = self.bytes_at(offset, 1)
        return not first or first[0] in _WITHOUT_MESSAGES

    def chunk_data(self, offset: int) -> bytes | None:
        """Return the data of a chunk that begins there, or None when there is none."""
        head = self.bytes_at(offset, CHUNK_DATA_AT)
        if len(head) < CHUNK_DATA_AT:
            return None
        length = _HEAD.unpack_from(head)[1]
        _, _, size, crc, _, data_length = _CHUNK.unpack_from(head, _HEAD.size)
        room = min(RECORD_BYTES_MAX, self.size - offset - CHUNK_DATA_AT)
        # One length, told three times.
        for told in dict.fromkeys((data_length, size, length - _CHUNK.size)):
            if 0 < told <= room:
                data = self.bytes_at(offset + CHUNK_DATA_AT, told)
                if zlib.crc32(data) == crc:
                    return data
        return None

    def search(self, start: int) -> int | None:
        """Return where something begins that is whole, or None when nothing does."""
        end_at = self.end.data_end_at if self.end is not None else self.size
        for place in self._candidates(start, end_at):
            record = self.record(place)
            is_text = record is not None and record.opcode == Opcode.METADATA
            if is_text or self.chunk_data(place) is not None:
                return place
        return end_at if start <= end_at < self.size else None

    def _candidates(self, start: int, end: int) -> Iterator[int]:
        for window_at in range(start, end, _WINDOW_BYTES):
            window = self.bytes_at(window_at, _WINDOW_BYTES + _BEGINNING_BYTES_MAX)
            for match in _BEGINNING.finditer(window):
                if match.start() < _WINDOW_BYTES:
                    yield window_at + match.start()
