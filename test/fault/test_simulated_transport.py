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
Whole flights over a simulated transport, from the producers' queues to what ``fdr info`` says.

Each run follows from its number alone. Truth is what the simulation did, by plain sets of numbers;
nothing of the recorder is asked for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
import errno
import os
from random import Random
from shutil import copytree
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.debrief.info import inspect_flight
from fdr_node.intake.ledger import JOINING_NS
from fdr_node.producer.outbox import Outbox
from fdr_node.record import decode_cdr
from fdr_node.ros.session import FlightSession
from fdr_node.schema import decode_payload, Kind
from fdr_node.storage import fs
from manual_clock import ManualClock
import pytest
from rigs import config_of, FLIGHT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fdr_node.producer.outbox import Outgoing
    from fdr_node.record import FdrRecord

pytestmark = [pytest.mark.fault, pytest.mark.slow]

STEP_S = 0.02
DENIED = 'raw_frame'
VITAL = 'vital'
# More than ever waits.
DEPTH_MAX = 10_000
RUNS = 1000
RUNS_PER_TEST = 25
# Of all runs, so many are part of every test run.
RUNS_ALWAYS = 100


@dataclass
class Told:
    """
    What came of one session.

    :param seqs: numbers that came.
    :param arrivals: records that came, duplicates included.
    :param denied: those of a kind that is forbidden.
    :param dropped: how many its queue had dropped, as far as it could say so.
    """

    seqs: set[int] = field(default_factory=set)
    arrivals: int = 0
    denied: int = 0
    dropped: int = 0

    def note(self, record: FdrRecord) -> None:
        """Note a record that came."""
        self.seqs.add(record.seq)
        self.arrivals += 1
        self.denied += record.kind == DENIED
        if record.kind == Kind.PRODUCER_STATS:
            dropped = decode_payload(record.payload)['dropped']
            assert isinstance(dropped, int)
            self.dropped = max(self.dropped, dropped)

    @property
    def published(self) -> int:
        """Numbers that it gave out, as far as anybody can see."""
        return max(self.seqs) + 1

    @property
    def missing(self) -> int:
        """Of those, the ones that did not come."""
        return self.published - len(self.seqs)


class Component:
    """A producer with its real queue, now and then restarted."""

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.starts = 0
        self._random = random
        self._queue_max = random.choice([8, 30, 1000])
        self.restart()

    def restart(self) -> None:
        """Begin a session; what waited is gone without a word."""
        self.starts += 1
        self.outbox = Outbox(
            producer_id=self.name,
            session_id=self._random.getrandbits(64),
            records_max=self._queue_max,
            bytes_max=10**6,
            priority_kinds=[VITAL],
        )

    def work(self) -> list[Outgoing]:
        """Make some records, and hand some over to the transport."""
        random, outbox = self._random, self.outbox
        for _ in range(random.choice([0, 1, 5, 20])):
            kind = random.choices(['imu', DENIED, VITAL], weights=[8, 1, 1])[0]
            payload = bytes(random.choice([0, 50, 400]))
            outbox.put(kind, payload, schema_version=1, stamp_ns=1, monotonic_ns=1)
        if random.random() < 0.1:
            outbox.lose()
        if random.random() < 0.2:
            outbox.put_stats(stamp_ns=1, monotonic_ns=1)
        return outbox.take(records_max=random.choice([0, 4, 40]), bytes_max=10**6)


