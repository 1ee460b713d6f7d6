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
Says which segments of a flight were dropped to keep the cap, and which are simply not there.

Pure: names and counts in, words out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.storage.bag_format import METADATA_NAME, segment_index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from fdr_node.schema import FlightFooter


def count_rollovers(
    footer: FlightFooter | None, *, dropped: Iterable[int], listed: Sequence[str]
) -> int:
    """
    Return how many segments were dropped; the oldest go first, so they have the first numbers.

    :param footer: footer of the flight; it knows, and without it the rest of this is asked
    :param dropped: numbers of segments that the log calls dropped
    :param listed: the files that ``metadata.yaml`` lists: a dropped segment leaves the list
        before it is removed
    """
    if footer is not None:
        return footer.rollover_count
    first_listed = min(_indexes(listed), default=0)
    return max([first_listed, *(index + 1 for index in dropped)])


def find_file_problems(
    names: Sequence[str],
    *,
    rollover_count: int,
    segment_count: int | None,
    listed: Sequence[str],
    filled: Collection[str],
) -> list[str]:
    """
    Compare the segments that are there with those that should be.

    :param names: file names of those that are there, in the order of their numbers
    :param rollover_count: segments that were dropped
    :param segment_count: segments that the flight has had, dropped ones included; None when
        nobody has counted them
    :param listed: the files that ``metadata.yaml`` lists, empty when it could not be read
    :param filled: those of ``names`` that hold records
    :return: what is wrong, in words
    """
    present = _indexes(names)
    if segment_count is None:
        segment_count = max([*present, *_indexes(listed)], default=-1) + 1
    problems: list[str] = []
    expected = rollover_count
    for index, name in zip(present, names, strict=True):
        if index < rollover_count:
            problems.append(f'{name}: it was dropped to keep the cap, and is there')
        elif index < expected:
            problems.append(f'{name}: another segment has this number, too')
        elif index > expected:
            problems.append(_missing(expected, index - 1))
        expected = max(expected, index + 1)
    if expected < segment_count:
        problems.append(_missing(expected, segment_count - 1))
    if listed:
        problems += [
            f'{name}: {METADATA_NAME} does not list it, so ros2 bag does not play it'
            for name in names
            if name in filled and name not in listed
        ]
    return problems


def _missing(first: int, last: int) -> str:
    return (
        f'segment {first} is missing'
        if first == last
        else f'segments {first} to {last} are missing'
    )


def _indexes(names: Iterable[str]) -> list[int]:
    indexes = [segment_index(name) for name in names]
    return [index for index in indexes if index is not None]
