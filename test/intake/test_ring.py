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
"""The ring: bounds after every step, the oldest goes first, and no record is lost unsaid."""

from __future__ import annotations

from itertools import pairwise
from threading import Thread

from fdr_node.intake.ring import Entry, make_entry, Ring
from heads import entry_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, RuleBasedStateMachine
import pytest


def numbers(entries: list[Entry]) -> list[int]:
    """Return which records these are."""
    return [entry.head.seq for entry in entries]


def test_takes_come_in_the_order_of_the_pushes() -> None:
    """First in, first out, at most as many as were asked for."""
    ring = Ring(records_max=10, bytes_max=1000)
    assert ring.push([entry_of(seq, size=10) for seq in range(5)]) == []
    assert numbers(ring.take(3)) == [0, 1, 2]
    assert numbers(ring.take(3)) == [3, 4]
    assert ring.take(3) == []


@pytest.mark.parametrize(
    ('before_ns', 'taken'), [(3, [0, 1, 2]), (4, [0, 1, 2, 3]), (0, []), (99, [0, 1, 2, 3])]
)
def test_a_take_ends_before_an_instant(before_ns: int, taken: list[int]) -> None:
    """What came then or later stays, and so does what is more than was asked for."""
    ring = Ring(records_max=10, bytes_max=1000)
    ring.push([entry_of(seq, size=10)._replace(received_ns=seq) for seq in range(6)])
    assert numbers(ring.take(4, before_ns=before_ns)) == taken
    assert ring.fill == (6 - len(taken)) / 10


def test_an_entry_is_made_of_its_three_fields() -> None:
    """The short way makes the same as the constructor."""
    entry = entry_of(3, size=10)
    assert make_entry(tuple(entry)) == entry
    assert type(make_entry(tuple(entry))) is Entry


@pytest.mark.parametrize(
    ('records_max', 'bytes_max', 'sizes', 'evicted'),
    [
        pytest.param(3, 1000, [10] * 5, [0, 1], id='too many'),
        pytest.param(100, 30, [10] * 5, [0, 1], id='too large together'),
        pytest.param(100, 30, [10, 10, 10, 25], [0, 1, 2], id='a large one for three small ones'),
        pytest.param(100, 30, [10, 31, 5], [0, 1], id='one that is larger than the ring'),
        pytest.param(3, 30, [10, 10, 10], [], id='just full'),
    ],
)
def test_the_oldest_go(
    records_max: int, bytes_max: int, sizes: list[int], evicted: list[int]
) -> None:
    """What went is handed back, oldest first; the rest is there."""
    ring = Ring(records_max=records_max, bytes_max=bytes_max)
    gone = ring.push([entry_of(seq, size=size) for seq, size in enumerate(sizes)])
    assert numbers(gone) == evicted
    assert numbers(ring.take(100)) == [seq for seq in range(len(sizes)) if seq not in evicted]


def test_a_record_larger_than_the_ring_does_not_stay() -> None:
    """It goes, and with it what was older; the ring works on."""
    ring = Ring(records_max=10, bytes_max=30)
    assert numbers(ring.push([entry_of(0, size=10), entry_of(1, size=31)])) == [0, 1]
    assert (len(ring), ring.fill) == (0, 0.0)
    assert ring.push([entry_of(2, size=30)]) == []
    assert ring.fill == 1.0


def test_what_is_given_back_comes_first_and_goes_first() -> None:
    """The writer gives back the oldest, and the ring may have filled meanwhile."""
    ring = Ring(records_max=4, bytes_max=1000)
    ring.push([entry_of(seq, size=10) for seq in range(4)])
    taken = ring.take(3)
    ring.push([entry_of(4, size=10)])
    assert numbers(ring.give_back(taken)) == [0]
    assert numbers(ring.take(10)) == [1, 2, 3, 4]


@pytest.mark.parametrize(('size', 'fill'), [(10, 0.5), (40, 0.8)], ids=['by records', 'by bytes'])
def test_fill_is_the_fuller_of_both(size: int, fill: float) -> None:
    """Either bound can be the one that is reached first."""
    ring = Ring(records_max=4, bytes_max=100)
    ring.push([entry_of(seq, size=size) for seq in range(2)])
    assert ring.fill == fill


RECORDS_MAX = 8
BYTES_MAX = 100


class RingMachine(RuleBasedStateMachine):
    """Any sequence of pushes, takes and givings back."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring(records_max=RECORDS_MAX, bytes_max=BYTES_MAX)
        self.waiting: list[Entry] = []
        self.held: list[Entry] = []
        self.pushed = self.written = self.evicted = 0

    @rule(sizes=st.lists(st.integers(1, 130), max_size=6))
    def push(self, sizes: list[int]) -> None:
        """Push some records."""
        entries = [entry_of(self.pushed + place, size=size) for place, size in enumerate(sizes)]
        self.pushed += len(entries)
        self.waiting += entries
        self.let_go(self.ring.push(entries))

    @precondition(lambda self: not self.held)
    @rule(count=st.integers(0, 12))
    def take(self, count: int) -> None:
        """Take some; the writer holds them until they are written or given back."""
        self.held = self.ring.take(count)
        assert self.held == self.waiting[:count]
        del self.waiting[: len(self.held)]

    @rule(share=st.integers(0, 12))
    def write_some_and_give_back_the_rest(self, share: int) -> None:
        """Write the first of them."""
        self.written += min(share, len(self.held))
        rest, self.held = self.held[share:], []
        self.waiting = rest + self.waiting
        self.let_go(self.ring.give_back(rest))

    def let_go(self, gone: list[Entry]) -> None:
        """Note what was evicted: the oldest, no more than had to go."""
        assert gone == self.waiting[: len(gone)]
        del self.waiting[: len(gone)]
        self.evicted += len(gone)
        if gone:
            records = len(self.waiting) + 1
            size = sum(len(entry.data) for entry in [*self.waiting, gone[-1]])
            assert records > RECORDS_MAX or size > BYTES_MAX

    @invariant()
    def bounds_hold(self) -> None:
        """Hold what is expected, in order, and no more than allowed."""
        size = sum(len(entry.data) for entry in self.waiting)
        assert len(self.ring) == len(self.waiting) <= RECORDS_MAX
        assert size <= BYTES_MAX
        assert self.ring.fill == max(len(self.waiting) / RECORDS_MAX, size / BYTES_MAX)
        assert all(a < b for a, b in pairwise(numbers(self.waiting)))

    @invariant()
    def nothing_is_lost_unsaid(self) -> None:
        """Account for all that was pushed: written, evicted, waiting, or held by the writer."""
        there = self.written + self.evicted + len(self.waiting) + len(self.held)
        assert self.pushed == there


TestRingMachine = RingMachine.TestCase
TestRingMachine.settings = settings(stateful_step_count=40, max_examples=60)


def test_two_threads_lose_nothing() -> None:
    """The intake pushes while the writer takes and gives back."""
    ring = Ring(records_max=50, bytes_max=100_000)
    evicted: list[int] = []
    given_up: list[int] = []
    count = 3000

    def push() -> None:
        for seq in range(count):
            evicted.extend(numbers(ring.push([entry_of(seq, size=10)])))

    pusher = Thread(target=push)
    written: list[int] = []
    pusher.start()
    while pusher.is_alive() or len(ring):
        taken = ring.take(7)
        written += numbers(taken[:4])
        given_up += numbers(ring.give_back(taken[4:]))
    pusher.join()
    assert written == sorted(written)
    assert sorted(written + evicted + given_up) == list(range(count))
