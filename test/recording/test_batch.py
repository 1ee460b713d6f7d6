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
"""The share: it goes up to a full chunk, and never beyond what has room."""

from __future__ import annotations

from fdr_node.record import peek
from fdr_node.recording.batch import parts, RECORD_OVERHEAD_BYTES_MAX, share
from heads import serialised
from hypothesis import given
from hypothesis import strategies as st
import pytest


def sized(payload_bytes: int) -> int:
    """Return what a record of that payload counts."""
    return len(serialised(0, payload_bytes=payload_bytes)) + RECORD_OVERHEAD_BYTES_MAX


ONE = sized(100)


@pytest.mark.parametrize(
    ('bytes_max', 'room', 'count'),
    [
        pytest.param(10 * ONE, 10 * ONE, 5, id='all of them'),
        pytest.param(2 * ONE + 1, 10 * ONE, 3, id='the one that fills the chunk is the last'),
        pytest.param(2 * ONE, 10 * ONE, 2, id='a chunk that is just full'),
        pytest.param(0, 10 * ONE, 1, id='a chunk that is full already'),
        pytest.param(-ONE, 10 * ONE, 1, id='a chunk that is more than full'),
        pytest.param(10 * ONE, 4 * ONE, 2, id='no more than half where all have no room'),
        pytest.param(10 * ONE, 0, 1, id='the first fits, as was said'),
    ],
)
def test_how_many_go_in(bytes_max: int, room: int, count: int) -> None:
    """Of five records of one size."""
    data = serialised(0, payload_bytes=100)
    records = [(data, peek(data), 0)] * 5
    assert share(records, bytes_max=bytes_max, fits=lambda size: size <= room) == count


@given(
    sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=40),
    bytes_max=st.integers(-1000, 100_000),
    room=st.integers(0, 100_000),
)
def test_a_share_has_room_and_is_not_empty(sizes: list[int], bytes_max: int, room: int) -> None:
    """So a caller that asks again and again gets to the end."""
    datas = [serialised(0, payload_bytes=size) for size in sizes]
    records = [(data, peek(data), 0) for data in datas]
    count = share(records, bytes_max=bytes_max, fits=lambda size: size <= room)
    assert 1 <= count <= len(records)
    total = sum(sized(size) for size in sizes[:count])
    assert count == 1 or total <= room
    assert count == 1 or total - sized(sizes[count - 1]) < bytes_max


@pytest.mark.parametrize(
    ('sizes', 'cut'),
    [
        pytest.param([], [], id='none'),
        pytest.param([400, 300, 300], [[400, 300, 300]], id='what fits is not cut'),
        pytest.param([400, 300, 301], [[400, 300], [301]], id='one byte too many'),
        pytest.param([2000, 10, 2000], [[2000], [10], [2000]], id='larger than a part'),
    ],
)
def test_records_are_cut_into_parts(sizes: list[int], cut: list[list[int]]) -> None:
    """Of 1000 bytes at most."""
    head = peek(serialised(0))
    records = [(bytes(size), head, 0) for size in sizes]
    found = [[len(data) for data, _, _ in part] for part in parts(records, bytes_max=1000)]
    assert found == cut
