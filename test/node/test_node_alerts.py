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
"""The real node tells the operator over MAVLink, and a link that is dead does not hold it up."""

from __future__ import annotations

from contextlib import contextmanager, ExitStack, suppress
from datetime import datetime
import logging
import socket
import time
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticStatus
from fdr_node.msg import StatusText
from mavlink_station import HOST, MavlinkStation
import pytest
from small_disk import small_disk
from sortie import sortie_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from diagnostic_msgs.msg import DiagnosticArray
    from mavlink_station import Heard
    from processes import Field
    from sortie import Sortie

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(60)]
long = pytest.mark.long

# What was measured: pytest --log-cli-level=INFO.
LOG = logging.getLogger(__name__)

MIB = 1 << 20
KEY = bytes(range(50, 82))
# From the fault to the text, and to the end of a recorder whose link hangs (s).
ALERT_S = 1.0
END_S = 8.0


def mavlink_to(url: str, *settings: str) -> list[str]:
    """Return the parameters of a recorder that alerts over MAVLink and on its topic."""
    return ['alert_sinks:=[topic, mavlink]', f'mavlink_url:={url}', *settings]


def words(settings: list[str]) -> list[str]:
    """Return parameters as a command line has them."""
    return [word for item in settings for word in ('-p', item)]


def test_an_aircraft_that_cannot_record_is_not_armed(field: Field) -> None:
    """The operator reads why, and that it is over, without a restart."""
    field.root = field.place / 'disk' / 'flights'
    with MavlinkStation('udpin') as operator:
        url = f'udpout:{HOST}:{operator.port}'
        recorder = field.recorder(*words(mavlink_to(url, 'open_retry_s:=0.5')))
        assert operator.hear_text() == (StatusText.CRITICAL, 'PreArm: FDR flight root missing')
        field.root.parent.mkdir()
        recorder.wait_recording()
        ready = (StatusText.NOTICE, 'FDR: ready for take-off, recording')
        assert operator.hear_text() == ready
        assert recorder.stop() == 0


def test_a_link_that_is_not_there_is_told_in_the_log(field: Field) -> None:
    """Once, with the sink and its fault; the operator cannot be told."""
    field.root = field.place / 'disk' / 'flights'
    recorder = field.recorder(*words(mavlink_to('/dev/no-such-modem', 'open_retry_s:=0.5')))
    failed = recorder.wait_event('alerts_failed')
    assert (failed['level'], failed['reason']) == ('WARN', 'not delivered: mavlink')
    assert '/dev/no-such-modem' in str(failed['mavlink: fault'])
    field.root.parent.mkdir()
    recorder.wait_recording()
    assert recorder.stop() == 0
    assert len(recorder.events('alerts_failed')) == 1


def test_a_bad_parameter_is_read_before_the_process_ends(field: Field) -> None:
    """With its name."""
    with MavlinkStation('udpin') as operator:
        url = f'udpout:{HOST}:{operator.port}'
        recorder = field.recorder(*words(mavlink_to(url, 'flight_bytes_max:=1')))
        named = (StatusText.CRITICAL, 'PreArm: FDR parameter flight_bytes_max')
        assert operator.hear_text() == named
        assert recorder.wait() == 2


def hear_until(operator: MavlinkStation, severity: int) -> Heard:
    """Return the next alert of a severity."""
    heard = operator.hear('STATUSTEXT')
    while heard.severity != severity:
        heard = operator.hear('STATUSTEXT')
    return heard


def logged_s(sortie: Sortie, name: str) -> float:
    """Return when an event was logged first, in seconds since the epoch."""
    text = str(sortie.recorder.wait_event(name)['time'])
    return datetime.fromisoformat(text).timestamp()


