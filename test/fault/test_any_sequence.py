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
Flights in which anything follows anything: records, time, cuts, faults, kills, clocks, restarts.

A plain list of what the recorder took is what a flight is compared with once it is over: it holds
all that was called durable, in its order, each record once, and nothing else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
import errno
import os
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bag_reader import metadata_of, read_bag, read_torn
from failing_calls import FailingCalls
from fdr_node.clock import NS_PER_S
from fdr_node.config import KIB
from fdr_node.errors import FdrOpenError
from fdr_node.record import encode_cdr, peek
from fdr_node.storage.flight_directory import FlightDirectory
from fdr_node.storage.recovery import plan_recovery, recover
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    RuleBasedStateMachine,
    run_state_machine_as_test,
)
from manual_clock import ManualClock
from on_disk import disk_bytes
import pytest
from rigs import config_of, DiskRig, record_of
from sudden_death import Killed, SuddenDeath

if TYPE_CHECKING:
    from fdr_node.config import Setting
    from fdr_node.events import Event
    from fdr_node.record import FdrRecord
    from fdr_node.recording.ports import FlightStore

EXAMPLES_IN_EVERY_RUN = 12
EXAMPLES = 400
STEPS = 40

# A segment is cut when its first record is so old, and the cap holds three or four.
SEGMENT_S = 60
# After so long without a failure everything is durable.
COMMITTED_S = 1
YEARS_S = 10**9

# How many, of how many bytes, of which kind; the last kind is committed at once.
WRITES = [
    (40, 100, 'imu'),
    (12, 3 * KIB, 'imu'),
    (2, 200 * KIB, 'imu'),
    (14, 200 * KIB, 'imu'),
    (3, 60 * KIB, 'spoof_promotion_block'),
]
PAUSES_S = [0.05, 0.3, 1.5, 5, 61]
# Calls that fail together, as long as the fault lasts.
FAULTS = ['pwrite', 'fdatasync', 'fsync', 'fallocate', 'ftruncate', 'open', 'replace', 'unlink']
ERRORS = [errno.EIO, errno.ENOSPC, errno.EROFS]


@dataclass(kw_only=True)
class Flown:
    """
    A flight as it has to be.

    :param directory: of the flight.
    :param events: what was told of it.
    :param taken: the records that were taken, in their order.
    :param durable: how many of them were called durable.
    :param rolled_off: records in segments that were dropped, as its footer says.
    :param is_clean: it says that it was closed.
    :param is_told: what was done was told; not when it ended in the middle of it.
    """

    directory: Path
    events: list[Event]
    taken: list[FdrRecord] = field(default_factory=list)
    durable: int = 0
    rolled_off: int = 0
    is_clean: bool = False
    is_told: bool = True

    def check(self) -> None:
        """Check what every reader reads of it, once it is in order."""
        names = {path.name for path in self.directory.iterdir()}
        aside = {name for name in names if name.endswith('.unreadable')}
        bag = read_bag(self.directory, beside=frozenset(aside))
        records = [record for record in bag.records if record.producer_id != 'fdr']
        first = self.taken.index(records[0]) if records else len(self.taken)
        end = first + len(records)
        assert records == self.taken[first:end]
        assert end >= self.durable
        if self.durable:
            self.check_dropped(first, names)
        assert plan_recovery(self.directory, progress=lambda _: None).is_in_order

    def check_dropped(self, first: int, names: set[str]) -> None:
        """Check that records are only missing in front, and with segments that were dropped."""
        told = [event for event in self.events if event.name == 'segment_dropped']
        dropped = sum(int(event.facts['records'] or 0) for event in told)
        dropped = max(dropped, self.rolled_off)
        is_first_there = f'{self.directory.name}_0.mcap' in names
        assert first == 0 or not is_first_there
        assert first <= dropped or (not self.is_told and first < len(self.taken))


