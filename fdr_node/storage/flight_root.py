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
cannot be repaired or removed never refuses the new one. What is no flight is not touched: a flight
is a directory that is called by a UUID.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TYPE_CHECKING
from uuid import UUID

from fdr_node.events import Event, Level
from fdr_node.schema import FOOTER_NAME
from fdr_node.storage import bag_format, fs
from fdr_node.storage.recovery import plan_recovery, recover

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fdr_node.config import RecorderConfig
    from fdr_node.events import Fact, Report

_METADATA_BYTES_MAX: Final = 64 << 20
_LOSSES_CHARACTERS_MAX: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OldFlight:
    """
    A flight that is in the root already.

    :param directory: of the flight.
    :param size_bytes: of all its files.
    :param changed_ns: when a segment was written last, wall clock since the epoch.
    :param is_closed: its metadata has a footer.
    :param is_begun: there is something that can be recovered, or has to be set right.
    """

    directory: Path
    size_bytes: int
    changed_ns: int
    is_closed: bool
    is_begun: bool


class RootUse(NamedTuple):
    """
    What the flights of a root take.

    :param flights_bytes: all of them.
    :param closed_bytes: those that may go.
    """

    flights_bytes: int
    closed_bytes: int


def is_flight_directory(path: Path) -> bool:
    """
    Return whether it is a directory, and no link to one, that is called as a flight is.

    One that the disk says nothing of is none: it must not refuse a new flight.
    """
    try:
        is_named = str(UUID(path.name)) == path.name
        return is_named and path.is_dir() and not path.is_symlink()
    except (ValueError, OSError):
        return False


def root_use(flight_root: Path) -> RootUse:
    """
    Return what the flights of a root take; what cannot be read of them takes nothing.

    :raises OSError: the root cannot be listed.
    """
    flights = []
    for directory in _directories(flight_root):
        try:
            flights.append(_look_at(directory))
        except OSError:
            continue
    return RootUse(
        flights_bytes=sum(flight.size_bytes for flight in flights),
        closed_bytes=sum(flight.size_bytes for flight in flights if flight.is_closed),
    )


def prepare_root(flight_root: Path, *, config: RecorderConfig, report: Report) -> None:
    """
    Recover interrupted flights, then drop the oldest closed ones until the cap holds.

    :param flight_root: the lock on it is held.
    :param config: ``root_bytes_max`` and ``flight_bytes_max`` count here.
    :param report: is told what was done, and what could not be done.
    :raises OSError: the root cannot be listed.
    """
    flights = [
        flight
        for directory in _directories(flight_root)
        if (flight := _put_in_order(directory, report)) is not None
    ]
    if config.root_bytes_max:
        room = config.root_bytes_max - config.flight_bytes_max
        # Of two flights of one moment the name decides, so that it is always the same one.
        flights.sort(key=lambda flight: (flight.changed_ns, flight.directory))
        _keep_cap(flights, room, report)


def _directories(flight_root: Path) -> Iterator[Path]:
    names = sorted(fs.file_names(flight_root))
    return (path for path in map(flight_root.joinpath, names) if is_flight_directory(path))


def _look_at(directory: Path) -> OldFlight:
    states = {name: (directory / name).lstat() for name in fs.file_names(directory)}
    segments = [
        state for name, state in states.items() if bag_format.segment_index(name) is not None
    ]
    return OldFlight(
        directory=directory,
        size_bytes=sum(state.st_size for state in states.values()),
        # What others put beside the segments later does not make the flight younger.
        changed_ns=max(state.st_mtime_ns for state in segments or [directory.lstat()]),
        is_closed=_is_closed(directory),
        # A recovery that was interrupted may have left a list of files that it has removed.
        is_begun=bool(segments) or bag_format.METADATA_NAME in states,
    )


def _is_closed(directory: Path) -> bool:
    try:
        data = fs.read_file(directory / bag_format.METADATA_NAME, _METADATA_BYTES_MAX)
    except OSError:
        return False
    return FOOTER_NAME.encode() in data


def _put_in_order(directory: Path, report: Report) -> OldFlight | None:
    """Return what there is of a flight, recovered when it has to be; None when that is unknown."""
    flight = None
    try:
        flight = _look_at(directory)
        if flight.is_begun and not flight.is_closed:
            _recover(directory, report)
            # The recovery is no part of the flight: its age stays what it was.
            flight = replace(_look_at(directory), changed_ns=flight.changed_ns)
    # The wall: whatever is wrong with an old flight, the new one has to be recorded.
    except Exception as error:  # noqa: BLE001
        _tell_failure('flight_not_recovered', directory, error, report)
    return flight


def _recover(directory: Path, report: Report) -> None:
    plan = plan_recovery(directory, progress=_no_progress, is_thorough=False)
    recover(plan)
    report(
        Event(
            name='flight_recovered',
            level=Level.WARN,
            facts={
                'directory': str(directory),
                'records': sum(item.found.records for item in plan.kept),
                'losses': '; '.join(plan.losses)[:_LOSSES_CHARACTERS_MAX],
            },
        )
    )


def _keep_cap(flights: Sequence[OldFlight], room_bytes: int, report: Report) -> None:
    """
    Drop flights until all that stay fit; one that is not closed never goes.

    :param flights: oldest first.
    """
    total = sum(flight.size_bytes for flight in flights)
    for flight in flights:
        if total <= room_bytes:
            return
        if flight.is_closed and _drop(flight, report):
            total -= flight.size_bytes
    if total > room_bytes:
        facts = {'flights_bytes': total, 'room_bytes': room_bytes}
        report(Event(name='root_over_cap', level=Level.WARN, facts=facts))


def _drop(flight: OldFlight, report: Report) -> bool:
    try:
        fs.remove_tree(flight.directory)
    except OSError as error:
        _tell_failure('flight_not_dropped', flight.directory, error, report)
        return False
    facts: dict[str, Fact] = {
        'directory': str(flight.directory),
        'size_bytes': flight.size_bytes,
    }
    report(Event(name='flight_dropped', facts=facts))
    return True


def _tell_failure(name: str, directory: Path, error: Exception, report: Report) -> None:
    facts = {'directory': str(directory), 'error': f'{type(error).__name__}: {error}'}
    report(Event(name=name, level=Level.ERROR, facts=facts))


def _no_progress(done: int) -> None:
    del done
