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
Puts an interrupted flight in order: ``fdr recover``.

Without ``--apply`` it says what it would do and changes nothing. The recorder does the same by
itself when it starts; this is for a card that comes out of a wreck.
"""

from __future__ import annotations

from pathlib import Path
import sys
from typing import TYPE_CHECKING

from fdr_node.cli.info import Progress
from fdr_node.cli.output import as_json, CANNOT, FINDINGS, OK, write
from fdr_node.debrief.recover import ACTIONS, recover_flight

if TYPE_CHECKING:
    import argparse

    from fdr_node.debrief.recover import RecoveryReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fdr recover``."""
    parser.add_argument('flight', metavar='FLIGHT', type=Path, help='directory of a flight')
    parser.add_argument('--apply', action='store_true', help='do it; without, nothing is changed')
    parser.add_argument('--json', action='store_true', help='print JSON (docs/cli.md)')


def run(args: argparse.Namespace) -> int:
    """
    Recover, or say what would be done.

    :param args: as :func:`add_arguments` declares them
    :return: 0 when nothing is lost, 3 when something is, 1 when no record can be read
    :raises FdrConcurrentWriterError: a recorder holds the flight root
    :raises OSError: the disk refuses to read or to write
    """
    with Progress(sys.stderr) as progress:
        report = recover_flight(args.flight, is_applied=args.apply, on_progress=progress.show)
    write(as_json(report.to_json()) if args.json else render(report))
    if not report.records:
        return CANNOT
    return FINDINGS if report.losses else OK


def render(report: RecoveryReport) -> str:
    """Return the report for people."""
    lines = [
        f'{segment.file}: {segment.records:,} records, {ACTIONS[segment.verdict]}'
        for segment in report.segments
    ]
    lines += [f'lost: {text}' for text in report.losses]
    lines += [f'the rest of the flight is in {path}' for path in report.elsewhere]
    if report.was_in_order:
        lines.append('in order: nothing to do')
    elif report.is_applied:
        lines.append(f'recovered: {report.records:,} records can be read')
    else:
        lines.append('nothing was changed; --apply does it')
    return '\n'.join(lines)
