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
"""Links send whole frames or fail within their time, and notice that the other side has gone."""

from __future__ import annotations

from contextlib import closing, contextmanager, ExitStack
import errno
from io import FileIO
import os
import socket
import time
import tty
from typing import TYPE_CHECKING

from fdr_node.alerts import links
from fdr_node.alerts.endpoint import BAUD_RATES, NetworkEnd, SerialEnd, Way
from fdr_node.alerts.links import Link, NobodyError, open_link, SerialLink
from on_disk import open_descriptors
from processes import WAIT_S
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = '127.0.0.1'
FRAME = bytes(range(60))
# The send timeout of most tests here (s).
SHORT_S = 0.05


@contextmanager
def opened(way: Way, port: int) -> Iterator[Link]:
    """Open a network link, and close it."""
    link = open_link(NetworkEnd(way=way, host=HOST, port=port))
    try:
        yield link
    finally:
        link.close()


@contextmanager
def bound(kind: socket.SocketKind) -> Iterator[socket.socket]:
    """Return a socket with a port of its own."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.settimeout(WAIT_S)
        other.bind((HOST, 0))
        yield other


def free_port(kind: socket.SocketKind) -> int:
    """Return a port where nobody listens."""
    with bound(kind) as other:
        return int(other.getsockname()[1])


def read_something(link: Link) -> bytes:
    """Return what comes in, soon."""
    deadline = time.monotonic() + WAIT_S
    while not (data := link.read()):
        assert time.monotonic() < deadline
    return data


def read_until_gone(link: Link) -> OSError:
    """Return what a link raises once the other side is known to have gone."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            link.read()
        except OSError as error:
            return error
    pytest.fail('the end did not show')


def send_until_gone(link: Link) -> OSError:
    """Return what a link raises that is read and sent to by turns."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            link.read()
            link.send(FRAME)
        except OSError as error:
            return error
    pytest.fail('the end did not show')


def test_udp_out() -> None:
    """There and back; without waiting when nothing has come."""
    with (
        bound(socket.SOCK_DGRAM) as station,
        opened(Way.UDP_OUT, station.getsockname()[1]) as link,
    ):
        assert link.read() == b''
        link.send(FRAME)
        data, sender = station.recvfrom(100)
        assert data == FRAME
        station.sendto(b'back', sender)
        assert read_something(link) == b'back'


def test_udp_to_a_port_where_nobody_listens() -> None:
    """The system says so after the first frame."""
    with opened(Way.UDP_OUT, free_port(socket.SOCK_DGRAM)) as link:
        link.send(FRAME)
        assert isinstance(read_until_gone(link), ConnectionRefusedError)


def test_udp_in() -> None:
    """Everybody who called gets it, those who were silent longest not."""
    port = free_port(socket.SOCK_DGRAM)
    with opened(Way.UDP_IN, port) as link, ExitStack() as stack:
        with pytest.raises(NobodyError, match='no ground station has called'):
            link.send(FRAME)
        stations = [stack.enter_context(bound(socket.SOCK_DGRAM)) for _ in range(9)]
        for number, station in enumerate(stations):
            station.sendto(bytes([number]), (HOST, port))
            assert read_something(link) == bytes([number])
        link.send(FRAME)
        assert [station.recv(100) for station in stations[1:]] == [FRAME] * 8
        stations[0].settimeout(0.0)
        with pytest.raises(BlockingIOError):
            stations[0].recv(100)


def test_udp_in_of_a_port_that_is_taken() -> None:
    """Two would steal each other's calls."""
    with bound(socket.SOCK_DGRAM) as other, pytest.raises(OSError, match='in use'):
        open_link(NetworkEnd(way=Way.UDP_IN, host=HOST, port=other.getsockname()[1]))


