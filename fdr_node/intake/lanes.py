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
Keeps a part of the buffer for the audit trail, so that a flood of tiles cannot push it out.

Two rings side by side, one for the priority kinds: each is bounded and drops only its own. The
writer still gets the records in the order in which they came.
"""

from __future__ import annotations

from typing import Final, TYPE_CHECKING

from fdr_node.intake.ring import Entry, Ring

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Set as AbstractSet

# Of the buffer, what only priority kinds may use.
PRIORITY_SHARE: Final = 0.25


class Lanes:
    """
    The buffer between intake and writer.

    :param records_max: records it holds at most.
    :param bytes_max: bytes of serialised records it holds at most.
    :param priority_kinds: kinds that have the reserved part; a record of them that is larger than
        that part is held like any other. Without any, nothing is reserved.
    """

    def __init__(
        self, *, records_max: int, bytes_max: int, priority_kinds: Collection[str]
    ) -> None:
        is_reserved = bool(priority_kinds)
        records = _reserved(records_max) if is_reserved else 0
        size = _reserved(bytes_max) if is_reserved else 0
        self._priority_kinds = frozenset(priority_kinds)
        self._priority_bytes_max = size
        self._priority = Ring(records_max=max(1, records), bytes_max=max(1, size))
        self._ordinary = Ring(
            records_max=max(1, records_max - records), bytes_max=bytes_max - size
        )

    def __len__(self) -> int:
        """Return the records that wait."""
        return len(self._priority) + len(self._ordinary)

    @property
    def fill(self) -> float:
        """How full it is [0..1]: the fuller of the two parts."""
        return max(self._priority.fill, self._ordinary.fill)

    def push(self, entries: Sequence[Entry], *, kinds: AbstractSet[str]) -> list[Entry]:
        """
        Add records at the young end.

        :param kinds: theirs; more do no harm.
        :return: the oldest records of the same part, which had to go for them.
        """
        if self._priority_kinds.isdisjoint(kinds):
            return self._ordinary.push(entries)
        priority, ordinary = self._split(entries)
        return self._priority.push(priority) + self._ordinary.push(ordinary)

    def take(self, records_max: int) -> list[Entry]:
        """Take the oldest records of both parts, at most so many, in the order they came."""
        taken: list[Entry] = []
        while (left := records_max - len(taken)) > 0:
            priority_ns, ordinary_ns = self._priority.oldest_ns, self._ordinary.oldest_ns
            if priority_ns is None:
                taken += self._ordinary.take(left)
                break
            if ordinary_ns is None or priority_ns <= ordinary_ns:
                before_ns = None if ordinary_ns is None else ordinary_ns + 1
                taken += self._priority.take(left, before_ns=before_ns)
            else:
                taken += self._ordinary.take(left, before_ns=priority_ns)
        return taken

    def give_back(self, entries: Sequence[Entry]) -> list[Entry]:
        """
        Put records that could not be written back at the old end.

        :return: the oldest records, which had to go because their part filled meanwhile.
        """
        priority, ordinary = self._split(entries)
        return self._priority.give_back(priority) + self._ordinary.give_back(ordinary)

    def _split(self, entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
        priority: list[Entry] = []
        ordinary: list[Entry] = []
        for entry in entries:
            fits = len(entry.data) <= self._priority_bytes_max
            is_priority = fits and entry.head.kind in self._priority_kinds
            (priority if is_priority else ordinary).append(entry)
        return priority, ordinary


def _reserved(whole: int) -> int:
    return max(1, int(whole * PRIORITY_SHARE))
