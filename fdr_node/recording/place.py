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
Keeps the closed segments of a flight: lists them, drops the oldest, knows their directories.

A flight has one place, or two when it has a second disk. Which segment is open, when one is cut,
and when the flight moves is not decided here. Every step does its work on disk or raises
``OSError`` and can be called again.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
import json
from typing import TYPE_CHECKING

from fdr_node.config import FOOTER_JSON_BYTES_MAX
from fdr_node.recording import rotation
from fdr_node.schema import DropReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from fdr_node.config import RecorderConfig
    from fdr_node.recording.drops import Closed, Drops
    from fdr_node.recording.ports import FlightStore, Segment, SegmentFacts


class Place:
    """
    One directory of a flight.

    :param store: where it is written; its root is taken.
    :param config: sizes and the cap, which holds for each place.
    """

    def __init__(self, store: FlightStore, *, config: RecorderConfig) -> None:
        self.store = store
        self._config = config
        self._closed: deque[Closed] = deque()
        self._closed_bytes = 0
        self._metadata_bytes = 0
        # Bytes of those that were gone, by name: a disk that comes back may bring them along.
        self._missing: dict[str, int] = {}
        self._back: list[str] = []
        # Those that were left, and may take more space than they say.
        self._left: list[Segment] = []

    @property
    def closed_bytes(self) -> int:
        """Bytes of the closed segments."""
        return self._closed_bytes

    @property
    def size_bytes(self) -> int:
        """Bytes of all that is closed, is there again, and of the metadata."""
        return self._closed_bytes + sum(self._back_bytes()) + self._metadata_bytes

    @property
    def is_used(self) -> bool:
        """Whether something of the flight is in it."""
        return bool(self._closed) or self._metadata_bytes > 0

    @property
    def records(self) -> int:
        """Return the records in the closed segments."""
        return sum(item.facts.records for item in self._closed)

    def add(self, closed: Closed) -> None:
        """Take a segment that is closed now."""
        self._closed.append(closed)
        self._closed_bytes += closed.facts.size_bytes

    def publish(
        self,
        custom_data: Mapping[str, str],
        *,
        open_facts: SegmentFacts | None = None,
        without: int = 0,
    ) -> None:
        """
        Make the bag list what is in it.

        :param open_facts: the open segment, once it holds records.
        :param without: so many of the oldest are not listed any more.
        """
        segments = [item.facts for item in self._closed][without:]
        if open_facts is not None:
            segments.append(open_facts)
        self._metadata_bytes = self.store.publish(segments, custom_data)

    def take_missing(self, names: AbstractSet[str]) -> list[Closed]:
        """
        Give up the segments whose files somebody has removed; they are not listed any more.

        rosbag2 refuses a bag that lists a file which is not there.

        :param names: the segment files that are there.
        """
        missing = [item for item in self._closed if item.facts.name not in names]
        for item in missing:
            self._closed.remove(item)
            self._closed_bytes -= item.facts.size_bytes
            self._missing[item.facts.name] = item.facts.size_bytes
        self._back = [name for name in self._missing if name in names]
        return missing

    def _back_bytes(self) -> list[int]:
        """Return the sizes of those that were gone and are there again, oldest first."""
        return [self._missing[name] for name in self._back]

    def leave(self, segment: Segment, closed: Closed) -> None:
        """Take a segment that could not be closed."""
        self._left.append(segment)
        self.add(closed)

    def clear_up(self, names: AbstractSet[str]) -> None:
        """
        Give back what was reserved for segments that were left, and remove strays.

        These are files that count for nothing, left of segments whose opening failed when the disk
        would not even remove them: no list has them, they would take space beyond the cap, and a
        recovery would find records in them that are elsewhere too. What was recorded, was gone and
        is there again is none of them: as long as the cap has room for it, it stays, for whoever
        looks for it after landing.

        :param names: the segment files that are there.
        """
        while self._left:
            self._left[-1].mend()
            self._left.pop()
        known = {item.facts.name for item in self._closed} | self._missing.keys()
        for name in sorted(names - known):
            self.store.drop_segment(name)

    def make_room(self, custom_data: Mapping[str, str]) -> Iterator[Closed]:
        """
        Drop the oldest segments until a new one fits below the cap; return each once it is gone.

        The list goes first. It is written at every cut, as a segment may fill up before its first
        commit lists it.
        """
        metadata_bytes = rotation.on_disk(self._metadata_bytes + FOOTER_JSON_BYTES_MAX)
        # What is there again is old, and was told to be gone.
        count = rotation.count_to_drop(
            self._back_bytes() + [item.facts.size_bytes for item in self._closed],
            reserved_bytes=rotation.on_disk(self._config.segment_bytes_max) + 2 * metadata_bytes,
            cap_bytes=self._config.flight_bytes_max,
        )
        while self._back and count:
            self.store.drop_segment(self._back[0])
            del self._back[0]
            count -= 1
        if self._closed:
            self.publish(custom_data, without=count)
        for _ in range(count):
            yield self._drop_oldest()

    @property
    def can_give_back(self) -> bool:
        """Whether enough would be left without the oldest segment (``degraded_keep_bytes``)."""
        if not self._closed:
            return False
        left = self._closed_bytes - self._closed[0].facts.size_bytes
        return left >= self._config.degraded_keep_bytes

    def give_back(
        self, custom_data: Mapping[str, str], *, open_facts: SegmentFacts | None
    ) -> Closed:
        """
        Drop the oldest segment of a full disk; there is one. The open one stays listed.

        Where the shorter list finds no room itself the file goes all the same, and the list is to
        be published again: until then the bag names a file that is gone.
        """
        with suppress(OSError):
            self.publish(custom_data, open_facts=open_facts, without=1)
        return self._drop_oldest()

    def _drop_oldest(self) -> Closed:
        oldest = self._closed[0]
        self.store.drop_segment(oldest.facts.name)
        self._closed.popleft()
        self._closed_bytes -= oldest.facts.size_bytes
        return oldest


