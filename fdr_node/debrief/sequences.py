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
Counts the sequence numbers of one producer session as a log holds them.

Pure state: numbers in, counts out. What a missing number means is not said here.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

# Holes that are watched per session. With more, the oldest counts as missing for good, and a
# record that comes later and belongs into it counts as a duplicate.
HOLES_MAX: Final = 1024


class Sequence:
    """
    The numbers that were seen, from the first to the last.

    ``next_seq - first_seq == distinct + missing`` holds after every record.

    :param first_seq: the number that is seen first.
    """

    __slots__ = ('_holes', 'distinct', 'duplicates', 'first_seq', 'missing', 'next_seq')

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.next_seq = first_seq
        self.distinct = 0
        self.duplicates = 0
        self.missing = 0
        # First and last number of each, in their order.
        self._holes: list[tuple[int, int]] = []

    def observe(self, seq: int) -> None:
        """Count a record with this number."""
        if seq == self.next_seq:
            self.next_seq = seq + 1
            self.distinct += 1
        elif seq > self.next_seq:
            self._add_hole(len(self._holes), self.next_seq, seq - 1)
            self.next_seq = seq + 1
            self.distinct += 1
        elif seq < self.first_seq:
            if seq + 1 < self.first_seq:
                self._add_hole(0, seq + 1, self.first_seq - 1)
            self.first_seq = seq
            self.distinct += 1
        elif self._fill(seq):
            self.distinct += 1
            self.missing -= 1
        else:
            self.duplicates += 1

    def _add_hole(self, place: int, first: int, last: int) -> None:
        self.missing += last - first + 1
        self._holes.insert(place, (first, last))
        self._forget()

    def _fill(self, seq: int) -> bool:
        place = bisect_right(self._holes, seq, key=lambda hole: hole[0]) - 1
        if place < 0 or seq > self._holes[place][1]:
            return False
        first, last = self._holes[place]
        parts = ((first, seq - 1), (seq + 1, last))
        after = place + 1
        self._holes[place:after] = [part for part in parts if part[0] <= part[1]]
        self._forget()
        return True

    def _forget(self) -> None:
        if len(self._holes) > HOLES_MAX:
            del self._holes[0]
