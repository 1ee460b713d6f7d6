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
Reads the end of a segment: what it says of itself, without going through it.

What it says is believed when its CRC is right. Whether the records in front of it are still as it
says is not looked at (salvage).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
import struct
from typing import Final, TYPE_CHECKING, TypeVar
import zlib

from fdr_node.storage import bag_format, mcap_format
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, MetadataIndex, Schema, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from fdr_node.storage.mcap_format import ChannelSpec

T = TypeVar('T')

# Of a summary: a segment of the largest size with the smallest chunks has one of 480 MB, which no
# flight needs; a longer one is damage.
SUMMARY_BYTES_MAX: Final = 512 << 20

_HEAD: Final = struct.Struct('<BQ')
_DATA_END_BYTES: Final = _HEAD.size + 4
_FOOTER: Final = struct.Struct('<BQQQI')
_CRC_BYTES: Final = 4
# Start, end, offset and length of the chunk, length of the offsets; these and a length follow.
_CHUNK_INDEX: Final = struct.Struct('<QQQQI')
_LENGTH_BYTES: Final = 8


@dataclass(slots=True, kw_only=True)
class End:
    """
    The end of a whole file.

    :param data_end_at: where the record is that ends the data.
    :param has_summary: it has an index, as a closed segment does.
    :param channel: the topic as the summary declares it.
    :param records: messages in the file.
    :param start_ns: log time of the first, nanoseconds since the epoch; 0 without one.
    :param end_ns: log time of the last.
    :param record_bytes: bytes of the chunks with their indexes.
    :param metadata: index of every metadata record.
    """

    data_end_at: int
    has_summary: bool
    channel: ChannelSpec | None = None
    records: int = 0
    start_ns: int = 0
    end_ns: int = 0
    record_bytes: int = 0
    metadata: list[MetadataIndex] = field(default_factory=list)


def read_end(stream: BinaryIO, *, size_bytes: int) -> End | None:
    """
    Read the end of a segment.

    :param stream: the file, seekable.
    :param size_bytes: its size.
    :return: None when it has no end, or the CRC of its end is wrong.
    :raises OSError: the disk refuses to read.
    """
    found = _read_summary(stream, size_bytes)
    if found is None:
        return None
    end, summary = found
    _take_summary(summary, end)
    return end


def read_count(stream: BinaryIO, *, size_bytes: int) -> End | None:
    """
    Read of the end of a segment where it is and how many messages there are, as a summary says.

    It takes a fraction of the time of :func:`read_end` where every message is a chunk.

    :return: as of :func:`read_end`, without the rest.
    :raises OSError: the disk refuses to read.
    """
    found = _read_summary(stream, size_bytes)
    if found is None:
        return None
    end, summary = found
    for opcode, body in _records(summary):
        if opcode == Opcode.STATISTICS:
            _take_statistics(body, end)
    return end


def _read_summary(stream: BinaryIO, size_bytes: int) -> tuple[End, bytes] | None:
    """Return where the end is, and the bytes of the summary, when their CRC is right."""
    tail_bytes = _FOOTER.size + len(mcap_format.MAGIC)
    footer_at = size_bytes - tail_bytes
    tail = read_at(stream, max(0, footer_at), tail_bytes)
    if len(tail) < tail_bytes or not tail.endswith(mcap_format.MAGIC):
        return None
    opcode, _, start, _, crc = _FOOTER.unpack(tail[: _FOOTER.size])
    summary_at = start or footer_at
    length = footer_at - summary_at
    if opcode != Opcode.FOOTER or not 0 <= length <= SUMMARY_BYTES_MAX:
        return None
    summary = read_at(stream, summary_at, length)
    if zlib.crc32(tail[: _FOOTER.size - _CRC_BYTES], zlib.crc32(summary)) != crc:
        return None
    return End(data_end_at=summary_at - _DATA_END_BYTES, has_summary=bool(start)), summary


def read_channel(schema_body: bytes, channel_body: bytes) -> ChannelSpec | None:
    """Return the topic that schema and channel declare; None when it is not the recorder's."""
    schema, channel = parse(Schema.read, schema_body), parse(Channel.read, channel_body)
    if schema is None or channel is None:
        return None
    try:
        spec = mcap_format.ChannelSpec(
            topic=channel.topic,
            type_name=schema.name,
            definition=schema.data.decode(),
            type_hash=channel.metadata['topic_type_hash'],
            offered_qos_profiles=channel.metadata['offered_qos_profiles'],
        )
    except (KeyError, ValueError):
        return None
    ours = bag_format.channel_spec()
    is_ours = (spec.topic, spec.type_name) == (ours.topic, ours.type_name)
    # The rest of the two records follows from these: encodings and numbers.
    wanted = mcap_format.definitions(spec)
    return spec if is_ours and (schema, channel) == wanted else None


def text_of(metadata_body: bytes) -> tuple[str, str] | None:
    """Return name and text of a metadata record; None when it is not whole."""
    metadata = parse(Metadata.read, metadata_body)
    head_bytes = _HEAD.size
    # The library does not mind what follows the text; then the length of the record is wrong.
    if metadata is None or mcap_format.encode([metadata])[head_bytes:] != metadata_body:
        return None
    return str(metadata.name), next(iter(metadata.metadata.values()), '')


def read_at(stream: BinaryIO, offset: int, length: int) -> bytes:
    """Read so many bytes at an offset, or what is left of the file there."""
    stream.seek(offset)
    return stream.read(length)


def parse(read: Callable[[ReadDataStream], T], body: bytes) -> T | None:
    """Read a record with the library; None when it is not whole."""
    try:
        return read(ReadDataStream(BytesIO(body)))
    except (struct.error, ValueError, OverflowError, McapError):
        return None


def _take_summary(summary: bytes, end: End) -> None:
    schema = b''
    for opcode, body in _records(summary):
        if opcode == Opcode.SCHEMA:
            schema = body
        elif opcode == Opcode.CHANNEL:
            end.channel = read_channel(schema, body)
        elif opcode == Opcode.STATISTICS:
            _take_statistics(body, end)
        elif opcode == Opcode.CHUNK_INDEX:
            end.record_bytes += _chunk_bytes(body)
        elif opcode == Opcode.METADATA_INDEX:
            index = parse(MetadataIndex.read, body)
            if index is not None:
                end.metadata.append(index)


def _chunk_bytes(body: bytes) -> int:
    """Return the bytes of a chunk with its index; there may be one for each message."""
    if len(body) < _CHUNK_INDEX.size:
        return 0
    *_, chunk_bytes, offsets_bytes = _CHUNK_INDEX.unpack_from(body)
    index_at = _CHUNK_INDEX.size + offsets_bytes
    index_end = index_at + _LENGTH_BYTES
    return int(chunk_bytes) + int.from_bytes(body[index_at:index_end], 'little')


def _take_statistics(body: bytes, end: End) -> None:
    statistics = parse(Statistics.read, body)
    if statistics is not None:
        end.records = statistics.message_count
        end.start_ns = statistics.message_start_time
        end.end_ns = statistics.message_end_time


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Hand out opcode and body of records whose CRC is right."""
    place = 0
    while place < len(data):
        opcode, length = _HEAD.unpack_from(data, place)
        start = place + _HEAD.size
        place = start + length
        yield opcode, data[start:place]
