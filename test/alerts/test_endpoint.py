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
"""A link is read as pymavlink writes it, or refused with what is allowed."""

from __future__ import annotations

from contextlib import suppress

from fdr_node.alerts.endpoint import BAUD_RATES, BOUND, NetworkEnd, parse_url, SerialEnd, Way
from fdr_node.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st
import pytest


@pytest.mark.parametrize(
    ('url', 'end'),
    [
        (
            'udpout:192.168.1.10:14550',
            NetworkEnd(way=Way.UDP_OUT, host='192.168.1.10', port=14550),
        ),
        ('udpin:127.0.0.1:14550', NetworkEnd(way=Way.UDP_IN, host='127.0.0.1', port=14550)),
        ('tcp:router-1.local:5760', NetworkEnd(way=Way.TCP_OUT, host='router-1.local', port=5760)),
        ('tcpin:127.0.0.1:65535', NetworkEnd(way=Way.TCP_IN, host='127.0.0.1', port=65535)),
        ('/dev/ttyS1', SerialEnd(path='/dev/ttyS1', baud=115_200)),
        ('/dev/ttyS1:57600', SerialEnd(path='/dev/ttyS1', baud=57_600)),
        ('/dev/ttyACM0,921600', SerialEnd(path='/dev/ttyACM0', baud=921_600)),
        (
            '/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0:57600',
            SerialEnd(path='/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0', baud=57_600),
        ),
    ],
)
def test_a_link_is_read(url: str, end: NetworkEnd | SerialEnd) -> None:
    """Every way there is."""
    assert parse_url(url) == end


@pytest.mark.parametrize(
    'url',
    [
        '',
        'udp:127.0.0.1:14550',
        'udpout:127.0.0.1',
        'udpout::14550',
        'udpout:127.0.0.1:',
        'udpout:127.0.0.1:port',
        'udpout:127.0.0.1:14550 ',
        'udpout:a b:14550',
        'udpout:a..b:14550',
        'udpout:.b:14550',
        f'udpout:{"a" * 64}.local:14550',
        'tcp:[::1]:5760',
        'dev/ttyS1',
        '/dev/tty S1',
        '/dev/ttyS1\n',
        '/',
    ],
)
def test_what_is_no_link_is_refused(url: str) -> None:
    """The error names the parameter, its value and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    error = caught.value
    assert (error.name, error.value, error.bound) == ('mavlink_url', url, BOUND)


def test_a_host_has_its_bound() -> None:
    """That of the name service."""
    host = '.'.join(['a' * 63] * 4)
    assert parse_url(f'tcp:{host[:253]}:5760') == NetworkEnd(
        way=Way.TCP_OUT, host=host[:253], port=5760
    )
    with pytest.raises(ConfigError, match='a host of at most 253 characters'):
        parse_url(f'tcp:{host}:5760')


@pytest.mark.parametrize('port', ['0', '65536', '99999'])
def test_a_port_has_its_bound(port: str) -> None:
    """TCP and UDP have 65535 of them."""
    with pytest.raises(ConfigError, match='a port of 1 to 65535'):
        parse_url(f'tcp:localhost:{port}')


@pytest.mark.parametrize('baud', ['0', '57601', '999999999'])
def test_a_rate_is_one_of_the_system(baud: str) -> None:
    """A misspelt one would show as garbage on the ground station only."""
    with pytest.raises(ConfigError) as caught:
        parse_url(f'/dev/ttyS1:{baud}')
    assert caught.value.bound == f'a rate of: {", ".join(map(str, BAUD_RATES))} baud'


@given(st.text(max_size=300))
def test_no_text_is_anything_but_a_link_or_an_error(url: str) -> None:
    """Nothing else escapes."""
    with suppress(ConfigError):
        assert isinstance(parse_url(url), NetworkEnd | SerialEnd)
