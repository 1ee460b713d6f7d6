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
Counts the records of a flight by producer: all of them, the durable ones, those of a segment.

When something is durable, and where a segment ends, is not decided here.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, TYPE_CHECKING

from fdr_node.schema import OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable

# Producers that are counted by name: memory must not follow a hostile publisher that invents them.
PRODUCERS_MAX: Final = 2048


class Tally:
    """The count of one flight."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        # The same at the last commit: what is pending may be lost yet.
        self.durable: Counter[str] = Counter()
        self.segment: Counter[str] = Counter()

    def add(self, producer_ids: Iterable[str]) -> None:
        """Count records that were put into the open segment, each by its producer."""
        known = self.taken
        for producer_id, count in Counter(producer_ids).items():
            is_named = producer_id in known or len(known) < PRODUCERS_MAX
            name = producer_id if is_named else OTHERS
            known[name] += count
            self.segment[name] += count

    def take_back(self, producer_id: str) -> None:
        """Count one record less, of those in the open segment that are not durable."""
        for counts in (self.taken, self.segment):
            counts.subtract([producer_id])

    def commit(self) -> None:
        """Note that all is durable."""
        self.durable = Counter(self.taken)

    def end_segment(self) -> Counter[str]:
        """Begin another segment. :return: what is in the one before."""
        ended, self.segment = self.segment, Counter()
        return ended

    def leave_segment(self) -> Counter[str]:
        """
        Begin another segment with what is not durable in the one before.

        :return: what is durable in the one before.
        """
        pending = self.taken - self.durable
        left, self.segment = self.segment - pending, pending
        return left
