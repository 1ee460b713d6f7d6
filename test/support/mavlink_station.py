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
"""A MAVLink ground station: pymavlink with its own connections, as MAVProxy uses it."""

# pymavlink is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from dataclasses import dataclass
import os
import time
from typing import TYPE_CHECKING

from processes import WAIT_S
from pymavlink import mavutil
import pytest

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

HOST = '127.0.0.1'


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message of the kinds that the recorder sends."""

    kind: str
    severity: int
    text: str
    sender: tuple[int, int]
    is_signed: bool


class MavlinkStation:
    """
    A station that listens.

    :param way: ``udpin`` or ``tcpin``.
    :param port: where; 0 draws one.
    :param key: with it, what is not signed with that key is refused.
    """

    def __init__(self, way: str, *, port: int = 0, key: bytes | None = None) -> None:
        # What mavutil asks to know that MAVLink 2 is meant.
        os.environ['MAVLINK20'] = '1'
        mavutil.set_dialect('common')
        self._connection = mavutil.mavlink_connection(
            f'{way}:{HOST}:{port}', source_system=255, source_component=190
        )
        listener = self._connection.port if way == 'udpin' else self._connection.listen
        self.port = int(listener.getsockname()[1])
        if key is not None:
            self._connection.setup_signing(key, sign_outgoing=True)

    def __enter__(self) -> Self:
        """Listen already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self.close()

    def close(self) -> None:
        """Hang up, and listen no longer."""
        self._connection.close()

    @property
    def refused(self) -> int:
        """Return how many frames had no or a wrong signature."""
        return int(self._connection.mav.total_receive_errors)

    def hear(self, kind: str) -> Heard:
        """Return the next message of a kind; others before it are passed over."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            message = self._connection.recv_match(blocking=True, timeout=0.2)
            if message is not None and message.get_type() == kind:
                return self._heard(message)
        pytest.fail(f'no {kind} came')

    def hear_text(self) -> tuple[int, str]:
        """Return severity and text of the next alert."""
        heard = self.hear('STATUSTEXT')
        return heard.severity, heard.text

    def wait_refused(self) -> None:
        """Wait until a frame was refused; nothing may be taken before."""
        deadline = time.monotonic() + WAIT_S
        while not self.refused:
            assert time.monotonic() < deadline
            message = self._connection.recv_match(blocking=True, timeout=0.2)
            assert message is None or message.get_type() == 'BAD_DATA', message

    @staticmethod
    def _heard(message: mavutil.mavlink.MAVLink_message) -> Heard:
        return Heard(
            kind=message.get_type(),
            severity=getattr(message, 'severity', -1),
            text=getattr(message, 'text', ''),
            sender=(message.get_srcSystem(), message.get_srcComponent()),
            is_signed=message.get_signed(),
        )