def test_a_caller_that_cannot_be_reached_hurts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when nobody can be is that an error."""
    port = free_port(socket.SOCK_DGRAM)
    with opened(Way.UDP_IN, port) as link, bound(socket.SOCK_DGRAM) as station:
        # Datagrams cannot be sent to port 0.
        monkeypatch.setattr(link, '_callers', {(HOST, 0): None, station.getsockname(): None})
        link.send(FRAME)
        assert station.recv(100) == FRAME
        monkeypatch.setattr(link, '_callers', {(HOST, 0): None})
        with pytest.raises(OSError, match='Invalid argument'):
            link.send(FRAME)


@contextmanager
def server(receive_bytes: int | None = None) -> Iterator[socket.socket]:
    """
    Return a socket that TCP connects to.

    :param receive_bytes: size of its buffer.
    """
    with bound(socket.SOCK_STREAM) as listener:
        if receive_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        listener.listen()
        yield listener


def test_tcp() -> None:
    """There and back, and the end of the server shows."""
    with server() as listener, opened(Way.TCP_OUT, listener.getsockname()[1]) as link:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(WAIT_S)
            assert link.read() == b''
            link.send(FRAME)
            assert peer.recv(100) == FRAME
            peer.sendall(b'back')
            assert read_something(link) == b'back'
        assert isinstance(read_until_gone(link), ConnectionResetError)


def test_tcp_to_a_port_where_nobody_listens() -> None:
    """Is refused, also by itself: the port is one that connections get."""
    with pytest.raises(ConnectionRefusedError):
        open_link(NetworkEnd(way=Way.TCP_OUT, host=HOST, port=free_port(socket.SOCK_STREAM)))


def test_tcp_is_not_connected_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel does when it happens to draw the port that is called."""
    port = free_port(socket.SOCK_STREAM)

    def connected(address: tuple[str, int], timeout: float) -> socket.socket:
        alone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        alone.settimeout(timeout)
        alone.bind(address)
        alone.connect(address)
        return alone

    monkeypatch.setattr(socket, 'create_connection', connected)
    with pytest.raises(ConnectionRefusedError):
        open_link(NetworkEnd(way=Way.TCP_OUT, host=HOST, port=port))


def test_an_unknown_host_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """As everything else that can be wrong with a link."""

    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', nowhere)
    with pytest.raises(socket.gaierror):
        open_link(NetworkEnd(way=Way.TCP_OUT, host='nowhere.invalid', port=5760))


@pytest.mark.parametrize('way', [Way.UDP_OUT, Way.UDP_IN])
def test_a_link_that_cannot_be_opened_leaves_nothing_open(way: Way) -> None:
    """Whatever the reason is."""
    before = open_descriptors()
    with pytest.raises(socket.gaierror):
        open_link(NetworkEnd(way=way, host='a..b', port=5760))
    assert open_descriptors() == before


def send_until_stuck(link: Link) -> int:
    """Send frames until one does not go out. :return: how many did."""
    for count in range(10_000):
        try:
            link.send(FRAME)
        except TimeoutError:
            return count
    pytest.fail('it never got stuck')


