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
Reads one segment, an MCAP file, from its start to its end or to where it is cut off or damaged.

It goes through the file record by record and uses no index, because a torn file has none. Every
CRC is checked, and damage is a value that it hands out, never an exception. What the messages
mean is not looked at.

Source: the MCAP specification, version 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
import struct
from typing import Final, TYPE_CHECKING, TypeVar
import zlib

from fdr_node.storage import compression
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, Footer, Metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

T = TypeVar('T')

MAGIC: Final = b'\x89MCAP0\r\n'

# What is held in memory at once: one chunk of the recorder is 64 MiB and one record of 64 MiB at
# most, so a longer one is damage, unpacked as well. The texts of a flight are far smaller.
RECORD_BYTES_MAX: Final = 192 << 20

_SKIP_BYTES: Final = 1 << 20

# Of the name of a compression, in words about it.
_NAME_CHARACTERS_MAX: Final = 16

_RECORD_HEAD: Final = struct.Struct('<BQ')
# Channel, sequence, log time, publish time.
_MESSAGE_HEAD: Final = struct.Struct('<HIQQ')
_RECORD_HEAD_BYTES: Final = _RECORD_HEAD.size
_MESSAGE_HEAD_BYTES: Final = _MESSAGE_HEAD.size

# Damage of a segment that ends behind its last commit, all of it whole: what a recorder has left
# that was killed, or whose disk failed.
NOT_CLOSED: Final = (
    'it has no summary: it was not closed',
    'it has no end: it was not closed',
)

# The CRC in the footer ends what it covers.
_CRC_BYTES: Final = 4

# The records that are looked at; the others are an index, or not for us.
_READ: Final = frozenset(
    {
        Opcode.CHANNEL,
        Opcode.CHUNK,
        Opcode.DATA_END,
        Opcode.FOOTER,
        Opcode.MESSAGE,
        Opcode.METADATA,
    }
)
_OPCODES: Final = frozenset(int(opcode) for opcode in Opcode)
# What the library raises for a record whose fields do not fit it; OverflowError is for a length of
# more than half of what 64 bits hold.
_NOT_WHOLE: Final = (struct.error, ValueError, OverflowError, McapError)

# Opcodes from here on are private: readers skip them.
_PRIVATE: Final = 0x80


@dataclass(frozen=True, slots=True)
class Block:
    """Whole MCAP records in a row, from the inside of a chunk whose CRC is right."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A metadata record: texts by key, under a name."""

    name: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Damage:
    """What cannot be read, and from where in the file on, in words."""

    offset: int
    reason: str


Part = Block | Note | Damage


