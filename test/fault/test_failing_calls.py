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
Every system call of a short flight fails, with every error: once, for a while, and for good.

The flight has an opening, commits, cuts, drops and a close. Whatever fails, nothing but a refused
opening comes out of the recorder, no record is lost that it called durable, and what is on disk is
a flight that is read, put in order, and followed by another one.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
import errno
from itertools import cycle, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bag_reader import metadata_of, read_bag, read_torn, rosbags_records
from failing_calls import FailingCalls
from fdr_node.config import KIB
from fdr_node.errors import FdrOpenError
from fdr_node.record import encode_cdr, peek
from fdr_node.storage.recovery import plan_recovery, recover
from mcap_bytes import MAGIC
from on_disk import disk_bytes, open_descriptors
import pytest
from rigs import DiskRig, OTHER_FLIGHT_ID, record_of
from seeds import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fdr_node.record import FdrRecord

# Error, calls that fail one after the other (0: all from then on), whether writes are short.
KINDS = list(
    product((errno.EIO, errno.ENOSPC, errno.EROFS, errno.EINTR), (1, 2, 3, 0), (False, True))
)
CALLS_MAX = 2000
RECORDS = 12
LARGE_BYTES = 180 * KIB
# Records that fit into a segment.
IN_SEGMENT = 2


@dataclass(kw_only=True)
class Fault:
    """
    What fails.

    :param nth: the first call that fails.
    :param length: how many fail, one after the other; 0: all from then on.
    :param number: the error number.
    :param is_short: writes are of half of what is asked for, those that fail too.
    """

    nth: int
    length: int = 1
    number: int = errno.EIO
    is_short: bool = False


class BadDisk(FailingCalls):
    """
    A disk with a fault.

    :ivar bytes_max: what the flight took most, reserved space included.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fault: Fault, directory: Path) -> None:
        self._fault = fault
        self._directory = directory
        self.bytes_max = 0
        super().__init__(monkeypatch, self._measure)
        if fault.is_short:
            self.tear_writes()

    def _note(self, name: str) -> int | None:
        super()._note(name)
        if len(self.made) < self._fault.nth:
            return None
        since = len(self.made) - self._fault.nth
        # No disk has a part in a lock: it fails only where it is the call that was chosen.
        length = 1 if name == 'flock' else self._fault.length or CALLS_MAX
        return self._fault.number if 0 <= since < length else None

    def _measure(self) -> None:
        if self._directory.is_dir():
            self.bytes_max = max(self.bytes_max, disk_bytes(self._directory))


@dataclass(kw_only=True)
class Flown:
    """
    What a flight says of itself.

    :param taken: the records that were taken.
    :param durable: how many of them were called durable.
    :param dropped: records in segments that were dropped, as they were told.
    """

    taken: list[int] = field(default_factory=list)
    durable: int = 0
    dropped: int = 0


def fly(rig: DiskRig) -> Flown:
    """Fly. :raises FdrOpenError: the flight was not opened."""
    flown = Flown()
    recorder = rig.recorder
    rig.open_flight()
    for seq in range(RECORDS):
        data = encode_cdr(record_of(seq, payload_bytes=LARGE_BYTES))
        if recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns()):
            flown.taken.append(seq)
        rig.clock.advance(1)
        recorder.tick()
        if seq % 4 == 3 and recorder.commit():
            flown.durable = len(flown.taken)
    if recorder.close_flight().clean_shutdown:
        flown.durable = len(flown.taken)
    told = [event for event in rig.events if event.name == 'segment_dropped']
    flown.dropped = sum(int(event.facts['records'] or 0) for event in told)
    return flown


def stored_in(path: Path) -> list[FdrRecord]:
    """Return the records in a segment, in whatever state it is."""
    try:
        return [item.record for item in read_torn(path).stored]
    except KeyError:
        # Its beginning is not whole, and it could not be removed.
        return []


def seqs_in(paths: Iterable[Path]) -> list[int]:
    """Return the records of the producer in some segments."""
    records = [record for path in paths for record in stored_in(path)]
    return [record.seq for record in records if record.producer_id != 'fdr']


def check_left(directory: Path, flown: Flown, fault: Fault) -> None:
    """Check a flight as the fault has left it."""
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    paths = [directory / name for name in names]
    records = [stored_in(path) for path in paths]
    assert all(records)
    check_seqs(seqs_in(paths), flown, fault)
    # A write that failed may be torn, where the disk would not have it cut off either.
    if all(path.read_bytes().endswith(MAGIC) for path in paths):
        expected = [record for segment in records for record in segment]
        assert [record for _, record in rosbags_records(directory)] == expected


def check_seqs(seqs: list[int], flown: Flown, fault: Fault) -> None:
    """Check that what is there was taken, and that what was called durable is there."""
    there = sorted(set(seqs))
    assert set(there) <= set(flown.taken)
    durable = flown.taken[: flown.durable]
    missing = [seq for seq in durable if seq not in there]
    # Only the oldest go, with their segments; the one that was going when the disk died is not
    # told any more, and a recovery misses it.
    assert missing == durable[: len(missing)]
    assert len(missing) <= flown.dropped + (0 if fault.length == 1 else IN_SEGMENT)


def check_recovered(directory: Path, flown: Flown, fault: Fault) -> None:
    """Check the flight once it is in order, and that it stays so."""
    recover(plan_recovery(directory, progress=lambda _done: None))
    aside = {path.name for path in directory.iterdir() if path.name.endswith('.unreadable')}
    bag = read_bag(directory, beside=frozenset(aside))
    seqs = [record.seq for record in bag.records if record.producer_id != 'fdr']
    check_seqs(seqs, flown, fault)
    assert seqs == sorted(set(seqs))
    assert plan_recovery(directory, progress=lambda _done: None).is_in_order


@contextmanager
def quick_root() -> Iterator[Path]:
    """Return a place in memory where there is one: a flight syncs all the time."""
    memory = Path('/dev/shm')  # noqa: S108 - a directory of its own in it
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        yield Path(place) / 'root'


def check_fault(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Fly with a fault and look at what is left. :return: whether the fault was met."""
    descriptors = open_descriptors()
    with quick_root() as root:
        rig = DiskRig(root)
        flown = None
        with monkeypatch.context() as patch:
            disk = BadDisk(patch, fault, rig.directory)
            with suppress(FdrOpenError):
                flown = fly(rig)
        assert open_descriptors() == descriptors
        assert disk.bytes_max <= rig.config.flight_bytes_max
        if flown is not None:
            check_left(rig.directory, flown, fault)
            check_recovered(rig.directory, flown, fault)
        after = DiskRig(root)
        after.open_flight(OTHER_FLIGHT_ID)
        assert after.recorder.close_flight().clean_shutdown
    return len(disk.made) >= fault.nth


