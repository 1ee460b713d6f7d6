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
Says what a recorder needs of its storage.

Two small protocols; ``storage`` has the classes that fit them, and a test has twins in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """
    What is durably in one segment.

    :param index: its number in the flight, 0 for the first.
    :param name: its file name.
    :param size_bytes: its size in the flight directory.
    :param records: records in it.
    :param start_ns: log time of the first record, nanoseconds since the epoch; 0 when empty.
    :param end_ns: log time of the last record.
    """

    index: int
    name: str
    size_bytes: int
    records: int
    start_ns: int
    end_ns: int


class PendingRecord(NamedTuple):
    """A record that was added to a segment and is not committed."""

    data: bytes
    sequence: int
    log_time_ns: int
    publish_time_ns: int


class Segment(Protocol):
    """The open segment of a flight."""

    @property
    def facts(self) -> SegmentFacts:
        """Return what is durably in it."""

    @property
    def pending_bytes(self) -> int:
        """Bytes of the records that were added and are not committed."""

    @property
    def is_suspect(self) -> bool:
        """Whether what was synced last cannot be trusted: it must be left for a new one."""

    def fits(self, size: int) -> bool:
        """Return whether one more record of this many bytes keeps it within its size."""

    def add(self, data: bytes, *, sequence: int, log_time_ns: int, publish_time_ns: int) -> None:
        """Take a record that fits; it is in memory until the next commit."""

    def take_pending(self) -> list[PendingRecord]:
        """Give up the records that were added and are not committed, in their order."""

    def commit(self) -> None:
        """
        Make every record that was added durable.

        :raises OSError: none of them is; they stay and are offered again at the next commit.
        """

    def size_if_closed(self, record_bytes: int, metadata: Mapping[str, str]) -> int:
        """
        Return the size that it would have, if one more record were added and it were closed.

        Nothing may be pending: the record would be a chunk of its own.
        """

    def close(self, metadata: Mapping[str, str]) -> SegmentFacts:
        """
        Commit, write the end of the segment and give back what was reserved for it.

        :param metadata: name and text of what stands at its end.
        :raises OSError: call it again, it goes on where it stopped; nothing that was committed is
            lost, and from the end on no record fits any more.
        """

    def abandon(self) -> None:
        """Let go of it when it cannot be closed; what was committed stays. Never raises."""

    def mend(self) -> None:
        """
        Give back what was reserved for it, where an abandonment could not; a second call is none.

        :raises OSError: call it again; until then it takes more space than it says.
        """

    def abort(self) -> None:
        """Remove it, for an opening that is undone; never raises."""


class FlightStore(Protocol):
    """The place where one flight is written."""

    @property
    def directory(self) -> Path:
        """Return the bag: one directory per flight."""

    def open_flight(self) -> None:
        """
        Take the place for this flight alone.

        :raises FdrOpenError: nothing is left behind.
        """

    def claim(self) -> None:
        """
        Take the place for this flight alone, and make the directory with the first segment only.

        :raises FdrOpenError: nothing is left behind.
        """

    def open_segment(self, index: int, metadata: Mapping[str, str]) -> Segment:
        """
        Begin a segment; a directory that was removed is made again.

        :param metadata: name and text of what stands at its beginning.
        :raises OSError: nothing is left of it.
        """

    def segment_names(self) -> set[str]:
        """
        Return the names of the segment files that are there; none without the directory.

        :raises OSError: that cannot be said.
        """

    def size_of(self, name: str) -> int:
        """
        Return the bytes of a segment file, as the file system says.

        :raises OSError: it cannot be said, or (ENOENT) the file is gone.
        """

    def free_bytes(self) -> int:
        """Return the space that is left. :raises OSError: it cannot be said."""

    def publish(self, segments: Sequence[SegmentFacts], custom_data: Mapping[str, str]) -> int:
        """
        Replace the bag's metadata, so that it lists what is durable now.

        :return: its size in bytes.
        :raises OSError: the old metadata is still there.
        """

    def drop_segment(self, name: str) -> None:
        """Remove a closed segment; one that is gone already is no error."""

    def close_flight(self, *, discard: bool = False) -> None:
        """
        Give the place back.

        :param discard: remove what the opening made, when nothing was recorded.
        """
