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
Says which segments of a flight are gone on purpose, and which are simply not there.

Pure: names and counts in, numbers and words out.
"""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

from fdr_node.schema import DropReason
from fdr_node.storage.bag_format import gaps, METADATA_NAME, segment_index, segments_in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from fdr_node.schema import FlightFooter

Range = tuple[int, int]


class Folder(NamedTuple):
    """
    One directory of a flight.

    :param names: file names of the segments that are there, in the order of their numbers
    :param filled: those of them that hold records
    :param listed: the files that ``metadata.yaml`` lists, empty when it could not be read
    :param prefix: stands in front of a name in words, to tell it from that of another directory
    """

    names: Sequence[str]
    filled: Collection[str]
    listed: Sequence[str] = ()
    prefix: str = ''


class Stock(NamedTuple):
    """
    What became of the segments that a flight has had.

    :param rollover_count: those that are gone on purpose, or by another's hand as the log says
    :param is_inner: some of those are behind one that is there, so that they are a hole
    :param missing: first and last number of those that nobody speaks of
    :param dropped_there: numbers of those that should be gone, and are there
    """

    rollover_count: int
    is_inner: bool
    missing: Sequence[Range]
    dropped_there: Collection[int]


def take_stock(
    folders: Sequence[Folder],
    *,
    footer: FlightFooter | None,
    dropped: Mapping[int, DropReason],
    is_whole: bool = True,
) -> Stock:
    """
    Find out which segments are gone.

    Those that the log calls dropped are; their record may be gone with a segment dropped later,
    and as a disk gives its oldest first, what the footer counts beyond them are the lowest numbers
    of those that are not there.

    :param folders: the directories of the flight
    :param footer: footer of the whole flight; it knows how many were dropped and begun
    :param dropped: numbers and reasons of the segments that the log calls dropped
    :param is_whole: every directory of the flight is among the folders; else what is not there may
        be elsewhere, and only what the log calls dropped is known to be
    """
    there = {index for folder in folders for index in _indexes(folder.names)}
    filled = {index for folder in folders for index in _indexes(folder.filled)}
    begun = {index for folder in folders for index in _indexes(folder.listed)} | there
    count = max(begun, default=-1) + 1
    if footer is not None:
        count = max(count, footer.segment_count)
    absent = gaps(there | dropped.keys(), end=count)
    should_be_gone = filled & dropped.keys()
    gone: Sequence[Range] = []
    if footer is not None:
        left = footer.rollover_count - len(dropped)
        if is_whole:
            gone, absent = _split(absent, left)
            unplaced = max(0, left - _size(gone))
            should_be_gone |= set(sorted(filled - dropped.keys())[:unplaced])
        rollover_count = footer.rollover_count
    else:
        if is_whole:
            bound = _first_kept(folders, dropped)
            gone = [(first, min(last, bound - 1)) for first, last in absent if first < bound]
            absent = [(max(first, bound), last) for first, last in absent if last >= bound]
            should_be_gone |= {index for folder in folders for index in _unlisted(folder)}
        rollover_count = len(should_be_gone | dropped.keys()) + _size(gone)
    lowest = min(filled, default=count)
    firsts = [*dropped, *(first for first, _ in gone)]
    return Stock(
        rollover_count=rollover_count,
        is_inner=any(index > lowest for index in firsts),
        missing=absent,
        dropped_there=should_be_gone,
    )


def find_file_problems(folders: Sequence[Folder], stock: Stock) -> list[str]:
    """
    Compare the segments that are there with those that should be.

    :param folders: the directories of the flight
    :param stock: what became of its segments
    :return: what is wrong, in words
    """
    found: list[tuple[int, str]] = []
    seen = set[int]()
    for folder in folders:
        for name in folder.names:
            index = segment_index(name)
            # One without records is what an opening has left that failed; its number was free.
            if index is None or name not in folder.filled:
                continue
            if index in stock.dropped_there:
                found.append((index, f'{folder.prefix}{name}: it was dropped, and is there'))
            elif index in seen:
                text = f'{folder.prefix}{name}: another segment has this number, too'
                found.append((index, text))
            seen.add(index)
    found += [
        (first, f'{segments_in_words(first, last)} missing') for first, last in stock.missing
    ]
    return [text for _, text in sorted(found)] + [
        f'{folder.prefix}{name}: {METADATA_NAME} does not list it, so ros2 bag does not play it'
        for folder in folders
        for name in folder.names
        if folder.listed and name in folder.filled and name not in folder.listed
    ]


def _first_kept(folders: Iterable[Folder], dropped: Mapping[int, DropReason]) -> int:
    """Return the number below which nothing is left that was dropped to make room."""
    first_listed = [index for folder in folders for index in _indexes(folder.listed)]
    for_room = [index for index, reason in dropped.items() if reason is not DropReason.MISSING]
    return max(min(first_listed, default=0), max(for_room, default=-1) + 1)


def _unlisted(folder: Folder) -> set[int]:
    """Return those that have left the list; their files should have followed."""
    first = min(_indexes(folder.listed), default=0)
    return {index for index in _indexes(folder.filled) if index < first}


def _split(ranges: Sequence[Range], count: int) -> tuple[list[Range], list[Range]]:
    """Return the ranges of the lowest so many numbers, and those of the rest."""
    low: list[Range] = []
    rest: list[Range] = []
    for first, last in ranges:
        taken = min(max(0, count), last - first + 1)
        count -= taken
        if taken:
            low.append((first, first + taken - 1))
        if first + taken <= last:
            rest.append((first + taken, last))
    return low, rest


def _size(ranges: Iterable[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _indexes(names: Iterable[str]) -> list[int]:
    indexes = [segment_index(name) for name in names]
    return [index for index in indexes if index is not None]
