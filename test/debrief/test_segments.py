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
"""A segment is dropped, missing, not listed, or there twice; nothing else is wrong with names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crafted import footer, name_of, totals
from fdr_node.debrief.segments import count_rollovers, find_file_problems
import pytest

if TYPE_CHECKING:
    from fdr_node.schema import FlightFooter

CLOSED = footer({'fdr': totals(2)}, segment_count=9, rollover_count=4)
NOT_LISTED = 'metadata.yaml does not list it, so ros2 bag does not play it'


@pytest.mark.parametrize(
    ('flight_footer', 'dropped', 'listed', 'expected'),
    [
        (CLOSED, [0, 1], [7], 4),
        (None, [], [], 0),
        (None, [2, 1], [], 3),
        (None, [1], [3, 4], 3),
        (None, [4], [3, 4], 5),
    ],
    ids=['the footer knows', 'nothing', 'the log', 'the list', 'the log is ahead of the list'],
)
def test_count_of_dropped_segments(
    flight_footer: FlightFooter | None, dropped: list[int], listed: list[int], expected: int
) -> None:
    """The footer knows it; without one, the log and the list do."""
    names = [name_of(index) for index in listed]
    assert count_rollovers(flight_footer, dropped=dropped, listed=names) == expected


@pytest.mark.parametrize(
    ('present', 'rollover_count', 'segment_count', 'listed', 'expected'),
    [
        ([0, 1, 2], 0, 3, [0, 1, 2], []),
        ([2, 3], 2, 4, [2, 3], []),
        ([0, 2], 0, 3, [0, 2], ['segment 1 is missing']),
        ([0, 5], 0, 6, [0, 5], ['segments 1 to 4 are missing']),
        ([3], 2, 4, [3], ['segment 2 is missing']),
        ([0, 1], 0, 4, [0, 1], ['segments 2 to 3 are missing']),
        ([0, 1], 0, None, [0, 1], []),
        ([0, 1], 0, None, [0, 1, 2], ['segment 2 is missing']),
        ([0, 1], 0, 2**64 - 1, [0, 1], [f'segments 2 to {2**64 - 2} are missing']),
        ([1, 2], 2, 3, [1, 2], [f'{name_of(1)}: it was dropped to keep the cap, and is there']),
        ([0, 1, 1, 2], 0, 3, [0, 1, 2], [f'{name_of(1)}: another segment has this number, too']),
        ([0, 1], 0, 2, [0], [f'{name_of(1)}: {NOT_LISTED}']),
        ([0, 1], 0, 2, [], []),
        ([], 0, None, [], []),
    ],
)
def test_what_is_wrong_with_files(
    present: list[int],
    rollover_count: int,
    segment_count: int | None,
    listed: list[int],
    expected: list[str],
) -> None:
    """Those that are there are compared with those that should be."""
    names = [name_of(index) for index in present]
    problems = find_file_problems(
        names,
        rollover_count=rollover_count,
        segment_count=segment_count,
        listed=[name_of(index) for index in listed],
        filled=names,
    )
    assert problems == expected


def test_a_segment_without_a_record_is_not_listed() -> None:
    """A segment enters the list with its first durable record, so that one is no finding."""
    assert not find_file_problems(
        [name_of(0), name_of(1)],
        rollover_count=0,
        segment_count=None,
        listed=[name_of(0)],
        filled={name_of(0)},
    )
