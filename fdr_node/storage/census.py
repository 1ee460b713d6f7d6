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
Looks into the chunks of a segment: where the messages are, whose they are, what was dropped.

One record of each producer is decoded, and every one of the recorder itself; of the others only
the name is looked at, because this goes over all records of a segment. No count is kept here.
"""

from __future__ import annotations

import struct
from typing import Final

from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.record import decode_cdr, ID_BYTES_MAX, peek
from fdr_node.schema import decode_payload, DropReason, FlightHeader, Kind, SegmentDropped
from mcap.opcode import Opcode

_HEAD: Final = struct.Struct('<BQ')
# Opcode, length, channel, sequence, log and publish time.
_MESSAGE: Final = struct.Struct('<BQHIQQ')

# Where the name of the producer stands in a record, its length in front of it (docs/format.md).
_NAME_AT: Final = 44
_LENGTH_BYTES: Final = 4
_NAME_BYTES_MAX: Final = ID_BYTES_MAX + 1
_OWN_NAME: Final = b'fdr\0'


def index_entries(data: bytes) -> list[int]:
    """
    Return log time and offset of each message in the data of a chunk, in turn.

    :raises struct.error: it does not hold whole records.
    """
    unpack_head, unpack_message = _HEAD.unpack_from, _MESSAGE.unpack_from
    message = int(Opcode.MESSAGE)
    entries: list[int] = []
    offset, end = 0, len(data)
    while offset < end:
        opcode, length = unpack_head(data, offset)
        if opcode == message:
            entries += (unpack_message(data, offset)[4], offset)
        offset += _HEAD.size + length
    if offset != end:
        text = 'the last record is longer than its chunk'
        raise struct.error(text)
    return entries


class Census:
    """
    What the records of a segment tell.

    :ivar producers: whose records there are.
    :ivar records_rolled_off: records of dropped segments, as the recorder said last.
    :ivar segments_dropped: segments that were dropped to make room, likewise: the first ones.
    """

    def __init__(self) -> None:
        self.producers: set[str] = set()
        self.records_rolled_off = 0
        self.segments_dropped = 0
        self._names: set[bytes] = set()
        self._session_id: int | None = None

    def trust_session_of(self, header_text: str) -> None:
        """Hear the recorder in the session that a flight header names; anyone has its name."""
        try:
            self._session_id = FlightHeader.from_json(header_text).session_id
        except PayloadError:
            return

    def take(self, data: bytes) -> list[int]:
        """
        Look at the messages in the data of a chunk.

        :return: log time and offset of each, in turn; empty when they are not whole.
        """
        try:
            entries = index_entries(data)
        except struct.error:
            return []
        for offset in entries[1::2]:
            record_at = offset + _MESSAGE.size
            name_at = record_at + _NAME_AT
            length_at = name_at - _LENGTH_BYTES
            length = int.from_bytes(data[length_at:name_at], 'little')
            name_end = name_at + min(length, _NAME_BYTES_MAX)
            name = data[name_at:name_end]
            if name not in self._names or name == _OWN_NAME:
                self._names.add(name)
                end = offset + _HEAD.size + _HEAD.unpack_from(data, offset)[1]
                self._take_record(data[record_at:end])
        return entries

    def _take_record(self, data: bytes) -> None:
        try:
            head = peek(data)
            self.producers.add(head.producer_id)
            if head.kind == Kind.SEGMENT_DROPPED and head.session_id == self._session_id:
                payload = decode_payload(decode_cdr(data).payload)
                dropped = SegmentDropped.from_payload(payload)
                self.records_rolled_off = dropped.records_rolled_off
                if dropped.reason is not DropReason.MISSING:
                    self.segments_dropped = dropped.index + 1
        except (PayloadError, RecordDecodeError):
            return
