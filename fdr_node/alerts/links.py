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
Opens the ways to a ground station: UDP, TCP and serial. None waits for longer than a bound.

What is sent goes out whole, or the link is to be closed; it is opened again by whoever uses it. A
link also reads: what others send would fill its buffers, and an end shows by it.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
import errno
import fcntl
import os
import select
import socket
import sys
import termios
import time
from typing import Final, Protocol, TYPE_CHECKING

from fdr_node.alerts.endpoint import NetworkEnd, SerialEnd, Way

if TYPE_CHECKING:
    from collections.abc import Callable

# To reach a TCP server (s).
CONNECT_TIMEOUT_S: Final = 2.0
# For one frame to go out (s); a link that is slower than that is dead.
SEND_TIMEOUT_S: Final = 1.0

# Unsent alerts are of no use in the buffers of the system: the link has to show that it is stuck.
_SEND_BUFFER_BYTES: Final = 4096
# A peer that answers nothing for so long has gone (ms).
_TCP_SILENCE_MS: Final = 5000

_MS_PER_S: Final = 1000

_READ_BYTES: Final = 65_536
_READS_MAX: Final = 64

# Callers of a UDP port that get the alerts; the one that was silent longest makes room.
_CALLERS_MAX: Final = 8

# For the last frame to leave a serial device before it is closed (s).
_SERIAL_REST_S: Final = 0.3
_SERIAL_POLL_S: Final = 0.01
_SERIAL_CONTROL: Final = termios.CS8 | termios.CREAD | termios.CLOCAL


class NobodyError(OSError):
    """No ground station has called yet."""

    def __init__(self) -> None:
        super().__init__(errno.ENOTCONN, 'no ground station has called')


class Link(Protocol):
    """
    An open way to a ground station.

    Any OSError means that it is to be closed, except :exc:`NobodyError`.
    """

    def read(self) -> bytes:
        """Return what has come in, without waiting; notice when the other side has gone."""

    def send(self, frame: bytes) -> None:
        """
        Send a frame, within ``SEND_TIMEOUT_S``.

        :raises NobodyError: it waits for a ground station to call, and none has.
        """

    def close(self) -> None:
        """Let go of it."""


def open_link(end: NetworkEnd | SerialEnd) -> Link:
    """
    Open a link; what goes out waits for ``CONNECT_TIMEOUT_S`` at most, and for the name service.

    :raises OSError: it cannot be opened.
    """
    if isinstance(end, SerialEnd):
        return SerialLink(end)
    match end.way:
        case Way.UDP_OUT:
            return UdpOut(end)
        case Way.UDP_IN:
            return UdpIn(end)
        case Way.TCP_OUT:
            return TcpOut(end)
        case Way.TCP_IN:
            return TcpIn(end)


class _SocketLink:
    """What links over one socket share."""

    _socket: socket.socket

    def send(self, frame: bytes) -> None:
        """Send a frame to the other side."""
        _send_all(self._socket.fileno(), self._socket.send, frame)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class UdpOut(_SocketLink):
    """UDP to a ground station that waits for calls."""

    def __init__(self, end: NetworkEnd) -> None:
        self._socket = _datagram_socket()
        with ExitStack() as undo:
            undo.callback(self._socket.close)
            # Connected, so that a port where nobody listens is an error and not a silence.
            self._socket.connect((end.host, end.port))
            undo.pop_all()

    def read(self) -> bytes:
        """Return what has come in; raise when the other side refuses it."""
        return _read_datagrams(self._socket, {})


class UdpIn(_SocketLink):
    """UDP to the ground stations that have called."""

    def __init__(self, end: NetworkEnd) -> None:
        self._callers: dict[tuple[str, int], None] = {}
        self._socket = _datagram_socket()
        with ExitStack() as undo:
            undo.callback(self._socket.close)
            self._socket.bind((end.host, end.port))
            undo.pop_all()

    def read(self) -> bytes:
        """Return what has come in, and keep in mind from where."""
        data = _read_datagrams(self._socket, self._callers)
        while len(self._callers) > _CALLERS_MAX:
            del self._callers[next(iter(self._callers))]
        return data

    def send(self, frame: bytes) -> None:
        """Send a frame to everybody who called; one of them is enough."""
        if not self._callers:
            raise NobodyError
        faults = []
        for caller in self._callers:
            try:
                self._socket.sendto(frame, caller)
            except OSError as error:
                faults.append(error)
        if len(faults) == len(self._callers):
            raise faults[0]


