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
Says what is in a flight: its segments, its producers, its losses, and whether they add up.

The records are counted where they are, one by one; no count of the recorder is taken over unseen.
Nothing is written, and memory does not grow with the flight.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
import errno
from functools import partial
from typing import TYPE_CHECKING

from fdr_node.debrief.balance import check_totals, Evidence, settle
from fdr_node.debrief.flight_files import BagMetadata, find_segments, read_bag_metadata, size_of
from fdr_node.debrief.flight_info import FlightInfo, ProducerInfo, Scope
from fdr_node.debrief.scan import scan_segment
from fdr_node.debrief.segments import count_rollovers, find_file_problems
from fdr_node.debrief.tally import Tally
from fdr_node.errors import StorageError
from fdr_node.schema import LossCause, OTHERS
from fdr_node.storage.bag_format import segment_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fdr_node.debrief.balance import Account
    from fdr_node.debrief.scan import Scan
    from fdr_node.schema import FlightFooter, FlightHeader

    Progress = Callable[[int, int], None]

__all__ = ['FlightInfo', 'inspect_flight']


def inspect_flight(
    path: Path, *, on_progress: Progress = lambda _done, _total: None
) -> FlightInfo:
    """
    Read a flight, or one segment of it.

    :param path: the flight's directory, or a segment file
    :param on_progress: is told now and then how many bytes of how many have been read
    :return: all that is known of it; what is wrong with it is in there too
    :raises StorageError: there is no flight, or nothing of it can be read
    """
    reading = _read(path, on_progress)
    if reading.header is None and not any(scan.info.records for scan in reading.scans):
        reason = '; '.join(['it is no flight', *reading.scan_problems])
        raise StorageError(operation='read', path=path, errno=errno.EIO, reason=reason)
    accounts, contradictions = _settle(reading)
    return _flight_info(reading, accounts, contradictions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """
    All that was read.

    :param path: what was asked for
    :param bag: what ``metadata.yaml`` says
    :param scans: the segments, oldest first
    :param tally: their records
    """

    scope: Scope
    path: Path
    bag: BagMetadata
    scans: Sequence[Scan]
    tally: Tally

    @property
    def header(self) -> FlightHeader | None:
        """Return the header of the flight, from wherever it can be read."""
        headers = [scan.header for scan in self.scans if scan.header is not None]
        return headers[0] if headers else self.bag.header or self.tally.header

    @property
    def footer(self) -> FlightFooter | None:
        """Return the footer of the flight, from wherever it can be read."""
        footers = [scan.footer for scan in self.scans if scan.footer is not None]
        return footers[-1] if footers else self.tally.footer or self.bag.footer

    @property
    def flight_id(self) -> str:
        """Return the name of the flight."""
        if self.header is not None:
            return self.header.flight_id
        return self.path.stem.rpartition('_')[0] if self.scope is Scope.SEGMENT else self.path.name

    @property
    def rollover_count(self) -> int:
        """Segments that were dropped."""
        return count_rollovers(self.footer, dropped=self.tally.drops, listed=self.bag.listed)

    @property
    def records_rolled_off(self) -> int:
        """Return records in those."""
        footer = self.footer
        return footer.records_rolled_off if footer else self.tally.records_rolled_off

    @property
    def has_start(self) -> bool:
        """Whether it begins where the flight began."""
        first = segment_index(self.scans[0].info.file)
        return self.scope is Scope.FLIGHT and self.rollover_count == 0 and first == 0

    @property
    def scan_problems(self) -> list[str]:
        """Return what is wrong with segments by themselves."""
        return [f'{scan.info.file}: {text}' for scan in self.scans for text in scan.problems]


def _read(path: Path, on_progress: Progress) -> _Reading:
    if path.is_dir():
        scope, paths, bag = Scope.FLIGHT, find_segments(path), read_bag_metadata(path)
        if not paths:
            reason = 'it is no flight: no segment (<name>_<number>.mcap) is in it'
            raise StorageError(operation='read', path=path, errno=errno.ENOENT, reason=reason)
    elif path.is_file():
        # A flight is often copied without its metadata.yaml; for one segment that is no problem.
        scope, paths, bag = Scope.SEGMENT, [path], BagMetadata()
    else:
        raise StorageError(operation='read', path=path, errno=errno.ENOENT)
    tally, scans = Tally(), []
    done, total = 0, sum(size_of(item) for item in paths)
    for item in paths:
        report = partial(_report, on_progress, done, total)
        scans.append(scan_segment(item, tally, on_bytes=report))
        done += scans[-1].info.size_bytes
    return _Reading(scope=scope, path=path, bag=bag, scans=scans, tally=tally)


def _report(on_progress: Progress, before: int, total: int, count: int) -> None:
    on_progress(before + count, total)


def _settle(reading: _Reading) -> tuple[dict[str, Account], list[str]]:
    unreadable: Counter[str] = Counter()
    for scan in reading.scans:
        unreadable += scan.unreadable
    # What the footer counts, and what was dropped, is not of one segment by itself.
    is_flight = reading.scope is Scope.FLIGHT
    evidence = Evidence(
        tally=reading.tally,
        footer=reading.footer if is_flight else None,
        unreadable=unreadable,
        records_rolled_off=reading.records_rolled_off if is_flight else 0,
        rolled_off=reading.tally.rolled_off if is_flight else {},
        has_start=reading.has_start,
    )
    accounts = settle(evidence)
    contradictions = [
        f'{name}: {text}' for name, account in accounts.items() for text in account.contradictions
    ]
    return accounts, contradictions + check_totals(evidence, accounts)


def _flight_info(
    reading: _Reading, accounts: Mapping[str, Account], contradictions: Sequence[str]
) -> FlightInfo:
    header, footer, tally = reading.header, reading.footer, reading.tally
    start_ns, duration_ns = _times(reading)
    kinds: dict[str, dict[str, int]] = {name: {} for name in accounts}
    for (name, kind), count in sorted(tally.kinds.items()):
        of_producer = kinds[name if name in kinds else OTHERS]
        of_producer[kind] = of_producer.get(kind, 0) + count
    adds_up = all(account.is_balanced for account in accounts.values())
    return FlightInfo(
        scope=reading.scope,
        flight_id=reading.flight_id,
        directory=str(reading.path if reading.scope is Scope.FLIGHT else reading.path.parent),
        host=header.host if header else '',
        clean_shutdown=footer is not None and footer.clean_shutdown,
        start_ns=start_ns,
        duration_ns=duration_ns,
        rollover_count=reading.rollover_count,
        records_rolled_off=reading.records_rolled_off,
        segments=tuple(scan.info for scan in reading.scans),
        dropped_segments=tuple(drop for _, drop in sorted(tally.drops.items())),
        producers={
            name: ProducerInfo(account=account, kinds=kinds[name])
            for name, account in accounts.items()
        },
        open_ends=tally.open_ends() if reading.scope is Scope.FLIGHT else (),
        malformed=_malformed(reading) + tally.malformed,
        is_balanced=adds_up and not contradictions,
        problems=(*_problems(reading), *contradictions),
    )


def _malformed(reading: _Reading) -> int:
    """Return the messages that the recorder refused as no record, as far as it could say so."""
    if reading.footer is not None:
        return reading.footer.records_dropped_by_cause.get(LossCause.MALFORMED, 0)
    claims = reading.tally.claims.get((OTHERS, 0), {}).get(LossCause.MALFORMED, [])
    return sum(claim.count for claim in claims)


def _times(reading: _Reading) -> tuple[int, int]:
    """Return the start, since the epoch, and the duration, both in ns."""
    filled = [scan.info for scan in reading.scans if scan.info.records]
    first_ns = min((item.start_ns for item in filled), default=0)
    last_ns = max((item.end_ns for item in filled), default=0)
    header, footer = reading.header, reading.footer
    if header is None or reading.scope is Scope.SEGMENT:
        return first_ns, last_ns - first_ns
    if footer is not None:
        return header.start_wall_ns, footer.end_monotonic_ns - header.start_monotonic_ns
    return header.start_wall_ns, max(0, last_ns - header.start_wall_ns)


def _problems(reading: _Reading) -> list[str]:
    """Return what is wrong beside the accounts, in words."""
    tally = reading.tally
    problems = [*reading.bag.problems, *reading.scan_problems]
    if reading.scope is Scope.FLIGHT:
        problems += _of_files(reading)
    if reading.header is None:
        problems.append('the header of the flight is missing')
    problems += [
        f'{scan.info.file}: it belongs to the flight {scan.header.flight_id}'
        for scan in reading.scans
        if scan.header is not None and scan.header.flight_id != reading.flight_id
    ]
    counts = {
        'messages that are no FdrRecord': tally.malformed,
        'records of the recorder itself that cannot be understood': tally.unread_own,
        'records under the name of the recorder that are not its own': tally.foreign_own,
    }
    return problems + [f'{text}: {count}' for text, count in counts.items() if count]


def _of_files(reading: _Reading) -> list[str]:
    infos = [scan.info for scan in reading.scans]
    return find_file_problems(
        [info.file for info in infos],
        rollover_count=reading.rollover_count,
        segment_count=reading.footer.segment_count if reading.footer else None,
        listed=reading.bag.listed,
        filled={info.file for info in infos if info.records},
    )
