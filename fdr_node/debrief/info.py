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
from functools import cached_property, partial
from itertools import takewhile
from typing import TYPE_CHECKING

from fdr_node.debrief.balance import check_totals, Evidence, settle
from fdr_node.debrief.flight_files import size_of
from fdr_node.debrief.flight_info import FlightInfo, PartInfo, ProducerInfo, Scope
from fdr_node.debrief.parts import find_parts, missing_parts, Part
from fdr_node.debrief.scan import scan_segment
from fdr_node.debrief.segments import find_file_problems, Folder, take_stock
from fdr_node.debrief.tally import Tally
from fdr_node.errors import StorageError
from fdr_node.schema import LossCause, OTHERS
from fdr_node.storage.bag_format import segment_index, segments_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fdr_node.debrief.balance import Account
    from fdr_node.debrief.scan import Scan
    from fdr_node.debrief.segments import Stock
    from fdr_node.schema import FlightFooter, FlightHeader

    Progress = Callable[[int, int], None]


def inspect_flight(
    path: Path,
    *,
    also: Path | None = None,
    on_progress: Progress = lambda _done, _total: None,
) -> FlightInfo:
    """
    Read a flight, or one segment of it.

    :param path: the flight's directory, or a segment file
    :param also: another directory of the flight, when it went on on another disk
    :param on_progress: is told now and then how many bytes of how many have been read
    :return: all that is known of it; what is wrong with it is in there too
    :raises StorageError: there is no flight, nothing of it can be read, or ``also`` is none of it
    """
    reading = _read(path, also, on_progress)
    if reading.header is None and not any(scan.info.records for scan in reading.scans):
        reason = '; '.join(['it is no flight', *reading.scan_problems])
        raise StorageError(operation='read', path=path, errno=errno.EIO, reason=reason)
    accounts, contradictions = _settle(reading)
    return _flight_info(reading, accounts, contradictions)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """
    All that was read.

    :param path: what was asked for
    :param parts: the directories of the flight; of one segment none
    :param scans: the segments, oldest first
    :param tally: their records
    """

    scope: Scope
    path: Path
    parts: Sequence[Part]
    scans: Sequence[Scan]
    tally: Tally

    @property
    def is_whole(self) -> bool:
        """Whether every directory of the flight is here."""
        return all(part.directory is not None for part in self.parts)

    @property
    def header(self) -> FlightHeader | None:
        """Return the header of the flight, from wherever it can be read."""
        headers = [scan.header for scan in self.scans]
        headers += [*(part.bag.header for part in self.parts), self.tally.header]
        return next((header for header in headers if header is not None), None)

    @property
    def footer(self) -> FlightFooter | None:
        """
        Return the footer of the flight, from wherever it can be read.

        One that a recovery wrote counts what is in its own directory, so it is not of a flight
        that has several.
        """
        footers = [scan.footer for scan in reversed(self.scans)]
        footers += [self.tally.footer, *(part.bag.footer for part in self.parts)]
        is_one = len(self.parts) <= 1
        known = [item for item in footers if item is not None and (is_one or item.clean_shutdown)]
        return known[0] if known else None

    @property
    def flight_id(self) -> str:
        """Return the name of the flight."""
        if self.header is not None:
            return self.header.flight_id
        return self.path.stem.rpartition('_')[0] if self.scope is Scope.SEGMENT else self.path.name

    @property
    def folders(self) -> list[Folder]:
        """Return what is in each directory that is here."""
        filled = {(scan.info.directory, scan.info.file) for scan in self.scans if _is_of_use(scan)}
        return [
            Folder(
                names=[path.name for path in part.segments],
                filled={
                    path.name for path in part.segments if (str(path.parent), path.name) in filled
                },
                listed=part.bag.listed,
                prefix=self.prefix(str(part.directory)),
            )
            for part in self.parts
            if part.directory is not None
        ]

    @cached_property
    def stock(self) -> Stock:
        """Return what became of the segments that the flight has had."""
        footer = self.footer
        return take_stock(
            self.folders,
            # A recovery knows how many were dropped only where those were the first ones.
            footer=footer if footer is not None and footer.clean_shutdown else None,
            dropped={index: drop.reason for index, drop in self.tally.drops.items()},
            is_whole=self.is_whole,
        )

    @property
    def records_rolled_off(self) -> int:
        """Return records in dropped segments."""
        footer = self.footer
        return footer.records_rolled_off if footer else self.tally.records_rolled_off

    @property
    def has_start(self) -> bool:
        """Whether it begins where the flight began."""
        first = segment_index(self.scans[0].info.file)
        is_all = self.scope is Scope.FLIGHT and self.is_whole
        return is_all and self.stock.rollover_count == 0 and first == 0

    @property
    def scan_problems(self) -> list[str]:
        """Return what is wrong with segments by themselves."""
        footer = self.footer
        # When the flight went on and was closed, the log tells of the outage instead.
        is_told = footer is not None and footer.clean_shutdown
        return [
            f'{self.label(scan)}: {text}'
            for scan in self.scans
            for text in (*scan.problems, *([scan.left] if scan.left and not is_told else []))
        ]

    def prefix(self, directory: str) -> str:
        """Return what stands in front of a name, where there are several directories."""
        return f'{directory}/' if len(self.parts) > 1 else ''

    def label(self, scan: Scan) -> str:
        """Return what a segment is called in words."""
        return self.prefix(scan.info.directory) + scan.info.file


