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

It reads, and changes nothing. Memory is bounded by the longest record. A chunk counts when it is
whole and its CRC is right; behind one that is not, the next one that is gets found again, also
when the lengths in between are wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
import struct
from typing import Final, NamedTuple, TYPE_CHECKING, TypeVar
import zlib

from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.record import decode_cdr, peek
from fdr_node.schema import decode_payload, Kind, SegmentDropped
from fdr_node.storage import mcap_format
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Chunk, ChunkIndex, Metadata, MetadataIndex, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

T = TypeVar('T')

# A chunk of the recorder is 64 MiB and one record of 64 MiB at most; a longer one is damage.
RECORD_BYTES_MAX: Final = 192 << 20

_HEAD: Final = struct.Struct('<BQ')
_MESSAGE: Final = struct.Struct('<HIQQ')
_OPCODES: Final = frozenset(int(opcode) for opcode in Opcode)
_WINDOW_BYTES: Final = 1 << 20

# The head of a chunk without compression: opcode, length, start, end, size, CRC, name, length.
_CHUNK_HEAD: Final = struct.Struct('<BQQQQIIQ')
_CHUNK_FIELDS_BYTES: Final = _CHUNK_HEAD.size - _HEAD.size

# Footer record and magic: the last bytes of a closed file.
_FOOTER: Final = struct.Struct('<BQQQI')
_FOOTER_BYTES: Final = _FOOTER.size


@dataclass(slots=True, kw_only=True)
class Salvage:
    """
    What is whole in a segment.

    :param good_bytes: length of the file up to the end of the last whole record of the data.
    :param chunks: index of every whole chunk; their message indexes may still have to be written.
    :param lost_indexes: message index by number of the chunk, where the file has none.
    :param metadata: index of every metadata record.
    :param texts: text of every metadata record by its name.
    :param records: messages in the chunks.
    :param producers: the same by producer.
    :param records_rolled_off: records of dropped segments, as far as the log says.
    :param is_complete: the data section has its end, so no record follows that was torn off.
    :param is_closed: the file has its end too, and the summary's CRC is right.
    :param damage: what is not whole, in words.
    """

    good_bytes: int = 0
    chunks: list[ChunkIndex] = field(default_factory=list)
    lost_indexes: dict[int, bytes] = field(default_factory=dict)
    metadata: list[MetadataIndex] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    records: int = 0
    producers: Counter[str] = field(default_factory=Counter)
    records_rolled_off: int = 0
    is_complete: bool = False
    is_closed: bool = False
    damage: list[str] = field(default_factory=list)

    @property
    def start_ns(self) -> int:
        """Log time of the first message, nanoseconds since the epoch; 0 when there is none."""
        return min((item.message_start_time for item in self.chunks), default=0)

    @property
    def end_ns(self) -> int:
        """Log time of the last message."""
        return max((item.message_end_time for item in self.chunks), default=0)


class _Record(NamedTuple):
    offset: int
    opcode: int
    body: bytes

    @property
    def end(self) -> int:
        return self.offset + _HEAD.size + len(self.body)


def salvage(stream: BinaryIO, *, size_bytes: int, progress: Callable[[int], None]) -> Salvage:
    """
    Go through a segment.

    :param stream: the file, seekable.
    :param size_bytes: its size.
    :param progress: is told how many bytes have been gone through.
    :raises OSError: the disk refuses to read.
    """
    found = Salvage()
    stream.seek(0)
    if stream.read(len(mcap_format.MAGIC)) != mcap_format.MAGIC:
        found.damage.append('it does not begin as an MCAP file does')
    else:
        found.good_bytes = len(mcap_format.MAGIC)
    for record in _records(stream, size_bytes, found):
        progress(record.end)
        if record.opcode == Opcode.DATA_END:
            found.is_complete = True
            found.is_closed = _has_end(stream, record.end, size_bytes)
            break
        _take(record, found)
    return found


def _records(stream: BinaryIO, size_bytes: int, found: Salvage) -> Iterator[_Record]:
    """Hand out the records of the data section; where they are torn, from the next whole chunk."""
    offset = len(mcap_format.MAGIC)
    while offset < size_bytes:
        record = _read_record(stream, offset, size_bytes)
        if record is not None:
            yield record
            offset = record.end
            continue
        after = _next_chunk(stream, offset + 1, size_bytes)
        if after is None:
            return
        found.damage.append(f'byte {offset}: no whole record up to byte {after}')
        offset = after


