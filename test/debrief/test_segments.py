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
"""A segment is gone, missing, not listed, or there twice; nothing else is wrong with names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crafted import footer, name_of, totals
from fdr_node.debrief.segments import find_file_problems, Folder, take_stock
from fdr_node.schema import DropReason
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fdr_node.schema import FlightFooter

NOT_LISTED = 'metadata.yaml does not list it, so ros2 bag does not play it'
CAP, SPACE, MISSING = DropReason.CAP, DropReason.SPACE, DropReason.MISSING


def folder(present: Sequence[int], listed: Sequence[int], prefix: str = '') -> Folder:
    """Return a directory with these segments, all of which hold records."""
    names = [name_of(index) for index in present]
    return Folder(names, set(names), [name_of(index) for index in listed], prefix)


def closed(segment_count: int, rollover_count: int = 0) -> FlightFooter:
    """Return the footer of a flight with so many segments."""
    return footer({'fdr': totals(2)}, segment_count=segment_count, rollover_count=rollover_count)


@pytest.mark.parametrize(
    ('flight_footer', 'dropped', 'present', 'listed', 'expected'),
    [
        pytest.param(closed(9, 4), {0: CAP}, [4, 5, 6, 7, 8], [7], 4, id='the footer knows'),
        pytest.param(None, {}, [0], [], 0, id='nothing'),
        pytest.param(None, {2: CAP, 1: CAP}, [3], [], 3, id='the log, and what was before'),
        pytest.param(None, {1: CAP}, [3, 4], [3, 4], 3, id='the list'),
        pytest.param(None, {4: SPACE}, [5], [3, 5], 5, id='the log is ahead of the list'),
        pytest.param(None, {2: MISSING}, [0, 1, 3], [0, 1, 3], 1, id='one in the middle'),
        pytest.param(None, {0: CAP, 3: MISSING}, [1, 2, 4], [1, 2, 4], 2, id='both'),
    ],
)
def test_count_of_dropped_segments(
    flight_footer: FlightFooter | None,
    dropped: dict[int, DropReason],
    present: list[int],
    listed: list[int],
    expected: int,
) -> None:
    """The footer knows it; without one, the log and the list do."""
    stock = take_stock([folder(present, listed)], footer=flight_footer, dropped=dropped)
    assert (stock.rollover_count, list(stock.missing), stock.dropped_there) == (
        expected,
        [],
        set(),
    )


@pytest.mark.parametrize(
    ('dropped', 'present', 'is_inner'),
    [
        ({0: CAP, 1: CAP}, [2, 3], False),
        ({2: MISSING}, [0, 1, 3], True),
        ({}, [1, 2], False),
        ({}, [], False),
    ],
)
def test_a_dropped_segment_between_others_is_a_hole(
    dropped: dict[int, DropReason], present: list[int], *, is_inner: bool
) -> None:
    """What was in it is between what is there."""
    found = take_stock([folder(present, present)], footer=None, dropped=dropped)
    assert found.is_inner is is_inner


ONE_TOO = 'another segment has this number, too'


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
        (
            [1, 2],
            0,
            None,
            [2],
            [f'{name_of(1)}: it was dropped, and is there', f'{name_of(1)}: {NOT_LISTED}'],
        ),
        ([0, 1], 0, 2**64 - 1, [0, 1], [f'segments 2 to {2**64 - 2} are missing']),
        ([0, 1], 2**64 - 3, 2**64 - 1, [0, 1], []),
        ([1, 2], 2, 3, [1, 2], [f'{name_of(1)}: it was dropped, and is there']),
        ([0, 1, 1, 2], 0, 3, [0, 1, 2], [f'{name_of(1)}: {ONE_TOO}']),
        ([0, 3], 0, 2, [0, 3], ['segments 1 to 2 are missing']),
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
    flight_footer = None if segment_count is None else closed(segment_count, rollover_count)
    folders = [folder(present, listed)]
    stock = take_stock(folders, footer=flight_footer, dropped={})
    assert find_file_problems(folders, stock) == expected


def test_those_that_the_log_names_are_gone_wherever_they_were() -> None:
    """What the footer counts beyond them are the lowest ones that are not there."""
    folders = [folder([2, 3, 6], [2, 3, 6])]
    dropped = {4: MISSING, 5: MISSING}
    stock = take_stock(folders, footer=closed(7, 4), dropped=dropped)
    assert find_file_problems(folders, stock) == []
    stock = take_stock(folders, footer=closed(8, 3), dropped=dropped)
    assert find_file_problems(folders, stock) == ['segment 1 is missing', 'segment 7 is missing']


def test_one_that_the_log_names_is_back() -> None:
    """A card that was pulled and put back brings it along."""
    folders = [folder([0, 1, 2], [0, 2])]
    stock = take_stock(folders, footer=closed(3, 1), dropped={1: MISSING})
    assert find_file_problems(folders, stock) == [
        f'{name_of(1)}: it was dropped, and is there',
        f'{name_of(1)}: {NOT_LISTED}',
    ]


def test_a_segment_without_a_record_is_not_listed() -> None:
    """A segment enters the list with its first durable record, so that one is no finding."""
    folders = [Folder([name_of(0), name_of(1)], {name_of(0)}, [name_of(0)])]
    assert not find_file_problems(folders, take_stock(folders, footer=None, dropped={}))


def test_the_segments_of_two_directories_are_those_of_one_flight() -> None:
    """Each of them gives its own oldest, and lists its own."""
    folders = [folder([0, 1], [0, 1], 'a/'), folder([4, 5], [4, 5], 'b/')]
    for flight_footer in (closed(6, 2), None):
        stock = take_stock(folders, footer=flight_footer, dropped={3: CAP})
        assert (stock.rollover_count, stock.is_inner) == (2, True)
        assert find_file_problems(folders, stock) == []


def test_a_file_without_a_record_may_have_the_number_of_another() -> None:
    """It is what an opening has left on a disk that failed; one with records may not."""
    empty = Folder([name_of(0), name_of(1)], {name_of(0)}, [name_of(0)], 'a/')
    other = folder([1], [1], 'b/')
    for folders, expected in (
        ([empty, other], []),
        ([folder([0, 1], [0, 1], 'a/'), other], [f'b/{name_of(1)}: {ONE_TOO}']),
    ):
        stock = take_stock(folders, footer=closed(2), dropped={})
        assert find_file_problems(folders, stock) == expected


@pytest.mark.parametrize('flight_footer', [closed(6, 2), None])
def test_what_is_not_there_may_be_in_a_directory_that_is_not_here(
    flight_footer: FlightFooter | None,
) -> None:
    """Then only what the log names is known to be dropped."""
    folders = [folder([4, 5], [4, 5])]
    stock = take_stock(folders, footer=flight_footer, dropped={3: CAP}, is_whole=False)
    assert stock.rollover_count == (2 if flight_footer else 1)
    assert list(stock.missing) == [(0, 2)]
