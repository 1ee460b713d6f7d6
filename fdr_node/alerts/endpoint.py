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
Reads the parameter ``mavlink_url``: where the MAVLink link leads, written as pymavlink does.

Pure. Whether anybody is there shows when the link is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Final

from fdr_node.errors import ConfigError

PORT_MAX: Final = 65_535

# Rates that Linux has a constant for and that autopilots and radios use (baud).
BAUD_RATES: Final = (
    9_600,
    19_200,
    38_400,
    57_600,
    115_200,
    230_400,
    460_800,
    500_000,
    921_600,
    1_000_000,
    1_500_000,
    2_000_000,
    3_000_000,
)
_BAUD_DEFAULT: Final = 115_200

BOUND: Final = (
    'udpout:HOST:PORT, udpin:HOST:PORT, tcp:HOST:PORT, tcpin:HOST:PORT, or a serial device with '
    'its rate, /dev/ttyS1:57600'
)

# The bounds of the name service; beyond them Python raises an error that is none of the system.
_LABEL: Final = r'[A-Za-z0-9_-]{1,63}'
_HOST_CHARACTERS_MAX: Final = 253

_NETWORK: Final = re.compile(rf'(udpout|udpin|tcp|tcpin):({_LABEL}(?:\.{_LABEL})*):([0-9]{{1,5}})')
_SERIAL: Final = re.compile(r'(/[!-~]+?)(?:[:,]([0-9]{1,9}))?')


class Way(StrEnum):
    """How the ground station or router is reached."""

    UDP_OUT = 'udpout'
    UDP_IN = 'udpin'
    TCP_OUT = 'tcp'
    TCP_IN = 'tcpin'


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkEnd:
    """
    One end of a network link.

    :param way: out: it is called; in: it calls, and the host is the interface to listen on.
    :param host: name or IPv4 address.
    :param port: [1..65535].
    """

    way: Way
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialEnd:
    """
    A serial device.

    :param path: of the device.
    :param baud: one of ``BAUD_RATES``.
    """

    path: str
    baud: int


def parse_url(url: str) -> NetworkEnd | SerialEnd:
    """
    Read where the link leads.

    :raises ConfigError: it is nothing of ``BOUND``.
    """
    if found := _NETWORK.fullmatch(url):
        way, host, port = found.groups()
        if len(host) > _HOST_CHARACTERS_MAX:
            raise _refused(url, bound=f'a host of at most {_HOST_CHARACTERS_MAX} characters')
        if not 1 <= int(port) <= PORT_MAX:
            raise _refused(url, bound=f'a port of 1 to {PORT_MAX}')
        return NetworkEnd(way=Way(way), host=host, port=int(port))
    if found := _SERIAL.fullmatch(url):
        path, baud = found.groups()
        rate = int(baud or _BAUD_DEFAULT)
        if rate not in BAUD_RATES:
            raise _refused(url, bound=f'a rate of: {", ".join(map(str, BAUD_RATES))} baud')
        return SerialEnd(path=path, baud=rate)
    raise _refused(url, bound=BOUND)


def _refused(url: str, *, bound: str) -> ConfigError:
    return ConfigError(name='mavlink_url', value=url, bound=bound)
