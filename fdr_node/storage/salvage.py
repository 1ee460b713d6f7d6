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
Finds what is whole in a segment that a crash, a power cut or a bad sector has left.

It reads, and changes nothing. Memory is bounded by the longest record and the index. A chunk
counts when its data has the CRC that stands before it; that, and not what its head says, tells how
long it is. Behind a place where nothing is whole, the next record that is gets found again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import struct
from typing import Final, TYPE_CHECKING
import zlib

from fdr_node.schema import FOOTER_NAME, HEADER_NAME, SEGMENT_FOOTER_NAME
from fdr_node.storage import bag_format, mcap_format
from fdr_node.storage.census import Census
from fdr_node.storage.segment_bytes import SegmentBytes
from fdr_node.storage.segment_summary import parse, read_channel, text_of
from mcap.opcode import Opcode
from mcap.records import ChunkIndex, Header, MetadataIndex

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from fdr_node.storage.mcap_format import ChannelSpec
    from fdr_node.storage.segment_bytes import Raw
    from fdr_node.storage.segment_summary import End

# The metadata records at the end of a segment.
END_NAMES: Final = (SEGMENT_FOOTER_NAME, FOOTER_NAME)

_PIECE_BYTES: Final = 1 << 20
_DATA_END: Final = struct.Struct('<I')
# Channel and length of the entries, before the entries of a message index.
_INDEX_FIELDS_BYTES: Final = 6


