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
"""``use_sim_time``: the recorder takes no time from /clock, whether somebody simulates or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from ground_station import recorded
from node_flight import check_complete, LandedFlight
import pytest

if TYPE_CHECKING:
    from ground_station import GroundStation
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(60)]


def test_it_records_although_the_time_of_ros_stands_still(
    field: Field, station: GroundStation
) -> None:
    """Nobody publishes /clock; times are those of the computer's own clocks."""
    began_ns = time.time_ns()
    recorder = field.recorder('-p', 'use_sim_time:=true', '-p', 'commit_interval_s:=0.2')
    said = recorder.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(200, rate=2000)
    station.status.wait_for(lambda status: recorded(status, 'camera') == published)
    assert recorder.stop() == 0
    flight = LandedFlight(said)
    check_complete(flight, 'camera', published)
    assert began_ns < flight.header.start_wall_ns < time.time_ns()
    times = [item.log_time_ns for item in flight.bag.stored]
    assert times == sorted(times)
    assert times[-1] - times[0] < time.time_ns() - began_ns < 60 * NS_PER_S
