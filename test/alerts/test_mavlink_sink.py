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
"""A real ground station hears the alerts, and a link that is dead hurts nobody."""

from __future__ import annotations

from contextlib import contextmanager, ExitStack, suppress
import socket
from threading import Event as Flag
import time
from typing import TYPE_CHECKING

from fdr_node.alerts import links
from fdr_node.alerts.desk import AlertDesk
from fdr_node.alerts.mavlink_sink import open_mavlink_sink
from fdr_node.clock import SystemClock
from fdr_node.config import RecorderConfig
from fdr_node.errors import ConfigError
from fdr_node.events import Event
from mavlink_station import Heard, HOST, MavlinkStation
from on_disk import open_descriptors
from processes import WAIT_S
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILED = Event(name='storage_failed', facts={'errno': 'ENOSPC'})
RECOVERED = Event(name='recovered', facts={'duration_s': 12.5, 'records_lost': 345})
FULL = (2, 'FDR: disk full, not recording')
AGAIN = (5, 'FDR: recording again, out 12 s, 345 lost')
KEY = bytes(range(100, 132))


def config(url: str, key_path: Path | None = None) -> RecorderConfig:
    """Return parameters with the sink mavlink."""
    return RecorderConfig(
        alert_sinks=('mavlink',),
        mavlink_url=url,
        mavlink_system_id=7,
        mavlink_signing_key_path=str(key_path or ''),
    )


@contextmanager
def desk_to(url: str, key_path: Path | None = None) -> Iterator[AlertDesk]:
    """Open a desk with the sink mavlink alone, and close it."""
    clock = SystemClock()
    sink = open_mavlink_sink(config(url, key_path), clock)
    desk = AlertDesk([sink], clock=clock, repeat_s=60, prearm_s=60)
    try:
        yield desk
    finally:
        assert desk.close(WAIT_S)


def wait_for_fault(desk: AlertDesk) -> str:
    """Return what is wrong with the link, once that is known."""
    deadline = time.monotonic() + WAIT_S
    while not (fault := str(desk.health().values['mavlink: fault'])):
        assert time.monotonic() < deadline
        Flag().wait(0.01)
    return fault


@pytest.mark.slow
@pytest.mark.parametrize(('way', 'back'), [('udpin', 'udpout'), ('tcpin', 'tcp')])
def test_the_operator_reads_failure_and_recovery(way: str, back: str) -> None:
    """Severity and text, from the onboard computer of the aircraft, which says that it lives."""
    with MavlinkStation(way) as station, desk_to(f'{back}:{HOST}:{station.port}') as desk:
        heartbeat = Heard(kind='HEARTBEAT', severity=-1, text='', sender=(7, 191), is_signed=False)
        assert station.hear('HEARTBEAT') == heartbeat
        desk.tell(FAILED)
        assert station.hear_text() == FULL
        desk.tell(RECOVERED)
        assert station.hear_text() == AGAIN
        assert station.hear('HEARTBEAT') == heartbeat


@pytest.mark.parametrize(('way', 'back'), [('udpin', 'udpout'), ('tcpin', 'tcp')])
def test_a_signed_link(tmp_path: Path, way: str, back: str) -> None:
    """A station that demands it takes what is signed with its key."""
    (tmp_path / 'key').write_text(KEY.hex())
    with (
        MavlinkStation(way, key=KEY) as station,
        desk_to(f'{back}:{HOST}:{station.port}', tmp_path / 'key') as desk,
    ):
        desk.tell(FAILED)
        heard = station.hear('STATUSTEXT')
        assert (heard.severity, heard.text, heard.is_signed) == (*FULL, True)
        assert station.refused == 0


@pytest.mark.parametrize('key', [None, bytes(32)], ids=['unsigned', 'other key'])
def test_a_station_that_demands_a_signature_refuses_others(
    tmp_path: Path, key: bytes | None
) -> None:
    """Not signed, or with another key."""
    path = None
    if key is not None:
        path = tmp_path / 'key'
        path.write_bytes(key)
    with (
        MavlinkStation('udpin', key=KEY) as station,
        desk_to(f'udpout:{HOST}:{station.port}', path) as desk,
    ):
        desk.tell(FAILED)
        station.wait_refused()


