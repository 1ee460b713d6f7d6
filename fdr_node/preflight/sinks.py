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
Tries whether alerts can leave the computer: each sink that is asked for.

Nothing is sent. A connection that is opened is closed again.
"""

from __future__ import annotations

from importlib.util import find_spec
import os
import socket
from typing import Final, TYPE_CHECKING

from fdr_node.alerts.endpoint import NetworkEnd, parse_url, Way
from fdr_node.alerts.signing import read_key
from fdr_node.errors import ConfigError
from fdr_node.preflight.check import go, no_go

if TYPE_CHECKING:
    from fdr_node.alerts.endpoint import SerialEnd
    from fdr_node.config import RecorderConfig
    from fdr_node.preflight.check import Check

_CONNECT_S: Final = 2.0
_DATAGRAMS: Final = (Way.UDP_OUT, Way.UDP_IN)
_LISTENERS: Final = (Way.UDP_IN, Way.TCP_IN)


def sink_checks(config: RecorderConfig) -> list[Check]:
    """Return a check for each sink."""
    checks = {'topic': _topic, 'mavros': _mavros, 'mavlink': _mavlink}
    return [checks[sink](config) for sink in config.alert_sinks]


def _topic(_config: RecorderConfig) -> Check:
    return go('alerts: topic', 'fdr/statustext')


def _mavros(_config: RecorderConfig) -> Check:
    name = 'alerts: mavros'
    if find_spec('mavros_msgs') is None:
        return no_go(name, 'mavros_msgs is not installed', 'install it, or take mavros out')
    return go(name, 'mavros_msgs is installed')


def _mavlink(config: RecorderConfig) -> Check:
    name = 'alerts: mavlink'
    try:
        end = parse_url(config.mavlink_url)
        if config.mavlink_signing_key_path:
            read_key(config.mavlink_signing_key_path)
    except ConfigError as error:
        return no_go(name, str(error), f'correct {error.name}')
    try:
        found = _try_network(end) if isinstance(end, NetworkEnd) else _try_serial(end)
    except OSError as error:
        text = f'{config.mavlink_url}: {error.strerror or error}'
        advice = 'start the ground station or router, or correct mavlink_url'
        return no_go(name, text, advice)
    return go(name, f'{config.mavlink_url}: {found}')


def _try_network(end: NetworkEnd) -> str:
    kind = socket.SOCK_DGRAM if end.way in _DATAGRAMS else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as link:
        link.settimeout(_CONNECT_S)
        if end.way in _LISTENERS:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(end.way is Way.TCP_IN))
            link.bind((end.host, end.port))
            return 'the port is free'
        # With UDP nothing is sent by this, it only asks for a way there.
        link.connect((end.host, end.port))
    return 'there is a way to it' if end.way is Way.UDP_OUT else 'somebody listens'


def _try_serial(end: SerialEnd) -> str:
    descriptor = os.open(end.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not os.isatty(descriptor):
            raise OSError(0, 'is no serial device')
    finally:
        os.close(descriptor)
    return 'the device can be opened'
