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
Shows what is in a flight, or which flights are in a flight root: ``fdr info``.

Data goes to stdout, progress to stderr and only to a terminal. Nothing is decided here: debrief
says what is there and whether it adds up.
"""

from __future__ import annotations

from pathlib import Path
import sys
import time
from typing import Final, Self, TYPE_CHECKING

from fdr_node.cli.output import as_json, FINDINGS, OK, safe, write
from fdr_node.clock import iso_utc, NS_PER_S
from fdr_node.debrief.catalogue import list_flights
from fdr_node.debrief.flight_files import is_flight
from fdr_node.debrief.flight_info import Scope
from fdr_node.debrief.info import inspect_flight
from fdr_node.schema import DropReason

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from fdr_node.debrief.catalogue import FlightEntry
    from fdr_node.debrief.flight_info import FlightInfo

# A reader of the terminal follows no more than this.
_PROGRESS_PERIOD_S: Final = 0.5

_KIB: Final = 1024

_OUTAGES_SHOWN: Final = 10

_REASONS: Final = {
    DropReason.CAP: 'to keep the cap',
    DropReason.SPACE: 'the disk was full',
    DropReason.MISSING: 'somebody removed it',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fdr info``."""
    parser.add_argument(
        'flight',
        metavar='FLIGHT',
        type=Path,
        help='directory of a flight, a segment file (.mcap), or a flight root, which is listed',
    )
    parser.add_argument(
        '--also',
        metavar='DIR',
        type=Path,
        help='the other directory of a flight that went on on another disk',
    )
    parser.add_argument('--json', action='store_true', help='print JSON (docs/cli.md)')


def run(args: argparse.Namespace) -> int:
    """
    Show it.

    :param args: as :func:`add_arguments` declares them
    :return: 0, or 3 when there is something to look into
    :raises StorageError: there is no flight, or nothing of it can be read
    """
    path: Path = args.flight
    also: Path | None = args.also
    if also is None and path.is_dir() and not is_flight(path):
        flights = list_flights(path)
        if flights:
            listing = {'flights': [flight.to_json() for flight in flights]}
            write(as_json(listing) if args.json else render_list(flights))
            return FINDINGS if any(flight.has_findings for flight in flights) else OK
    with Progress(sys.stderr) as progress:
        info = inspect_flight(path, also=also, on_progress=progress.show)
    write(as_json(info.to_json()) if args.json else render(info))
    return FINDINGS if info.has_findings else OK