def _read_record(stream: BinaryIO, offset: int, size_bytes: int) -> _Record | None:
    stream.seek(offset)
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    opcode, length = _HEAD.unpack(head)
    room = size_bytes - offset - _HEAD.size
    if opcode not in _OPCODES or length > min(room, RECORD_BYTES_MAX):
        return None
    body = stream.read(length)
    return _Record(offset, opcode, body) if len(body) == length else None


def _next_chunk(stream: BinaryIO, offset: int, size_bytes: int) -> int | None:
    """Return where the next whole chunk begins, found by what its head must look like."""
    while offset + _CHUNK_HEAD.size <= size_bytes:
        stream.seek(offset)
        window = stream.read(_WINDOW_BYTES + _CHUNK_HEAD.size)
        place = window.find(Opcode.CHUNK)
        while 0 <= place <= len(window) - _CHUNK_HEAD.size:
            if _is_chunk_head(window, place):
                record = _read_record(stream, offset + place, size_bytes)
                if record is not None and _chunk_of(record) is not None:
                    return offset + place
            place = window.find(Opcode.CHUNK, place + 1)
        offset += _WINDOW_BYTES
    return None


def _is_chunk_head(window: bytes, place: int) -> bool:
    _, length, start, end, size, _, name_length, data_length = _CHUNK_HEAD.unpack_from(
        window, place
    )
    fits = length == _CHUNK_FIELDS_BYTES + size and data_length == size
    return fits and not name_length and start <= end


def _take(record: _Record, found: Salvage) -> None:
    if record.opcode == Opcode.CHUNK:
        chunk = _chunk_of(record)
        if chunk is None:
            found.damage.append(f'byte {record.offset}: the CRC of a chunk is wrong')
            return
        _take_chunk(record, chunk, found)
    elif record.opcode == Opcode.MESSAGE_INDEX and found.lost_indexes:
        number = len(found.chunks) - 1
        data = _HEAD.pack(record.opcode, len(record.body)) + record.body
        if found.lost_indexes.get(number) == data:
            del found.lost_indexes[number]
            offsets = found.chunks[number].message_index_offsets
            offsets[mcap_format.CHANNEL_ID] = record.offset
        else:
            return
    elif record.opcode == Opcode.METADATA:
        name = _take_text(record, found)
        if name is None:
            found.damage.append(f'byte {record.offset}: a metadata record is not whole')
            return
        length = record.end - record.offset
        found.metadata.append(MetadataIndex(offset=record.offset, length=length, name=name))
    found.good_bytes = record.end


def _take_chunk(record: _Record, chunk: Chunk, found: Salvage) -> None:
    entries: list[int] = []
    for log_time_ns, offset, data in _messages(chunk.data):
        entries += (log_time_ns, offset)
        try:
            head = peek(data)
        except RecordDecodeError:
            continue
        found.producers[head.producer_id] += 1
        if head.kind == Kind.SEGMENT_DROPPED:
            found.records_rolled_off = max(found.records_rolled_off, _rolled_off(data))
    message_index = mcap_format.message_index(entries)
    # The CRC of a chunk covers its messages, and not what its head says of their times.
    times_ns = entries[::2]
    found.lost_indexes[len(found.chunks)] = message_index
    found.chunks.append(
        ChunkIndex(
            chunk_length=record.end - record.offset,
            chunk_start_offset=record.offset,
            compression=chunk.compression,
            compressed_size=len(chunk.data),
            message_end_time=max(times_ns, default=0),
            message_index_length=len(message_index),
            message_index_offsets={},
            message_start_time=min(times_ns, default=0),
            uncompressed_size=chunk.uncompressed_size,
        )
    )
    found.records += len(entries) // 2


