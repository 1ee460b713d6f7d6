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
Looks at a flight root as the recorder will use it, and leaves it as it was.

What is written to measure the disk has no name any more when it is written, so that nothing is
left however this ends. What the facts mean is not decided here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
import errno
import fcntl
import json
import os
import time
from typing import Final, Self, TYPE_CHECKING

from fdr_node.config import MIB
from fdr_node.debrief.catalogue import list_flights
from fdr_node.storage import fs
from fdr_node.storage.flight_root import root_use
from fdr_node.storage.lock import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# What a full chunk takes, by default.
SYNC_BYTES: Final = MIB
SYNC_COUNT: Final = 8

_NOTE_BYTES_MAX: Final = 1024
_FLIGHTS_NAMED_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFacts:
    """
    What there is.

    :param root: the directory, absolute
    :param is_there: it exists; otherwise all that follows is of its parent
    :param error: why nothing can be written there; empty when something can
    :param device: number of the file system
    :param holder: who holds the lock; empty when nobody does
    :param free_bytes: what may be written there still
    :param flights_bytes: what the flights take
    :param closed_bytes: what those of them take that may go
    :param unclosed: names of flights without a footer, the first few
    :param unclosed_count: how many these are
    :param sync_ns: how long each of ``SYNC_COUNT`` writes with a sync took
    """

    root: str
    is_there: bool = False
    error: str = ''
    device: int = 0
    holder: str = ''
    free_bytes: int = 0
    flights_bytes: int = 0
    closed_bytes: int = 0
    unclosed: tuple[str, ...] = ()
    unclosed_count: int = 0
    sync_ns: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Self:
        """Return what :func:`dataclasses.asdict` made, by way of JSON."""
        lists = {name: tuple(item) for name, item in values.items() if isinstance(item, list)}
        return cls(**{**values, **lists})  # type: ignore[arg-type]  # made by this class


def look_at(root: Path, now_ns: Callable[[], int] = time.monotonic_ns) -> RootFacts:
    """
    Return what there is of a flight root.

    :param root: absolute; it need not exist
    :param now_ns: a monotonic clock
    :return: with ``error`` when the system refuses something
    """
    try:
        return _look_at(root, now_ns)
    except OSError as error:
        return RootFacts(root=str(root), is_there=os.path.lexists(root), error=_words(error))


def _look_at(root: Path, now_ns: Callable[[], int]) -> RootFacts:
    is_there = os.path.lexists(root)
    place = root if is_there else root.parent
    if not place.is_dir():
        number = errno.ENOTDIR if os.path.lexists(place) else errno.ENOENT
        raise OSError(number, os.strerror(number), str(place))
    facts = RootFacts(
        root=str(root),
        is_there=is_there,
        device=place.stat().st_dev,
        free_bytes=fs.free_bytes(place),
    )
    if is_there:
        use = root_use(root)
        # The end of a flight is known once its footer is written.
        flights = list_flights(root)
        unclosed = [flight.flight_id for flight in flights if flight.duration_ns is None]
        facts = replace(
            facts,
            holder=lock_holder(root),
            flights_bytes=use.flights_bytes,
            closed_bytes=use.closed_bytes,
            unclosed=tuple(unclosed[:_FLIGHTS_NAMED_MAX]),
            unclosed_count=len(unclosed),
        )
    try:
        return replace(facts, sync_ns=_measure(place, now_ns))
    except OSError as error:
        return replace(facts, error=_words(error))


def lock_holder(root: Path) -> str:
    """
    Return who holds the lock of a flight root; empty when nobody does.

    It is asked for together with others, and given back at once: its file stays as it is.

    :param root: an existing directory
    :raises OSError: the file is there and cannot be read
    """
    path = root / LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ''
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _note(path)
    finally:
        os.close(descriptor)
    return ''


def _note(path: Path) -> str:
    """Return what the holder has left in the lock file."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        note = json.loads(fs.read_file(path, _NOTE_BYTES_MAX))
        return f'pid {note["pid"]} on {note["host"]}, flight {note["flight_id"]}'
    return 'another recorder'


def _measure(place: Path, now_ns: Callable[[], int]) -> tuple[int, ...]:
    """Return how long each of some writes with a sync takes."""
    path = place / f'.fdr.doctor.{os.getpid()}'
    descriptor = fs.create_file(path)
    try:
        path.unlink()
        data = os.urandom(SYNC_BYTES)  # which no file system makes smaller
        took = []
        for place_in_file in range(SYNC_COUNT):
            begin_ns = now_ns()
            fs.write_at(descriptor, data, place_in_file * SYNC_BYTES)
            fs.sync_data(descriptor)
            took.append(now_ns() - begin_ns)
        return tuple(took)
    finally:
        fs.close(descriptor)


def _words(error: OSError) -> str:
    return f'{errno.errorcode.get(error.errno or 0, "error")}: {error.strerror or error}'