@long
@pytest.mark.fault
def test_a_full_disk_in_flight_and_its_end(tmp_path: Path) -> None:
    """Within a second, over a signed link."""
    key_path = tmp_path / 'key'
    key_path.write_bytes(KEY)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / 'disk', size_bytes=16 * MIB))
        operator = stack.enter_context(MavlinkStation('udpin', key=KEY))
        sortie = stack.enter_context(sortie_of(tmp_path, disk / 'root'))
        url = f'udpout:{HOST}:{operator.port}'
        sortie.take_off(
            'degraded_keep_bytes:=1125899906842624',
            *mavlink_to(url, f'mavlink_signing_key_path:={key_path}'),
        )
        with suppress(OSError), (disk / 'other').open('wb', buffering=0) as other:
            while True:
                other.write(bytes(MIB))
        failure = hear_until(operator, StatusText.CRITICAL)
        heard_s = time.time()
        assert (failure.text, failure.is_signed) == ('FDR: disk full, not recording', True)
        delay_s = heard_s - logged_s(sortie, 'storage_failed')
        LOG.info('heard %.3f s after the fault', delay_s)
        assert delay_s <= ALERT_S
        (disk / 'other').unlink()
        end = hear_until(operator, StatusText.NOTICE)
        assert end.text.startswith('FDR: recording again, out ')
        sortie.fly(50)
        sortie.land()


@contextmanager
def refusing() -> Iterator[str]:
    """Return the link to a port where nobody listens."""
    with MavlinkStation('tcpin') as gone:
        url = f'tcp:{HOST}:{gone.port}'
    yield url


@contextmanager
def silent() -> Iterator[str]:
    """Return the link to a server that does not even answer the call."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        # Those that fit into its queue; whoever comes now hears nothing.
        for _ in range(4):
            caller = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            caller.settimeout(0.0)
            caller.connect_ex(listener.getsockname())
        yield f'tcp:{HOST}:{listener.getsockname()[1]}'


@contextmanager
def nowhere() -> Iterator[str]:
    """Return the link to a computer that does not exist."""
    yield 'udpout:nowhere.invalid:14550'


def alerts_of(array: DiagnosticArray) -> DiagnosticStatus:
    """Return what diagnostics say of the alerts."""
    (status,) = [item for item in array.status if item.name == 'fdr: alerts']
    return status


def is_unwell(array: DiagnosticArray) -> bool:
    """Return whether diagnostics say that alerts do not get out."""
    return bool(alerts_of(array).level == DiagnosticStatus.WARN)


def fly(sortie: Sortie) -> float:
    """Record two seconds and land; nothing is lost. :return: how long the end took (s)."""
    sortie.fly(400)
    assert sortie.status().ready_for_takeoff
    begin_s = time.monotonic()
    landed = sortie.land()
    assert landed.lost_by() == {}
    return time.monotonic() - begin_s


@long
@pytest.mark.fault
@pytest.mark.parametrize('link', [refusing, silent, nowhere])
def test_a_dead_link_does_not_hold_up_the_recorder(
    tmp_path: Path, link: Callable[[], AbstractContextManager[str]]
) -> None:
    """Nothing is lost, it is ready, it ends in time, and diagnostics say what is wrong."""
    with link() as url, sortie_of(tmp_path, tmp_path / 'root') as sortie:
        sortie.take_off(*mavlink_to(url))
        array = sortie.station.diagnostics.wait_for(is_unwell)
        LOG.info('%s: %s', url, alerts_of(array))
        end_s = fly(sortie)
        LOG.info('end %.2f s', end_s)
        assert end_s < END_S


@long
@pytest.mark.fault
def test_a_ground_station_that_goes_in_flight(tmp_path: Path) -> None:
    """And comes back: it is found again, and nothing was lost."""
    with ExitStack() as stack:
        sortie = stack.enter_context(sortie_of(tmp_path, tmp_path / 'root'))
        with MavlinkStation('tcpin') as operator:
            sortie.take_off(*mavlink_to(f'tcp:{HOST}:{operator.port}'))
            operator.hear('HEARTBEAT')
        sortie.station.diagnostics.wait_for(is_unwell)
        sortie.fly(100)
        with MavlinkStation('tcpin', port=operator.port) as again:
            again.hear('HEARTBEAT')
        fly(sortie)
