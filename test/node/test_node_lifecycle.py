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
"""The life cycle by service: who may take off when, two flights of one process, bad orders."""

from __future__ import annotations

from pathlib import Path
import signal
from typing import TYPE_CHECKING

from fdr_node.schema import LossCause
from lifecycle_msgs.msg import Transition
from node_flight import check_complete, LandedFlight
import pytest

if TYPE_CHECKING:
    from fdr_node.msg import FdrStatus
    from ground_station import GroundStation
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(60)]

BY_HAND = ('-p', 'autostart:=false')

NO_FLIGHT = (False, 'no flight is open')
NOT_RECORDING = (False, 'the flight is open but not recording')
READY = (True, '')


def readiness(station: GroundStation, state: str) -> tuple[bool, str]:
    """Return what the status says in a state: whether to take off, and why not."""
    status: FdrStatus = station.status.wait_for(lambda status: status.lifecycle_state == state)
    return status.ready_for_takeoff, status.not_ready_reason


def test_two_flights_of_one_process(field: Field, station: GroundStation) -> None:
    """From state to state by service; only while it records the aircraft may take off."""
    recorder = field.recorder(*BY_HAND)
    assert readiness(station, 'unconfigured') == NO_FLIGHT
    assert not field.root.exists()
    assert station.transition('configure')
    assert readiness(station, 'inactive') == NOT_RECORDING
    assert station.transition('activate')
    said = recorder.wait_recording()
    assert readiness(station, 'active') == READY
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(50, rate=500)
    assert station.transition('deactivate')
    assert readiness(station, 'inactive') == NOT_RECORDING
    assert station.transition('cleanup')
    assert readiness(station, 'unconfigured') == NO_FLIGHT
    check_complete(LandedFlight(said), 'camera', published)

    assert station.transition('configure')
    assert station.transition('activate')
    said_again = recorder.wait_recording()
    assert said_again['flight_id'] > said['flight_id']
    assert station.transition('shutdown')
    assert station.state() == 'finalized'
    assert readiness(station, 'finalized') == NO_FLIGHT
    # Whoever watches the log sees one opening and one closing of each.
    assert LandedFlight(said_again).footer.records_written == 2
    assert recorder.stop(signal.SIGTERM) == 0
    told = [str(event['event']) for event in recorder.events()]
    flights = [name for name in told if name.startswith('flight')]
    assert flights == ['flight_opened', 'flight_closed'] * 2


def test_a_flight_that_pauses(field: Field, station: GroundStation) -> None:
    """What came before the pause is on disk; what was published in it is missing by name."""
    recorder = field.recorder(*BY_HAND)
    assert station.transition('configure')
    assert station.transition('activate')
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    before = producer.send(50, rate=500)
    assert station.transition('deactivate')
    (segment,) = Path(said['directory']).glob('*.mcap')
    assert segment.stat().st_size > 50 * 100
    producer.send(30, rate=500)
    assert station.transition('activate')
    assert recorder.wait_recording() == said
    station.status.messages.clear()
    # Discovery of the new subscription takes its time; what is missed until then is missing too.
    producer.order('send 3500 1000')
    station.status.wait_for(
        lambda status: (
            status.lifecycle_state == 'active'
            and any(item.records_recorded > before for item in status.producers)
        )
    )
    published = producer.answer()
    assert station.state() == 'active'
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    totals = flight.totals('camera')
    assert totals.published == published
    assert totals.lost[LossCause.TRANSPORT] >= 30
    assert flight.overrun_records('camera') == totals.lost[LossCause.TRANSPORT]
    seqs = flight.seqs('camera')
    assert seqs[:before] == list(range(before))
    assert seqs[-1] == published - 1


def test_stopped_in_any_state(field: Field, station: GroundStation) -> None:
    """Without a flight there is nothing to close; an open one is closed without a record."""
    recorder = field.recorder(*BY_HAND)
    assert station.state() == 'unconfigured'
    assert recorder.stop() == 0
    assert recorder.events() == []
    assert not field.root.exists()


def test_stopped_before_it_was_activated(field: Field, station: GroundStation) -> None:
    """The flight that was opened has its footer."""
    recorder = field.recorder(*BY_HAND)
    assert station.transition('configure')
    assert recorder.stop() == 0
    (opened,) = recorder.events('flight_opened')
    directory = str(opened['directory'])
    flight = LandedFlight({'directory': directory, 'flight_id': str(opened['flight_id'])})
    assert [record.kind for record in flight.bag.records] == ['flight_header', 'flight_footer']


def test_orders_that_the_state_does_not_have_do_not_stop_the_recording(
    field: Field, station: GroundStation
) -> None:
    """By its name the order is refused; by its number rclpy may raise, and the node goes on."""
    recorder = field.recorder()
    said = recorder.wait_recording()
    assert not station.transition('activate')
    assert not station.transition('fly')
    for number in (Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_CONFIGURE, 250):
        station.order_number(number)
    # The second is what rclpy of Kilted says; that of Jazzy raises in the executor.
    recorder.wait_errors('"step": "executor"', 'Unable to start transition 250')
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(50, rate=500)
    assert station.state() == 'active'
    assert recorder.stop() == 0
    check_complete(LandedFlight(said), 'camera', published)


def test_a_failed_opening_can_be_tried_again(field: Field, station: GroundStation) -> None:
    """The reason is in the status; a parameter mends it."""
    recorder = field.recorder(*BY_HAND, '-p', f'manifest_paths:=[{field.place}/a.plan]')
    assert not station.transition('configure')
    status = station.status.wait_for(
        lambda status: (
            status.lifecycle_state == 'unconfigured'
            and 'the manifest cannot be read' in status.not_ready_reason
        )
    )
    assert not status.ready_for_takeoff
    assert station.set_parameter('manifest_paths', ['']).successful
    assert station.transition('configure')
    assert station.transition('activate')
    recorder.wait_recording()
    assert recorder.stop() == 0


def test_parameters_change_between_flights_only(field: Field, station: GroundStation) -> None:
    """And then the next flight has them."""
    recorder = field.recorder(*BY_HAND)
    assert station.set_parameter('history_depth', 77).successful
    refused = station.set_parameter('ring_bytes_max', 65536)
    assert not refused.successful
    assert (
        refused.reason
        == 'record_bytes_max is 524288, allowed: at most ring_bytes_max = 65536 bytes'
    )
    assert not station.set_parameter('history_depth', 0).successful
    assert not station.set_parameter('autostart', value=False).successful
    assert station.transition('configure')
    refused = station.set_parameter('history_depth', 78)
    assert not refused.successful
    assert refused.reason == 'history_depth cannot change while a flight is open'
    assert station.transition('activate')
    said = recorder.wait_recording()
    assert not station.set_parameter('commit_interval_s', 2.0).successful
    assert recorder.stop() == 0
    header = LandedFlight(said).header
    assert header.configuration['history_depth'] == 77
    assert header.configuration['commit_interval_s'] == 1.0
