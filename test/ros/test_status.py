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
"""The status and the diagnostics of a moment, as messages that ROS can send."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fdr_node.clock import NS_PER_S
from fdr_node.intake.ledger import Account
from fdr_node.msg import FdrProducerLoss, FdrStatus
from fdr_node.recording.recorder_status import RecorderStatus
from fdr_node.recording.states import State
from fdr_node.ros.status import diagnostics_message, status_message, time_message, View
from fdr_node.schema import FlightHeader, LossCause
from manual_clock import MONOTONIC_NS, WALL_NS
import pytest
from rclpy.serialization import deserialize_message, serialize_message

if TYPE_CHECKING:
    from collections.abc import Mapping

FLIGHT_ID = '01890a5d-ac96-774b-bcce-b302099a8057'
NOW_NS = WALL_NS + 90 * NS_PER_S + 5

HEADER = FlightHeader(
    flight_id=FLIGHT_ID,
    session_id=7,
    start_utc='2026-01-31T12:00:00Z',
    start_wall_ns=WALL_NS,
    start_monotonic_ns=MONOTONIC_NS,
)
RECORDER = RecorderStatus(
    header=HEADER,
    directory=Path('/data') / FLIGHT_ID,
    segment_index=4,
    segment_bytes=1001,
    size_bytes=20_002,
    free_bytes=70_007,
    is_rolling=True,
    degraded_reason='',
    records_written=3003,
    producers={'imu': 3000, 'fdr': 3},
    bytes_written=40_004,
    rollover_count=2,
    commit_age_ns=250_000_000,
)
VIEW = View(
    lifecycle_state='active',
    not_ready_reason='',
    recorder_state=State.RECORDING,
    recorder=RECORDER,
    cap_bytes=60_006,
    accounts={
        'imu': Account(published=3008, lost=Counter({LossCause.RING: 5, LossCause.DISK: 3})),
        'gone': Account(published=2, lost=Counter({LossCause.TRANSPORT: 2})),
    },
    malformed=1,
    untracked=9,
    kind_rules=('raw_frame deny', 'tile  rate_hz=2 burst=4'),
    intake_fill=0.25,
    ring_fill=0.5,
)


def sent(view: View) -> FdrStatus:
    """Return the status as a subscriber gets it."""
    message = status_message(view, NOW_NS)
    received: FdrStatus = deserialize_message(serialize_message(message), FdrStatus)
    return received


def test_every_field_while_recording() -> None:
    """All of it at once, with values that no other field has."""
    assert sent(VIEW) == FdrStatus(
        stamp=Time(sec=WALL_NS // NS_PER_S + 90, nanosec=5),
        lifecycle_state='active',
        ready_for_takeoff=True,
        not_ready_reason='',
        flight_id=FLIGHT_ID,
        flight_start=Time(sec=WALL_NS // NS_PER_S, nanosec=0),
        segment_index=4,
        current_segment_bytes=1001,
        current_size_bytes=20_002,
        cap_bytes=60_006,
        free_disk_bytes=70_007,
        is_rolling=True,
        is_degraded=False,
        degraded_reason='',
        records_written=3003,
        records_dropped=10,
        producers=[
            FdrProducerLoss(producer_id='imu', records_recorded=3000, records_dropped=8),
            FdrProducerLoss(producer_id='gone', records_recorded=0, records_dropped=2),
            FdrProducerLoss(producer_id='fdr', records_recorded=3, records_dropped=0),
        ],
        bytes_written=40_004,
        rollover_count=2,
        last_commit_age_s=0.25,
        intake_fill=0.25,
        ring_fill=0.5,
    )


def test_without_a_flight() -> None:
    """There is nothing to tell but why."""
    view = View(lifecycle_state='unconfigured', not_ready_reason='no flight is open')
    assert sent(view) == FdrStatus(
        stamp=Time(sec=WALL_NS // NS_PER_S + 90, nanosec=5),
        lifecycle_state='unconfigured',
        not_ready_reason='no flight is open',
        last_commit_age_s=-1.0,
    )


def test_degraded_is_not_ready() -> None:
    """The reason is in both places that a display may look at."""
    reason = 'commit: ENOSPC: No space left on device'
    recorder = replace(RECORDER, degraded_reason=reason, commit_age_ns=None)
    message = sent(replace(VIEW, recorder=recorder, not_ready_reason=reason))
    assert (message.ready_for_takeoff, message.not_ready_reason) == (False, reason)
    assert (message.is_degraded, message.degraded_reason) == (True, reason)
    assert message.last_commit_age_s == -1.0


@pytest.mark.parametrize('letter', ['a', 'ä', '火', '\N{ROCKET}', '\udcff'])
def test_a_long_reason_is_cut_to_the_bytes_that_the_message_allows(letter: str) -> None:
    """A path may be in any script, and its bytes need not even be UTF-8."""
    message = sent(replace(VIEW, not_ready_reason='x' + 400 * letter))
    size = len(message.not_ready_reason.encode())
    assert 253 <= size <= 256
    assert message.not_ready_reason.startswith('x')
    assert not message.ready_for_takeoff


def test_the_largest_losses_come_first_and_no_more_than_the_bound() -> None:
    """The total still covers all."""
    accounts = {
        f'producer_{place:03}': Account(lost=Counter({LossCause.RING: place}))
        for place in range(100)
    }
    message = sent(replace(VIEW, accounts=accounts))
    names = [item.producer_id for item in message.producers]
    assert len(names) == FdrStatus.PRODUCERS_MAX
    assert names[:2] == ['producer_099', 'producer_098']
    assert message.records_dropped == sum(range(100))


def test_counts_beyond_the_fields_stay_at_their_end() -> None:
    """A hostile producer can make its own loss as large as it likes."""
    accounts = {
        name: Account(lost=Counter({LossCause.TRANSPORT: 2**64 - 1})) for name in ('a', 'b')
    }
    recorder = replace(RECORDER, segment_index=2**40, rollover_count=2**40)
    message = sent(replace(VIEW, accounts=accounts, recorder=recorder, ring_fill=1.5))
    assert message.records_dropped == 2**64 - 1
    assert message.producers[0].records_dropped == 2**64 - 1
    assert (message.segment_index, message.rollover_count) == (2**32 - 1, 2**32 - 1)
    assert message.ring_fill == 1.0


def test_time_before_the_epoch_and_after() -> None:
    """Nanoseconds of the message are never negative."""
    assert time_message(1_500_000_000) == Time(sec=1, nanosec=500_000_000)
    assert time_message(-1) == Time(sec=-1, nanosec=999_999_999)


@pytest.mark.parametrize(
    'changed',
    [
        replace(VIEW, lifecycle_state='inactive'),
        replace(VIEW, not_ready_reason='x'),
        replace(VIEW, recorder=None),
        replace(VIEW, recorder=replace(RECORDER, segment_index=5)),
        replace(VIEW, recorder=replace(RECORDER, rollover_count=3)),
        replace(VIEW, recorder=replace(RECORDER, degraded_reason='x')),
        replace(VIEW, accounts={}),
    ],
)
def test_what_is_told_at_once(changed: View) -> None:
    """A change of these does not wait for the next second."""
    assert changed.key() != VIEW.key()


def test_what_waits_for_the_next_second() -> None:
    """Counters move all the time."""
    recorder = replace(
        RECORDER,
        segment_bytes=1,
        size_bytes=1,
        free_bytes=1,
        records_written=1,
        bytes_written=1,
        commit_age_ns=1,
    )
    moved = replace(VIEW, recorder=recorder, intake_fill=0.9, ring_fill=0.9)
    assert moved.key() == VIEW.key()


def diagnosed(view: View, *, has_new_loss: bool = False) -> Mapping[str, tuple[bytes, str]]:
    """Return level and text by name, as a subscriber gets them."""
    message = diagnostics_message(view, wall_ns=NOW_NS, has_new_loss=has_new_loss)
    array: DiagnosticArray = deserialize_message(serialize_message(message), DiagnosticArray)
    assert array.header.stamp == Time(sec=WALL_NS // NS_PER_S + 90, nanosec=5)
    return {item.name: (item.level, item.message) for item in array.status}


OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
FINE = {
    'fdr: storage': (OK, 'recording'),
    'fdr: intake': (OK, 'keeping up'),
    'fdr: loss': (OK, 'no new loss'),
}
NO_FLIGHT = View(lifecycle_state='unconfigured', not_ready_reason='no flight is open')


@pytest.mark.parametrize(
    ('view', 'has_new_loss', 'other'),
    [
        pytest.param(VIEW, False, {}, id='all is well'),
        pytest.param(VIEW, True, {'fdr: loss': (WARN, 'records are being lost')}, id='a new loss'),
        pytest.param(
            NO_FLIGHT, False, {'fdr: storage': (WARN, 'no flight is open')}, id='no flight'
        ),
        pytest.param(
            replace(
                VIEW,
                not_ready_reason='commit: EIO',
                recorder=replace(RECORDER, degraded_reason='commit: EIO'),
            ),
            False,
            {'fdr: storage': (ERROR, 'commit: EIO')},
            id='degraded',
        ),
        pytest.param(
            replace(VIEW, intake_fill=0.8),
            False,
            {'fdr: intake': (WARN, 'nearly full')},
            id='history nearly full',
        ),
        pytest.param(
            replace(VIEW, ring_fill=0.81),
            False,
            {'fdr: intake': (WARN, 'nearly full')},
            id='ring nearly full',
        ),
    ],
)
def test_diagnostics(
    view: View, *, has_new_loss: bool, other: Mapping[str, tuple[bytes, str]]
) -> None:
    """Each of the three says how it stands."""
    assert diagnosed(view, has_new_loss=has_new_loss) == {**FINE, **other}


def test_diagnostics_carry_the_numbers() -> None:
    """As text, which is what the message has."""
    message = diagnostics_message(VIEW, wall_ns=NOW_NS, has_new_loss=False)
    assert [{v.key: v.value for v in item.values} for item in message.status] == [
        {
            'state': 'recording',
            'flight_id': FLIGHT_ID,
            'size_bytes': '20002',
            'cap_bytes': '60006',
            'free_disk_bytes': '70007',
            'rollover_count': '2',
        },
        {
            'intake_fill': '0.25',
            'ring_fill': '0.5',
            'rule: raw_frame': 'deny',
            'rule: tile': 'rate_hz=2 burst=4',
        },
        {
            'records_dropped': '10',
            'malformed': '1',
            'untracked': '9',
            'lost: disk': '3',
            'lost: ring': '5',
            'lost: transport': '2',
        },
    ]
