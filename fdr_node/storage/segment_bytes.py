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

A record is believed when its length fits, a chunk when its data, unpacked, has the CRC in its
head. What they mean together is decided elsewhere (salvage). It reads, and changes nothing.
"""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple, TYPE_CHECKING
import zlib

from fdr_node.schema import FOOTER_NAME, HEADER_NAME, SEGMENT_FOOTER_NAME
from fdr_node.storage import compression
from fdr_node.storage.compression import Packed
from fdr_node.storage.segment_summary import read_at, read_end
from mcap.opcode import Opcode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# A chunk of the recorder is 64 MiB and one record of 64 MiB at most; a longer one is damage. It
# bounds what a chunk is unpacked to, as well.
RECORD_BYTES_MAX: Final = 192 << 20

_HEAD: Final = struct.Struct('<BQ')
# Behind the head of a chunk: start, end, size, CRC, length of the compression's name. The name and
# the length of the data follow.
_CHUNK: Final = struct.Struct('<QQQII')
_LENGTH: Final = struct.Struct('<Q')
_NAME_AT: Final = _HEAD.size + _CHUNK.size
_DATA_AT: Final = _NAME_AT + _LENGTH.size
_NAME_BYTES_MAX: Final = max(map(len, compression.NAMES))
_CHUNK_HEAD_BYTES_MAX: Final = _DATA_AT + _NAME_BYTES_MAX

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
_COMPRESSIONS: Final = b'|'.join(
    re.escape(struct.pack('<I', len(name)) + name.encode()) for name in compression.NAMES
)
# How a chunk begins (lengths below 1 TiB), or one of these metadata records.
_BEGINNING: Final = re.compile(
    rb'(?=\x06.{5}\0{3}.{21}\0{3}.{4}(?:' + _COMPRESSIONS + rb').{5}\0{3}'
    rb'|\x0c.{8}(?:' + _NAMES + rb'))',
    re.DOTALL,
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


class ChunkData(NamedTuple):
    """
    What is in a chunk.

    :param data: as it was before it was packed.
    :param packed: as it stands in the file.
    :param end: where it ends.
    """

    data: bytes
    packed: Packed
    end: int


def chunk_data_at(name: str) -> int:
    """Return where in a chunk the data begins, for the name of its compression."""
    return _DATA_AT + len(name)


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
        chunk = self.chunk(offset)
        return None if chunk is None else chunk.data

    def chunk(self, offset: int) -> ChunkData | None:
        """Return what is in a chunk that begins there, or None when there is none."""
        head = self.bytes_at(offset, _CHUNK_HEAD_BYTES_MAX)
        if len(head) < _DATA_AT:
            return None
        length = _HEAD.unpack_from(head)[1]
        _, _, size, crc, name_bytes = _CHUNK.unpack_from(head, _HEAD.size)
        # The name tells where the data begins. It may be wrong, so the others are tried, too.
        for name in sorted(compression.NAMES, key=lambda name: len(name) != name_bytes):
            at = chunk_data_at(name)
            magic = compression.MAGIC.get(name, b'')
            if self.bytes_at(offset + at, len(magic)) != magic or len(head) < at:
                continue
            told = _LENGTH.unpack_from(head, at - _LENGTH.size)[0]
            # One length, told twice; and three times when the data is not compressed.
            lengths = [told, length - at + _HEAD.size, *([] if name else [size])]
            for data_length in dict.fromkeys(lengths):
                packed = self._packed(offset + at, data_length, name)
                data = _unpack(packed, size=size, crc=crc) if packed else None
                if packed and data:
                    return ChunkData(data, packed, offset + at + data_length)
        return None

    def _packed(self, offset: int, length: int, name: str) -> Packed | None:
        room = min(RECORD_BYTES_MAX, self.size - offset)
        return Packed(self.bytes_at(offset, length), name) if 0 < length <= room else None

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


def _unpack(packed: Packed, *, size: int, crc: int) -> bytes | None:
    """Return the data of a chunk when it has the CRC, whatever the size in its head."""
    data, name = packed
    sizes = [size, compression.told_size(data, name)] if name else [len(data)]
    for told in dict.fromkeys(sizes):
        found = compression.unpack(data, name, size=told) if 0 < told <= RECORD_BYTES_MAX else None
        if found is not None and zlib.crc32(found) == crc:
            return found
    return None