class Flights(RuleBasedStateMachine):
    """One flight root, and the recorders that come one after the other."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path('/dev/shm')  # noqa: S108 - a directory of its own in it
        self.place = TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.root = Path(self.place.name) / 'root'
        self.patch = pytest.MonkeyPatch()
        self.bytes_max = 0
        self.calls = FailingCalls(self.patch, self.measure)
        self.is_failing = False
        self.clock = ManualClock()
        self.settings: dict[str, Setting] = {'segment_duration_max_s': SEGMENT_S}
        self.count = 0
        self.seq = 0
        self.rig: Rig
        self.held: set[int] = set()
        self.cap_bytes = config_of().flight_bytes_max
        # The flight that is open, and those that are over and were not looked at.
        self.flown: Flown | None = None
        self.over: list[Flown] = []
        self.seen: list[tuple[Path, int, int]] = []

    def measure(self) -> None:
        """Note what the open flight takes; called after every system call."""
        if self.flown is not None and self.flown.directory.is_dir():
            self.bytes_max = max(self.bytes_max, disk_bytes(self.flown.directory))

    @initialize(compression=st.sampled_from(['none', 'zstd']))
    def begin(self, compression: str) -> None:
        """Open the first flight."""
        self.settings['compression'] = compression
        self.start()

    @precondition(lambda self: self.flown is None)
    @rule()
    def start(self) -> None:
        """Start a recorder; it puts in order what the one before has left."""
        self.count += 1
        flight_id = f'01890a5d-ac96-774b-bcce-{self.count:012x}'
        rig = Rig(self.root, self.settings, clock=self.clock)
        rig.clock = self.clock
        self.held = descriptors()
        flown = self.flown = Flown(directory=self.root / flight_id, events=rig.events)
        try:
            rig.open_flight(flight_id)
        except FdrOpenError:
            self.flown = None
            assert self.is_failing
            return
        self.rig = rig
        if not self.is_failing:
            assert 'flight_not_recovered' not in rig.told()
            self.look_back()
        assert flown.directory.is_dir()

    @precondition(lambda self: self.flown is not None)
    @rule(writes=st.lists(st.sampled_from(WRITES), max_size=4), seconds=st.sampled_from(PAUSES_S))
    def fly(self, writes: list[tuple[int, int, str]], seconds: float) -> None:
        """Offer some records, and let some time pass behind each lot of them."""
        for count, size, kind in writes:
            for _ in range(count):
                self.offer(size, kind)
            self.wait(seconds)

    @precondition(lambda self: self.flown is not None)
    @rule(write=st.sampled_from(WRITES))
    def write(self, write: tuple[int, int, str]) -> None:
        """Offer some records."""
        count, size, kind = write
        for _ in range(count):
            self.offer(size, kind)

    @precondition(lambda self: self.flown is not None)
    @rule(seconds=st.sampled_from(PAUSES_S))
    def wait(self, seconds: float) -> None:
        """Let time pass; after a minute a segment is old, and is cut."""
        self.clock.advance(seconds)
        self.rig.recorder.tick()
        if seconds >= COMMITTED_S:
            self.note_durable()

    @precondition(lambda self: self.flown is not None)
    @rule()
    def commit(self) -> None:
        """Commit by hand."""
        if self.rig.recorder.commit():
            self.note_durable()

    @rule(seconds=st.sampled_from([-YEARS_S, -3600, -0.2, 0.2, 5, YEARS_S]))
    def step_clock(self, seconds: float) -> None:
        """Set the wall clock."""
        if 0 < self.clock.wall_ns() + seconds * NS_PER_S < 3 * YEARS_S * NS_PER_S:
            self.clock.step_wall(seconds)

    @rule(name=st.sampled_from(FAULTS), number=st.sampled_from(ERRORS))
    def fail(self, name: str, number: int) -> None:
        """Let the disk refuse something until it is well again."""
        self.calls.mend()
        self.calls.fail_always(name, number)
        self.is_failing = True

    @precondition(lambda self: self.is_failing)
    @rule()
    def mend(self) -> None:
        """Let the disk be well."""
        self.calls.mend()
        self.is_failing = False

    @precondition(lambda self: self.flown is not None)
    @rule(
        what=st.sampled_from(['nothing', 'write', 'wait', 'commit', 'close']),
        nth=st.integers(1, 20),
        is_torn=st.booleans(),
    )
    def crash(self, what: str, nth: int, *, is_torn: bool) -> None:
        """Kill the recorder at a system call of what it does, or behind it."""
        with self.patch.context() as patch, suppress(Killed):
            SuddenDeath(patch, nth=nth, is_torn=is_torn)
            match what:
                case 'write':
                    self.write((3, 200 * KIB, 'imu'))
                case 'wait':
                    self.wait(PAUSES_S[-1])
                case 'commit':
                    self.commit()
                case 'close':
                    self.close()
        if self.flown is not None:
            self.end().is_told = False
        self.release()

    @precondition(lambda self: self.flown is not None)
    @rule()
    def close(self) -> None:
        """Close the flight."""
        footer = self.rig.recorder.close_flight()
        assert footer.clean_shutdown or self.is_failing
        flown = self.end()
        flown.is_clean, flown.rolled_off = footer.clean_shutdown, footer.records_rolled_off
        if flown.is_clean:
            flown.durable = len(flown.taken)

    @invariant()
    def the_cap_holds(self) -> None:
        """At every system call since the last look."""
        assert self.bytes_max <= self.cap_bytes

    @invariant()
    def what_is_listed_can_be_read(self) -> None:
        """While a flight is open, and when it is over."""
        flown = self.flown or (self.over[-1] if self.over else None)
        if flown is None:
            return
        states = {path: path.stat() for path in sorted(flown.directory.iterdir())}
        seen = [(path, state.st_size, state.st_mtime_ns) for path, state in states.items()]
        if seen != self.seen:
            self.seen = seen
            names = metadata_of(flown.directory)['relative_file_paths']
            assert isinstance(names, list)
            assert all(read_torn(flown.directory / name).stored for name in names)

    def teardown(self) -> None:
        """Look at all flights that were not looked at, on a disk that is well."""
        try:
            self.mend()
            if self.flown is not None:
                self.close()
            self.start()
            self.end()
            self.rig.recorder.close_flight()
        finally:
            self.patch.undo()
            self.place.cleanup()

    def offer(self, size: int, kind: str) -> None:
        """Offer a record, which may be refused."""
        assert self.flown is not None
        record = record_of(self.seq, payload_bytes=size)._replace(kind=kind)
        data = encode_cdr(record)
        now_ns = self.clock.monotonic_ns()
        # It counts as taken before it is: a kill may come in between.
        self.flown.taken.append(record)
        if self.rig.recorder.write(data, peek(data), received_ns=now_ns):
            self.seq += 1
            if kind != 'imu':
                self.note_durable()
        else:
            self.flown.taken.pop()

    def note_durable(self) -> None:
        """Note that all is durable, unless the recorder says that it is not."""
        if self.flown is not None and not self.rig.recorder.status().degraded_reason:
            self.flown.durable = len(self.flown.taken)

    def end(self) -> Flown:
        """Take the open flight for one that is over."""
        flown, self.flown = self.flown, None
        assert flown is not None
        flown.is_told = not self.is_failing
        self.over.append(flown)
        return flown

    def look_back(self) -> None:
        """Look at the flights that are over, and remove them."""
        for flown in self.over:
            if flown.is_clean:
                # What a failed sync has left in it has no summary: that is for a person to mend.
                recover(plan_recovery(flown.directory, progress=lambda _: None))
            flown.check()
            shutil.rmtree(flown.directory)
        self.over.clear()

    def release(self) -> None:
        """Do what the system does for a process that is gone."""
        self.rig.store._lock.release()
        for descriptor in descriptors() - self.held:
            os.close(descriptor)


class Rig(DiskRig):
    """
    A recorder whose store is known.

    :ivar store: where the open flight is written.
    """

    store: FlightDirectory

    def _store_of(self, flight_id: str) -> FlightStore:
        store = super()._store_of(flight_id)
        assert isinstance(store, FlightDirectory)
        self.store = store
        return store


def descriptors() -> set[int]:
    """Return the files that this process has open."""
    return {int(path.name) for path in Path('/proc/self/fd').iterdir() if path.exists()}


def run(examples: int) -> None:
    """Let many things happen."""
    run_state_machine_as_test(
        Flights,
        settings=settings(
            deadline=None,
            max_examples=examples,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )


# Time to find the shortest sequence that fails, and not only to pass.
@pytest.mark.timeout(300)
@pytest.mark.fault
@pytest.mark.slow
def test_whatever_happens_nothing_that_was_committed_is_lost() -> None:
    """In some sequences."""
    run(EXAMPLES_IN_EVERY_RUN)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_is_lost_whatever_else_happens() -> None:
    """In many."""
    run(EXAMPLES)
