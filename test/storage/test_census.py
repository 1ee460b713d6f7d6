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
"""What the chunks of a segment tell: places, names, and what the recorder itself says."""

from __future__ import annotations

import struct

from fdr_node.record import encode_cdr
from fdr_node.schema import DropReason, Kind
from fdr_node.storage.census import Census, index_entries
import pytest
from rigs import record_of
from wrecks import drop_of, header_text, message_of, SESSION_ID


def census_of(*messages: bytes, header: str | None = None) -> Census:
    """Take messages, each in a chunk of its own."""
    census = Census()
    census.trust_session_of(header_text() if header is None else header)
    for message in messages:
        census.take(message)
    return census


def test_an_index_has_the_times_and_places_of_messages() -> None:
    """Other records between them are passed over."""
    data = message_of(b'a') + b'\x04' + struct.pack('<Q', 2) + b'xy' + message_of(b'bc')
    entries = [5, 0, 5, len(message_of(b'a')) + 11]
    assert index_entries(data) == entries
    assert Census().take(data) == entries


@pytest.mark.parametrize(
    'data',
    [
        message_of(b'cut')[:-1],
        message_of(b'') + b'\x05',
        b'\x05' + struct.pack('<Q', 3) + b'abc',
    ],
    ids=['cut message', 'cut head', 'no message'],
)
def test_records_that_are_not_whole_have_no_index(data: bytes) -> None:
    """Such a chunk cannot be indexed."""
    with pytest.raises(struct.error):
        index_entries(data)
    assert Census().take(data) == []


def test_producers_are_known_by_name() -> None:
    """However many records of each there are, in whatever byte order."""
    records = [record_of(seq, producer_id=f'p{seq % 3}') for seq in range(9)]
    messages = [message_of(encode_cdr(record)) for record in records]
    assert census_of(b''.join(messages)).producers == {'p0', 'p1', 'p2'}
    assert census_of(*messages).producers == {'p0', 'p1', 'p2'}


@pytest.mark.parametrize('data', [b'', b'no record', bytes(200)])
def test_a_message_that_is_no_record_is_nobodys(data: bytes) -> None:
    """It has its place in the index all the same."""
    census = Census()
    assert census.take(message_of(data)) == [5, 0]
    assert census.producers == set()


def test_what_was_dropped_is_known_from_the_log() -> None:
    """As the last record of the recorder itself says."""
    census = census_of(drop_of(0, 0), drop_of(1, 9))
    assert (census.segments_dropped, census.records_rolled_off) == (2, 9)


def test_a_segment_that_somebody_removed_says_nothing_of_those_before() -> None:
    """Only what was dropped to make room was the oldest."""
    census = census_of(drop_of(0, 3), drop_of(5, 9, reason=DropReason.MISSING))
    assert (census.segments_dropped, census.records_rolled_off) == (1, 9)


@pytest.mark.parametrize(
    ('message', 'header'),
    [
        (drop_of(7, 99, session_id=SESSION_ID + 1), None),
        (drop_of(7, 99), ''),
        (drop_of(7, 99), '{}'),
    ],
    ids=['another session', 'no header', 'a header that is none'],
)
def test_what_others_say_of_the_recorder_is_not_believed(
    message: bytes, header: str | None
) -> None:
    """Anyone can publish under its name; its session is in the flight header."""
    census = census_of(message, header=header)
    assert (census.segments_dropped, census.records_rolled_off) == (0, 0)


def test_a_drop_that_cannot_be_read_is_a_record_like_others() -> None:
    """Its payload is not what its kind says."""
    record = record_of(0, producer_id='fdr')._replace(
        kind=Kind.SEGMENT_DROPPED, session_id=SESSION_ID, payload=b'?'
    )
    census = census_of(message_of(encode_cdr(record)))
    assert (census.producers, census.segments_dropped) == ({'fdr'}, 0)
