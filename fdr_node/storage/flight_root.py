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
Puts a flight root in order before a new flight: interrupted flights, and the cap of them all.

It runs while the lock on the root is held. What it cannot do is told and left: an old flight that
cannot be repaired or removed never refuses the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TYPE_CHECKING

from fdr_node.events import Event, Level
from fdr_node.schema import FOOTER_NAME
from fdr_node.storage import bag_format, fs
from fdr_node.storage.recovery import plan_recovery, recover

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fdr_node.config import RecorderConfig
    from fdr_node.events import Fact, Report

_METADATA_BYTES_MAX: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OldFlight:
    """
    A flight that is in the root already.

    :param directory: of the flight.
    :param size_bytes: of all its files.
    :param is_closed: its metadata has a footer.
    """

    directory: Path
    size_bytes: int
    is_closed: bool


def prepare_root(flight_root: Path, *, config: RecorderConfig, report: Report) -> None:
    """
    Recover interrupted flights, then drop the oldest closed ones until the cap holds.

    :param flight_root: the lock on it is held.
    :param config: ``root_bytes_max`` and ``flight_bytes_max`` count here.
    :param report: is told what was done, and what could not be done.
    """
    for flight in _old_flights(flight_root):
        if not flight.is_closed:
            _recover(flight.directory, report)
    if not config.root_bytes_max:
        return
    room = config.root_bytes_max - config.flight_bytes_max
    for flight in to_drop(_old_flights(flight_root), room_bytes=room):
        _drop(flight, report)


def to_drop(flights: Iterable[OldFlight], *, room_bytes: int) -> list[OldFlight]:
    """
    Return the flights that must go, oldest first; one that is not closed never goes.

    :param flights: oldest first.
    :param room_bytes: what all that stay may take together.
    """
    kept = list(flights)
    dropped = []
    total = sum(flight.size_bytes for flight in kept)
    for flight in kept:
        if total <= room_bytes:
            break
        if flight.is_closed:
            dropped.append(flight)
            total -= flight.size_bytes
    return dropped


def _old_flights(flight_root: Path) -> list[OldFlight]:
    """Return the flights of a root, the one that was changed first first."""
    flights: list[tuple[int, OldFlight]] = []
    for name in fs.file_names(flight_root):
        directory = flight_root / name
        if not directory.is_dir():
            continue
        files = [directory / file for file in fs.file_names(directory)]
        if not any(bag_format.segment_index(path.name) is not None for path in files):
            continue
        changed_ns = max(path.stat().st_mtime_ns for path in files)
        size = sum(path.stat().st_size for path in files)
        closed = _is_closed(directory)
        flight = OldFlight(directory=directory, size_bytes=size, is_closed=closed)
        flights.append((changed_ns, flight))
    return [flight for _, flight in sorted(flights, key=lambda item: (item[0], item[1].directory))]


def _is_closed(directory: Path) -> bool:
    try:
        data = fs.read_file(directory / bag_format.METADATA_NAME, _METADATA_BYTES_MAX)
    except OSError:
        return False
    return FOOTER_NAME.encode() in data


def _recover(directory: Path, report: Report) -> None:
    try:
        plan = plan_recovery(directory, progress=_no_progress, is_thorough=False)
        recover(plan)
    except OSError as error:
        facts = {'directory': str(directory), 'error': str(error)}
        report(Event(name='flight_not_recovered', level=Level.ERROR, facts=facts))
        return
    report(
        Event(
            name='flight_recovered',
            level=Level.WARN,
            facts={
                'directory': str(directory),
                'records': sum(item.found.records for item in plan.kept),
                'losses': '; '.join(plan.losses)[:1024],
            },
        )
    )


def _drop(flight: OldFlight, report: Report) -> None:
    try:
        fs.remove_tree(flight.directory)
    except OSError as error:
        facts = {'directory': str(flight.directory), 'error': str(error)}
        report(Event(name='flight_not_dropped', level=Level.ERROR, facts=facts))
        return
    told: dict[str, Fact] = {'directory': str(flight.directory), 'size_bytes': flight.size_bytes}
    report(Event(name='flight_dropped', facts=told))


def _no_progress(done: int) -> None:
    del done
