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
"""Each sink is tried as far as that goes without sending."""

from __future__ import annotations

from contextlib import closing
import os
import pty
import socket
from typing import TYPE_CHECKING

from fdr_node.config import RecorderConfig
from fdr_node.preflight.check import Verdict
from fdr_node.preflight.sinks import sink_checks
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.preflight.check import Check


def mavlink(url: str, key_path: str = '') -> Check:
    """Return the check of a MAVLink link."""
    config = RecorderConfig(
        alert_sinks=('mavlink',), mavlink_url=url, mavlink_signing_key_path=key_path
    )
    (check,) = sink_checks(config)
    return check


def test_the_sinks_that_are_asked_for_are_tried() -> None:
    """In their order; mavros_msgs comes with MAVROS alone."""
    checks = sink_checks(RecorderConfig(alert_sinks=('mavros', 'topic')))
    assert [check.name for check in checks] == ['alerts: mavros', 'alerts: topic']
    assert checks[1].verdict is Verdict.GO
    assert sink_checks(RecorderConfig(alert_sinks=())) == []


@pytest.mark.parametrize('is_there', [True, False])
def test_mavros_needs_its_messages(monkeypatch: pytest.MonkeyPatch, *, is_there: bool) -> None:
    """What is not installed is named."""
    spec = object() if is_there else None
    monkeypatch.setattr('fdr_node.preflight.sinks.find_spec', {'mavros_msgs': spec}.__getitem__)
    (check,) = sink_checks(RecorderConfig(alert_sinks=('mavros',)))
    assert (check.verdict is Verdict.GO, 'mavros_msgs' in check.text) == (is_there, True)


@pytest.mark.parametrize('way', ['tcp', 'udpin', 'tcpin'])
def test_a_port_is_tried(way: str) -> None:
    """One that somebody listens on is good to call, and not to listen on; then the other way."""
    kind = socket.SOCK_DGRAM if way == 'udpin' else socket.SOCK_STREAM
    with closing(socket.socket(socket.AF_INET, kind)) as other:
        other.bind(('127.0.0.1', 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        url = f'{way}:127.0.0.1:{other.getsockname()[1]}'
        taken = mavlink(url)
    free = mavlink(url)
    wanted = (Verdict.GO, Verdict.NO_GO) if way == 'tcp' else (Verdict.NO_GO, Verdict.GO)
    assert (taken.verdict, free.verdict) == wanted
    reasons = {taken.text, free.text}
    reason = 'Connection refused' if way == 'tcp' else 'Address already in use'
    assert f'{url}: {reason}' in reasons


def test_a_way_by_udp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers there, so that a way is all that can be found; a name must be known."""
    assert mavlink('udpout:127.0.0.1:14550').verdict is Verdict.GO

    def unknown(*_args: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    monkeypatch.setattr(socket.socket, 'connect', unknown)
    check = mavlink('udpout:ground:14550')
    assert (check.verdict, check.text) == (
        Verdict.NO_GO,
        'udpout:ground:14550: Name or service not known',
    )


def test_a_serial_device(tmp_path: Path) -> None:
    """It is there, it is missing, or it is no serial device."""
    leader, follower = pty.openpty()
    path = os.ttyname(follower)
    assert mavlink(f'{path}:57600').verdict is Verdict.GO
    os.close(leader)
    os.close(follower)
    (tmp_path / 'tty').touch()
    assert mavlink(f'{tmp_path}/tty:57600').text.endswith('is no serial device')
    assert mavlink(f'{tmp_path}/none:57600').text.endswith('No such file or directory')


def test_a_link_or_key_that_is_none(tmp_path: Path) -> None:
    """The parameter is named, as the node does at the start."""
    wrong = mavlink('carrier pigeon')
    assert (wrong.verdict, wrong.advice) == (Verdict.NO_GO, 'correct mavlink_url')
    keyless = mavlink('udpout:127.0.0.1:14550', f'{tmp_path}/key')
    assert (keyless.verdict, keyless.advice) == (
        Verdict.NO_GO,
        'correct mavlink_signing_key_path',
    )
