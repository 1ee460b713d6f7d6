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
"""The real node over DDS while records are lost: the account is exact, whoever lost them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from fdr_node.debrief.info import inspect_flight
from fdr_node.producer import FdrClient
from fdr_node.schema import LossCause, ProducerTotals
from ground_station import recorded
from node_flight import LandedFlight
from processes import WAIT_S
import pytest

if TYPE_CHECKING:
    from fdr_node.debrief.balance import Account
    from ground_station import GroundStation
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(60)]


def account_of(flight: LandedFlight, producer_id: str) -> Account:
    """Return what the debrief finds out by itself; all of it adds up."""
    info = inspect_flight(flight.directory)
    assert (info.is_balanced, info.problems) == (True, ())
    return info.producers[producer_id].account


def test_a_recorder_that_stood_still_names_all_that_it_missed(
    field: Field, station: GroundStation
) -> None:
    """It is stopped for as long as it takes to publish 5 s of records, then goes on."""
    recorder = field.recorder('-p', 'history_depth:=100')
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    producer.send(50, rate=500)
    station.status.wait_for(lambda status: recorded(status, 'camera') == 50)
    recorder.popen.send_signal(signal.SIGSTOP)
    producer.send(5000, rate=1000)
    recorder.popen.send_signal(signal.SIGCONT)
    # These come slowly, so that the recorder sees how far it went.
    published = producer.send(50, rate=100)
    station.status.wait_for(lambda status: status.records_dropped > 1000)
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    seqs = flight.seqs('camera')
    assert seqs[:50] == list(range(50))
    missing = published - len(seqs)
    assert flight.totals('camera') == ProducerTotals(
        published=published, recorded=len(seqs), lost={LossCause.TRANSPORT: missing}
    )
    assert account_of(flight, 'camera').lost_by == {'transport': missing}


def test_a_producer_that_was_killed_published_what_is_known_of_it(
    field: Field, station: GroundStation
) -> None:
    """It has no last word: the account ends with the last record that came."""
    recorder = field.recorder()
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    producer.order('send 100000 1000')
    station.status.wait_for(lambda status: recorded(status, 'camera') >= 300)
    assert producer.stop(signal.SIGKILL) == -signal.SIGKILL
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    seqs = flight.seqs('camera')
    account = account_of(flight, 'camera')
    assert account.published == seqs[-1] + 1
    assert account.lost == account.published - len(seqs)


def test_two_producers_of_one_name_are_two_sessions(
    field: Field, station: GroundStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what the queue of one of them dropped is told apart from what got lost on the way."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(field.domain_id))
    recorder = field.recorder()
    said = recorder.wait_recording()
    one = FdrClient.standalone('camera', hold_back_s=WAIT_S)
    two = FdrClient.standalone('camera', hold_back_s=WAIT_S, queue_records_max=20)
    with one, two:
        for client in (one, two):
            client.record('imu', {'n': 0})
            assert client.wait_for_recorder(WAIT_S)
        # A session whose first records are lost within 3 s of the start counts as an older one.
        station.status.wait_for(lambda status: recorded(status, 'camera') >= 2)
        for number in range(1, 500):
            one.record('imu', {'n': number})
            two.record('imu', {'n': number})
    assert two.dropped > 100
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    published = one.published + two.published
    assert flight.totals('camera') == ProducerTotals(
        published=published,
        recorded=published - two.dropped,
        lost={LossCause.PRODUCER_QUEUE: two.dropped},
    )
    account = account_of(flight, 'camera')
    assert (account.published, account.sessions) == (published, 2)
    assert inspect_flight(flight.directory).open_ends == ()
    assert account.lost_by == {'producer_queue': two.dropped}
