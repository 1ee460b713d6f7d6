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
"""A flight session on real files with a clock of its own, and what its bag says."""

from __future__ import annotations

from collections import Counter
import errno
from typing import TYPE_CHECKING

from bag_reader import Bag, read_bag
from fdr_node.clock import NS_PER_S
from fdr_node.intake.ledger import JOINING_NS, REORDERING_NS
from fdr_node.ros.session import FlightSession
from fdr_node.schema import FlightFooter
from heads import serialised
from manual_clock import ManualClock
from rigs import config_of, FLIGHT_ID, payload_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from failing_calls import FailingCalls
    from fdr_node.config import Setting
    from fdr_node.events import Event

DEADLINE_S = 2.0
LATER_S = (JOINING_NS + 1) / NS_PER_S
REORDERING_S = REORDERING_NS / NS_PER_S


class Rig:
    """A session, its clock, and what it told."""

    def __init__(self, root: Path, **settings: Setting) -> None:
        # A ring without a reserved part is as large as it says.
        defaults: dict[str, Setting] = {
            'flight_id': FLIGHT_ID,
            'shutdown_deadline_s': DEADLINE_S,
            'priority_kinds': (),
        }
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.root = root
        self.directory = root / FLIGHT_ID
        self.pauses = 0
        self._reactions: dict[str, Callable[[], None]] = {}
        self.session = FlightSession(
            config_of(root, defaults | settings),
            clock=self.clock,
            report=self._note,
            pause=self._pause,
        )

    def begin(self, *, seconds_before: float = LATER_S) -> Rig:
        """Open the flight and listen; then let time pass, so that new sessions are whole."""
        self.session.open_flight()
        self.session.listen()
        self.clock.advance(seconds_before)
        return self

    def take_in(
        self, seqs: Iterable[int], producer_id: str = 'imu_1', *, fill: float = 0.0
    ) -> None:
        """Take records of one producer in."""
        self.session.take_in([serialised(seq, producer_id) for seq in seqs], fill=fill)

    def land(self) -> tuple[FlightFooter, Bag]:
        """Finish, and read the flight with libraries that did not write it."""
        footer = self.session.finish()
        assert footer is not None
        # A sync that was made to fail leaves its segment as it was at the commit before.
        return footer, read_bag(self.directory, may_be_left=True)

    def told(self, name: str) -> list[Event]:
        """Return the events of a name."""
        return [event for event in self.events if event.name == name]

    def react(self, name: str, reaction: Callable[[], None]) -> None:
        """Do something at the first event of a name."""
        self._reactions[name] = reaction

    def _note(self, event: Event) -> None:
        self.events.append(event)
        reaction = self._reactions.pop(event.name, None)
        if reaction is not None:
            reaction()

    def _pause(self, seconds: float) -> None:
        self.pauses += 1
        self.clock.advance(seconds)


def seqs_in(bag: Bag, producer_id: str = 'imu_1') -> list[int]:
    """Return the numbers of a producer's records in a bag."""
    return [record.seq for record in bag.records if record.producer_id == producer_id]


def overruns_in(bag: Bag) -> list[tuple[object, ...]]:
    """Return the losses that the bag itself tells."""
    payloads = [payload_of(record) for record in bag.records if record.kind == 'overrun']
    keys = ('producer_id', 'first_seq', 'last_seq', 'count', 'cause')
    return [tuple(payload[key] for key in keys) for payload in payloads]


def footer_in(bag: Bag) -> FlightFooter:
    """Return the footer as it stands in the bag."""
    return FlightFooter.from_json(bag.custom_data['fdr_flight_footer'])


def check_balance(footer: FlightFooter, bag: Bag) -> None:
    """Count the bag: every producer's sum is exact, and the footer is the one that is in it."""
    assert footer_in(bag) == footer
    counted = Counter(record.producer_id for record in bag.records)
    for producer_id, totals in footer.producers.items():
        assert totals.recorded == counted[producer_id]
        assert totals.published + totals.duplicates == totals.recorded + sum(totals.lost.values())
    assert footer.records_written == len(bag.records)


def refuse(rig: Rig, calls: FailingCalls) -> None:
    """Let the disk refuse data, and let the recorder notice."""
    calls.fail_always('fdatasync', errno.ENOSPC)
    rig.session.take_in([serialised(0, 'early')])
    rig.clock.advance(1.0)
    rig.session.write_out()
    assert rig.session.status().degraded_reason.startswith('commit: ENOSPC')
