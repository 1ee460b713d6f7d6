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
The launch files, launched: their arguments reach the node, and its end closes the flight.

Every launch is a process of its own, which is watched as an operator does: by what it prints, by
the topics and services of the node, and by what is on disk.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from importlib.util import find_spec
import json
import os
from pathlib import Path
import re
import signal
from threading import Event
import time
from typing import TYPE_CHECKING

from bag_reader import metadata_of, read_bag
from fdr_node.schema import FlightFooter
from ground_station import GroundStation
from node_flight import check_complete, LandedFlight
from own_context import own_context, random_domain
from processes import field_of, WAIT_S
from project import ROOT
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processes import Field, Process

pytestmark = [
    pytest.mark.ros,
    pytest.mark.launch,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        find_spec('launch_ros') is None,
        reason='launch and launch_ros are not installed; there are no wheels of them',
    ),
]

LAUNCH_FILE = ROOT / 'launch' / 'fdr.launch.py'
WITH_PRODUCERS = ROOT / 'launch' / 'fdr_with_producers.launch.py'
MANAGED = Path(__file__).with_name('managed.launch.py')


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    """Return a field without a process yet."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with field_of(tmp_path, random_domain()) as own_field:
        yield own_field


@contextmanager
def station_of(field: Field, namespace: str = '') -> Iterator[GroundStation]:
    """Return a ground station for a recorder in a namespace."""
    with (
        own_context(field.domain_id) as context,
        closing(GroundStation(context, namespace)) as station,
    ):
        yield station


def line_of(launch: Process, text: str) -> str:
    """Return the next line with a text; launch puts the name of the process in front."""
    while text not in (line := launch.read_line()):
        pass
    return line


def said_by(launch: Process) -> dict[str, str]:
    """Return what the node says when it records."""
    said: dict[str, str] = json.loads(line_of(launch, '{"event": "recording"').partition('] ')[2])
    return said


def event_of(launch: Process, name: str) -> dict[str, object]:
    """Return an event of that name in the log of the node."""
    line = line_of(launch, f'"event": "{name}"')
    event: dict[str, object] = json.loads(line.partition('] ')[2])
    return event


def pid_of_node(launch: Process) -> int:
    """Return the process of the node."""
    found = re.search(r'\[fdr_node-\d+\].*pid \[(\d+)\]', line_of(launch, '[fdr_node-'))
    assert found
    return int(found[1])


def wait_closed(directory: Path) -> None:
    """Wait until a flight has its footer; whoever launched the node may have gone."""
    until_s = time.monotonic() + WAIT_S
    while 'fdr_flight_footer' not in str(metadata_of(directory)['custom_data']):
        assert time.monotonic() < until_s, 'the flight was not closed'
        Event().wait(0.05)


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


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('histroy: 5', 'histroy is 5, allowed: a known parameter'),
        ('history_depth: 0', 'history_depth is 0, allowed: 1 to 1000000 records'),
    ],
)
def test_a_bad_parameter_ends_the_launch(field: Field, text: str, told: str) -> None:
    """The node names it, its value and its bound, and ends with exit code 2; nothing is made."""
    file = field.place / 'my.params.yaml'
    file.write_text(f'/**/fdr:\n  ros__parameters:\n    {text}\n')
    launch = field.launch(LAUNCH_FILE, f'params_file:={file}', f'flight_root:={field.root}')
    assert event_of(launch, 'parameter_refused')['reason'] == told
    line_of(launch, 'exit code 2')
    launch.wait()
    assert not field.root.exists()


@pytest.mark.parametrize(
    ('argument', 'told'),
    [
        ('respawn_delay:=soon', 'respawn_delay is soon, allowed: 0 or more seconds'),
        ('respawn_delay:=-1', 'respawn_delay is -1, allowed: 0 or more seconds'),
        ('autostart:=maybe', 'autostart'),
        ('params_file:=mine.yaml', 'params_file is mine.yaml, allowed: a file that is there'),
        ('log_level:=loud', 'log_level'),
    ],
)
def test_a_bad_argument_ends_the_launch(field: Field, argument: str, told: str) -> None:
    """It is named, and no node is started."""
    launch = field.launch(LAUNCH_FILE, f'flight_root:={field.root}', argument)
    line = line_of(launch, 'Caught exception in launch')
    assert told in line
    assert launch.wait() == 1
    assert not field.root.exists()


def test_in_a_namespace_and_by_hand(field: Field) -> None:
    """The node waits for its orders, under the name that it was given, from state to state."""
    launch = field.launch(
        LAUNCH_FILE, f'flight_root:={field.root}', 'namespace:=uav1', 'autostart:=false'
    )
    with station_of(field, '/uav1') as station:
        station.status.wait_for(lambda status: status.lifecycle_state == 'unconfigured')
        assert station.transition('configure')
        assert station.transition('activate')
        said = said_by(launch)
        assert station.transition('deactivate')
        assert station.transition('cleanup')
        LandedFlight(said)
        assert station.transition('configure')
        assert station.transition('activate')
        again = said_by(launch)
        assert station.transition('shutdown')
        assert station.state() == 'finalized'
    assert said['topic'] == '/uav1/fdr/records'
    assert LandedFlight(again).header.predecessor_flight_id is None
    assert launch.stop(signal.SIGINT) == 0


def test_as_a_part_of_another_launch_that_manages_it(field: Field) -> None:
    """In the namespace that this one pushes; its time comes from nobody, and it records."""
    launch = field.launch(MANAGED, f'flight_root:={field.root}')
    said = said_by(launch)
    assert said['topic'] == '/fleet/uav1/fdr/records'
    producer = field.producer('camera', said['topic'])
    with station_of(field, '/fleet/uav1') as station:
        station.hears('camera')
        published = producer.send(100, rate=1000)
        assert station.state() == 'active'
    assert launch.stop(signal.SIGINT) == 0
    flight = LandedFlight(said)
    check_complete(flight, 'camera', published)
    assert abs(flight.header.start_wall_ns - time.time_ns()) < 120e9


def test_two_vehicles_on_one_computer(field: Field) -> None:
    """Each recorder has its namespace and its root, and hears its own producers alone."""
    names = ('uav1', 'uav2')
    launches = [
        field.launch(LAUNCH_FILE, f'flight_root:={field.root}_{name}', f'namespace:={name}')
        for name in names
    ]
    flights = [said_by(launch) for launch in launches]
    producers = [field.producer(f'camera_{name}', f'/{name}/fdr/records') for name in names]
    for name, producer in zip(names, producers, strict=True):
        with station_of(field, f'/{name}') as station:
            station.hears(producer.producer_id)
            producer.send(50, rate=1000)
    for launch, said, producer in zip(launches, flights, producers, strict=True):
        assert launch.stop(signal.SIGINT) == 0
        flight = LandedFlight(said)
        check_complete(flight, producer.producer_id, 50)
        greeting = f'{producer.producer_id}_greeting'
        assert flight.footer.producers.keys() == {'fdr', producer.producer_id, greeting}


def test_two_nodes_on_one_root(field: Field) -> None:
    """The second says who holds the root, is not ready, and records when the first has ended."""
    file = field.place / 'my.params.yaml'
    file.write_text('/**/fdr:\n  ros__parameters:\n    open_retry_s: 0.5\n')
    first = field.launch(LAUNCH_FILE, f'flight_root:={field.root}', 'namespace:=uav1')
    pid = pid_of_node(first)
    said = said_by(first)
    arguments = (f'flight_root:={field.root}', f'params_file:={file}', 'namespace:=uav2')
    second = field.launch(LAUNCH_FILE, *arguments)
    with station_of(field, '/uav2') as station:
        held = station.status.wait_for(
            lambda status: (
                f'pid {pid}' in status.not_ready_reason
                and status.lifecycle_state == 'unconfigured'  # between two tries
            )
        )
        assert not held.ready_for_takeoff
        assert said['flight_id'] in held.not_ready_reason
        assert first.stop(signal.SIGINT) == 0
        station.status.wait_for(lambda status: status.ready_for_takeoff)
    again = said_by(second)
    assert second.stop(signal.SIGINT) == 0
    LandedFlight(said)
    assert LandedFlight(again).header.predecessor_flight_id is None


def test_sigterm_to_all_of_it(field: Field) -> None:
    """As systemd ends a unit: launch itself gives up, and the node closes the flight."""
    launch = field.launch(LAUNCH_FILE, f'flight_root:={field.root}')
    said = said_by(launch)
    os.killpg(launch.popen.pid, signal.SIGTERM)
    wait_closed(Path(said['directory']))
    launch.wait()
    LandedFlight(said)


def test_the_flight_goes_on_when_only_the_launch_is_killed(field: Field) -> None:
    """The node has nobody to print to, and records until it is ended itself."""
    launch = field.launch(LAUNCH_FILE, f'flight_root:={field.root}')
    pid = pid_of_node(launch)
    said = said_by(launch)
    assert launch.stop(signal.SIGKILL) == -signal.SIGKILL
    launch.close_stdout()
    producer = field.producer('camera')
    with station_of(field) as station:
        station.hears('camera')
        published = producer.send(100, rate=1000)
        assert station.state() == 'active'
    os.kill(pid, signal.SIGTERM)
    wait_closed(Path(said['directory']))
    check_complete(LandedFlight(said), 'camera', published)


def test_a_node_that_is_killed_in_flight_comes_back(field: Field) -> None:
    """What was durable plays; the new flight names the one that it continues."""
    launch = field.launch(
        LAUNCH_FILE, f'flight_root:={field.root}', 'respawn:=true', 'respawn_delay:=0.1'
    )
    pid = pid_of_node(launch)
    said = said_by(launch)
    producer = field.producer('camera')
    with station_of(field) as station:
        station.hears('camera')
        os.kill(pid, signal.SIGKILL)
        recovered = event_of(launch, 'flight_recovered')
        again = said_by(launch)
        station.status.messages.clear()
        station.hears('camera')
        published = producer.send(100, rate=1000)
        assert station.state() == 'active'
    assert launch.stop(signal.SIGINT) == 0
    assert recovered['directory'] == said['directory']
    flight = LandedFlight(again)
    check_complete(flight, 'camera', published)
    assert flight.header.predecessor_flight_id == said['flight_id']
    bag = read_bag(Path(said['directory']))
    footer = FlightFooter.from_json(bag.custom_data['fdr_flight_footer'])
    assert not footer.clean_shutdown


def test_a_node_that_was_ended_comes_back_with_a_flight_of_its_own(field: Field) -> None:
    """The one before was closed, and is continued by none."""
    launch = field.launch(
        LAUNCH_FILE, f'flight_root:={field.root}', 'respawn:=true', 'respawn_delay:=0'
    )
    pid = pid_of_node(launch)
    said = said_by(launch)
    os.kill(pid, signal.SIGTERM)
    assert event_of(launch, 'flight_closed')['flight_id'] == said['flight_id']
    again = said_by(launch)
    assert launch.stop(signal.SIGINT) == 0
    assert LandedFlight(said).header.predecessor_flight_id is None
    assert LandedFlight(again).header.predecessor_flight_id is None


def test_the_example_with_producers(field: Field) -> None:
    """Two producers fly a sortie of five seconds in the namespace; all of it is recorded."""
    arguments = (f'flight_root:={field.root}', 'namespace:=uav1', 'seconds:=5')
    launch = field.launch(WITH_PRODUCERS, *arguments)
    landed = {}
    for _ in range(2):
        claim = event_of(launch, 'landed')
        landed[str(claim['producer_id'])] = claim
    assert launch.stop(signal.SIGINT) == 0
    (directory,) = (path for path in field.root.iterdir() if path.is_dir())
    flight = LandedFlight({'directory': str(directory), 'flight_id': directory.name})
    assert flight.footer.producers.keys() == {'fdr', *landed} == {'fdr', 'estimator', 'imu'}
    for producer_id, claim in landed.items():
        assert int(str(claim['published'])) > 100
        check_complete(flight, producer_id, int(str(claim['published'])))