class TcpOut(_SocketLink):
    """TCP to a server, such as a router."""

    def __init__(self, end: NetworkEnd) -> None:
        self._socket = socket.create_connection((end.host, end.port), CONNECT_TIMEOUT_S)
        if self._socket.getsockname() == self._socket.getpeername():
            # On the own computer TCP can connect a port that nobody listens on with itself.
            self._socket.close()
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        _prepare_stream(self._socket)

    def read(self) -> bytes:
        """Return what has come in; raise when the server has closed."""
        return _read_stream(self._socket)


class TcpIn:
    """TCP to the client that has called last."""

    def __init__(self, end: NetworkEnd) -> None:
        self._client: socket.socket | None = None
        # Sets what a restart needs: the port of connections that have just ended may be taken.
        self._listener = socket.create_server((end.host, end.port), backlog=1)
        self._listener.settimeout(0.0)

    def read(self) -> bytes:
        """Return what has come in; a new client takes the place of the one before."""
        with suppress(BlockingIOError):
            client, _ = self._listener.accept()
            self._hang_up()
            self._client = client
            _prepare_stream(client)
        if self._client is None:
            return b''
        try:
            return _read_stream(self._client)
        except OSError:
            self._hang_up()
            return b''

    def send(self, frame: bytes) -> None:
        """Send a frame to the client."""
        if self._client is None:
            raise NobodyError
        _send_all(self._client.fileno(), self._client.send, frame)

    def close(self) -> None:
        """Close the sockets."""
        self._hang_up()
        self._listener.close()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


class SerialLink:
    """A serial device, raw, 8 data bits, no flow control."""

    def __init__(self, end: SerialEnd) -> None:
        self._file = os.open(end.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._prepare(getattr(termios, f'B{end.baud}'))
        except termios.error as error:
            os.close(self._file)
            raise OSError(error.args[0], error.args[1], end.path) from error

    def read(self) -> bytes:
        """Return what has come in; raise when the device has gone."""
        data = b''
        with suppress(BlockingIOError):
            for _ in range(_READS_MAX):
                part = os.read(self._file, _READ_BYTES)
                if not part:
                    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
                data += part
        return data

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        _send_all(self._file, lambda data: os.write(self._file, data), frame)

    def close(self) -> None:
        """Give what was sent a moment, throw the rest away: close alone could wait for long."""
        deadline = time.monotonic() + _SERIAL_REST_S
        with suppress(OSError, termios.error):
            while self._unsent_bytes() and time.monotonic() < deadline:
                time.sleep(_SERIAL_POLL_S)
            termios.tcflush(self._file, termios.TCOFLUSH)
        os.close(self._file)

    def _unsent_bytes(self) -> int:
        count = fcntl.ioctl(self._file, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    def _prepare(self, speed: int) -> None:
        characters = termios.tcgetattr(self._file)[6]
        # Without these no data and a device that has gone would look the same.
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        modes = [0, 0, _SERIAL_CONTROL, 0, speed, speed, characters]
        termios.tcsetattr(self._file, termios.TCSANOW, modes)


def _send_all(file: int, send: Callable[[bytes], int], data: bytes) -> None:
    """
    Send everything, or raise.

    :param file: descriptor of what it goes to; must not wait by itself.
    :param send: sends some of it, and returns how many bytes.
    """
    room = select.poll()
    room.register(file, select.POLLOUT)
    deadline = time.monotonic() + SEND_TIMEOUT_S
    while data:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not room.poll(left_s * _MS_PER_S):
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        with suppress(BlockingIOError):
            sent = send(data)
            data = data[sent:]


def _datagram_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(0.0)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return made


def _prepare_stream(stream: socket.socket) -> None:
    stream.settimeout(0.0)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TCP_SILENCE_MS)


def _read_stream(stream: socket.socket) -> bytes:
    data = b''
    with suppress(BlockingIOError):
        for _ in range(_READS_MAX):
            part = stream.recv(_READ_BYTES)
            if not part:
                raise ConnectionResetError(errno.ECONNRESET, 'closed by the other side')
            data += part
    return data


def _read_datagrams(bound: socket.socket, callers: dict[tuple[str, int], None]) -> bytes:
    """
    Return what has come in.

    :param callers: gets the addresses that it came from, the latest at the end.
    """
    data = b''
    with suppress(BlockingIOError):
        for _ in range(_READS_MAX):
            part, caller = bound.recvfrom(_READ_BYTES)
            callers.pop(caller, None)
            callers[caller] = None
            data += part
    return data
