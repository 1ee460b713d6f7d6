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
Follows the sequence numbers of one producer session: what came, what is missing, what came late.

Pure state: numbers in, holes out. A session is one start of a producer; it counts 0, 1, 2 ... .
What the producer says about itself only names the cause of holes that are there: it can neither
make one nor fill one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

# Holes that every session may have open. For more it needs room; without that the oldest is closed
# for good: it stays counted, but a record that would fill it later counts as a duplicate.
HOLES_MAX = 64

# What one session takes of the room. Priority records wait in a history of their own: until the
# other one is drained, each of them may have a hole before it.
ROOM_SHARE_MAX = 8192

# Losses that are handed out at a time; of more the oldest become one.
DUE_MAX = 64

_first_of = attrgetter('first')


class Missing(NamedTuple):
    """
    Numbers that are missing.

    :param first: the first one.
    :param last: the last one, included.
    :param records: how many, at most ``last - first + 1``.
    :param queued: how many of those the producer's own queue dropped, as it says.
    :param overwritten: how many of the rest came to a history that was full.
    """

    first: int
    last: int
    records: int
    queued: int = 0
    overwritten: int = 0


@dataclass(slots=True)
class Hole:
    """
    Sequence numbers that have not been seen.

    :param first: the first one.
    :param last: the last one, included.
    :param noticed_ns: CLOCK_MONOTONIC when a later one was seen.
    :param is_overwritten: whether the history of the subscription was full when it was seen.
    :param is_reported: whether it has been handed out as a loss.
    """

    first: int
    last: int
    noticed_ns: int
    is_overwritten: bool = False
    is_reported: bool = False

    @property
    def count(self) -> int:
        """How many numbers are missing."""
        return self.last - self.first + 1


class Room:
    """
    The open holes that all sessions together may have beyond those which each may have anyway.

    :param holes: how many.
    """

    __slots__ = ('left',)

    def __init__(self, holes: int) -> None:
        self.left = holes

    def exchange(self, held: int, wanted: int) -> int:
        """Take back what a session holds. :return: what it gets, at most what it wants."""
        self.left += held
        granted = max(0, min(wanted, self.left, ROOM_SHARE_MAX))
        self.left -= granted
        return granted


