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
"""The real node over DDS: what components in other processes publish is in the bag."""

from __future__ import annotations

from pathlib import Path
import signal
import time
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.schema import LossCause, OTHERS
from ground_station import recorded
from node_flight import check_complete, LandedFlight
import pytest

if TYPE_CHECKING:
    from ground_station import GroundStation, Watch
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(60)]

# The longest one: what was published lately is still in the history when the node is stopped.
SELDOM_DRAINED = ('-p', 'drain_period_s:=1.0')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_every_record_of_every_producer_is_in_the_bag(
    field: Field, station: GroundStation, number: signal.Signals
) -> None:
    """Three components at once; the signal comes while DDS still holds records."""
    recorder = field.recorder(*SELDOM_DRAINED)
    said = recorder.wait_recording()
    assert Path(said['directory']).parent == field.root
    assert said['topic'] == '/fdr/records'
    producers = [field.producer(name) for name in ('autopilot', 'camera', 'estimator')]
    station.hears('autopilot', 'camera', 'estimator')
    for producer in producers:
        producer.order('send 400 1000')
    published = {producer.producer_id: producer.answer() for producer in producers}
    # The answer has come through the same receiving threads as the records before it.
    assert station.state() == 'active'
    assert recorder.stop(number) == 0
    flight = LandedFlight(said)
    for producer_id, count in published.items():
        check_complete(flight, producer_id, count)
    (closed,) = recorder.events('flight_closed')
    assert closed['records_written'] == len(flight.bag.records)


def test_a_burst_that_overruns_the_history_is_lost_by_name(
    field: Field, station: GroundStation
) -> None:
    """The history holds ten records: nearly all of the burst is lost, and counted to the last."""
    recorder = field.recorder('-p', 'history_depth:=10', *SELDOM_DRAINED)
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    # A session that is first heard of in the middle, so soon, would count as one that was there
    # before the flight.
    producer.send(1)
    station.status.wait_for(lambda status: recorded(status, 'camera') == 1)
    producer.send(3000)
    # The last ones come slowly, so that the recorder sees how far it went.
    published = producer.send(15, rate=100)
    station.status.wait_for(lambda status: status.records_dropped >= 2900)
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    totals = flight.totals('camera')
    assert totals.published == published
    assert totals.recorded == len(flight.seqs('camera')) < 200
    assert sum(totals.lost.values()) == totals.published - totals.recorded
    # The transport may have lost some more, before they came to the history.
    assert totals.lost.keys() <= {LossCause.INTAKE_QUEUE, LossCause.TRANSPORT}
    assert totals.lost[LossCause.INTAKE_QUEUE] > 0
    assert flight.overrun_records('camera') == sum(totals.lost.values())
    events = [e for e in recorder.events('records_lost') if e['producer_id'] == 'camera']
    assert {event['level'] for event in events} == {'WARN'}
    assert sum(int(str(event['records'])) for event in events) == sum(totals.lost.values())


def test_messages_that_are_no_record_are_counted_and_hurt_nobody(
    field: Field, station: GroundStation
) -> None:
    """Whoever speaks DDS can publish any bytes on the topic."""
    recorder = field.recorder()
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    producer.order('garbage 40')
    producer.answer()
    published = producer.send(100, rate=1000)
    status = station.status.wait_for(lambda status: status.records_dropped > 0)
    assert status.ready_for_takeoff
    assert station.state() == 'active'
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    check_complete(flight, 'camera', published)
    assert flight.totals(OTHERS).lost == {LossCause.MALFORMED: 40}
    assert flight.footer.records_dropped_by_cause == {LossCause.MALFORMED: 40}
    assert recorder.events('step_failed') == []


def test_in_a_namespace(field: Field, watch: Watch) -> None:
    """Two vehicles on one computer do not mix: each recorder hears its own topic."""
    recorder = field.recorder('-r', '__ns:=/uav1')
    said = recorder.wait_recording()
    assert said['topic'] == '/uav1/fdr/records'
    station = watch('/uav1')
    producer = field.producer('camera', '/uav1/fdr/records')
    station.hears('camera')
    published = producer.send(50, rate=500)
    assert station.state() == 'active'
    assert recorder.stop() == 0
    check_complete(LandedFlight(said), 'camera', published)


def test_the_status_of_a_recorder_that_records(
    field: Field, station: GroundStation, watch: Watch
) -> None:
    """Every field is plausible, and who comes late gets the last one at once."""
    recorder = field.recorder('-p', 'flight_bytes_max:=1073741824', '-p', 'commit_interval_s:=0.5')
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(100, rate=1000)
    status = station.status.wait_for(
        lambda status: recorded(status, 'camera') == 100 and 0 <= status.last_commit_age_s < 1.0
    )
    assert (status.lifecycle_state, status.ready_for_takeoff) == ('active', True)
    assert (status.not_ready_reason, status.is_degraded, status.degraded_reason) == ('', False, '')
    assert status.flight_id == said['flight_id']
    assert 0 <= time.time() - status.flight_start.sec < 60
    assert status.flight_start.sec <= status.stamp.sec
    assert (status.segment_index, status.rollover_count, status.is_rolling) == (0, 0, False)
    assert 0 < status.current_segment_bytes < status.current_size_bytes < status.cap_bytes
    assert status.bytes_written == status.current_segment_bytes
    assert status.cap_bytes == 2**30
    assert status.free_disk_bytes > 0
    assert status.records_dropped == 0
    counts = {item.producer_id: item.records_recorded for item in status.producers}
    assert counts.keys() == {'camera', 'camera_greeting', 'fdr'}
    assert (counts['camera'], counts['fdr']) == (published, 1)
    assert status.records_written == sum(counts.values())
    assert 0 <= status.intake_fill <= 1
    assert 0 <= status.ring_fill <= 1

    joined_ns = time.time_ns()
    late = watch().status.wait_for(lambda status: True)  # noqa: ARG005  # any will do
    assert late.stamp.sec * NS_PER_S + late.stamp.nanosec < joined_ns
    assert recorder.stop() == 0


def test_diagnostics_say_that_all_is_well(field: Field, station: GroundStation) -> None:
    """The tools that watch /diagnostics show a line for each part."""
    recorder = field.recorder()
    recorder.wait_recording()
    array = station.diagnostics.wait_for(
        lambda array: array.status[0].message == 'recording' and not array.status[2].level[0]
    )
    assert [(item.name, item.level, item.message) for item in array.status] == [
        ('fdr: storage', b'\0', 'recording'),
        ('fdr: intake', b'\0', 'keeping up'),
        ('fdr: loss', b'\0', 'no new loss'),
        ('fdr: alerts', b'\0', 'delivered'),
    ]
    assert recorder.stop() == 0
