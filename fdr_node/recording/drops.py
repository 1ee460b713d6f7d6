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
"""Counts the segments that a flight has lost on purpose or by another's hand; it removes none."""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.recording.footer import drop_note

if TYPE_CHECKING:
    from fdr_node.recording.ports import SegmentFacts
    from fdr_node.schema import DropReason, SegmentDropped


class Closed(NamedTuple):
    """A segment that is never written again."""

    facts: SegmentFacts
    producers: Counter[str]


class Dropped(NamedTuple):
    """A segment that is gone."""

    facts: SegmentFacts
    reason: DropReason


class Drops:
    """What is gone of one flight."""

    def __init__(self) -> None:
        self.segments = 0
        self.size_bytes = 0
        # Those that nobody was told of yet, and the records of them that are yet to be put.
        self.untold: deque[Dropped] = deque()
        self.notes: deque[SegmentDropped] = deque()
        self._producers: Counter[str] = Counter()

    @property
    def records(self) -> int:
        """Return the records that were in them."""
        return self._producers.total()

    def note(self, item: Closed, reason: DropReason) -> None:
        """Count a segment that is gone."""
        facts = item.facts
        self.segments += 1
        self.size_bytes += facts.size_bytes
        self._producers += item.producers
        self.untold.append(Dropped(facts, reason))
        self.notes.append(
            drop_note(facts, producers=item.producers, rolled_off=self._producers, reason=reason)
        )