def check_faults(faults: Iterable[Fault], monkeypatch: pytest.MonkeyPatch) -> int:
    """Fly with one fault after the other, up to one that is not met. :return: how many were."""
    count = 0
    for fault in faults:
        print(fault)  # noqa: T201 - pytest shows it when the test fails
        if not check_fault(fault, monkeypatch):
            break
        count += 1
    return count


def places_of(name: str) -> list[int]:
    """Return which calls of the flight have that name."""
    with quick_root() as root, pytest.MonkeyPatch.context() as patch:
        disk = FailingCalls(patch)
        fly(DiskRig(root))
    return [nth for nth, made in enumerate(disk.made, 1) if made == name]


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.timeout(60)
def test_what_cannot_be_cleared_up_at_once_is_cleared_up_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sync fails, and all that is then tried with its segment, down to its removal."""
    left = []
    for nth in places_of('fdatasync'):
        with quick_root() as root, monkeypatch.context() as patch:
            rig = DiskRig(root)
            disk = BadDisk(patch, Fault(nth=nth, length=5), rig.directory)
            with suppress(FdrOpenError):
                fly(rig)
                names = {path.name for path in rig.directory.iterdir()}
                listed = metadata_of(rig.directory)['relative_file_paths']
                assert isinstance(listed, list)
                is_over = disk.bytes_max > rig.config.flight_bytes_max
                left.append((names - {'metadata.yaml', *listed}, is_over))
    assert left == [(set(), False)] * len(left)
    assert len(left) > 10


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_fault_costs_nothing_that_was_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls all over the flight, other ones in each run, each with another kind of fault."""
    first = numbers('faults').randrange(1, 10)
    faults = [
        Fault(nth=nth, number=number, length=length, is_short=is_short)
        for nth, (number, length, is_short) in zip(
            range(first, CALLS_MAX, 9), cycle(KINDS), strict=False
        )
    ]
    assert check_faults(faults, monkeypatch) > 20


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(('number', 'length', 'is_short'), KINDS)
def test_no_fault_at_any_call_costs_anything_that_was_durable(
    number: int, length: int, monkeypatch: pytest.MonkeyPatch, *, is_short: bool
) -> None:
    """Each call of the flight."""
    faults = [
        Fault(nth=nth, number=number, length=length, is_short=is_short)
        for nth in range(1, CALLS_MAX)
    ]
    assert check_faults(faults, monkeypatch) > 150


def test_the_flight_has_what_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits, cuts, and a segment that goes."""
    with quick_root() as root, monkeypatch.context() as patch:
        disk = FailingCalls(patch)
        flown = fly(DiskRig(root))
    assert (flown.durable, len(flown.taken)) == (RECORDS, RECORDS)
    assert flown.dropped > 0
    counts = {name: disk.count(name) for name in ('fallocate', 'replace', 'fdatasync', 'unlink')}
    assert min(counts.values()) > 0