class Progress:
    """
    Shows on a terminal how much has been read, on a line of its own that goes at the end.

    :param stream: where to; nothing is shown when it is no terminal
    :param now_s: a monotonic clock (s)
    """

    def __init__(self, stream: TextIO, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now_s = now_s
        self._is_terminal = stream.isatty()
        # The first line comes after a period: what is quick needs none.
        self._shown_s = now_s()
        self._has_line = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Take the line away."""
        if self._has_line:
            self._stream.write('\r\x1b[K')
            self._stream.flush()

    def show(self, done: int, total: int) -> None:
        """
        Show that so much has been read, unless something was shown just before.

        :param done: bytes read
        :param total: bytes to read
        """
        now_s = self._now_s()
        if self._is_terminal and now_s - self._shown_s >= _PROGRESS_PERIOD_S:
            self._shown_s = now_s
            self._has_line = True
            percent = 100 * done // max(total, 1)
            self._stream.write(f'\r\x1b[Kreading {_size(total)}: {percent} %')
            self._stream.flush()


def render(info: FlightInfo) -> str:
    """
    Return a flight as text for people.

    :param info: what is known of it
    :return: lines, the last of which says whether it adds up
    """
    blocks = [_facts(info), _outages(info), _segments(info), _dropped(info)]
    blocks += [_producers(info), _kinds(info)]
    if info.open_ends:
        blocks.append(
            [
                'WITHOUT A LAST WORD: what these published behind their last record is not known',
                *(f'- {name}' for name in info.open_ends),
            ]
        )
    if info.problems:
        blocks.append(['PROBLEMS', *(f'- {problem}' for problem in info.problems)])
    blocks.append([_verdict(info)])
    return _text(blocks)


def render_list(flights: Sequence[FlightEntry]) -> str:
    """
    Return a list of flights as text for people.

    :param flights: in the order in which they are shown
    :return: a line each, below a line of headings
    """
    rows = [
        [
            flight.flight_id,
            '?' if flight.start_ns is None else iso_utc(flight.start_ns),
            '?' if flight.duration_ns is None else _seconds(flight.duration_ns),
            '?' if flight.records is None else f'{flight.records:,}',
            _size(flight.size_bytes),
            f'{flight.segments:,}',
            '; '.join([*(flight.problems or [_closed(flight)]), *_also_in(flight)]),
        ]
        for flight in flights
    ]
    head = ['FLIGHT', 'START (UTC)', 'SECONDS', 'RECORDS', 'SIZE', 'SEGMENTS', 'CLOSED']
    return _text([_table(head, rows, left={0, 1, 6})])


def _closed(flight: FlightEntry) -> str:
    if flight.clean_shutdown:
        return 'clean'
    # A recovery writes a footer, which counts the records.
    return 'not closed' if flight.records is None else 'not clean'


def _also_in(flight: FlightEntry) -> list[str]:
    return [f'one of {len(flight.parts)}: {", ".join(flight.parts)}'] if flight.parts else []


def _facts(info: FlightInfo) -> list[str]:
    facts = {
        'flight': info.flight_id,
        'directory': info.directory,
        **_other_parts(info),
        'host': info.host or '?',
        'start': f'{iso_utc(info.start_ns)} (UTC)',
        'end': f'{iso_utc(info.start_ns + info.duration_ns)} (UTC)',
        'duration': f'{_seconds(info.duration_ns)} s',
        'closed': _end(info),
        'records': f'{info.records:,} in {_number(len(info.segments), "segment")}',
        'size': f'{_size(info.size_bytes)} ({info.size_bytes:,} bytes)',
    }
    if info.scope is Scope.SEGMENT:
        # Without the other segments nobody can say how the flight ended.
        facts['flight'] += ' (one segment of it)'
        del facts['closed']
    return [f'{name:<9}  {value}' for name, value in facts.items()]


def _end(info: FlightInfo) -> str:
    if info.clean_shutdown:
        return 'cleanly'
    if not info.is_whole:
        return 'not known: the end may be in the directory that is not here'
    return 'NOT cleanly: the recorder failed or crashed' + ', or still records' * info.may_go_on


def _other_parts(info: FlightInfo) -> dict[str, str]:
    others = [part for part in info.parts if part.directory != info.directory]
    here = [part.directory for part in others if part.directory is not None]
    gone = [part.listed_as for part in others if part.directory is None and part.listed_as]
    facts = {'and': ', '.join(here), 'not here': ', '.join(gone)}
    if gone:
        facts['not here'] += ' (--also DIR when it is somewhere else)'
    return {name: text for name, text in facts.items() if text}


def _outages(info: FlightInfo) -> list[str]:
    if not info.outage_count:
        return []
    rows = [
        [
            '?' if outage.start_ns is None else _seconds(outage.start_ns - info.start_ns),
            '?' if outage.duration_ns is None else _seconds(outage.duration_ns),
            f'{outage.records_lost:,}',
            outage.detail or outage.cause,
        ]
        for outage in info.outages[:_OUTAGES_SHOWN]
    ]
    count = _number(info.outage_count, 'time')
    lost = _number(info.outage_records_lost, 'record')
    lines = [f'OUTAGES: the storage took nothing {count}, {lost} lost meanwhile']
    lines += _table(['FROM [s]', 'SECONDS', 'LOST', 'CAUSE'], rows, left={3})
    more = info.outage_count - len(rows)
    return [*lines, f'and {more:,} more'] if more else lines


def _segments(info: FlightInfo) -> list[str]:
    # What only a flight with a failed disk has takes no room in the others.
    is_apart = len({segment.directory for segment in info.segments}) > 1
    is_left = any(segment.is_left for segment in info.segments)
    rows = [
        [
            segment.file,
            f'{segment.records:,}',
            f'{segment.size_bytes:,}',
            *(
                [_seconds(at_ns - info.start_ns) for at_ns in (segment.start_ns, segment.end_ns)]
                if segment.records
                else ['-', '-']
            ),
            *(['not closed' if segment.is_left else 'closed'] if is_left else []),
            *([segment.directory] if is_apart else []),
        ]
        for segment in info.segments
    ]
    head = ['SEGMENT', 'RECORDS', 'BYTES', 'FROM [s]', 'TO [s]']
    head += ['END'] * is_left + ['DIRECTORY'] * is_apart
    return _table(head, rows, left={0, 5, 6})


def _dropped(info: FlightInfo) -> list[str]:
    if not info.rollover_count:
        return []
    named = [
        f'{drop.file} ({_REASONS[drop.reason]}): {_number(drop.records, "record")}, '
        f'{_seconds(drop.start_ns - info.start_ns)} to {_seconds(drop.end_ns - info.start_ns)} s'
        for drop in info.dropped_segments
    ]
    count = _number(info.rollover_count, 'segment')
    records = _number(info.records_rolled_off, 'record')
    return [f'DROPPED: {count}, {records}', *(f'- {line}' for line in named)]


def _producers(info: FlightInfo) -> list[str]:
    rows = []
    for name, producer in info.producers.items():
        account = producer.account
        causes = [f'{cause} {count:,}' for cause, count in account.lost_by.items()]
        counts = (account.published, account.recorded, account.lost, account.duplicates)
        rows.append([name, *(f'{count:,}' for count in counts), ', '.join(causes)])
    head = ['PRODUCER', 'PUBLISHED', 'RECORDED', 'LOST', 'DUPLICATES', 'LOST BY']
    return _table(head, rows, left={0, 5})


def _kinds(info: FlightInfo) -> list[str]:
    rows = []
    for name, producer in info.producers.items():
        for kind, count in producer.kinds.items():
            rate_hz = info.rate_hz(count)
            rows.append([name, kind, f'{count:,}', '-' if rate_hz is None else f'{rate_hz:,.1f}'])
    return _table(['PRODUCER', 'KIND', 'RECORDS', 'RATE [1/s]'], rows, left={0, 1})


def _verdict(info: FlightInfo) -> str:
    accounts = [producer.account for producer in info.producers.values()]
    published = sum(account.published for account in accounts)
    duplicates = sum(account.duplicates for account in accounts)
    recorded = sum(account.recorded for account in accounts)
    lost = sum(account.lost for account in accounts)
    word, sign = ('BALANCED', '=') if info.is_balanced else ('NOT BALANCED', 'against')
    if info.is_balanced is None:
        word, sign = 'BALANCED as far as it is here', '='
    return (
        f'{word}: {published:,} published + {duplicates:,} duplicates '
        f'{sign} {recorded:,} recorded + {lost:,} lost'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: set[int]) -> list[str]:
    """Return lines of aligned columns: those named on the left, numbers on the right."""
    # What is printed has the width that is reckoned with, so it is made safe first.
    lines = [head, *([safe(cell) for cell in row] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        '  '.join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _text(blocks: Sequence[Sequence[str]]) -> str:
    """Return blocks of lines with an empty line between them."""
    return '\n\n'.join('\n'.join(safe(line) for line in block) for block in blocks if block)


def _number(count: int, noun: str) -> str:
    return f'{count:,} {noun}' if count == 1 else f'{count:,} {noun}s'


def _seconds(duration_ns: int) -> str:
    return f'{duration_ns / NS_PER_S:.3f}'


def _size(size_bytes: int) -> str:
    """Return a size with a unit: 1.5 KiB."""
    value = float(size_bytes)
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if value < _KIB:
            return f'{size_bytes} B' if unit == 'B' else f'{value:.1f} {unit}'
        value /= _KIB
    return f'{value:.1f} TiB'