def _is_of_use(scan: Scan) -> bool:
    return scan.info.records > 0


def _read(path: Path, also: Path | None, on_progress: Progress) -> _Reading:
    parts: list[Part] = []
    if path.is_dir():
        scope, parts = Scope.FLIGHT, find_parts(path, also=also)
        paths = _in_order(parts)
    elif also is not None:
        reason = f'it can go with the directory of a flight alone, and {path} is none'
        raise StorageError(operation='read', path=also, errno=errno.EINVAL, reason=reason)
    elif path.is_file():
        # A flight is often copied without its metadata.yaml; for one segment that is no problem.
        scope, paths = Scope.SEGMENT, [path]
    else:
        raise StorageError(operation='read', path=path, errno=errno.ENOENT)
    tally = Tally()
    scans: list[Scan] = []
    cut: set[Path] = set()
    done, total = 0, sum(size_of(item) for item in paths)
    for place, item in enumerate(paths):
        report = partial(_report, on_progress, done, total)
        following = _following(paths, place, cut)
        scans.append(scan_segment(item, tally, on_bytes=report, following=following))
        if scans[-1].is_cut:
            cut.add(item)
        done += scans[-1].info.size_bytes
    tally.outages.end_of_log()
    return _Reading(scope=scope, path=path, parts=parts, scans=scans, tally=tally)


def _in_order(parts: Sequence[Part]) -> list[Path]:
    """Return the segments of all directories in the order of their numbers."""
    paths = [path for part in parts for path in part.segments]
    return sorted(paths, key=lambda path: segment_index(path.name) or 0)


def _following(paths: Sequence[Path], place: int, cut: set[Path]) -> list[Path]:
    """
    Return the segments that may begin with what is at the end of one: the next one.

    Or one of the same number: where even an opening cannot be undone, its file stays on the disk
    that failed, and the number is used again on the other.
    """
    index = segment_index(paths[place].name)
    before = takewhile(lambda path: segment_index(path.name) == index, reversed(paths[:place]))
    after = place + 1
    same = list(takewhile(lambda path: segment_index(path.name) == index, paths[after:]))
    after += len(same)
    return [*(path for path in before if path not in cut), *same, *paths[after:][:1]]


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
        has_inner_drops=is_flight and reading.stock.is_inner,
        is_whole=reading.is_whole,
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
    adds_up = all(account.is_balanced for account in accounts.values()) and not contradictions
    return FlightInfo(
        scope=reading.scope,
        flight_id=reading.flight_id,
        directory=str(reading.path if reading.scope is Scope.FLIGHT else reading.path.parent),
        host=header.host if header else '',
        clean_shutdown=footer is not None and footer.clean_shutdown,
        may_go_on=footer is None,
        start_ns=start_ns,
        duration_ns=duration_ns,
        parts=_parts(reading),
        rollover_count=reading.stock.rollover_count,
        records_rolled_off=reading.records_rolled_off,
        segments=tuple(scan.info for scan in reading.scans),
        dropped_segments=tuple(drop for _, drop in sorted(tally.drops.items())),
        producers={
            name: ProducerInfo(account=account, kinds=kinds[name])
            for name, account in accounts.items()
        },
        open_ends=tally.open_ends() if reading.scope is Scope.FLIGHT else (),
        malformed=_malformed(reading) + tally.malformed,
        is_balanced=(reading.is_whole or None) if adds_up else False,
        problems=(*_problems(reading), *contradictions),
        outages=tuple(tally.outages.kept),
        outage_count=tally.outages.count,
        outage_records_lost=tally.outages.records_lost,
    )


def _parts(reading: _Reading) -> tuple[PartInfo, ...]:
    return tuple(
        PartInfo(
            directory=None if part.directory is None else str(part.directory),
            listed_as=part.listed_as or None,
        )
        for part in reading.parts
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
    problems = [
        f'{reading.prefix(part.name)}{text}'
        for part in reading.parts
        for text in part.bag.problems
    ]
    problems += reading.scan_problems
    if reading.scope is Scope.FLIGHT:
        problems += _of_files(reading)
    if reading.header is None:
        problems.append('the header of the flight is missing')
    problems += [
        f'{reading.label(scan)}: it belongs to the flight {scan.header.flight_id}'
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
    stock, found = reading.stock, list[str]()
    if not reading.is_whole:
        found = missing_parts(reading.parts)
        found += [f'{segments_in_words(first, last)} not here' for first, last in stock.missing]
        stock = stock._replace(missing=())
    return found + find_file_problems(reading.folders, stock)
