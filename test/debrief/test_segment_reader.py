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
"""A segment is read up to where it is damaged, and every kind of damage has its words."""

from __future__ import annotations

from io import BytesIO
import struct
from typing import TYPE_CHECKING
import zlib

from crafted import MS, record, segment, START_NS, Style
from fdr_node.debrief import segment_reader
from fdr_node.debrief.segment_reader import Block, Damage, Note, SegmentReader
from fdr_node.errors import RecordDecodeError
from fdr_node.record import encode_cdr, peek, TOPIC
from mcap.writer import CompressionType
import mcap_bytes
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RECORDS = [record('imu', seq) for seq in range(8)]
WHOLE = segment(RECORDS, style=Style(chunk_bytes=200))


class Found:
    """All that a reader hands out of a file."""

    def __init__(self, data: bytes, *, size_bytes: int | None = None) -> None:
        size = len(data) if size_bytes is None else size_bytes
        self.reader = SegmentReader(BytesIO(data), size_bytes=size)
        self.messages: list[tuple[int, bytes]] = []
        self.notes: list[str] = []
        self.damage: list[Damage | str] = []
        for part in self.reader.parts():
            if isinstance(part, Block):
                try:
                    self.messages += self.reader.messages(part, TOPIC)
                except ValueError as error:
                    self.damage.append(str(error))
            elif isinstance(part, Note):
                self.notes.append(part.name)
            else:
                self.damage.append(part)


def messages(places: Sequence[int]) -> list[tuple[int, bytes]]:
    """Return the messages of WHOLE at these places, as they are handed out."""
    return [(START_NS + place * MS, encode_cdr(RECORDS[place])) for place in places]


def raws(opcode: int, data: bytes = WHOLE) -> list[mcap_bytes.Raw]:
    """Return the records of a file with an opcode."""
    return [item for item in mcap_bytes.records_of(data) if item.opcode == opcode]


def patched(offset: int, new: bytes, data: bytes = WHOLE) -> bytes:
    """Return a file with other bytes at an offset."""
    after = offset + len(new)
    return data[:offset] + new + data[after:]


CHUNKS = raws(mcap_bytes.CHUNK)
# Chunks of WHOLE hold these messages.
IN_CHUNK = ([0, 1], [2, 3, 4], [5, 6, 7])


def test_a_whole_file_is_read_whole() -> None:
    """Messages, metadata and the end are found in their order."""
    found = Found(WHOLE)
    assert found.messages == messages(range(8))
    assert found.notes == ['fdr_flight_header', 'fdr_segment_footer']
    assert found.damage == []
    assert found.reader.offset == len(WHOLE)


def test_messages_outside_of_chunks_are_read() -> None:
    """A writer need not make chunks."""
    found = Found(segment(RECORDS, style=Style(use_chunking=False)))
    assert (found.messages, found.damage) == (messages(range(8)), [])


def test_other_topics_are_passed_over() -> None:
    """Only the topic that is asked for is handed out."""
    found = Found(segment(RECORDS, style=Style(topic='/camera')))
    assert (found.messages, found.damage) == ([], [])


def test_what_is_appended_meanwhile_is_not_read() -> None:
    """A file that grows while it is read ends where it ended at the start."""
    size = CHUNKS[2].offset
    found = Found(WHOLE, size_bytes=size)
    assert found.messages == messages([*IN_CHUNK[0], *IN_CHUNK[1]])
    assert found.damage == [Damage(size, 'it has no end: it was not closed')]


def test_a_file_that_shrinks_meanwhile_is_not_closed() -> None:
    """A size that is larger than what can be read is no endless loop."""
    found = Found(WHOLE[: CHUNKS[2].offset], size_bytes=len(WHOLE))
    assert found.damage == [Damage(CHUNKS[2].offset, 'it has no end: it was not closed')]


def test_every_cut_keeps_what_is_before_it() -> None:
    """A torn file gives every message of every whole chunk, and says so once."""
    for cut in range(len(WHOLE)):
        found = Found(WHOLE[:cut])
        kept = [
            place
            for chunk, places in zip(CHUNKS, IN_CHUNK, strict=True)
            if chunk.offset + chunk.size <= cut
            for place in places
        ]
        assert (found.messages, len(found.damage)) == (messages(kept), 1), cut


def test_no_flipped_bit_goes_unseen() -> None:
    """Wherever one bit is wrong, something is said, and nothing wrong passes for a record."""
    whole = Found(WHOLE).messages
    for offset in range(len(WHOLE)):
        found = Found(patched(offset, bytes([WHOLE[offset] ^ 1 << offset % 8])))
        assert found.damage, offset
        for item in set(found.messages) - set(whole):
            with pytest.raises(RecordDecodeError):
                peek(item[1])


