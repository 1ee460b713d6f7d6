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
Turns records into the bytes of an MCAP file: prologue, chunks with their index, epilogue.

Pure: bytes in, bytes out. The ``mcap`` library's own ``Writer`` counts a message before its bytes
are written, so a write that fails leaves an index that lies. Here nothing is counted; the caller
does that once the bytes are on disk. The layout of every record comes from the library's record
classes, except for messages, which are the hot path.

Source: the MCAP specification, version 0.
"""

from __future__ import annotations

from dataclasses import dataclass
import struct
from typing import TYPE_CHECKING
import zlib

from fdr_node.storage.compression import pack
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fdr_node.storage.compression import Packed

MAGIC = b'\x89MCAP0\r\n'
SCHEMA_ID = 1
CHANNEL_ID = 1

# Message record: opcode, length, channel, sequence, log and publish time.
_MESSAGE_HEAD = struct.Struct('<BQHIQQ')
_MESSAGE_FIELDS_BYTES = 22
# Looked up for every message: a name of the module is found faster than a member of an enum.
_MESSAGE = int(Opcode.MESSAGE)
_pack_message_head = _MESSAGE_HEAD.pack
MESSAGE_OVERHEAD_BYTES = _MESSAGE_HEAD.size

# MessageIndex record: opcode, length, channel, byte length of the entries.
_MESSAGE_INDEX_HEAD = struct.Struct('<BQHI')
MESSAGE_INDEX_ENTRY_BYTES = 16

_FOOTER_TAIL = struct.Struct('<BQQQ')
_FOOTER_FIELDS_BYTES = 20

# Chunk record without its data: opcode, length, two times, size, CRC, compression name (here it is
# empty), length.
CHUNK_OVERHEAD_BYTES = 9 + 8 + 8 + 8 + 4 + 4 + 8
# One ChunkIndex record in the summary, for one channel.
CHUNK_INDEX_BYTES = 9 + 8 * 4 + 4 + 10 + 8 + 4 + 8 + 8
# What the first chunk adds to the summary beside: the message count of the channel in the
# statistics, and the offset of the chunk indexes.
FIRST_CHUNK_BYTES = 10 + 26

_SEPARATOR = '=' * 80

# The key of the text in a metadata record: rosbag2 looks for its own, ours is the default.
METADATA_KEYS = {'rosbag2': 'serialized_metadata'}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """The one topic of a segment: name, type, definition, and what ``ros2 bag play`` offers."""

    topic: str
    type_name: str
    definition: str
    type_hash: str
    offered_qos_profiles: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedChunk:
    """One chunk with its message index, and what the summary will say of it."""

    data: bytes
    index: ChunkIndex
    message_count: int


def message_head(*, sequence: int, log_time_ns: int, publish_time_ns: int, size: int) -> bytes:
    """
    Return what stands before a message's bytes in a chunk.

    :param sequence: any integer; the field keeps its low 32 bits.
    :param log_time_ns: when it was recorded, nanoseconds since the epoch, 0 or more.
    :param publish_time_ns: when it was made, nanoseconds since the epoch; negative becomes 0.
    :param size: bytes of the message that follow.
    """
    return _pack_message_head(
        _MESSAGE,
        _MESSAGE_FIELDS_BYTES + size,
        CHANNEL_ID,
        sequence & 0xFFFFFFFF,
        log_time_ns,
        max(0, publish_time_ns),
    )


def parse_message_head(head: bytes) -> tuple[int, int, int]:
    """Return sequence, log time and publish time from what :func:`message_head` made."""
    _, _, _, sequence, log_time_ns, publish_time_ns = _MESSAGE_HEAD.unpack(head)
    return sequence, log_time_ns, publish_time_ns


def prologue(*, library: str, channel: ChannelSpec) -> bytes:
    """
    Return the start of a segment: magic, header, schema and channel.

    Schema and channel stand outside the chunks, so that no lost chunk takes them along.
    """
    return MAGIC + encode([Header('ros2', library), *definitions(channel)])


def metadata_records(
    texts: Mapping[str, str], *, offset: int
) -> tuple[bytes, list[MetadataIndex]]:
    """
    Return metadata records, and what the summary will say of them.

    :param texts: name of each record and the JSON or YAML text in it.
    :param offset: where in the file the first will begin.
    """
    data = b''
    index: list[MetadataIndex] = []
    for name, text in texts.items():
        record = encode([Metadata(name, {METADATA_KEYS.get(name, 'json'): text})])
        index.append(MetadataIndex(offset=offset + len(data), length=len(record), name=name))
        data += record
    return data, index


def chunk(
    parts: Sequence[bytes], *, entries: Sequence[int], offset: int, compression: str = ''
) -> EncodedChunk:
    """
    Return a chunk and its message index.

    :param parts: message heads and messages in turn, as they follow each other in the chunk.
    :param entries: log time and offset within the chunk of each message, in turn; not empty.
    :param offset: where in the file the chunk will begin.
    :param compression: one of ``compression.NAMES``; what does not get smaller is left as it is.
    """
    data = b''.join(parts)
    return chunk_of(data, pack(data, compression), entries=entries, offset=offset)


def chunk_of(data: bytes, packed: Packed, *, entries: Sequence[int], offset: int) -> EncodedChunk:
    """
    Return a chunk and its message index, of data that is packed already.

    :param data: what is in the chunk, as it was before.
    :param packed: the same as it will stand in the file.
    """
    log_times = entries[::2]
    start_ns, end_ns = min(log_times), max(log_times)
    record = encode(
        [
            Chunk(
                compression=packed.compression,
                data=packed.data,
                message_start_time=start_ns,
                message_end_time=end_ns,
                uncompressed_crc=zlib.crc32(data),
                uncompressed_size=len(data),
            )
        ]
    )
    message_index_record = message_index(entries)
    index = ChunkIndex(
        chunk_length=len(record),
        chunk_start_offset=offset,
        compression=packed.compression,
        compressed_size=len(packed.data),
        message_end_time=end_ns,
        message_index_length=len(message_index_record),
        message_index_offsets={CHANNEL_ID: offset + len(record)},
        message_start_time=start_ns,
        uncompressed_size=len(data),
    )
    return EncodedChunk(
        data=record + message_index_record, index=index, message_count=len(entries) // 2
    )


def message_index(entries: Sequence[int]) -> bytes:
    """
    Return the message index record of a chunk.

    :param entries: log time and offset within the chunk of each message, in turn.
    """
    size = 8 * len(entries)
    head = _MESSAGE_INDEX_HEAD.pack(Opcode.MESSAGE_INDEX, 2 + 4 + size, CHANNEL_ID, size)
    return head + struct.pack(f'<{len(entries)}Q', *entries)


def message_index_bytes(message_count: int) -> int:
    """Return the size of a message index record."""
    return _MESSAGE_INDEX_HEAD.size + MESSAGE_INDEX_ENTRY_BYTES * message_count


def data_end(data_crc: int) -> bytes:
    """Return the record that ends the data section, with the CRC of all before it."""
    return encode([DataEnd(data_crc)])


def open_end(data_crc: int) -> bytes:
    """
    Return the end of a segment that is still being written: whole, but without a summary.

    Its length is always the same, so that it costs little to write it again with every chunk.

    :param data_crc: CRC of all before it.
    """
    # The footer's CRC covers the footer alone when there is no summary.
    return data_end(data_crc) + _closing(b'', 0, b'')


def summary(
    *,
    offset: int,
    channel: ChannelSpec,
    chunks: Sequence[ChunkIndex],
    metadata: Sequence[MetadataIndex],
    message_count: int,
) -> bytes:
    """
    Return the end of a segment: summary section, summary offsets, footer and magic.

    :param offset: where in the file it begins.
    :param chunks: the index of every chunk in the file.
    :param metadata: the index of every metadata record in the file.
    :param message_count: messages in all chunks.
    """
    statistics = Statistics(
        attachment_count=0,
        channel_count=1,
        channel_message_counts={CHANNEL_ID: message_count} if message_count else {},
        chunk_count=len(chunks),
        message_count=message_count,
        metadata_count=len(metadata),
        message_start_time=min((item.message_start_time for item in chunks), default=0),
        message_end_time=max((item.message_end_time for item in chunks), default=0),
        schema_count=1,
    )
    schema, channel_record = definitions(channel)
    groups: list[tuple[Opcode, Sequence[McapRecord]]] = [
        (Opcode.SCHEMA, [schema]),
        (Opcode.CHANNEL, [channel_record]),
        (Opcode.STATISTICS, [statistics]),
        (Opcode.CHUNK_INDEX, chunks),
        (Opcode.METADATA_INDEX, metadata),
    ]
    body = b''
    offsets: list[McapRecord] = []
    for opcode, records in groups:
        if records:
            group = encode(records)
            offsets.append(SummaryOffset(opcode, offset + len(body), len(group)))
            body += group
    return body + _closing(body, offset, encode(offsets))


def encode(records: Iterable[McapRecord]) -> bytes:
    """Return the bytes of MCAP records, one after the other."""
    builder = RecordBuilder()
    end: Callable[[], bytes] = builder.end
    for record in records:
        record.write(builder)
    return end()


def ros2_definition(definition: str, dependencies: Sequence[tuple[str, str]]) -> str:
    """
    Return a message definition with its dependencies, in the ``ros2msg`` schema encoding.

    :param definition: text of the ``.msg`` file.
    :param dependencies: type name (package/Type) and text of every type used, nested ones too.
    """
    parts = [definition]
    parts += [f'{_SEPARATOR}\nMSG: {name}\n{text}' for name, text in dependencies]
    return '\n'.join(part.rstrip('\n') for part in parts) + '\n'


def definitions(channel: ChannelSpec) -> tuple[Schema, Channel]:
    """Return the two records that declare the topic."""
    schema = Schema(
        id=SCHEMA_ID,
        data=channel.definition.encode(),
        encoding='ros2msg',
        name=channel.type_name,
    )
    metadata = {
        'offered_qos_profiles': channel.offered_qos_profiles,
        'topic_type_hash': channel.type_hash,
    }
    return schema, Channel(
        id=CHANNEL_ID,
        topic=channel.topic,
        message_encoding='cdr',
        metadata=metadata,
        schema_id=SCHEMA_ID,
    )


def _closing(body: bytes, offset: int, offsets: bytes) -> bytes:
    """Return offsets, footer and magic behind a summary; without one, all places are 0."""
    offset_start = offset + len(body)
    # The footer's CRC covers the summary, the offsets, and the footer up to the CRC itself.
    crc = zlib.crc32(offsets, zlib.crc32(body))
    head = _FOOTER_TAIL.pack(Opcode.FOOTER, _FOOTER_FIELDS_BYTES, offset, offset_start)
    footer = Footer(
        summary_start=offset, summary_offset_start=offset_start, summary_crc=zlib.crc32(head, crc)
    )
    return offsets + encode([footer]) + MAGIC