class Places:
    """
    The directories of a flight, and the one that it is written to.

    :param places: the first one is written to.
    :param drops: is told of each segment that is gone.
    """

    def __init__(self, places: Sequence[Place], *, drops: Drops) -> None:
        self._all = places
        self._drops = drops
        self.here = self._all[0]

    @property
    def has_spare(self) -> bool:
        """Whether there is another one."""
        return len(self._all) > 1

    @property
    def bytes_ended(self) -> int:
        """Bytes of the closed segments, those that are gone included."""
        return self._drops.size_bytes + sum(place.closed_bytes for place in self._all)

    @property
    def size_bytes(self) -> int:
        """Bytes of all that is closed, and of the metadata."""
        return sum(place.size_bytes for place in self._all)

    @property
    def records_ended(self) -> int:
        """Return the records in the closed segments, those that are gone included."""
        return self._drops.records + sum(place.records for place in self._all)

    def make_room(self, custom_data: Mapping[str, str]) -> None:
        """
        Note what somebody removed, list what is closed, drop the oldest for a new segment.

        :raises OSError: what is gone by then is noted; call it again.
        """
        here = self.here
        names = here.store.segment_names()
        for item in here.take_missing(names):
            self._drops.note(item, DropReason.MISSING)
        # What failed may have left more than it says: it must not come on top of what comes now.
        here.clear_up(names)
        for item in here.make_room(custom_data):
            self._drops.note(item, DropReason.CAP)

    def drop_oldest(
        self, custom_data: Mapping[str, str], *, open_facts: SegmentFacts | None
    ) -> None:
        """
        Drop the oldest segment for the space that it takes; there is one that may go.

        :raises OSError: it is still there.
        """
        item = self.here.give_back(custom_data, open_facts=open_facts)
        self._drops.note(item, DropReason.SPACE)

    def move(self) -> str:
        """Make the other place the one that is written to. :return: all directories, as JSON."""
        self.here = next(place for place in self._all if place is not self.here)
        return json.dumps([str(place.store.directory) for place in self._all], ensure_ascii=False)

    def tell_others(self, custom_data: Mapping[str, str]) -> None:
        """List what stays elsewhere, as far as its disk still takes that; never raises."""
        for place in self._all:
            if place is not self.here and place.is_used:
                with suppress(OSError):
                    place.publish(custom_data)

    def give_back(self, *, discard: bool = False) -> None:
        """Let others have them; discard what the opening made, when nothing was recorded."""
        for place in self._all:
            place.store.close_flight(discard=discard)
