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
"""How the executable starts, refuses to start, and starts again after a crash."""

from __future__ import annotations

from pathlib import Path
import signal
from typing import TYPE_CHECKING

from bag_reader import read_bag
from fdr_node.schema import FlightFooter
from ground_station import recorded
from node_flight import check_complete, LandedFlight
import pytest

if TYPE_CHECKING:
    from ground_station import GroundStation
    from processes import Field, Recorder

pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.timeout(60),
    # A process that refuses to start waits for somebody to hear why.
    pytest.mark.usefixtures('station'),
]

CANNOT = 1
USAGE = 2

# The process ends when the flight cannot be opened, instead of trying again.
ONCE = ('-p', 'open_retry_s:=0.0')


def refusal(recorder: Recorder, *, code: int, event: str) -> str:
    """Wait for the end of a recorder that does not start, and return its reason."""
    assert recorder.wait() == code
    assert recorder.popen.stdout is not None
    assert recorder.popen.stdout.read() == b''
    (told,) = [told for told in recorder.events() if told['level'] == 'ERROR']
    assert told['event'] == event
    return str(told['reason'])


@pytest.mark.parametrize(
    ('argument', 'reason'),
    [
        pytest.param('histroy:=5', 'histroy is 5, allowed: a known parameter', id='unknown'),
        pytest.param(
            'history_depth:=0', 'history_depth is 0, allowed: 1 to 1000000 records', id='range'
        ),
        pytest.param(
            'chunk_bytes:=1e6',
            'chunk_bytes is 1000000.0, allowed: int, 4096 to 67108864 bytes',
            id='type',
        ),
        pytest.param(
            'segment_bytes_max:=1073741824000',
            'segment_bytes_max is 1073741824000, allowed: 524288 to 17179869184 bytes',
            id='size',
        ),
        pytest.param(
            'flight_bytes_max:=2097152',
            'flight_bytes_max is 2097152, allowed: '
            'at least 2 x segment_bytes_max + 262144 = 537133056 bytes',
            id='two that do not fit',
        ),
    ],
)  # fmt: skip
def test_a_bad_parameter_stops_the_start(field: Field, argument: str, reason: str) -> None:
    """One line names it, its value and its bound; nothing is made."""
    assert refusal(field.recorder('-p', argument), code=USAGE, event='parameter_refused') == reason
    assert not field.root.exists()


def test_a_flight_id_that_is_no_uuid_is_a_bad_parameter(field: Field) -> None:
    """It is found out when the flight is opened."""
    recorder = field.recorder('-p', 'flight_id:=sortie-7')
    reason = refusal(recorder, code=USAGE, event='flight_not_opened')
    assert reason == "flight_id is 'sortie-7', allowed: a UUID, or empty"
    assert not field.root.exists()


def test_a_manifest_that_is_missing_refuses_the_flight(field: Field) -> None:
    """The aircraft does not take off with a plan that nobody can name later."""
    recorder = field.recorder(*ONCE, '-p', f'manifest_paths:=[{field.place}/missing.plan]')
    reason = refusal(recorder, code=CANNOT, event='flight_not_opened')
    assert f'{field.place}/missing.plan: the manifest cannot be read' in reason
    assert not field.root.exists()


def test_a_second_recorder_on_the_same_root_names_the_first(field: Field) -> None:
    """The lock and who holds it are in the message; the first one is not disturbed."""
    first = field.recorder()
    said = first.wait_recording()
    second = field.recorder(*ONCE)
    reason = refusal(second, code=CANNOT, event='flight_not_opened')
    assert str(field.root / '.fdr.lock') in reason
    assert f'pid {first.popen.pid}' in reason
    assert said['flight_id'] in reason
    assert first.stop() == 0
    assert LandedFlight(said).footer.records_written == 2
    assert sorted(path.name for path in field.root.iterdir()) == ['.fdr.lock', said['flight_id']]


def test_a_recorder_that_has_to_wait_starts_when_it_can(field: Field) -> None:
    """It says why it waits, is not ready, and needs no restart when the cause is gone."""
    first = field.recorder()
    said = first.wait_recording()
    second = field.recorder('-p', 'open_retry_s:=0.5')
    second.wait_errors(f'pid {first.popen.pid}')
    assert first.stop() == 0
    assert second.wait_recording()['flight_id'] != said['flight_id']
    assert second.stop() == 0


def test_a_recorder_that_never_flew_says_so_in_its_exit_code(field: Field) -> None:
    """Whoever started it learns that nothing was recorded."""
    recorder = field.recorder('-p', f'manifest_paths:=[{field.place}/missing.plan]')
    recorder.wait_errors('flight_not_opened')
    assert recorder.stop() == CANNOT
    assert not field.root.exists()


def test_after_a_kill_the_next_one_starts(field: Field, station: GroundStation) -> None:
    """The lock of a dead process is no obstacle, and what was durable of its flight plays."""
    first = field.recorder('-p', 'commit_interval_s:=0.2')
    said = first.wait_recording()
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(200, rate=2000)
    # With nothing left to commit, the last commit grows older than the interval.
    station.status.wait_for(
        lambda status: recorded(status, 'camera') == published and status.last_commit_age_s > 0.5
    )
    first.stop(signal.SIGKILL)
    second = field.recorder()
    said_again = second.wait_recording()
    assert said_again['flight_id'] != said['flight_id']
    (told,) = second.events('flight_recovered')
    assert told['directory'] == said['directory']
    assert second.stop() == 0
    assert LandedFlight(said_again).bag.records[0].kind == 'flight_header'
    bag = read_bag(Path(said['directory']))
    assert [r.seq for r in bag.records if r.producer_id == 'camera'] == list(range(published))
    footer = FlightFooter.from_json(bag.custom_data['fdr_flight_footer'])
    assert not footer.clean_shutdown


def test_a_reader_of_stdout_that_has_gone_is_no_reason_not_to_record(
    field: Field, station: GroundStation
) -> None:
    """Whoever started it may have read the first line and left."""
    recorder = field.recorder()
    said = recorder.wait_recording()
    recorder.close_stdout()
    assert station.transition('deactivate')
    assert station.transition('activate')
    assert station.state() == 'active'
    producer = field.producer('camera')
    station.hears('camera')
    published = producer.send(20, rate=200)
    assert station.state() == 'active'
    assert recorder.stop() == 0
    check_complete(LandedFlight(said), 'camera', published)
