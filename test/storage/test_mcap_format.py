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
"""The bytes of an MCAP file, against the specification written out by hand."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
import zlib

from fdr_node.storage import mcap_format
from hypothesis import given, settings
from hypothesis import strategies as st
import mcap_bytes
from mcap_bytes import Cursor, MAGIC, split
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

# No deadline: the computers that test may be slow.
SETTINGS = settings(deadline=None)

CHANNEL = mcap_format.ChannelSpec(
    topic='/fdr/records',
    type_name='fdr_node/msg/FdrRecord',
    definition='uint8[] payload\n',
    type_hash='RIHS01_00ff',
    offered_qos_profiles='- history: keep_last\n',
)
CHUNKS = st.lists(st.integers(0, 2**63), min_size=1, max_size=20)


def text(value: str) -> bytes:
    """Return a string as MCAP writes it."""
    data = value.encode()
    return struct.pack('<I', len(data)) + data


def record(opcode: int, body: bytes) -> bytes:
    """Return a record as MCAP writes it."""
    return struct.pack('<BQ', opcode, len(body)) + body


def chunk_of(log_times: Sequence[int], offset: int = 0) -> mcap_format.EncodedChunk:
    """Return a chunk with one small message for each time."""
    parts: list[bytes] = []
    entries: list[int] = []
    for sequence, log_time_ns in enumerate(log_times):
        data = f'message {sequence}'.encode()
        head = mcap_format.message_head(
            sequence=sequence, log_time_ns=log_time_ns, publish_time_ns=0, size=len(data)
        )
        entries += (log_time_ns, sum(len(part) for part in parts))
        parts += (head, data)
    return mcap_format.chunk(parts, entries=entries, offset=offset)


def test_a_message_is_its_head_and_its_bytes() -> None:
    """Opcode, length, channel, sequence, log time, publish time."""
    head = mcap_format.message_head(sequence=7, log_time_ns=11, publish_time_ns=13, size=4)
    body = struct.pack('<HIQQ', 1, 7, 11, 13) + b'data'
    assert head + b'data' == record(mcap_bytes.MESSAGE, body)
    assert len(head) == mcap_format.MESSAGE_OVERHEAD_BYTES


@pytest.mark.parametrize(
    ('sequence', 'publish_time_ns', 'stored'),
    [(2**32 - 1, 5, (2**32 - 1, 5)), (2**32 + 3, 5, (3, 5)), (2**64 - 1, -1, (2**32 - 1, 0))],
)
def test_a_message_keeps_what_its_fields_hold(
    sequence: int, publish_time_ns: int, stored: tuple[int, int]
) -> None:
    """The low 32 bits of the number; a stamp before 1970 becomes 1970."""
    head = mcap_format.message_head(
        sequence=sequence, log_time_ns=1, publish_time_ns=publish_time_ns, size=0
    )
    fields = Cursor(head[11:])
    assert (fields.take('I'), fields.take('Q'), fields.take('Q')) == (stored[0], 1, stored[1])


def test_the_prologue_is_header_schema_and_channel() -> None:
    """Byte for byte."""
    channel = struct.pack('<HH', 1, 1) + text('/fdr/records') + text('cdr')
    pairs = (
        text('offered_qos_profiles')
        + text('- history: keep_last\n')
        + text('topic_type_hash')
        + text('RIHS01_00ff')
    )
    schema = struct.pack('<H', 1) + text('fdr_node/msg/FdrRecord') + text('ros2msg')
    assert mcap_format.prologue(library='fdr_node 1', channel=CHANNEL) == (
        MAGIC
        + record(mcap_bytes.HEADER, text('ros2') + text('fdr_node 1'))
        + record(mcap_bytes.SCHEMA, schema + text('uint8[] payload\n'))
        + record(mcap_bytes.CHANNEL, channel + struct.pack('<I', len(pairs)) + pairs)
    )


def test_metadata_records_are_found_through_their_index() -> None:
    """Each with the key that its reader looks for."""
    data, index = mcap_format.metadata_records({'fdr_x': '{"ü":1}', 'rosbag2': 'y'}, offset=100)
    assert [(item.opcode, item.offset, item.size) for item in split(data, offset=100)] == [
        (mcap_bytes.METADATA, item.offset, item.length) for item in index
    ]
    fields = [Cursor(item.body) for item in split(data)]
    assert [(item.text(), item.texts()) for item in fields] == [
        ('fdr_x', {'json': '{"ü":1}'}),
        ('rosbag2', {'serialized_metadata': 'y'}),
    ]
    assert [item.name for item in index] == ['fdr_x', 'rosbag2']


@SETTINGS
@given(CHUNKS, st.integers(0, 2**40))
def test_a_chunk_and_its_index(log_times: list[int], offset: int) -> None:
    """Times in any order; sizes are those that the constants tell."""
    encoded = chunk_of(log_times, offset)
    chunk, message_index = split(encoded.data, offset)
    fields = Cursor(chunk.body)
    assert [fields.take('Q'), fields.take('Q')] == [min(log_times), max(log_times)]
    size, crc = fields.take('Q'), fields.take('I')
    assert fields.text() == ''
    content = fields.blob('Q')
    assert (size, crc) == (len(content), zlib.crc32(content))
    assert chunk.size == mcap_format.CHUNK_OVERHEAD_BYTES + len(content)

    told = Cursor(message_index.body)
    channel_id, entries = told.take('H'), told.pairs('QQ')
    assert (channel_id, [log_time_ns for log_time_ns, _ in entries]) == (1, log_times)
    assert [place for _, place in entries] == [item.offset for item in split(content)]
    assert message_index.size == mcap_format.message_index_bytes(len(log_times))

    assert encoded.message_count == len(log_times)
    index = mcap_format.encode([encoded.index])
    assert len(index) == mcap_format.CHUNK_INDEX_BYTES


@SETTINGS
@given(st.lists(CHUNKS, max_size=4))
def test_a_file_put_together_is_whole(times_of_chunks: list[list[int]]) -> None:
    """Prologue, chunks, metadata, end and summary, checked by hand."""
    data = mcap_format.prologue(library='x', channel=CHANNEL)
    chunks = []
    for log_times in times_of_chunks:
        encoded = chunk_of(log_times, len(data))
        chunks.append(encoded)
        data += encoded.data
    metadata, index = mcap_format.metadata_records({'fdr_y': '{}'}, offset=len(data))
    data += metadata
    data += mcap_format.data_end(zlib.crc32(data))
    data += mcap_format.summary(
        offset=len(data),
        channel=CHANNEL,
        chunks=[encoded.index for encoded in chunks],
        metadata=index,
        message_count=sum(encoded.message_count for encoded in chunks),
    )
    mcap_bytes.check(data)


def test_a_file_that_is_being_written_has_an_end_without_a_summary() -> None:
    """It is as whole as a closed one to whoever goes through it; its footer names no summary."""
    data = mcap_format.prologue(library='x', channel=CHANNEL)
    data += chunk_of([5], len(data)).data
    crc = zlib.crc32(data)
    end, footer = mcap_bytes.records_of(data + mcap_format.open_end(crc))[-2:]
    assert (end.opcode, mcap_bytes.Cursor(end.body).take('I')) == (mcap_bytes.DATA_END, crc)
    fields = mcap_bytes.Cursor(footer.body)
    assert (footer.opcode, fields.take('Q'), fields.take('Q')) == (mcap_bytes.FOOTER, 0, 0)
    head = struct.pack('<BQ', footer.opcode, len(footer.body)) + footer.body[:-4]
    assert fields.take('I') == zlib.crc32(head)


def test_the_first_chunk_adds_to_the_summary_what_the_constant_says() -> None:
    """Beside its own index; the size of the footer's segment is told before it is written."""
    chunk = chunk_of([5])

    def size(count: int) -> int:
        summary = mcap_format.summary(
            offset=0,
            channel=CHANNEL,
            chunks=[chunk.index] * count,
            metadata=[],
            message_count=count,
        )
        return len(summary)

    first = mcap_format.FIRST_CHUNK_BYTES + mcap_format.CHUNK_INDEX_BYTES
    assert (size(1) - size(0), size(2) - size(1)) == (first, mcap_format.CHUNK_INDEX_BYTES)


def test_a_definition_names_what_it_depends_on() -> None:
    """In the form that ``ros2 bag`` and rosbags read: a line of 80 signs, then the name."""
    text_of_all = mcap_format.ros2_definition('a/B b\n\n', [('a/B', 'c/D d\n'), ('c/D', 'int8 x')])
    line = '=' * 80
    assert text_of_all == f'a/B b\n{line}\nMSG: a/B\nc/D d\n{line}\nMSG: c/D\nint8 x\n'