class SegmentReader:
    """
    One way through a segment.

    :param stream: at the start of the file.
    :param size_bytes: size of the file; what is appended meanwhile is not read.
    """

    def __init__(self, stream: BinaryIO, *, size_bytes: int) -> None:
        self._stream = stream
        self._size_bytes = size_bytes
        self._crc = 0
        self._has_damaged_chunk = False
        self._is_at_footer = False
        self._channels: dict[int, str] = {}
        self.offset = 0

    def parts(self) -> Iterator[Part]:
        """
        Hand out what is in the file, in its order.

        :raises OSError: the disk refuses to read.
        """
        if self._read(len(MAGIC)) != MAGIC:
            yield Damage(0, 'it does not begin as an MCAP file does')
            return
        while not self._is_at_footer:
            start, crc_before = self.offset, self._crc
            head = self._read(_RECORD_HEAD_BYTES)
            if not head:
                yield Damage(start, NOT_CLOSED[1])
                return
            opcode, length = self._record_head(head)
            if length > self._size_bytes - self.offset:
                yield Damage(start, 'it is cut off inside a record')
                return
            if opcode not in _OPCODES and opcode < _PRIVATE:
                yield Damage(start, f'no MCAP record has the opcode {opcode}')
                return
            part = self._part(opcode, length, start=start, crc_before=crc_before)
            if part is not None:
                yield part

    def messages(self, block: Block, topic: str) -> Iterator[tuple[int, bytes]]:
        """
        Hand out log time (ns since the epoch) and bytes of each message of one topic.

        A message whose channel was lost to damage is handed out, too: it may be of the topic.

        :param block: as :meth:`parts` handed it out last.
        :param topic: its name.
        :raises ValueError: the records in the block do not fit it; those before were handed out.
        """
        data, end = block.data, len(block.data)
        unpack_head, unpack_message = _RECORD_HEAD.unpack_from, _MESSAGE_HEAD.unpack_from
        message, channel = int(Opcode.MESSAGE), int(Opcode.CHANNEL)
        channels = self._channels
        position = 0
        try:
            while position < end:
                opcode, length = unpack_head(data, position)
                body = position + _RECORD_HEAD_BYTES
                position = body + length
                if position > end:
                    break
                if opcode == message:
                    key, _, log_time_ns, _ = unpack_message(data, body)
                    if channels.get(key, topic) == topic:
                        body += _MESSAGE_HEAD_BYTES
                        yield log_time_ns, data[body:position]
                elif opcode == channel:
                    self._add_channel(data[body:position])
        except _NOT_WHOLE:
            position = -1
        if position != end:
            text = f'the records in the chunk at byte {block.offset} are not whole'
            raise ValueError(text)

    def _record_head(self, head: bytes) -> tuple[int, int]:
        if len(head) < _RECORD_HEAD_BYTES:
            # As good as any length that reaches beyond the end: the record is cut off.
            return 0, self._size_bytes + 1
        opcode: int
        length: int
        opcode, length = _RECORD_HEAD.unpack(head)
        return opcode, length

    def _part(self, opcode: int, length: int, *, start: int, crc_before: int) -> Part | None:
        """Read or skip the record behind a head that was just read."""
        if opcode not in _READ:
            self._skip(length)
            return None
        if length > RECORD_BYTES_MAX:
            self._skip(length)
            return self._chunk_damage(start, f'a record of {length} bytes is too long to be read')
        body = self._read(length)
        try:
            return self._parse(Opcode(opcode), body, start=start, crc_before=crc_before)
        except _NOT_WHOLE:
            return self._chunk_damage(start, f'its {Opcode(opcode).name} record is not whole')

    def _parse(self, opcode: Opcode, body: bytes, *, start: int, crc_before: int) -> Part | None:
        match opcode:
            case Opcode.CHUNK:
                return self._chunk(_read(Chunk.read, body), start)
            case Opcode.MESSAGE:
                return Block(start, _RECORD_HEAD.pack(opcode, len(body)) + body)
            case Opcode.METADATA:
                record = _read(Metadata.read, body)
                return Note(record.name, record.metadata)
            case Opcode.DATA_END:
                return self._data_end(_read(DataEnd.read, body), start, crc_before)
            case Opcode.FOOTER:
                covered = _RECORD_HEAD.pack(opcode, len(body)) + body[:-_CRC_BYTES]
                crc = zlib.crc32(covered, crc_before)
                return self._footer(_read(Footer.read, body), start, crc)
            case _:
                self._add_channel(body)
                return None

    def _chunk(self, chunk: Chunk, start: int) -> Part:
        name, size = chunk.compression, chunk.uncompressed_size
        if name not in compression.NAMES:
            reason = f'a chunk is compressed in an unknown way ({name[:_NAME_CHARACTERS_MAX]})'
            return self._chunk_damage(start, reason)
        if size > RECORD_BYTES_MAX:
            return self._chunk_damage(start, f'a chunk of {size} bytes is too long to be read')
        data = compression.unpack(chunk.data, name, size=size)
        if data is None:
            return self._chunk_damage(start, 'a chunk is not whole')
        # The specification has 0 for "no CRC".
        if chunk.uncompressed_crc not in {0, zlib.crc32(data)}:
            return self._chunk_damage(start, 'the CRC of a chunk is wrong')
        return Block(start, data)

    def _chunk_damage(self, start: int, reason: str) -> Damage:
        # The data section's CRC will be wrong for it, too, and must not be reported as well.
        self._has_damaged_chunk = True
        return Damage(start, reason)

    def _data_end(self, record: DataEnd, start: int, crc: int) -> Damage | None:
        # What follows has a CRC of its own, in the footer.
        self._crc = 0
        if record.data_section_crc in {0, crc} or self._has_damaged_chunk:
            return None
        return Damage(start, 'the CRC of its data is wrong')

    def _footer(self, record: Footer, start: int, crc: int) -> Damage | None:
        self._is_at_footer = True
        if self._read(len(MAGIC)) != MAGIC:
            return Damage(start, 'it is cut off behind its footer')
        if self.offset != self._size_bytes:
            extra = self._size_bytes - self.offset
            return Damage(self.offset, f'{extra} bytes follow its end')
        if record.summary_crc not in {0, crc}:
            return Damage(start, 'the CRC of its summary is wrong')
        if not record.summary_start:
            return Damage(start, NOT_CLOSED[0])
        return None

    def _add_channel(self, body: bytes) -> None:
        channel = _read(Channel.read, body)
        self._channels[channel.id] = channel.topic

    def _read(self, length: int) -> bytes:
        """Read so many bytes, or what is left of the file."""
        data = self._stream.read(min(length, self._size_bytes - self.offset))
        self.offset += len(data)
        self._crc = zlib.crc32(data, self._crc)
        return data

    def _skip(self, length: int) -> None:
        end = self.offset + length
        while self.offset < end and self._read(min(_SKIP_BYTES, end - self.offset)):
            pass


def _read(read: Callable[[ReadDataStream], T], body: bytes) -> T:
    """Read a record with the library; its return types are not annotated."""
    return read(ReadDataStream(BytesIO(body)))
