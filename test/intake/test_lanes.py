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
"""The lanes: a flood cannot push out the audit trail, and the order stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.intake.lanes import Lanes
from heads import entry_from, serialised
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from fdr_node.intake.ring import Entry


def entry(kind: str, seq: int, *, size: int = 10) -> Entry:
    """Return a record of a kind that came at its number."""
    data = serialised(seq, kind=kind, payload_bytes=size)
    return entry_from(data, seq)


def lanes(records_max: int = 100, bytes_max: int = 1_000_000) -> Lanes:
    """Return lanes in which the kind "audit" has the reserved part."""
    return Lanes(records_max=records_max, bytes_max=bytes_max, priority_kinds=['audit'])


def push(buffer: Lanes, entries: list[Entry]) -> list[Entry]:
    """Add records, and return the ones that had to go."""
    return buffer.push(entries, kinds={item.head.kind for item in entries})


def seqs(entries: list[Entry]) -> list[int]:
    """Return the numbers of records."""
    return [item.head.seq for item in entries]


def test_a_flood_does_not_push_out_the_audit_trail() -> None:
    """Its own part holds every record of it, however many others come."""
    buffer = lanes(records_max=40)
    evicted = push(buffer, [entry('audit', seq) for seq in range(10)])
    evicted += push(buffer, [entry('tile', seq) for seq in range(100, 1100)])
    assert {item.head.kind for item in evicted} == {'tile'}
    assert seqs(buffer.take(1000)) == [*range(10), *range(1070, 1100)]


def test_the_audit_trail_is_bounded_too() -> None:
    """A flood of it drops the oldest of it, and nothing else."""
    buffer = lanes(records_max=40)
    push(buffer, [entry('tile', seq) for seq in range(5)])
    evicted = push(buffer, [entry('audit', seq) for seq in range(100, 200)])
    assert seqs(evicted) == list(range(100, 190))
    assert len(buffer) == 15


def test_a_record_larger_than_the_reserved_part_is_held_all_the_same() -> None:
    """It goes with the others, rather than to be dropped at once."""
    buffer = lanes(bytes_max=4000)
    assert push(buffer, [entry('audit', 1, size=2000)]) == []
    assert seqs(buffer.take(1)) == [1]


def test_without_priority_kinds_nothing_is_reserved() -> None:
    """The whole buffer is for all."""
    buffer = Lanes(records_max=40, bytes_max=1_000_000, priority_kinds=())
    assert push(buffer, [entry('tile', seq) for seq in range(40)]) == []
    assert buffer.fill == 1.0


def test_fill_is_that_of_the_fuller_part() -> None:
    """What is about to lose records shows."""
    buffer = lanes(records_max=40)
    push(buffer, [entry('tile', seq) for seq in range(3)])
    assert buffer.fill == 0.1
    push(buffer, [entry('audit', seq) for seq in range(5)])
    assert buffer.fill == 0.5


@given(
    kinds=st.lists(st.sampled_from(['audit', 'tile', 'imu']), max_size=60),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
def test_the_order_is_that_in_which_they_came(kinds: list[str], sizes: list[int]) -> None:
    """However they are taken, and also when some are given back."""
    buffer = lanes()
    push(buffer, [entry(kind, seq) for seq, kind in enumerate(kinds)])
    taken: list[int] = []
    for size in sizes:
        batch = buffer.take(size)
        half = len(batch) // 2
        taken += seqs(batch[:half])
        assert buffer.give_back(batch[half:]) == []
    taken += seqs(buffer.take(1000))
    assert taken == list(range(len(kinds)))
