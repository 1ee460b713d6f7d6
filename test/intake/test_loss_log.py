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
"""The log of losses: every record is in one line, and the lines are few."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from fdr_node.events import Event, Level
from fdr_node.intake.ledger import Loss
from fdr_node.intake.loss_log import INTERVAL_NS, LossLog, PRODUCERS_MAX
from fdr_node.schema import LossCause, OTHERS
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from fdr_node.events import Fact


def loss_of(
    records: int, producer_id: str = 'imu_1', cause: LossCause = LossCause.TRANSPORT
) -> Loss:
    """Return a loss."""
    return Loss(producer_id, 1, 0, records - 1, records, cause)


def line(producer_id: str, **causes: int) -> Event:
    """Return the event of a line."""
    facts: dict[str, Fact] = {
        'producer_id': producer_id,
        'records': sum(causes.values()),
        **causes,
    }
    return Event(name='records_lost', level=Level.WARN, facts=facts)


def test_the_first_loss_is_told_at_once() -> None:
    """With all causes in one line."""
    events: list[Event] = []
    LossLog(events.append).note([loss_of(3), loss_of(2), loss_of(4, cause=LossCause.RING)], 5)
    assert events == [line('imu_1', transport=5, ring=4)]


def test_no_loss_is_no_line() -> None:
    """The writer calls it at every turn."""
    events: list[Event] = []
    LossLog(events.append).note([], 5)
    assert events == []


def test_further_losses_wait_for_the_interval_and_come_together() -> None:
    """They are told even if nothing was lost just then."""
    events: list[Event] = []
    log = LossLog(events.append)
    log.note([loss_of(1)], 0)
    log.note([loss_of(2)], 1)
    log.note([loss_of(3)], INTERVAL_NS - 1)
    assert events == [line('imu_1', transport=1)]
    log.note([], INTERVAL_NS)
    log.note([], 3 * INTERVAL_NS)
    assert events[1:] == [line('imu_1', transport=5)]


def test_one_producer_does_not_silence_another() -> None:
    """The interval is per producer."""
    events: list[Event] = []
    log = LossLog(events.append)
    log.note([loss_of(1)], 0)
    log.note([loss_of(2, 'camera')], 1)
    assert events == [line('imu_1', transport=1), line('camera', transport=2)]


def test_the_end_of_the_flight_holds_nothing_back() -> None:
    """What was lost in the last seconds is in the log as well."""
    events: list[Event] = []
    log = LossLog(events.append)
    log.note([loss_of(1)], 0)
    log.note([loss_of(2)], 1)
    log.note([loss_of(4)], 2, is_final=True)
    assert events[1:] == [line('imu_1', transport=6)]


def test_producers_beyond_the_bound_share_a_line() -> None:
    """A publisher that invents producers cannot flood the log."""
    events: list[Event] = []
    log = LossLog(events.append)
    log.note([loss_of(1, f'invented_{place}') for place in range(PRODUCERS_MAX + 1000)], 0)
    assert len(events) == PRODUCERS_MAX + 1
    assert events[-1] == line(OTHERS, transport=1000)


@given(
    st.lists(
        st.tuples(
            st.integers(0, INTERVAL_NS),
            st.lists(st.tuples(st.integers(1, 9), st.sampled_from('ab')), max_size=3),
        )
    )
)
def test_every_loss_is_in_exactly_one_line(
    steps: list[tuple[int, list[tuple[int, str]]]],
) -> None:
    """The lines of a flight add up, and those of a producer keep their distance."""
    events: list[tuple[int, Event]] = []
    now_ns = lost = 0
    log = LossLog(lambda event: events.append((now_ns, event)))
    for pause_ns, found in steps:
        now_ns += pause_ns
        lost += sum(records for records, _ in found)
        log.note([loss_of(records, producer_id) for records, producer_id in found], now_ns)
    for producer_id in 'ab':
        times = [at for at, event in events if event.facts['producer_id'] == producer_id]
        assert all(b - a >= INTERVAL_NS for a, b in pairwise(times))
    log.note([], now_ns, is_final=True)
    assert sum(int(event.facts['records'] or 0) for _, event in events) == lost
