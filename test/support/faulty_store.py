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
"""Wrappers of a flight store and its segments that fail at the calls a test names."""

from __future__ import annotations

from dataclasses import dataclass, field
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fdr_node.recording.ports import FlightStore, PendingRecord, Segment, SegmentFacts


@dataclass(kw_only=True)
class Fault:
    """
    A fault to come.

    :param after: calls that still succeed.
    :param times: calls that fail then.
    :param error: what they raise.
    """

    after: int = 0
    times: int = 1
    error: Exception


@dataclass
class Faults:
    """The faults of a store by step; with none it works."""

    pending: dict[str, Fault] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def arm(
        self,
        step: str,
        *,
        after: int = 0,
        times: int = 1,
        number: int = errno.EIO,
        fault: Exception | None = None,
    ) -> None:
        """Let a step fail, the first time after so many calls: an error, or a program's fault."""
        error = fault or OSError(number, os.strerror(number))
        self.pending[step] = Fault(after=after, times=times, error=error)

    def reach(self, step: str) -> None:
        """Note a call, and fail when it is its turn."""
        self.calls.append(step)
        fault = self.pending.get(step)
        if fault is None:
            return
        if fault.after:
            fault.after -= 1
            return
        fault.times -= 1
        if not fault.times:
            del self.pending[step]
        raise fault.error


class FaultySegment:
    """A segment whose ``commit`` and ``close`` can fail."""

    def __init__(self, segment: Segment, faults: Faults) -> None:
        self._segment = segment
        self._faults = faults
        self._is_suspect = False

    @property
    def is_suspect(self) -> bool:
        """Whether its ``sync`` has failed."""
        return self._is_suspect

    @property
    def facts(self) -> SegmentFacts:
        """Return what is durably in it."""
        return self._segment.facts

    @property
    def pending_bytes(self) -> int:
        """Bytes that are not committed."""
        return self._segment.pending_bytes

    def fits(self, size: int) -> bool:
        """Return whether one more record fits."""
        return self._segment.fits(size)

    def add(self, data: bytes, *, sequence: int, log_time_ns: int, publish_time_ns: int) -> None:
        """Take a record, or fail (``add``)."""
        self._faults.reach('add')
        self._segment.add(
            data, sequence=sequence, log_time_ns=log_time_ns, publish_time_ns=publish_time_ns
        )

    def take_pending(self) -> list[PendingRecord]:
        """Give up what is pending."""
        return self._segment.take_pending()

    def commit(self) -> None:
        """Commit, or fail (``commit``), for good with ``sync``."""
        self._faults.reach('commit')
        try:
            self._faults.reach('sync')
        except OSError:
            self._is_suspect = True
            raise
        self._segment.commit()

    def size_if_closed(self, record_bytes: int, metadata: Mapping[str, str]) -> int:
        """Return the size that it would have."""
        return self._segment.size_if_closed(record_bytes, metadata)

    def close(self, metadata: Mapping[str, str]) -> SegmentFacts:
        """Close, or fail before (``close``) or after the end was written (``release``)."""
        self._faults.reach('close')
        facts = self._segment.close(metadata)
        self._faults.reach('release')
        return facts

    def abandon(self) -> None:
        """Let go of it."""
        self._segment.abandon()

    def mend(self) -> None:
        """Give back what is reserved, or fail (``mend``)."""
        self._faults.reach('mend')
        self._segment.mend()

    def abort(self) -> None:
        """Remove it."""
        self._segment.abort()


class FaultyStore:
    """A store whose steps can fail."""

    def __init__(self, store: FlightStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    @property
    def directory(self) -> Path:
        """Return the bag."""
        return self._store.directory

    def open_flight(self) -> None:
        """Take the place."""
        self._store.open_flight()

    def claim(self) -> None:
        """Take the place for later."""
        self._store.claim()

    def segment_names(self) -> set[str]:
        """Return the names of the segments that are there, or fail (``segment_names``)."""
        self._faults.reach('segment_names')
        return self._store.segment_names()

    def size_of(self, name: str) -> int:
        """Return the size of a segment, or fail (``size_of``)."""
        self._faults.reach('size_of')
        return self._store.size_of(name)

    def free_bytes(self) -> int:
        """Return what space is left."""
        return self._store.free_bytes()

    def open_segment(self, index: int, metadata: Mapping[str, str]) -> FaultySegment:
        """Begin a segment, or fail (``open_segment``)."""
        self._faults.reach('open_segment')
        return FaultySegment(self._store.open_segment(index, metadata), self._faults)

    def publish(self, segments: Sequence[SegmentFacts], custom_data: Mapping[str, str]) -> int:
        """Publish, or fail (``publish``)."""
        self._faults.reach('publish')
        return self._store.publish(segments, custom_data)

    def drop_segment(self, name: str) -> None:
        """Drop, or fail (``drop_segment``)."""
        self._faults.reach('drop_segment')
        self._store.drop_segment(name)

    def close_flight(self, *, discard: bool = False) -> None:
        """Give the place back."""
        self._store.close_flight(discard=discard)
