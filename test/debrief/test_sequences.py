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
"""The count of a session is that of the plain list of its numbers."""

from __future__ import annotations

from fdr_node.debrief.sequences import HOLES_MAX, Sequence
from hypothesis import given
from hypothesis import strategies as st
import pytest


def counted(numbers: list[int]) -> Sequence:
    """Return the count of these numbers, in this order."""
    sequence = Sequence(numbers[0])
    for number in numbers:
        sequence.observe(number)
    return sequence


def told(sequence: Sequence) -> tuple[int, int, int, int, int]:
    """Return all that a count tells."""
    return (
        sequence.first_seq,
        sequence.next_seq,
        sequence.distinct,
        sequence.duplicates,
        sequence.missing,
    )


@given(st.lists(st.integers(min_value=0, max_value=40), min_size=1))
def test_counts_are_those_of_a_set(numbers: list[int]) -> None:
    """Whatever comes in whatever order, each number counts once and each hole is known."""
    distinct = len(set(numbers))
    first, after = min(numbers), max(numbers) + 1
    assert told(counted(numbers)) == (
        first,
        after,
        distinct,
        len(numbers) - distinct,
        after - first - distinct,
    )


@pytest.mark.parametrize(
    ('numbers', 'expected'),
    [
        ([5, 6, 7], (5, 8, 3, 0, 0)),
        ([5, 9], (5, 10, 2, 0, 3)),
        ([5, 9, 7], (5, 10, 3, 0, 2)),
        ([5, 9, 7, 7], (5, 10, 3, 1, 2)),
        ([5, 2], (2, 6, 2, 0, 2)),
        ([5, 4], (4, 6, 2, 0, 0)),
        ([5, 5], (5, 6, 1, 1, 0)),
        ([2**64 - 1, 0], (0, 2**64, 2, 0, 2**64 - 2)),
    ],
)
def test_single_steps(numbers: list[int], expected: tuple[int, int, int, int, int]) -> None:
    """A number can follow, leave a hole, fill one, come too early, or come twice."""
    assert told(counted(numbers)) == expected


def test_a_hole_beyond_the_bound_stays_missing() -> None:
    """Memory is bounded; a record that fills a forgotten hole counts as a duplicate."""
    sequence = counted(list(range(0, 2 * HOLES_MAX + 4, 2)))
    assert told(sequence) == (0, 2 * HOLES_MAX + 3, HOLES_MAX + 2, 0, HOLES_MAX + 1)
    sequence.observe(1)
    assert (sequence.duplicates, sequence.missing) == (1, HOLES_MAX + 1)
    sequence.observe(3)
    assert (sequence.duplicates, sequence.missing) == (1, HOLES_MAX)


def test_a_hole_in_pieces_is_bounded_too() -> None:
    """Records that split one large hole do not make it as many holes as they like."""
    sequence = counted([0, 10 * HOLES_MAX])
    late = range(2, 10 * HOLES_MAX, 2)
    for number in late:
        sequence.observe(number)
    missing = 10 * HOLES_MAX - 1 - len(late)
    assert (sequence.distinct, sequence.missing) == (2 + len(late), missing)
    sequence.observe(1)
    assert sequence.duplicates == 1