def _rolled_off(data: bytes) -> int:
    """Return what a segment_dropped record says of all segments dropped so far."""
    try:
        payload = decode_payload(decode_cdr(data).payload)
        return SegmentDropped.from_payload(payload).records_rolled_off
    except (PayloadError, RecordDecodeError):
        return 0


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Hand out log time, offset and bytes of each message of a chunk whose CRC is right."""
    offset = 0
    while offset + _HEAD.size <= len(data):
        opcode, length = _HEAD.unpack_from(data, offset)
        body = offset + _HEAD.size
        if opcode == Opcode.MESSAGE:
            log_time_ns = _MESSAGE.unpack_from(data, body)[2]
            yield log_time_ns, offset, data[body + _MESSAGE.size : body + length]
        offset = body + length


def _chunk_of(record: _Record) -> Chunk | None:
    """Return a chunk if it is whole and its CRC is right."""
    chunk = _parse(Chunk.read, record.body)
    if chunk is None or chunk.compression or len(chunk.data) != chunk.uncompressed_size:
        return None
    return chunk if zlib.crc32(chunk.data) == chunk.uncompressed_crc else None


def _has_end(stream: BinaryIO, summary_start: int, size_bytes: int) -> bool:
    """Return whether summary, footer and magic follow, and the summary's CRC is right."""
    stream.seek(summary_start)
    length = size_bytes - summary_start
    if not _FOOTER_BYTES + len(mcap_format.MAGIC) <= length <= RECORD_BYTES_MAX:
        return False
    data = stream.read(length)
    if not data.endswith(mcap_format.MAGIC):
        return False
    footer = data[-_FOOTER_BYTES - len(mcap_format.MAGIC) : -len(mcap_format.MAGIC)]
    opcode, _, start, _, crc = _FOOTER.unpack(footer)
    covered = data[: -len(mcap_format.MAGIC) - 4]
    return bool(opcode == Opcode.FOOTER and start == summary_start and zlib.crc32(covered) == crc)


def _parse(read: Callable[[ReadDataStream], T], body: bytes) -> T | None:
    try:
        return read(ReadDataStream(BytesIO(body)))
    except (struct.error, ValueError, OverflowError, McapError):
        return None


def summarise(stream: BinaryIO, *, size_bytes: int) -> Salvage | None:
    """
    Say what a closed segment says of itself, without going through it.

    :param stream: the file, seekable.
    :param size_bytes: its size.
    :return: None when it is not closed, or its summary is not whole.
    :raises OSError: the disk refuses to read.
    """
    tail_bytes = _FOOTER_BYTES + len(mcap_format.MAGIC)
    stream.seek(max(0, size_bytes - tail_bytes))
    tail = stream.read(tail_bytes)
    if len(tail) < tail_bytes:
        return None
    summary_start: int = _FOOTER.unpack(tail[:_FOOTER_BYTES])[2]
    # 0 is the end of a segment that is still being written: all of it would pass for a summary.
    if not 0 < summary_start < size_bytes or not _has_end(stream, summary_start, size_bytes):
        return None
    found = Salvage(good_bytes=summary_start, is_complete=True, is_closed=True)
    offset = summary_start
    while offset < size_bytes - tail_bytes:
        record = _read_record(stream, offset, size_bytes)
        if record is None:
            return None
        _take_summary(record, found)
        offset = record.end
    for index in found.metadata:
        metadata = _read_record(stream, index.offset, size_bytes)
        if metadata is not None:
            _take_text(metadata, found)
    return found


def _take_summary(record: _Record, found: Salvage) -> None:
    if record.opcode == Opcode.STATISTICS:
        statistics = _parse(Statistics.read, record.body)
        found.records = statistics.message_count if statistics else 0
    elif record.opcode == Opcode.CHUNK_INDEX:
        chunk = _parse(ChunkIndex.read, record.body)
        if chunk is not None:
            found.chunks.append(chunk)
    elif record.opcode == Opcode.METADATA_INDEX:
        index = _parse(MetadataIndex.read, record.body)
        if index is not None:
            found.metadata.append(index)


def _take_text(record: _Record, found: Salvage) -> str | None:
    """Keep the text of a metadata record; return its name, or None when it is not whole."""
    metadata = _parse(Metadata.read, record.body)
    if metadata is None:
        return None
    found.texts[metadata.name] = next(iter(metadata.metadata.values()), '')
    return str(metadata.name)
