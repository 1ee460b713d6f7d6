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
"""When a segment is cut for its age, and which segments go to keep the cap."""

from __future__ import annotations

from fdr_node.clock import NS_PER_S
from fdr_node.recording.rotation import BLOCK_BYTES, count_to_drop, is_old, on_disk
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

SETTINGS = settings(deadline=None)
SIZES = st.lists(st.integers(0, 10 * BLOCK_BYTES), max_size=12)
BYTES = st.integers(0, 60 * BLOCK_BYTES)


@pytest.mark.parametrize(
    ('age_ns', 'duration_max_s', 'expected'),
    [
        (2 * NS_PER_S - 1, 2.0, False),
        (2 * NS_PER_S, 2.0, True),
        (NS_PER_S // 2, 0.5, True),
        (10**18, 0.0, False),
        (0, 0.0, False),
    ],
)
def test_a_segment_is_old_from_its_longest_duration_on(
    age_ns: int, duration_max_s: float, *, expected: bool
) -> None:
    """Zero switches it off."""
    assert is_old(age_ns=age_ns, duration_max_s=duration_max_s) is expected


@pytest.mark.parametrize(
    ('size_bytes', 'expected'), [(0, 0), (1, 4096), (4096, 4096), (4097, 8192), (2**40, 2**40)]
)
def test_a_file_takes_whole_blocks(size_bytes: int, expected: int) -> None:
    """As ``du`` counts it."""
    assert on_disk(size_bytes) == expected


@pytest.mark.parametrize(
    ('closed', 'reserved_blocks', 'cap_blocks', 'expected'),
    [
        ([], 5, 3, 0),
        ([2, 2, 2], 4, 10, 0),
        ([2, 2, 2], 5, 10, 1),
        ([2, 2, 2], 6, 10, 1),
        ([2, 2, 2], 7, 10, 2),
        ([1, 9, 1], 5, 10, 2),
        ([2, 2, 2], 10, 10, 3),
        ([2, 2, 2], 11, 10, 3),
    ],
)
def test_the_oldest_go_first(
    closed: list[int], reserved_blocks: int, cap_blocks: int, expected: int
) -> None:
    """As few as will do, and all of them when none would."""
    count = count_to_drop(
        [blocks * BLOCK_BYTES for blocks in closed],
        reserved_bytes=reserved_blocks * BLOCK_BYTES,
        cap_bytes=cap_blocks * BLOCK_BYTES,
    )
    assert count == expected


@SETTINGS
@given(SIZES, BYTES, BYTES)
def test_as_few_as_will_do(closed: list[int], reserved_bytes: int, cap_bytes: int) -> None:
    """What stays fits below the cap, and with one segment more it would not."""

    def fits(count: int) -> bool:
        return reserved_bytes + sum(on_disk(size) for size in closed[count:]) <= cap_bytes

    count = count_to_drop(closed, reserved_bytes=reserved_bytes, cap_bytes=cap_bytes)
    assert fits(count) or count == len(closed)
    assert not any(fits(fewer) for fewer in range(count))