@pytest.mark.slow
@pytest.mark.parametrize(('way', 'back'), [('udpin', 'udpout'), ('tcpin', 'tcp')])
def test_a_station_that_is_started_again(way: str, back: str) -> None:
    """What was told meanwhile arrives, in its order, and what is told later too."""
    station = MavlinkStation(way)
    with desk_to(f'{back}:{HOST}:{station.port}') as desk:
        with station:
            desk.tell(FAILED)
            assert station.hear_text() == FULL
        wait_for_fault(desk)
        desk.tell(RECOVERED)
        desk.tell(FAILED)
        with MavlinkStation(way, port=station.port) as again:
            assert [again.hear_text(), again.hear_text()] == [AGAIN, FULL]
            desk.tell(RECOVERED)
            assert again.hear_text() == AGAIN
    assert desk.health().values['mavlink: sent'] == 4


@pytest.mark.parametrize(('way', 'back'), [('udpin', 'udpout'), ('tcpin', 'tcp')])
def test_a_station_that_comes_late(way: str, back: str) -> None:
    """Until then its port is refused, which /diagnostics says."""
    with MavlinkStation(way) as early:
        port = early.port
    with desk_to(f'{back}:{HOST}:{port}') as desk:
        desk.tell(FAILED)
        assert 'refused' in wait_for_fault(desk)
        assert desk.health().values['mavlink: sent'] == 0
        with MavlinkStation(way, port=port) as station:
            assert station.hear_text() == FULL


@pytest.mark.parametrize('way', ['udpin', 'tcpin'])
def test_a_station_that_calls(way: str) -> None:
    """What was told before it has called is told to it."""
    with MavlinkStation(way) as early:
        port = early.port
    with desk_to(f'{way}:{HOST}:{port}') as desk:
        desk.tell(FAILED)
        assert 'no ground station has called' in wait_for_fault(desk)
        kind = socket.SOCK_DGRAM if way == 'udpin' else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as caller:
            caller.settimeout(WAIT_S)
            caller.connect((HOST, port))
            caller.send(b'here I am')
            data = b''
            while FULL[1].encode() not in data:
                data += caller.recv(1000)


def test_a_router_that_never_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling costs nothing all the while; the next router gets the alerts."""
    monkeypatch.setattr(links, 'SEND_TIMEOUT_S', 0.05)
    with ExitStack() as stack:
        stuck = stack.enter_context(socket.create_server((HOST, 0)))
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        port = stuck.getsockname()[1]
        desk = stack.enter_context(desk_to(f'tcp:{HOST}:{port}'))
        calm_s = cost_s(desk)
        deadline = time.monotonic() + WAIT_S
        while 'timed out' not in str(desk.health().values['mavlink: fault']):
            assert time.monotonic() < deadline
            desk.tell(FAILED)
            desk.tell(RECOVERED)
        # Half a second of another's work on the computer is let pass.
        assert cost_s(desk) < 5 * calm_s + 0.5
        stuck.close()
        with MavlinkStation('tcpin', port=port) as station:
            assert station.hear_text() in {FULL, AGAIN}


def cost_s(desk: AlertDesk) -> float:
    """Return how long it takes to tell a thousand alerts."""
    begin = time.perf_counter()
    for _ in range(500):
        desk.tell(FAILED)
        desk.tell(RECOVERED)
    return time.perf_counter() - begin


def test_a_link_that_is_tried_again_leaves_nothing_open() -> None:
    """However often that is."""
    with MavlinkStation('tcpin') as gone:
        port = gone.port
    sink = open_mavlink_sink(config(f'tcp:{HOST}:{port}'), SystemClock())
    before = open_descriptors()
    for _ in range(100):
        with pytest.raises(ConnectionRefusedError):
            sink.attend()
    with MavlinkStation('tcpin', port=port):
        sink.attend()
    for _ in range(100):
        with suppress(OSError):
            sink.attend()
    assert open_descriptors() == before
    sink.close()


def test_what_is_asked_for_wrongly_is_refused_before_the_start() -> None:
    """By the name of the parameter; no thread was started, nothing opened."""
    with pytest.raises(ConfigError) as caught:
        open_mavlink_sink(config('carrier pigeon'), SystemClock())
    assert (caught.value.name, caught.value.value) == ('mavlink_url', 'carrier pigeon')


def test_a_key_that_is_none_is_refused_before_the_start(tmp_path: Path) -> None:
    """As above."""
    path = tmp_path / 'none'
    with pytest.raises(ConfigError) as caught:
        open_mavlink_sink(config('tcp:localhost:5760', path), SystemClock())
    assert (caught.value.name, caught.value.value) == ('mavlink_signing_key_path', str(path))
