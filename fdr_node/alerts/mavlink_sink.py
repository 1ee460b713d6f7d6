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
Sends alerts straight to a ground station or router: STATUSTEXT, with a heartbeat every second.

It waits for the link only in the thread of its courier. What fails closes the link; it is opened
again when the courier comes back.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Final, TYPE_CHECKING

from fdr_node import mavlink
from fdr_node.alerts.endpoint import parse_url
from fdr_node.alerts.links import NobodyError, open_link
from fdr_node.alerts.signing import read_key, Signer
from fdr_node.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fdr_node.alerts.alert import Alert
    from fdr_node.alerts.links import Link
    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig

# How often what comes in is read.
_PERIOD_S: Final = 0.25
_HEARTBEAT_NS: Final = NS_PER_S


class MavlinkSink:
    """
    The sink ``mavlink``.

    :param open_it: opens the link.
    :param address: who sends.
    :param signer: signs, or None: frames are not signed.
    :param clock: for heartbeats and signatures.
    """

    name = 'mavlink'
    period_s = _PERIOD_S

    def __init__(
        self,
        open_it: Callable[[], Link],
        *,
        address: mavlink.Address,
        signer: Signer | None,
        clock: Clock,
    ) -> None:
        self._open = open_it
        self._address = address
        self._signer = signer
        self._clock = clock
        self._link: Link | None = None
        self._number = 0
        self._heartbeat_ns: int | None = None

    def attend(self) -> None:
        """Open the link if it is closed, read what came in, and say that the recorder lives."""
        with self._held_link() as link:
            self._look_after(link)

    def deliver(self, alert: Alert) -> None:
        """Send an alert, unless the other side has gone."""
        with self._held_link() as link:
            self._look_after(link)
            self._send(link, mavlink.statustext(alert.severity, alert.text))

    def close(self) -> None:
        """Close the link."""
        link, self._link = self._link, None
        self._heartbeat_ns = None
        if link is not None:
            link.close()

    @contextmanager
    def _held_link(self) -> Iterator[Link]:
        """Yield the link; a fault closes it, but not that nobody has called yet."""
        try:
            self._link = self._link or self._open()
            yield self._link
        except NobodyError:
            raise
        except OSError:
            self.close()
            raise

    def _look_after(self, link: Link) -> None:
        self._read(link)
        now_ns = self._clock.monotonic_ns()
        if self._heartbeat_ns is None or now_ns - self._heartbeat_ns >= _HEARTBEAT_NS:
            self._send(link, mavlink.heartbeat())
            self._heartbeat_ns = now_ns
            # Where nobody listens the system says so now, and the alert is not sent in vain.
            self._read(link)

    def _read(self, link: Link) -> None:
        data = link.read()
        if self._signer is not None:
            self._signer.hear(data)

    def _send(self, link: Link, message: mavlink.Message) -> None:
        signer, wall_ns = self._signer, self._clock.wall_ns()
        signature = None if signer is None else signer.signature(wall_ns)
        link.send(message.frame(self._number, self._address, signature))
        self._number += 1


def open_mavlink_sink(config: RecorderConfig, clock: Clock) -> MavlinkSink:
    """
    Return the sink that the parameters ask for; the link is opened later, by its courier.

    :raises ConfigError: the URL or the key file is none.
    """
    end = parse_url(config.mavlink_url)
    path = config.mavlink_signing_key_path
    return MavlinkSink(
        lambda: open_link(end),
        address=mavlink.Address(
            system_id=config.mavlink_system_id, component_id=config.mavlink_component_id
        ),
        signer=Signer(read_key(path)) if path else None,
        clock=clock,
    )
