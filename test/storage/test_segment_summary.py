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
"""What a segment says of itself, and that it is believed only when its CRC is right."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
import struct

from fdr_node.storage import mcap_format, segment_summary
from fdr_node.storage.bag_format import channel_spec
from fdr_node.storage.segment_summary import End, read_channel, read_count, read_end, text_of
from mcap.records import Channel, Metadata, Schema
import mcap_bytes
import pytest
from wrecks import chunk_places, closed_flight, flipped, killed_flight, name_of, OPEN_END_BYTES

CLOSED = closed_flight()[name_of(1)]
OPEN = killed_flight()[name_of(2)]
RECORDS = mcap_bytes.records_of(CLOSED)
(DATA_END,) = [item for item in RECORDS if item.opcode == mcap_bytes.DATA_END]
SCHEMA, CHANNEL = RECORDS[1:3]


def end_of(data: bytes) -> End | None:
    """Read the end of some bytes."""
    return read_end(BytesIO(data), size_bytes=len(data))


def test_a_closed_segment_tells_what_is_in_it() -> None:
    """As its records do."""
    places = chunk_places(CLOSED)
    end = end_of(CLOSED)
    assert end is not None
    assert (end.data_end_at, end.has_summary) == (DATA_END.offset, True)
    assert end.channel == channel_spec()
    assert end.records == sum(len(place.seqs) for place in places)
    chunks = [struct.unpack_from('<QQ', r.body) for r in RECORDS if r.opcode == mcap_bytes.CHUNK]
    assert (end.start_ns, end.end_ns) == (chunks[0][0], chunks[-1][1])
    assert end.record_bytes == places[-1].message_index.end - places[0].whole.start
    assert [index.name for index in end.metadata] == [
        mcap_bytes.Cursor(item.body).text()
        for item in RECORDS
        if item.opcode == mcap_bytes.METADATA
    ]


def test_an_open_segment_has_an_end_without_a_word() -> None:
    """Where it is follows from its length."""
    end = end_of(OPEN)
    assert end == End(data_end_at=len(OPEN) - OPEN_END_BYTES, has_summary=False)


@pytest.mark.parametrize('data', [CLOSED, OPEN], ids=['closed', 'open'])
def test_a_wrong_bit_makes_it_worth_nothing(data: bytes) -> None:
    """Anywhere behind the end of the data."""
    end = end_of(data)
    assert end is not None
    for offset in range(end.data_end_at + 13, len(data)):
        assert end_of(flipped(data, offset, offset % 8)) is None, offset


@pytest.mark.parametrize('data', [CLOSED, OPEN], ids=['closed', 'open'])
def test_the_count_alone_is_the_same(data: bytes) -> None:
    """And worth as little when a bit is wrong."""
    end = end_of(data)
    count = read_count(BytesIO(data), size_bytes=len(data))
    assert end is not None
    assert count == End(
        data_end_at=end.data_end_at,
        has_summary=end.has_summary,
        records=end.records,
        start_ns=end.start_ns,
        end_ns=end.end_ns,
    )
    wrong = flipped(data, len(data) - 20)
    assert read_count(BytesIO(wrong), size_bytes=len(wrong)) is None


def test_a_file_that_is_cut_has_no_end() -> None:
    """At every length."""
    for size in range(0, len(CLOSED), 5):
        assert end_of(CLOSED[:size]) is None, size


def test_a_summary_that_memory_should_not_hold_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its length comes from the file."""
    monkeypatch.setattr(segment_summary, 'SUMMARY_BYTES_MAX', 100)
    assert end_of(CLOSED) is None
    assert end_of(OPEN) is not None


def test_a_summary_with_a_right_crc_and_odd_records() -> None:
    """What is not whole in it is left out, as if it were not there."""
    odd = b''.join(
        struct.pack('<BQ', opcode, 3) + b'abc'
        for opcode in (
            mcap_bytes.SCHEMA,
            mcap_bytes.CHANNEL,
            mcap_bytes.STATISTICS,
            mcap_bytes.CHUNK_INDEX,
            mcap_bytes.METADATA_INDEX,
            0x7F,
        )
    )
    data = mcap_format.data_end(0)
    data += odd + mcap_format._closing(odd, len(data), b'')
    assert end_of(data) == End(data_end_at=0, has_summary=True)


# --- the topic


def test_the_topic_is_read_back() -> None:
    """From the records that every segment has."""
    assert read_channel(SCHEMA.body, CHANNEL.body) == channel_spec()


WHOLE_SCHEMA, WHOLE_CHANNEL = mcap_format.definitions(channel_spec())
QOS_ALONE = {'offered_qos_profiles': ''}


@pytest.mark.parametrize(
    ('schema', 'channel'),
    [
        (replace(WHOLE_SCHEMA, name='fdr_node/msg/Other'), WHOLE_CHANNEL),
        (replace(WHOLE_SCHEMA, encoding='ros2idl'), WHOLE_CHANNEL),
        (replace(WHOLE_SCHEMA, id=2), WHOLE_CHANNEL),
        (replace(WHOLE_SCHEMA, data=b'\xff'), WHOLE_CHANNEL),
        (WHOLE_SCHEMA, replace(WHOLE_CHANNEL, topic='/fdr/other')),
        (WHOLE_SCHEMA, replace(WHOLE_CHANNEL, message_encoding='json')),
        (WHOLE_SCHEMA, replace(WHOLE_CHANNEL, schema_id=2)),
        (WHOLE_SCHEMA, replace(WHOLE_CHANNEL, metadata=QOS_ALONE)),
    ],
    ids=['type', 'encoding', 'id', 'text', 'topic', 'serialisation', 'schema id', 'hash'],
)
def test_another_topic_is_not_ours(schema: Schema, channel: Channel) -> None:
    """Or ours is damaged: nobody can tell."""
    bodies = [item.body for item in mcap_bytes.split(mcap_format.encode([schema, channel]))]
    assert read_channel(*bodies) is None


def test_a_topic_that_is_not_whole_is_none() -> None:
    """Neither half of it."""
    assert read_channel(SCHEMA.body[:5], CHANNEL.body) is None
    assert read_channel(SCHEMA.body, CHANNEL.body[:5]) is None


# --- texts


def metadata_body(*texts: tuple[str, str], name: str = 'note') -> bytes:
    """Return a metadata record without its head."""
    (record,) = mcap_bytes.split(mcap_format.encode([Metadata(name, dict(texts))]))
    return record.body


def test_a_text_has_a_name() -> None:
    """Whatever its key is called; without a key it is empty."""
    assert text_of(metadata_body(('json', 'grün'))) == ('note', 'grün')
    assert text_of(metadata_body()) == ('note', '')


def test_a_text_that_is_not_whole_is_none() -> None:
    """Too short, too long, or not UTF-8."""
    body = metadata_body(('json', 'text'))
    for size in range(len(body)):
        assert text_of(body[:size]) is None, size
    assert text_of(body + b'?') is None
    assert text_of(body[:-1] + b'\xff') is None
