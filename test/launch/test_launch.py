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
"""The launch file, launched: its arguments reach the node, and its end closes the flight."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
import json
import signal
from typing import TYPE_CHECKING

from ground_station import GroundStation
from node_flight import LandedFlight
from own_context import own_context, random_domain
from processes import field_of
from project import ROOT
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processes import Field, Process

pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.timeout(60),
    pytest.mark.skipif(
        find_spec('launch_ros') is None,
        reason='launch and launch_ros are not installed; there are no wheels of them',
    ),
]

LAUNCH_FILE = ROOT / 'launch' / 'fdr.launch.py'


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    """Return a field without a process yet."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with field_of(tmp_path, random_domain()) as own_field:
        yield own_field


def said_by(launch: Process) -> dict[str, str]:
    """Return what the node says when it records; launch puts its name in front."""
    while '{"event": "recording"' not in (line := launch.read_line()):
        pass
    said: dict[str, str] = json.loads('{' + line.partition('{')[2])
    return said


def test_it_records_with_the_parameters_of_the_file(field: Field) -> None:
    """Without an argument but where to; the end of the launch is the end of the flight."""
    launch = field.launch(LAUNCH_FILE, f'flight_root:={field.root}')
    said = said_by(launch)
    assert said['topic'] == '/fdr/records'
    assert launch.stop(signal.SIGINT) == 0
    flight = LandedFlight(said)
    assert flight.directory.parent == field.root
    assert flight.header.configuration['history_depth'] == 5000


def test_another_parameters_file(field: Field) -> None:
    """The arguments that are given go before what is in it."""
    file = field.place / 'my.params.yaml'
    file.write_text(
        '/**/fdr:\n'
        '  ros__parameters:\n'
        '    history_depth: 77\n'
        '    flight_root: /nowhere/at/all\n'
        '    autostart: false\n'
    )
    launch = field.launch(
        LAUNCH_FILE, f'params_file:={file}', f'flight_root:={field.root}', 'autostart:=true'
    )
    said = said_by(launch)
    assert launch.stop(signal.SIGINT) == 0
    configuration = LandedFlight(said).header.configuration
    assert configuration['history_depth'] == 77
    assert configuration['flight_root'] == str(field.root)


def test_in_a_namespace_and_by_hand(field: Field) -> None:
    """The node waits for its orders, under the name that it was given."""
    launch = field.launch(
        LAUNCH_FILE, f'flight_root:={field.root}', 'namespace:=uav1', 'autostart:=false'
    )
    with (
        own_context(field.domain_id) as context,
        closing(GroundStation(context, '/uav1')) as station,
    ):
        station.status.wait_for(lambda status: status.lifecycle_state == 'unconfigured')
        assert station.transition('configure')
        assert station.transition('activate')
        said = said_by(launch)
    assert said['topic'] == '/uav1/fdr/records'
    assert launch.stop(signal.SIGINT) == 0
    LandedFlight(said)