class Transport:
    """Loses, doubles and swaps; keeps the last ones only. Priority records go another way."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._loss = random.choice([0.0, 0.02, 0.3])
        self._twice = random.choice([0.0, 0.05])
        self._swap = random.choice([0.0, 0.1])
        self.depth = random.choice([10, 40, DEPTH_MAX])
        self._held: list[bytes] = []
        self._vital: list[bytes] = []

    def carry(self, burst: Iterable[Outgoing]) -> None:
        """Take records on their way."""
        for item in burst:
            if self._random.random() >= self._loss:
                held = self._vital if item.is_priority else self._held
                held += [item.data] * (1 + (self._random.random() < self._twice))
        for place in range(1, len(self._held)):
            if self._random.random() < self._swap:
                before = place - 1
                self._held[before], self._held[place] = self._held[place], self._held[before]

    def deliver(self) -> tuple[list[bytes], float]:
        """Give up what the histories still hold. :return: that, and how full the one was."""
        fill = min(1.0, len(self._held) / self.depth)
        start = max(0, len(self._held) - self.depth)
        held, vital = self._held[start:], self._vital
        self._held, self._vital = [], []
        return held + vital, fill


class Simulation:
    """One flight, and what really happened in it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random = Random(seed)  # noqa: S311  # a number is what makes it come again
        self.directory = root / FLIGHT_ID
        # The flight as a crash just before its end would leave it.
        self.crashed = root / 'crashed' / FLIGHT_ID
        self.clock = ManualClock()
        self.is_broken = False
        self.failures = 0
        self.told: dict[tuple[str, int], Told] = {}
        self.transport = Transport(random)
        config = config_of(
            root,
            {
                'flight_id': FLIGHT_ID,
                'kind_rules': (f'{DENIED} deny',),
                'ring_records_max': random.choice([20, 100, 10_000]),
                'priority_kinds': random.choice([(), (Kind.PRODUCER_STATS,)]),
                'shutdown_deadline_s': 2.0,
            },
        )
        self.session = FlightSession(
            config, clock=self.clock, report=lambda _event: None, pause=self._pause
        )
        self.components = [Component(name, random) for name in 'ab'[: random.randint(1, 2)]]

    def fly(self) -> None:
        """Open, record, land."""
        self.session.open_flight()
        self.session.listen()
        self.clock.advance((JOINING_NS + 1) / NS_PER_S)
        for _ in range(self.random.randint(5, 60)):
            self._step()
        self.is_broken = False
        for component in self.components:
            component.outbox.put_stats(stamp_ns=1, monotonic_ns=1)
            self.transport.carry(component.outbox.take(records_max=10_000, bytes_max=10**7))
        self._take_in()
        copytree(self.directory, self.crashed)
        self.session.finish()

    def fail(self) -> None:
        """Fail a call of the disk while it is broken."""
        if self.is_broken:
            self.failures += 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _step(self) -> None:
        random = self.random
        self.clock.advance(STEP_S)
        if random.random() < 0.05:
            self.is_broken = not self.is_broken
        for component in self.components:
            self.transport.carry(component.work())
            if random.random() < 0.02:
                component.restart()
        if random.random() < 0.8:
            self._take_in()
        if random.random() < 0.6:
            self.session.write_out()

    def _take_in(self) -> None:
        batch, fill = self.transport.deliver()
        for data in batch:
            record = decode_cdr(data)
            self.told.setdefault((record.producer_id, record.session_id), Told()).note(record)
        self.session.take_in(batch, fill=fill)

    def _pause(self, seconds: float) -> None:
        self.clock.advance(seconds)


def check(simulation: Simulation) -> None:
    """Hold what is in the flight against what really happened."""
    info = inspect_flight(simulation.directory)
    assert (info.is_balanced, info.clean_shutdown) == (True, True)
    # A segment whose sync failed is left as it was at the commit before.
    assert all(problem.endswith('it was not closed') for problem in info.problems)
    assert simulation.failures or not info.problems
    assert info.producers.keys() - {'fdr'} == {name for name, _ in simulation.told}
    for name in info.producers.keys() - {'fdr'}:
        account = info.producers[name].account
        sessions = [told for key, told in simulation.told.items() if key[0] == name]
        queued = sum(min(told.dropped, told.missing) for told in sessions)
        arrivals = sum(told.arrivals for told in sessions)
        expected = Counter(
            producer_queue=queued,
            transport=sum(told.missing for told in sessions) - queued,
            policy=sum(told.denied for told in sessions),
            # What came, was allowed and is not there: nothing but the ring could not hold it.
            ring=arrivals - sum(told.denied for told in sessions) - account.recorded,
        )
        lost = Counter(dict(account.lost_by))
        # While the disk refuses, what the ring cannot hold is lost to it.
        assert simulation.failures or not lost['disk']
        lost['ring'] += lost.pop('disk', 0)
        # What a full history overwrote, and what was swapped while it was, did not come either.
        assert simulation.transport.depth < DEPTH_MAX or not lost['intake_queue']
        lost['transport'] += lost.pop('intake_queue', 0)
        assert +lost == +expected
        assert account.published == sum(told.published for told in sessions)
        assert account.duplicates == arrivals - sum(len(told.seqs) for told in sessions)
        assert account.before_flight == 0
        assert all(told.dropped <= told.missing for told in sessions)


def check_crashed(simulation: Simulation) -> None:
    """Without a footer the numbers alone tell what was published, and it adds up all the same."""
    info = inspect_flight(simulation.crashed)
    assert (info.is_balanced, info.clean_shutdown) == (True, False)
    for name in info.producers.keys() - {'fdr'}:
        sessions = [told for key, told in simulation.told.items() if key[0] == name]
        account = info.producers[name].account
        assert account.published <= sum(told.published for told in sessions)
        assert account.recorded <= sum(told.arrivals - told.denied for told in sessions)


def blocks() -> list[object]:
    """Return the first numbers of the runs of each test; most are for the long test run only."""
    return [
        pytest.param(first, marks=[] if first < RUNS_ALWAYS else [pytest.mark.long])
        for first in range(0, RUNS, RUNS_PER_TEST)
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize('first', blocks())
def test_every_record_of_a_simulated_flight_is_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """Losses of all causes at once, and never one that is not named, nor one too many."""
    current: list[Simulation] = []
    sync_data = fs.sync_data

    def sync_or_fail(descriptor: int) -> None:
        current[-1].fail()
        sync_data(descriptor)

    monkeypatch.setattr(fs, 'sync_data', sync_or_fail)
    for seed in range(first, first + RUNS_PER_TEST):
        current.append(Simulation(tmp_path / str(seed), seed))
        current[-1].fly()
        check(current[-1])
        check_crashed(current[-1])