def test_a_server_that_never_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows as a timeout, before the buffers of the system have swallowed an hour of alerts."""
    monkeypatch.setattr(links, 'SEND_TIMEOUT_S', SHORT_S)
    with (
        server(receive_bytes=1) as listener,
        opened(Way.TCP_OUT, listener.getsockname()[1]) as link,
    ):
        peer, _ = listener.accept()
        with peer:
            # Three minutes of heartbeats.
            assert send_until_stuck(link) < 180
            begin = time.monotonic()
            with pytest.raises(TimeoutError):
                link.send(FRAME)
            assert time.monotonic() - begin >= SHORT_S


def test_tcp_in() -> None:
    """The client that called last gets it; one that has gone is not one."""
    port = free_port(socket.SOCK_STREAM)
    with opened(Way.TCP_IN, port) as link:
        assert link.read() == b''
        with pytest.raises(NobodyError):
            link.send(FRAME)
        with socket.create_connection((HOST, port), WAIT_S) as first:
            first.sendall(b'one')
            assert read_something(link) == b'one'
            with socket.create_connection((HOST, port), WAIT_S) as second:
                second.sendall(b'two')
                assert read_something(link) == b'two'
                link.send(FRAME)
                assert second.recv(100) == FRAME
                assert first.recv(100) == b''
        assert isinstance(send_until_gone(link), NobodyError)


@contextmanager
def terminal() -> Iterator[tuple[FileIO, str]]:
    """Return the far end of a serial line and the path of the near one."""
    far, near = os.openpty()
    try:
        tty.setraw(near)
        path = os.ttyname(near)
    finally:
        os.close(near)
    with FileIO(far, 'r+') as file:
        yield file, path


@pytest.mark.parametrize('way', [Way.UDP_IN, Way.TCP_IN])
def test_a_flood_is_read_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    """Whoever sends without end does not keep the alerts waiting."""
    monkeypatch.setattr(links, '_READS_MAX', 1)
    monkeypatch.setattr(links, '_READ_BYTES', 4)
    kind = socket.SOCK_DGRAM if way is Way.UDP_IN else socket.SOCK_STREAM
    port = free_port(kind)
    with opened(way, port) as link, bound(kind) as station:
        station.connect((HOST, port))
        station.sendall(b'one ')
        station.sendall(b'two ')
        assert [read_something(link), read_something(link)] == [b'one ', b'two ']


def test_a_serial_flood_is_read_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above; a device that is pulled out reads as the end of a file."""
    monkeypatch.setattr(links, '_READS_MAX', 1)
    monkeypatch.setattr(links, '_READ_BYTES', 4)
    with terminal() as (far, path), closing(SerialLink(SerialEnd(path=path, baud=57_600))) as link:
        far.write(b'one two ')
        assert [read_something(link), read_something(link)] == [b'one ', b'two ']
        end, other_end = os.pipe()
        os.close(other_end)
        os.dup2(end, link._file)
        os.close(end)
        assert read_until_gone(link).errno == errno.ENODEV


def test_serial() -> None:
    """There and back, byte for byte, and the end of the device shows."""
    with terminal() as (far, path):
        link = open_link(SerialEnd(path=path, baud=57_600))
        try:
            assert link.read() == b''
            # Flow control, echo and line ends would change these.
            link.send(bytes(range(256)))
            data = b''
            while len(data) < 256:
                data += far.read(1000)
            assert data == bytes(range(256))
            far.write(b'\r\n\x03back')
            assert read_something(link) == b'\r\n\x03back'
            far.close()
            assert read_until_gone(link).errno is not None
        finally:
            link.close()


def test_a_device_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a timeout, and closing it does not wait for it."""
    monkeypatch.setattr(links, 'SEND_TIMEOUT_S', SHORT_S)
    monkeypatch.setattr(links, '_SERIAL_REST_S', SHORT_S)
    with terminal() as (_, path):
        link = open_link(SerialEnd(path=path, baud=57_600))
        send_until_stuck(link)
        begin = time.monotonic()
        link.close()
        assert time.monotonic() - begin < WAIT_S


def test_what_is_no_device_is_refused(tmp_path: Path) -> None:
    """A file is not one, and what is not there is none; nothing stays open."""
    path = tmp_path / 'file'
    path.touch()
    before = open_descriptors()
    with pytest.raises(OSError, match='ioctl') as caught:
        open_link(SerialEnd(path=str(path), baud=57_600))
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError):
        open_link(SerialEnd(path=str(tmp_path / 'none'), baud=57_600))
    assert open_descriptors() == before


def test_every_rate_is_one_of_the_system() -> None:
    """The terminal takes each."""
    with terminal() as (_, path):
        for baud in BAUD_RATES:
            open_link(SerialEnd(path=path, baud=baud)).close()
