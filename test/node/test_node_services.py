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
"""The services of the recorder, called as an operator would call them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ground_station import recorded
from node_flight import LandedFlight
import pytest

if TYPE_CHECKING:
    from ground_station import GroundStation
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(60)]


def test_a_segment_is_begun_by_order(field: Field, station: GroundStation) -> None:
    """No record is lost by it, and an empty segment is not cut."""
    recorder = field.recorder()
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(50, rate=500)
    station.status.wait_for(lambda status: recorded(status, 'camera') >= 50)
    assert station.trigger('split') == (True, '')
    status = station.status.wait_for(lambda status: status.segment_index == 1)
    assert status.ready_for_takeoff
    assert station.trigger('split') == (True, '')
    published = producer.send(50, rate=500)
    assert recorder.stop() == 0
    landed = LandedFlight(said)
    assert landed.footer.segment_count == 2
    assert landed.footer.producers['camera'].recorded == published
    assert len(list(landed.directory.glob('*.mcap'))) == 2


def test_a_recheck_opens_the_flight_at_once(field: Field, station: GroundStation) -> None:
    """Nobody has to wait for the next try, and the answer says whether the aircraft may go."""
    plan = field.place / 'mission.plan'
    recorder = field.recorder('-p', f'manifest_paths:=[{plan}]', '-p', 'open_retry_s:=3600.0')
    is_ready, reason = station.trigger('recheck')
    assert not is_ready
    assert f'{plan}: the manifest cannot be read' in reason
    is_split, reason = station.trigger('split')
    assert not is_split
    assert 'the manifest cannot be read' in reason
    plan.write_text('take off', encoding='utf-8')
    assert station.trigger('recheck') == (True, '')
    recorder.wait_recording()
    assert station.trigger('recheck') == (True, '')
    assert recorder.stop() == 0


@pytest.mark.skipif(
    find_spec('rosbag2_interfaces') is None, reason='rosbag2_interfaces is not installed'
)
def test_the_tools_of_rosbag2_are_told_of_a_split(field: Field, station: GroundStation) -> None:
    """In their own types."""
    recorder = field.recorder()
    said = recorder.wait_recording()
    events = station.split_events()
    producer = field.producer('camera')
    station.hears('camera')
    producer.send(5, rate=500)
    station.split_bagfile()
    event = events.wait_for(lambda event: bool(event.closed_file))
    assert event.closed_file.endswith(f'{said["flight_id"]}_0.mcap')
    assert event.opened_file.endswith(f'{said["flight_id"]}_1.mcap')
    assert event.node_name == '/fdr'
    assert recorder.stop() == 0
