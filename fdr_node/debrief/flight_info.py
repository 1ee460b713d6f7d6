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
Holds what is known of a flight after it was read, and gives it as JSON.

The keys of the JSON are a contract (docs/cli.md): some may be added, none goes or changes its
meaning. Nothing is read or judged here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from fdr_node.clock import iso_utc, NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.debrief.balance import Account
    from fdr_node.debrief.outages import Outage
    from fdr_node.schema import SegmentDropped


class Scope(StrEnum):
    """How much of a flight was looked at."""

    FLIGHT = 'flight'
    SEGMENT = 'segment'


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentInfo:
    """
    One segment that is there.

    :param file: its name
    :param records: records that can be read
    :param size_bytes: size of the file
    :param start_ns: log time of the first record, since the epoch (ns); 0 without records
    :param end_ns: log time of the last record, since the epoch (ns); 0 without records
    :param directory: where it is
    :param is_left: it was not closed, and all that was committed is whole: a recorder that was
        killed, or whose disk failed, has left it
    """

    file: str
    records: int
    size_bytes: int
    start_ns: int
    end_ns: int
    directory: str = ''
    is_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInfo:
    """
    One directory of a flight.

    :param directory: where it is; None when it is not here
    :param listed_as: its path on the aircraft; None when nothing says it
    """

    directory: str | None
    listed_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerInfo:
    """
    One producer.

    :param account: what became of its records
    :param kinds: records that can be read, by kind
    """

    account: Account
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightInfo:
    """
    One flight, or one segment of it.

    :param scope: which of the two
    :param flight_id: name of the flight
    :param directory: the one that was asked for
    :param parts: all its directories, the one where it began first
    :param host: name of the recorder's computer; empty when the header cannot be read
    :param clean_shutdown: the flight was closed and nothing had failed
    :param may_go_on: nothing here says that it is over
    :param start_ns: start of the flight, wall clock since the epoch (ns)
    :param duration_ns: up to its end, or to the last record that can be read, monotonic (ns)
    :param rollover_count: segments that are gone and that the recorder knew of
    :param records_rolled_off: records in those
    :param segments: those that are there, oldest first
    :param dropped_segments: dropped ones that the log still names, oldest first
    :param producers: by their names
    :param open_ends: producers that did not say their last word, so that nobody knows whether they
        published more
    :param malformed: messages that were no FdrRecord and came from nobody knows whom
    :param is_balanced: every account adds up and nothing contradicts it; None when nothing does as
        far as it is here, and a directory of it is not
    :param problems: what is wrong, a line each
    :param outages: times in which the storage took nothing, the first of them
    :param outage_count: all of them
    :param outage_records_lost: records lost in all of them
    """

    scope: Scope
    flight_id: str
    directory: str
    host: str
    clean_shutdown: bool
    start_ns: int
    duration_ns: int
    rollover_count: int
    records_rolled_off: int
    segments: tuple[SegmentInfo, ...]
    dropped_segments: tuple[SegmentDropped, ...]
    producers: Mapping[str, ProducerInfo]
    malformed: int
    is_balanced: bool | None
    problems: tuple[str, ...]
    may_go_on: bool = False
    open_ends: tuple[str, ...] = ()
    parts: tuple[PartInfo, ...] = ()
    outages: tuple[Outage, ...] = ()
    outage_count: int = 0
    outage_records_lost: int = 0

    @property
    def records(self) -> int:
        """Return records of all producers that can be read."""
        return sum(segment.records for segment in self.segments)

    @property
    def size_bytes(self) -> int:
        """Bytes of the segments that are there."""
        return sum(segment.size_bytes for segment in self.segments)

    @property
    def is_whole(self) -> bool:
        """Whether all its directories are here."""
        return all(part.directory is not None for part in self.parts)

    @property
    def span_ns(self) -> int:
        """Time between the first and the last record that can be read (ns)."""
        filled = [segment for segment in self.segments if segment.records]
        if not filled:
            return 0
        return max(item.end_ns for item in filled) - min(item.start_ns for item in filled)

    @property
    def has_findings(self) -> bool:
        """Whether there is something to look into; a segment by itself need not be the last."""
        is_open = self.scope is Scope.FLIGHT and not self.clean_shutdown
        lost = any(producer.account.lost for producer in self.producers.values())
        is_sound = self.is_balanced and not self.outage_count and not self.problems
        return bool(is_open or lost or not is_sound)

    def rate_hz(self, count: int) -> float | None:
        """Return the rate of so many of the records that can be read; None without a time."""
        return round(count * NS_PER_S / self.span_ns, 3) if self.span_ns else None

    def to_json(self) -> dict[str, object]:
        """Return it as JSON can hold it; docs/cli.md says what the keys mean."""
        return {
            'scope': str(self.scope),
            'flight_id': self.flight_id,
            'directory': self.directory,
            'parts': [
                {'directory': part.directory, 'listed_as': part.listed_as} for part in self.parts
            ],
            'complete': self.is_whole,
            'host': self.host,
            'clean_shutdown': self.clean_shutdown,
            'start_ns': self.start_ns,
            'start_utc': iso_utc(self.start_ns),
            'duration_ns': self.duration_ns,
            'records': self.records,
            'bytes': self.size_bytes,
            'rollover_count': self.rollover_count,
            'records_rolled_off': self.records_rolled_off,
            'segments': [
                {
                    'file': segment.file,
                    'directory': segment.directory,
                    'closed': not segment.is_left,
                    'records': segment.records,
                    'bytes': segment.size_bytes,
                    'start_ns': segment.start_ns,
                    'end_ns': segment.end_ns,
                }
                for segment in self.segments
            ],
            'dropped_segments': [
                {
                    'file': drop.file,
                    'index': drop.index,
                    'reason': str(drop.reason),
                    'records': drop.records,
                    'bytes': drop.size_bytes,
                    'start_ns': drop.start_ns,
                    'end_ns': drop.end_ns,
                }
                for drop in self.dropped_segments
            ],
            'outages': [_outage(outage) for outage in self.outages],
            'outage_count': self.outage_count,
            'outage_records_lost': self.outage_records_lost,
            'producers': {name: self._producer(item) for name, item in self.producers.items()},
            'open_ends': list(self.open_ends),
            'malformed': self.malformed,
            'balanced': self.is_balanced,
            'problems': list(self.problems),
        }

    def _producer(self, item: ProducerInfo) -> dict[str, object]:
        account = item.account
        return {
            'published': account.published,
            'recorded': account.recorded,
            'lost': account.lost,
            'lost_by': dict(account.lost_by),
            'duplicates': account.duplicates,
            'before_flight': account.before_flight,
            'sessions': account.sessions,
            'kinds': dict(item.kinds),
            'rates_hz': {kind: self.rate_hz(count) for kind, count in item.kinds.items()},
        }


def _outage(outage: Outage) -> dict[str, object]:
    return {
        'start_ns': outage.start_ns,
        'end_ns': outage.end_ns,
        'duration_ns': outage.duration_ns,
        'cause': outage.cause,
        'errno': outage.errno_name,
        'detail': outage.detail,
        'lost': dict(outage.lost),
    }