CHUNK = CHUNKS[1]
LAST_OF_CHUNK = CHUNK.offset + CHUNK.size - 1
CHUNK_CRC_AT_IN_CHUNK = 9 + 24
CHUNK_CRC_AT = CHUNK.offset + CHUNK_CRC_AT_IN_CHUNK
(DATA_END,) = raws(mcap_bytes.DATA_END)
(FOOTER,) = raws(mcap_bytes.FOOTER)
NOTE = raws(mcap_bytes.METADATA)[0]
STATISTICS = raws(mcap_bytes.STATISTICS)[0]
ALL = list(range(8))
BUT_CHUNK = [0, 1, 5, 6, 7]


@pytest.mark.parametrize(
    ('data', 'kept', 'damage'),
    [
        pytest.param(
            patched(LAST_OF_CHUNK, b'?'),
            BUT_CHUNK,
            [Damage(CHUNK.offset, 'the CRC of a chunk is wrong')],
            id='chunk content',
        ),
        pytest.param(
            patched(CHUNK.offset + 9 + 16, struct.pack('<Q', 1)),
            BUT_CHUNK,
            [Damage(CHUNK.offset, 'a chunk is not whole')],
            id='size of a chunk',
        ),
        pytest.param(
            patched(CHUNK_CRC_AT + 4, struct.pack('<I', 2**31)),
            BUT_CHUNK,
            [Damage(CHUNK.offset, 'its CHUNK record is not whole')],
            id='compression name longer than the chunk',
        ),
        pytest.param(
            patched(CHUNK.offset, b'\x42'),
            [0, 1],
            [Damage(CHUNK.offset, 'no MCAP record has the opcode 66')],
            id='opcode that does not exist',
        ),
        pytest.param(
            patched(CHUNK.offset, b'\x90'),
            BUT_CHUNK,
            [Damage(DATA_END.offset, 'the CRC of its data is wrong')],
            id='opcode of somebody else',
        ),
        pytest.param(
            patched(CHUNK.offset + 1, struct.pack('<Q', 2**63)),
            [0, 1],
            [Damage(CHUNK.offset, 'it is cut off inside a record')],
            id='length beyond the end',
        ),
        pytest.param(
            patched(NOTE.offset + NOTE.size - 2, b'?'),
            ALL,
            [Damage(DATA_END.offset, 'the CRC of its data is wrong')],
            id='metadata',
        ),
        pytest.param(
            patched(STATISTICS.offset + 9, b'?'),
            ALL,
            [Damage(FOOTER.offset, 'the CRC of its summary is wrong')],
            id='summary',
        ),
        pytest.param(
            WHOLE[:-1] + b'?',
            ALL,
            [Damage(FOOTER.offset, 'it is cut off behind its footer')],
            id='magic at the end',
        ),
        pytest.param(
            WHOLE + bytes(10), ALL, [Damage(len(WHOLE), '10 bytes follow its end')], id='zeros'
        ),
        pytest.param(
            patched(0, b'?'),
            [],
            [Damage(0, 'it does not begin as an MCAP file does')],
            id='magic at the start',
        ),
        pytest.param(
            b'', [], [Damage(0, 'it does not begin as an MCAP file does')], id='empty file'
        ),
    ],
)
def test_damage_has_its_words(data: bytes, kept: list[int], damage: list[Damage | str]) -> None:
    """What is damaged is said once, and what is not damaged is read."""
    found = Found(data)
    assert (found.messages, found.damage) == (messages(kept), damage)


def test_an_end_without_a_summary_is_that_of_an_open_segment() -> None:
    """The recorder writes it behind every commit; what comes before it is whole."""
    data = patched(FOOTER.offset + 9, bytes(20))
    offset, footer_offset = DATA_END.offset + DATA_END.size, FOOTER.offset
    found = Found(data[:offset] + data[footer_offset:])
    assert found.messages == messages(ALL)
    assert found.damage == [Damage(offset, 'it has no summary: it was not closed')]


def test_zero_is_no_checksum() -> None:
    """A writer may leave out what the specification lets it leave out."""
    data = patched(LAST_OF_CHUNK, b'?', patched(CHUNK_CRC_AT, bytes(4)))
    data = patched(DATA_END.offset + 9, bytes(4), data)
    data = patched(FOOTER.offset + 9 + 16, bytes(4), data)
    found = Found(data)
    assert found.damage == []
    assert [at_ns for at_ns, _ in found.messages] == [START_NS + place * MS for place in ALL]


def test_messages_without_their_channel_are_handed_out() -> None:
    """The library writes the channel into the first chunk; the others do not go with it."""
    first = CHUNKS[0]
    found = Found(patched(first.offset + first.size - 1, b'?'))
    assert found.messages == messages([*IN_CHUNK[1], *IN_CHUNK[2]])