class Session:
    """
    The count of one producer session.

    :param first_seq: the first number that belongs to the flight; a smaller one that comes
        nevertheless takes its place.
    :param room: for more holes than a session may have anyway; None is none.
    """

    __slots__ = (
        '_closed_missing',
        '_closed_overwritten',
        '_dropped_before',
        '_dropped_told',
        '_fresh',
        '_queued_left',
        '_reported_since',
        '_room',
        '_room_held',
        '_stats_seq',
        '_unreported',
        'duplicates',
        'first_seq',
        'holes',
        'next_seq',
        'received',
    )

    def __init__(self, first_seq: int, room: Room | None = None) -> None:
        self.first_seq = first_seq
        self.next_seq = first_seq
        self.received = 0
        self.duplicates = 0
        # Apart from each other, in the order of their numbers.
        self.holes: list[Hole] = []
        # Of those, the ones that were not handed out.
        self._fresh = 0
        self._room = room or Room(0)
        self._room_held = 0
        self._closed_missing = self._closed_overwritten = 0
        # Holes that were closed before anybody asked; merged, as nobody may ask for long.
        self._unreported: Missing | None = None
        # What the producer says that its queue dropped: before the flight (None until it says
        # anything), since then, and with which record it said so.
        self._dropped_before: int | None = None
        self._dropped_told = 0
        self._stats_seq = -1
        # Of those, the ones that no hole was handed out for; and the numbers that were handed out
        # without them since it spoke last.
        self._queued_left = 0
        self._reported_since = 0

    @property
    def published(self) -> int:
        """Return the records published in the flight, as far as can be seen."""
        return self.next_seq - self.first_seq

    @property
    def missing(self) -> int:
        """Return the records that were published and have not come."""
        return self._closed_missing + sum(hole.count for hole in self.holes)

    @property
    def queued(self) -> int:
        """Return how many of the missing ones the producer's own queue dropped, as it says."""
        return min(self._dropped_told, self.missing)

    @property
    def overwritten(self) -> int:
        """Return how many more of the missing ones came to a history that was full."""
        held = sum(hole.count for hole in self.holes if hole.is_overwritten)
        return min(self._closed_overwritten + held, self.missing - self.queued)

    def note_dropped(self, seq: int, dropped: int) -> None:
        """
        Hear from the producer how many numbers never left it, all of them below ``seq``.

        :param seq: number of the record that says so.
        :param dropped: how many since it started.
        """
        if self._dropped_before is None:
            # Not more can be from before the flight than there were numbers, or than it says now.
            self._dropped_before = min(dropped, self.first_seq)
        fresh = dropped - self._dropped_before - self._dropped_told
        if fresh > 0:
            self._dropped_told += fresh
            # Of what was handed out before it spoke, these were some.
            self._queued_left += max(0, fresh - self._reported_since)
        self._reported_since = 0
        self._stats_seq = max(self._stats_seq, seq)

    def observe(self, seq: int, now_ns: int, *, is_full: bool = False) -> None:
        """
        Count a record that came.

        :param seq: its number.
        :param now_ns: CLOCK_MONOTONIC now.
        :param is_full: whether the history that it waited in was full: it may have overwritten.
        """
        if seq == self.next_seq:
            self.next_seq = seq + 1
            self.received += 1
        elif seq > self.next_seq:
            self._add_hole(len(self.holes), Hole(self.next_seq, seq - 1, now_ns, is_full))
            self.next_seq = seq + 1
            self.received += 1
        elif seq < self.first_seq:
            # The first one that was heard had overtaken it: the flight has it, so it counts.
            if seq + 1 < self.first_seq:
                self._add_hole(0, Hole(seq + 1, self.first_seq - 1, now_ns))
            self.first_seq = seq
            self.received += 1
        elif self._fill(seq):
            self.received += 1
        else:
            self.duplicates += 1

    def due(self, before_ns: int) -> list[Missing]:
        """Return the holes that were noticed before an instant, each of them once."""
        if not self._fresh and self._unreported is None:
            return []
        holes = [h for h in self.holes if not h.is_reported and h.noticed_ns <= before_ns]
        for hole in holes:
            hole.is_reported = True
        self._fresh -= len(holes)
        due = [_missing(hole) for hole in holes]
        if self._unreported is not None:
            due.insert(0, self._unreported)
            self._unreported = None
        if (surplus := len(due) - DUE_MAX) > 0:
            due[: surplus + 1] = [_joined(due[: surplus + 1])]
        return [self._with_cause(missing) for missing in due]

    def _with_cause(self, missing: Missing) -> Missing:
        is_told = missing.last < self._stats_seq
        queued = min(self._queued_left, missing.records) if is_told else 0
        self._queued_left -= queued
        # Of those below its word that it did not name it has said all.
        self._reported_since += 0 if is_told else missing.records
        overwritten = min(missing.overwritten, missing.records - queued)
        return missing._replace(queued=queued, overwritten=overwritten)

    def _add_hole(self, place: int, hole: Hole) -> None:
        self.holes.insert(place, hole)
        self._fresh += 1
        self._close_beyond_bound()

    def _close_beyond_bound(self) -> None:
        """Close as many of the oldest as there is no room for."""
        surplus = len(self.holes) - HOLES_MAX
        if surplus > 0 or self._room_held:
            self._room_held = self._room.exchange(self._room_held, surplus)
            surplus -= self._room_held
        if surplus <= 0:
            return
        closed = self.holes[:surplus]
        del self.holes[:surplus]
        self._closed_missing += sum(hole.count for hole in closed)
        self._closed_overwritten += sum(hole.count for hole in closed if hole.is_overwritten)
        untold = [_missing(hole) for hole in closed if not hole.is_reported]
        self._fresh -= len(untold)
        if untold:
            known = [] if self._unreported is None else [self._unreported]
            self._unreported = _joined(known + untold)

    def _fill(self, seq: int) -> bool:
        place = bisect_right(self.holes, seq, key=_first_of) - 1
        if place < 0 or seq > self.holes[place].last:
            return False
        hole = self.holes[place]
        rest = [
            replace(hole, first=first, last=last)
            for first, last in ((hole.first, seq - 1), (seq + 1, hole.last))
            if first <= last
        ]
        after = place + 1
        self.holes[place:after] = rest
        if not hole.is_reported:
            self._fresh += len(rest) - 1
        # A number from its middle has made two of one.
        self._close_beyond_bound()
        return True


def _missing(hole: Hole) -> Missing:
    overwritten = hole.count if hole.is_overwritten else 0
    return Missing(hole.first, hole.last, hole.count, overwritten=overwritten)


def _joined(several: list[Missing]) -> Missing:
    return Missing(
        min(missing.first for missing in several),
        max(missing.last for missing in several),
        sum(missing.records for missing in several),
        overwritten=sum(missing.overwritten for missing in several),
    )