@dataclass(slots=True, kw_only=True)
class Salvage:
    """
    What is whole in a segment.

    :param good_bytes: length of the file up to which it is just as it was written, the footers not
        counted: its end is written anew from their texts.
    :param good_crc: CRC of these bytes.
    :param channel: the topic as the file declares it, or None when that cannot be trusted.
    :param chunks: index of every whole chunk, in the order of the file.
    :param last_index: message index of the last of them, when that is not in the file.
    :param metadata: index of every metadata record but the footers.
    :param texts: text of every metadata record by its name.
    :param records: messages in the chunks.
    :param producers: whose they are.
    :param start_ns: log time of the first message, nanoseconds since the epoch; 0 without one.
    :param end_ns: log time of the last message.
    :param record_bytes: bytes of the chunks with their indexes.
    :param records_rolled_off: records of dropped segments, as far as the log says.
    :param segments_dropped: segments that were dropped, likewise.
    :param is_complete: the data section has its end, so no record follows that was torn off.
    :param is_closed: it has its summary too, whose CRC is right.
    :param has_torn_records: records may have been in what follows the last whole one.
    :param is_scattered: something that is whole follows something that is not.
    :param damage: what is lost, in words.
    :param flaws: what is wrong without a loss, in words.
    """

    good_bytes: int = 0
    good_crc: int = 0
    channel: ChannelSpec | None = None
    chunks: list[ChunkIndex] = field(default_factory=list)
    last_index: bytes = b''
    metadata: list[MetadataIndex] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    records: int = 0
    producers: set[str] = field(default_factory=set)
    start_ns: int = 0
    end_ns: int = 0
    record_bytes: int = 0
    records_rolled_off: int = 0
    segments_dropped: int = 0
    is_complete: bool = False
    is_closed: bool = False
    has_torn_records: bool = False
    is_scattered: bool = False
    damage: list[str] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Return whether nothing in it is wrong, but that it may end too early."""
        return not self.damage and not self.flaws


def salvage(stream: BinaryIO, *, size_bytes: int, progress: Callable[[int], None]) -> Salvage:
    """
    Go through a segment.

    :param stream: the file, seekable.
    :param size_bytes: its size.
    :param progress: is told how many bytes have been gone through.
    :raises OSError: the disk refuses to read.
    """
    return _Passage(SegmentBytes(stream, size_bytes=size_bytes)).go(progress)


def summarise(stream: BinaryIO, *, size_bytes: int) -> Salvage | None:
    """
    Take a segment at its word, without going through it.

    :param stream: the file, seekable.
    :param size_bytes: its size.
    :return: None when it is not one that the recorder closed, or rosbag2's writer for it: a
        repaired one has no footer.
    :raises OSError: the disk refuses to read.
    """
    file = SegmentBytes(stream, size_bytes=size_bytes)
    end = file.end
    if end is None or not end.has_summary:
        return None
    found = Salvage(
        good_bytes=end.data_end_at,
        channel=end.channel,
        records=end.records,
        start_ns=end.start_ns,
        end_ns=end.end_ns,
        record_bytes=end.record_bytes,
        is_complete=True,
        is_closed=True,
    )
    for index in end.metadata:
        record = file.record(index.offset)
        named = text_of(record.body) if record else None
        if named is not None:
            found.texts[named[0]] = named[1]
    if SEGMENT_FOOTER_NAME in found.texts:
        return found
    # rosbag2's own writer says at its end, and only there, how many messages there are.
    embedded = bag_format.parse_embedded(found.texts.get('rosbag2', ''))
    if HEADER_NAME not in embedded.custom_data or embedded.message_count != end.records:
        return None
    found.texts = {**embedded.custom_data, **found.texts}
    return found if end.records else None


class _Passage:
    """One way through a file."""

    def __init__(self, file: SegmentBytes) -> None:
        self._file = file
        self._end = file.end
        self._found = Salvage()
        self._offset = 0
        # Of all bytes in front of the offset.
        self._crc = 0
        self._census = Census()

    def go(self, progress: Callable[[int], None]) -> Salvage:
        """Go through it. :return: what is whole."""
        found = self._found
        if not self._take_beginning():
            self._find_next()
        while self._offset < self._file.size and not found.is_complete:
            progress(self._offset)
            if not self._take_record():
                self._find_next()
        progress(self._file.size)
        census = self._census
        found.producers = census.producers
        found.records_rolled_off = census.records_rolled_off
        found.segments_dropped = census.segments_dropped
        return found

    def _take_beginning(self) -> bool:
        """Take magic, header, and the topic. :return: False where one of them is not whole."""
        found = self._found
        magic = self._file.bytes_at(0, len(mcap_format.MAGIC))
        if not mcap_format.MAGIC.startswith(magic):
            found.flaws.append('it does not begin as an MCAP file does')
        self._keep(len(magic))
        record = self._take_definition(Opcode.HEADER)
        if record is None:
            return False
        header = parse(Header.read, record.body)
        if header is None or header.profile != 'ros2':
            found.flaws.append('its header is not as it was written')
        following = self._file.record(self._offset)
        if following is not None and following.opcode != Opcode.SCHEMA:
            # Other writers put the topic into the first chunk.
            return True
        schema = self._take_definition(Opcode.SCHEMA)
        channel = self._take_definition(Opcode.CHANNEL) if schema else None
        if schema is None or channel is None:
            return False
        found.channel = read_channel(schema.body, channel.body)
        if found.channel is None:
            found.flaws.append('its schema or channel is not as it was written')
        return True

    def _take_definition(self, opcode: Opcode) -> Raw | None:
        record = self._file.record(self._offset)
        if record is None or record.opcode != opcode or not self._file.is_record(record.end):
            return None
        self._keep(record.end)
        return record

    def _take_record(self) -> bool:
        """Take what stands at the offset. :return: False when it is not whole."""
        record = self._file.record(self._offset)
        if self._is_end(record):
            self._take_end(record)
            return True
        if record is not None and record.opcode == Opcode.METADATA:
            return self._take_metadata(record)
        return self._take_chunk()

    def _is_end(self, record: Raw | None) -> bool:
        """Return whether the data ends here: the footer says so, or the CRC."""
        if self._end is not None and self._offset == self._end.data_end_at:
            return True
        data_end = _data_end_of(record)
        return data_end is not None and (self._end is None or data_end == self._crc)

    def _take_end(self, record: Raw | None) -> None:
        found, end = self._found, self._end
        self._note_lost_index()
        is_here = end is not None and end.data_end_at == self._offset
        found.is_complete = True
        found.is_closed = is_here and end is not None and end.has_summary
        is_right = _data_end_of(record) == self._crc
        if found.is_closed and end is not None:
            self._compare(end, is_right=is_right)
        if found.is_sound and not is_right:
            found.flaws.append(f'byte {self._offset}: the CRC of the data is wrong')
            # It may be the schema or the channel that is not as it was written, or a text.
            found.channel = None
            found.is_scattered = True
        if found.channel is None and end is not None:
            found.channel = end.channel

    def _compare(self, end: End, *, is_right: bool) -> None:
        """Judge what was not whole by the CRC of all of it, and the number of records."""
        found = self._found
        if is_right:
            # Not how the recorder would have written it, but all of it is as it was written.
            found.records, found.record_bytes = end.records, end.record_bytes
            found.start_ns, found.end_ns = end.start_ns, end.end_ns
            found.damage.clear()
            found.flaws.clear()
        elif found.records == end.records:
            found.flaws += found.damage
            found.damage.clear()
        elif not found.damage:
            found.damage.append(f'{found.records} of {end.records} records can be read')

    def _take_metadata(self, record: Raw) -> bool:
        found = self._found
        named = text_of(record.body)
        if named is None:
            return False
        self._note_lost_index()
        name, text = named
        found.texts[name] = text
        if name == 'rosbag2' and not found.chunks:
            # rosbag2's own writer has no other place for what the flight adds.
            for key, value in bag_format.parse_embedded(text).custom_data.items():
                found.texts.setdefault(key, value)
        if HEADER_NAME in found.texts:
            self._census.trust_session_of(found.texts[HEADER_NAME])
        if name in END_NAMES:
            self._advance(record.end)
            return True
        length = record.end - record.offset
        found.metadata.append(MetadataIndex(offset=record.offset, length=length, name=name))
        self._keep(record.end)
        return True

    def _take_chunk(self) -> bool:
        """Take a chunk whose data has the CRC, however wrong the rest of its head is."""
        found, offset = self._found, self._offset
        chunk = self._file.chunk(offset)
        entries = self._census.take(chunk.data) if chunk else []
        if not chunk or not entries:
            return False
        self._note_lost_index()
        wanted = mcap_format.chunk_of(chunk.data, chunk.packed, entries=entries, offset=offset)
        end, size = chunk.end, chunk.end - offset
        head_bytes = size - len(chunk.packed.data)
        if self._file.bytes_at(offset, head_bytes) != wanted.data[:head_bytes]:
            found.flaws.append(f'byte {offset}: the head of a chunk is wrong')
        self._keep(end)
        message_index = wanted.data[size:]
        if self._file.bytes_at(end, len(message_index)) == message_index:
            self._keep(end + len(message_index))
        else:
            found.last_index = message_index
        if not found.chunks:
            found.start_ns = wanted.index.message_start_time
        found.end_ns = wanted.index.message_end_time
        found.chunks.append(wanted.index)
        found.records += wanted.message_count
        found.record_bytes += len(wanted.data)
        return True

    def _note_lost_index(self) -> None:
        """Something whole follows: the index that should be in front of it was not torn off."""
        found = self._found
        if found.last_index:
            at = found.chunks[-1].chunk_start_offset
            found.flaws.append(f'byte {at}: the index of a chunk is wrong')
            found.last_index = b''

    def _find_next(self) -> None:
        """Go on where the next record is whole, or to the end of the file."""
        found, start = self._found, self._offset
        is_index = bool(found.last_index) and start == found.good_bytes
        behind_index = start + len(found.last_index) if is_index else start
        if is_index and self._file.is_record(behind_index):
            self._advance(behind_index)
            return
        record = self._file.record(start)
        if record is not None and self._file.is_record(record.end):
            self._skip(record)
            return
        place = self._file.search(start + 1)
        if place is None:
            found.has_torn_records = not self._file.is_without_messages(behind_index)
            self._advance(self._file.size)
            return
        notes = found.flaws if self._is_without_loss(start, place) else found.damage
        notes.append(f'byte {start}: nothing is whole up to byte {place}')
        self._advance(place)

    def _is_without_loss(self, start: int, end: int) -> bool:
        """Return whether there was no chunk in a gap, as far as that can be told."""
        found = self._found
        if found.last_index:
            return end == found.good_bytes + len(found.last_index)
        # The first chunk comes behind the first texts.
        is_beginning = not found.chunks and self._file.is_without_messages(end)
        return is_beginning or self._file.is_without_messages(start)

    def _skip(self, record: Raw) -> None:
        """Go on behind a record that is not whole, but has a length that fits."""
        found, end = self._found, record.end
        if record.opcode != Opcode.CHUNK:
            found.flaws.append(f'byte {record.offset}: a record is not whole')
        else:
            index = self._file.record(end)
            count = 'some'
            if index is not None and index.opcode == Opcode.MESSAGE_INDEX:
                entries_bytes = len(index.body) - _INDEX_FIELDS_BYTES
                count = str(entries_bytes // mcap_format.MESSAGE_INDEX_ENTRY_BYTES)
                end = index.end
            found.damage.append(f'byte {record.offset}: a chunk of {count} records is damaged')
        self._advance(end)

    def _keep(self, end: int) -> None:
        """Go on behind something that is whole."""
        self._advance(end)
        if self._found.is_sound:
            self._found.good_bytes, self._found.good_crc = end, self._crc
        else:
            self._found.is_scattered = True

    def _advance(self, end: int) -> None:
        """Go on at a place, whatever comes before it."""
        for place in range(self._offset, end, _PIECE_BYTES):
            piece = self._file.bytes_at(place, min(_PIECE_BYTES, end - place))
            self._crc = zlib.crc32(piece, self._crc)
        self._offset = end


def _data_end_of(record: Raw | None) -> int | None:
    """Return the CRC that ends the data, or None when this is not its end."""
    if record is None or record.opcode != Opcode.DATA_END or len(record.body) != _DATA_END.size:
        return None
    crc: int = _DATA_END.unpack(record.body)[0]
    return crc