@pytest.mark.parametrize(
    ('spoil', 'kept'),
    [
        (lambda content: content[:-1], [2, 3]),
        (lambda content: content + b'\x05', [2, 3, 4]),
        (lambda content: content + b'\x05' + struct.pack('<Q', 3) + b'abc', [2, 3, 4]),
        (lambda content: content + b'\x04' + struct.pack('<Q', 3) + b'abc', [2, 3, 4]),
    ],
    ids=['message', 'head of a record', 'head of a message', 'channel'],
)
def test_a_chunk_that_is_wrong_inside(spoil: Callable[[bytes], bytes], kept: list[int]) -> None:
    """A chunk with a right CRC can hold nonsense; the messages before it count."""
    body = mcap_bytes.Cursor(CHUNK.body)
    start_ns, end_ns = body.take('Q'), body.take('Q')
    body.take('Q')
    body.take('I')
    body.text()
    content = spoil(body.blob('Q'))
    fields = struct.pack(
        '<QQQIIQ', start_ns, end_ns, len(content), zlib.crc32(content), 0, len(content)
    )
    chunk = b'\x06' + struct.pack('<Q', len(fields) + len(content)) + fields + content
    found = Found(WHOLE[: CHUNK.offset] + chunk)
    assert found.messages == messages([0, 1, *kept])
    assert found.damage == [
        f'the records in the chunk at byte {CHUNK.offset} are not whole',
        Damage(CHUNK.offset + len(chunk), 'it has no end: it was not closed'),
    ]


@pytest.mark.parametrize('compression', [CompressionType.LZ4, CompressionType.ZSTD])
def test_a_compressed_chunk_is_read_like_any_other(compression: CompressionType) -> None:
    """Cut off, or with a wrong bit, it is lost, and the others are not."""
    data = segment(RECORDS, style=Style(chunk_bytes=200, compression=compression))
    found = Found(data)
    assert (found.messages, found.damage) == (messages(ALL), [])
    chunk = raws(mcap_bytes.CHUNK, data)[1]
    name, stored, content = mcap_bytes.chunk_content(chunk)
    assert name == compression.name.lower()
    end = chunk.offset + chunk.size
    assert Found(data[: end - 1]).messages == messages([0, 1])
    for offset in range(end - len(stored), end):
        found = Found(patched(offset, bytes([data[offset] ^ 1]), data))
        # What the bit says is not always looked at.
        assert found.messages in (messages(BUT_CHUNK), messages(ALL)), offset
        assert len(found.damage) == 1, offset
    size_at = chunk.offset + 9 + 16
    for size in (len(content) - 1, len(content) + 1, 2**63):
        found = Found(patched(size_at, struct.pack('<Q', size), data))
        assert found.messages == messages(BUT_CHUNK)
        assert len(found.damage) == 1


def test_a_compression_that_is_not_known_is_named() -> None:
    """What is not read must not look empty; a name that is too long is not said in full."""
    data = segment(RECORDS, style=Style(compression=CompressionType.ZSTD))
    (chunk,) = raws(mcap_bytes.CHUNK, data)
    found = Found(patched(CHUNK_CRC_AT_IN_CHUNK + 8 + chunk.offset, b'9', data))
    reason = 'a chunk is compressed in an unknown way (9std)'
    assert (found.messages, found.damage) == ([], [Damage(chunk.offset, reason)])
    long_name = struct.pack('<I', 1000) + b'x' * 1000
    body = chunk.body[:28] + long_name + chunk.body[36:]
    wrong = b'\x06' + struct.pack('<Q', len(body)) + body
    found = Found(data[: chunk.offset] + wrong)
    reason = f'a chunk is compressed in an unknown way ({"x" * 16})'
    assert found.damage[0] == Damage(chunk.offset, reason)


def test_what_would_unpack_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file may hold gigabytes of zeros; the size that it tells is looked at first."""
    zeros = RECORDS[0]._replace(payload=bytes(100_000))
    style = Style(chunk_bytes=200, compression=CompressionType.ZSTD)
    data = segment([zeros, *RECORDS[1:]], style=style)
    bomb = raws(mcap_bytes.CHUNK, data)[0]
    _, stored, content = mcap_bytes.chunk_content(bomb)
    assert len(stored) < 1000
    monkeypatch.setattr(segment_reader, 'RECORD_BYTES_MAX', len(content) - 1)
    found = Found(data)
    assert found.messages == messages([1, 2, 3, 4, 5, 6, 7])
    reason = f'a chunk of {len(content)} bytes is too long to be read'
    assert found.damage == [Damage(bomb.offset, reason)]


def test_a_record_that_memory_should_not_hold_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A length is believed only as far as memory is promised to be bounded."""
    monkeypatch.setattr(segment_reader, 'RECORD_BYTES_MAX', CHUNKS[0].size)
    data = segment(
        [RECORDS[0]._replace(payload=bytes(1000)), *RECORDS[1:]], style=Style(chunk_bytes=200)
    )
    large = raws(mcap_bytes.CHUNK, data)[0]
    kept = [1, 2, 3, 4, 5, 6, 7]
    found = Found(data)
    assert found.messages == messages(kept)
    assert found.damage == [
        Damage(large.offset, f'a record of {large.size - 9} bytes is too long to be read')
    ]
