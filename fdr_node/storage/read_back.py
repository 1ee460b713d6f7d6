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
Reads back what somebody else has written to a segment: how much of it is whole.

It goes through chunks and their message indexes from a place on, checks the CRC of each, and stops
where neither follows. What the messages mean is not looked at. It reads, and changes nothing.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple, TYPE_CHECKING
import zlib

from fdr_node.storage import compression
from fdr_node.storage.mcap_format import MESSAGE_INDEX_ENTRY_BYTES
from fdr_node.storage.segment_bytes import RECORD_BYTES_MAX
from mcap.opcode import Opcode

if TYPE_CHECKING:
    from typing import BinaryIO

_HEAD: Final = struct.Struct('<BQ')
# Start, end, size, CRC, length of the compression's name; name and length of the data follow.
_CHUNK: Final = struct.Struct('<QQQII')
_LENGTH: Final = struct.Struct('<Q')
_NAME_AT: Final = _HEAD.size + _CHUNK.size
# Channel and length, in front of the entries of a message index.
_INDEX_FIELDS_BYTES: Final = 6


class Whole(NamedTuple):
    """
    What is whole behind a place in a segment.

    :param end: where it ends.
    :param records: messages in it.
    :param chunks: chunks in it.
    :param crc: of all bytes of the file up to the end.
    """

    end: int
    records: int
    chunks: int
    crc: int


def read_back(stream: BinaryIO, start: Whole) -> Whole:
    """
    Go through the chunks behind a place.

    :param stream: the file, seekable.
    :param start: what is whole up to that place.
    :return: the same up to where no whole chunk with its message index follows.
    :raises OSError: the disk refuses to read.
    """
    stream.seek(start.end)
    end, records, chunks, crc = start
    head_bytes = _HEAD.size
    while True:
        chunk = _next_record(stream, Opcode.CHUNK)
        if not chunk or not _is_right(chunk):
            return Whole(end, records, chunks, crc)
        index = _next_record(stream, Opcode.MESSAGE_INDEX)
        if not index:
            return Whole(end, records, chunks, crc)
        entries_bytes = len(index) - head_bytes - _INDEX_FIELDS_BYTES
        end += len(chunk) + len(index)
        records += entries_bytes // MESSAGE_INDEX_ENTRY_BYTES
        chunks += 1
        crc = zlib.crc32(index, zlib.crc32(chunk, crc))


def _next_record(stream: BinaryIO, opcode: Opcode) -> bytes:
    """Return the record that follows, with its head; nothing when it is another or not whole."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return b''
    found, length = _HEAD.unpack(head)
    if found != opcode or length > RECORD_BYTES_MAX:
        return b''
    body = stream.read(length)
    return head + body if len(body) == length else b''


def _is_right(chunk: bytes) -> bool:
    """Return whether the data of a chunk has the CRC that stands before it."""
    if len(chunk) < _NAME_AT:
        return False
    _, _, size, crc, name_bytes = _CHUNK.unpack_from(chunk, _HEAD.size)
    name_end = _NAME_AT + name_bytes
    data_at = name_end + _LENGTH.size
    length = _LENGTH.pack(max(0, len(chunk) - data_at))
    if size > RECORD_BYTES_MAX or chunk[name_end:data_at] != length:
        return False
    name = chunk[_NAME_AT:name_end].decode(errors='replace')
    data = compression.unpack(chunk[data_at:], name, size=size)
    return data is not None and zlib.crc32(data) == crc
