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
Puts an interrupted flight in order for a person: what would be done, or what was.

What is done on disk is in storage (recovery); here it becomes a report. Nothing is done to a
flight that is being recorded, as its recorder holds the lock of the flight root.
"""

from __future__ import annotations

from dataclasses import dataclass
import errno
from typing import Final, TYPE_CHECKING

from fdr_node.debrief.flight_files import find_flights, find_segments, NO_SEGMENT
from fdr_node.debrief.parts import find_parts
from fdr_node.errors import StorageError
from fdr_node.schema import HEADER_NAME
from fdr_node.storage.flight_root import is_flight_directory
from fdr_node.storage.lock import FlightLock
from fdr_node.storage.recovery import plan_recovery, recover, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fdr_node.schema import Value
    from fdr_node.storage.recovery import FlightPlan, SegmentPlan

# What is done with a segment, in the words of the report.
ACTIONS: Final = {
    Verdict.INTACT: 'kept',
    Verdict.DAMAGED: 'copied without what cannot be read; the original stays beside it',
    Verdict.TORN: 'given its end',
    Verdict.EMPTY: 'removed, it holds no record',
    Verdict.REPEATED: 'removed, the next one begins with its records',
    Verdict.UNREADABLE: 'set aside, unreadable',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentReport:
    """
    One segment.

    :param file: its name.
    :param verdict: what it was like.
    :param records: records in it that can be read.
    :param cut_bytes: bytes behind the last whole record.
    """

    file: str
    verdict: Verdict
    records: int
    cut_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """
    What a recovery found.

    :param directory: of the flight.
    :param segments: in their order.
    :param losses: what is lost, in words; empty when nothing is.
    :param was_in_order: there was nothing to do.
    :param is_applied: it was done, and not only planned.
    :param elsewhere: the other directories of the flight, where they are or were on the aircraft;
        what is in them is not looked at.
    """

    directory: Path
    segments: tuple[SegmentReport, ...]
    losses: tuple[str, ...]
    was_in_order: bool
    is_applied: bool
    elsewhere: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Return records that can be read."""
        return sum(segment.records for segment in self.segments)

    def to_json(self) -> dict[str, Value]:
        """Return what ``fdr recover --json`` prints; docs/cli.md keeps the keys."""
        return {
            'directory': str(self.directory),
            'was_in_order': self.was_in_order,
            'applied': self.is_applied,
            'records': self.records,
            'losses': list(self.losses),
            'elsewhere': list(self.elsewhere),
            'segments': [
                {
                    'file': segment.file,
                    'verdict': str(segment.verdict),
                    'records': segment.records,
                    'cut_bytes': segment.cut_bytes,
                }
                for segment in self.segments
            ],
        }


def recover_flight(
    directory: Path, *, is_applied: bool, on_progress: Callable[[int, int], None]
) -> RecoveryReport:
    """
    Plan the recovery of a flight, and carry it out when asked.

    :param directory: of the flight.
    :param is_applied: do it; otherwise nothing is changed, and no lock is asked for.
    :param on_progress: is told how many bytes have been gone through, and of how many.
    :raises FdrConcurrentWriterError: a recorder holds the flight root.
    :raises FdrOpenError: the flight root cannot be locked, so nothing may be changed.
    :raises StorageError: there is no flight, or a repair could not be read back.
    :raises OSError: the disk refuses to read or to write.
    """
    # The recorder has locked the real root, whatever link has led here.
    real = directory.resolve()
    sizes = [path.stat().st_size for path in find_segments(real)]
    if not sizes:
        is_root = bool(find_flights(real))
        reason = 'it is a flight root; name one of its flights' if is_root else NO_SEGMENT
        raise _no_flight(directory, reason)

    def progress(done: int) -> None:
        on_progress(done, sum(sizes))

    elsewhere = tuple(part.name for part in find_parts(real) if part.directory != real)
    if not is_applied:
        return _report(_plan(real, progress), elsewhere, is_applied=False)
    lock = FlightLock(real.parent)
    lock.acquire(real.name)
    try:
        plan = _plan(real, progress)
        report = _report(plan, elsewhere, is_applied=True)
        if not plan.is_in_order:
            recover(plan)
    finally:
        lock.undo()
    return report


def _plan(directory: Path, progress: Callable[[int], None]) -> FlightPlan:
    plan = plan_recovery(directory, progress=progress)
    is_ours = any(HEADER_NAME in item.found.texts for item in plan.segments)
    # With a name like that it is ours even when the headers are what is damaged. Other bags look
    # the same from outside, and a recovery would forget their topics.
    if not is_ours and not is_flight_directory(directory):
        raise _no_flight(directory, 'it is a bag without a flight header')
    return plan


def _no_flight(path: Path, reason: str) -> StorageError:
    return StorageError('recover', path=path, errno=errno.ENOENT, reason=reason)


def _report(plan: FlightPlan, elsewhere: tuple[str, ...], *, is_applied: bool) -> RecoveryReport:
    return RecoveryReport(
        directory=plan.directory,
        segments=tuple(_segment(item) for item in plan.segments),
        losses=tuple(plan.losses),
        was_in_order=plan.is_in_order,
        is_applied=is_applied,
        elsewhere=elsewhere,
    )


def _segment(item: SegmentPlan) -> SegmentReport:
    return SegmentReport(
        file=item.path.name,
        verdict=item.verdict,
        records=item.found.records,
        cut_bytes=item.cut_bytes,
    )
