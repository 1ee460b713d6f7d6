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
A flight store in memory that fits ``recording/ports.py``: what the recorder is tested on.

It keeps messages as they were given, so that a test sees what would be on disk. The same contract
suite runs over it and over the store that writes files (test/storage).
"""

from __future__ import annotations

from dataclasses import dataclass, field
import errno
import os
from pathlib import Path
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.errors import FdrConcurrentWriterError, FdrOpenError
from fdr_node.recording.ports import PendingRecord, SegmentFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What a segment takes beside its records and texts; any numbers will do.
BEGIN_BYTES = 4000
END_BYTES = 3000
END_TEXTS_BYTES_MAX = 80_000
CHUNK_BYTES = 200
MESSAGE_BYTES = 50

ROOT = Path('/memory')
SPARE_ROOT = Path('/spare')


class Message(NamedTuple):
    """One record in a segment."""

    data: bytes
    sequence: int
    log_time_ns: int
    publish_time_ns: int


@dataclass(kw_only=True)
class MemoryFlight:
    """What is left of a flight: segments by name, all there ever were, what its metadata says."""

    segments: dict[str, MemorySegment] = field(default_factory=dict)
    ever: list[MemorySegment] = field(default_factory=list)
    listed: list[SegmentFacts] = field(default_factory=list)
    custom_data: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class MemoryDisk:
    """A flight root: who holds it, and the flights in it."""

    holder: str = ''
    free_bytes: int = 1 << 40
    flights: dict[str, MemoryFlight] = field(default_factory=dict)


class MemorySegment:
    """One segment. See :class:`fdr_node.recording.ports.Segment`."""

    def __init__(
        self,
        flight: MemoryFlight,
        name: str,
        *,
        index: int,
        size_max: int,
        texts: Mapping[str, str],
    ) -> None:
        self.begin_texts = dict(texts)
        self.end_texts: dict[str, str] | None = None
        self.messages: list[Message] = []
        self.pending: list[Message] = []
        self.is_abandoned = False
        self.is_suspect = False
        self._flight = flight
        self._name = name
        self._index = index
        self._size_max = size_max
        self._size = BEGIN_BYTES + _texts_bytes(texts)
        self._pending_bytes = 0
        flight.segments[name] = self
        flight.ever.append(self)

    @property
    def facts(self) -> SegmentFacts:
        """Return what is durably in it."""
        return SegmentFacts(
            index=self._index,
            name=self._name,
            size_bytes=self._size,
            records=len(self.messages),
            start_ns=self.messages[0].log_time_ns if self.messages else 0,
            end_ns=self.messages[-1].log_time_ns if self.messages else 0,
        )

    @property
    def pending_bytes(self) -> int:
        """Bytes that the next commit makes durable."""
        return self._pending_bytes

    def take_pending(self) -> list[PendingRecord]:
        """Give up what is pending."""
        records = [PendingRecord(*message) for message in self.pending]
        self.pending = []
        self._pending_bytes = 0
        return records

    def fits(self, size: int) -> bool:
        """Return whether it stays within its size with one more record."""
        total = self._size + CHUNK_BYTES + self.pending_bytes + MESSAGE_BYTES + size
        is_open = self.end_texts is None
        return is_open and total + END_BYTES + END_TEXTS_BYTES_MAX <= self._size_max

    def add(self, data: bytes, *, sequence: int, log_time_ns: int, publish_time_ns: int) -> None:
        """Take a record."""
        self.pending.append(Message(data, sequence, log_time_ns, publish_time_ns))
        self._pending_bytes += MESSAGE_BYTES + len(data)

    def commit(self) -> None:
        """Make what was added durable."""
        if not self.pending:
            return
        if self.end_texts is not None:
            message = f'{self._name} is closed'
            raise ValueError(message)
        self._size += CHUNK_BYTES + self.pending_bytes
        self.messages += self.pending
        self.pending = []
        self._pending_bytes = 0

    def size_if_closed(self, record_bytes: int, metadata: Mapping[str, str]) -> int:
        """Return its size with one more record and its end."""
        chunk_bytes = CHUNK_BYTES + MESSAGE_BYTES + record_bytes
        return self._size + chunk_bytes + END_BYTES + _texts_bytes(metadata)

    def close(self, metadata: Mapping[str, str]) -> SegmentFacts:
        """Commit and end it."""
        self.commit()
        if self.end_texts is None:
            self.end_texts = dict(metadata)
            self._size += END_BYTES + _texts_bytes(metadata)
        return self.facts

    def abandon(self) -> None:
        """Leave it as it is."""
        self.is_abandoned = True

    def mend(self) -> None:
        """Do nothing: nothing is reserved."""

    def abort(self) -> None:
        """Remove it."""
        del self._flight.segments[self._name]
        self._flight.ever.remove(self)


class MemoryStore:
    """The place of one flight. See :class:`fdr_node.recording.ports.FlightStore`."""

    def __init__(
        self, disk: MemoryDisk, *, flight_id: str, segment_bytes_max: int, root: Path = ROOT
    ) -> None:
        self._root = root
        self._disk = disk
        self._flight_id = flight_id
        self._segment_bytes_max = segment_bytes_max
        self._is_open = False

    @property
    def directory(self) -> Path:
        """Where the bag would be."""
        return self._root / self._flight_id

    @property
    def _flight(self) -> MemoryFlight:
        return self._disk.flights[self._flight_id]

    def open_flight(self) -> None:
        """Take the place."""
        if self._disk.holder:
            raise FdrConcurrentWriterError(ROOT / '.lock', holder=self._disk.holder)
        if self._flight_id in self._disk.flights:
            raise FdrOpenError(self.directory, reason='it exists already')
        self._disk.holder = f'flight {self._flight_id}'
        self._disk.flights[self._flight_id] = MemoryFlight()
        self._is_open = True

    def claim(self) -> None:
        """Take the place for later."""
        self.open_flight()

    def segment_names(self) -> set[str]:
        """Return the names of the segments that are there."""
        return set(self._flight.segments)

    def size_of(self, name: str) -> int:
        """Return the size of a segment."""
        segment = self._flight.segments.get(name)
        if segment is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return segment.facts.size_bytes

    def free_bytes(self) -> int:
        """Return what space is left."""
        return self._disk.free_bytes

    def open_segment(self, index: int, metadata: Mapping[str, str]) -> MemorySegment:
        """Begin a segment."""
        name = f'{self._flight_id}_{index}.mcap'
        if name in self._flight.segments:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        return MemorySegment(
            self._flight, name, index=index, size_max=self._segment_bytes_max, texts=metadata
        )

    def publish(self, segments: Sequence[SegmentFacts], custom_data: Mapping[str, str]) -> int:
        """Replace what the metadata says."""
        self._flight.listed = list(segments)
        self._flight.custom_data = dict(custom_data)
        return 1000 + 300 * len(segments) + _texts_bytes(custom_data)

    def drop_segment(self, name: str) -> None:
        """Remove a closed segment."""
        self._flight.segments.pop(name, None)

    def close_flight(self, *, discard: bool = False) -> None:
        """Give the place back."""
        if self._is_open:
            self._is_open = False
            self._disk.holder = ''
            if discard:
                del self._disk.flights[self._flight_id]


def _texts_bytes(texts: Mapping[str, str]) -> int:
    return sum(len(name) + len(text.encode()) for name, text in texts.items())
