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
"""fdr demo --listen: it shows what others publish until it is enough."""

from __future__ import annotations

import argparse
import json
import os
import signal
from threading import Event, Thread
from typing import Self, TYPE_CHECKING
from uuid import uuid4

from fdr_node.cli import demo, listen
from fdr_node.cli.output import FINDINGS
from fdr_node.errors import ConfigError
from fdr_node.producer import FdrClient
from fdr_node.record import encode_cdr
from own_context import random_domain
import pytest
from rigs import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

GARBAGE = b'\x00\x01\x00\x00garbage'
RECORDS = [encode_cdr(record_of(seq)._replace(payload=b'\x81\xa1n\x05')) for seq in range(3)]


def arguments(*words: str) -> argparse.Namespace:
    """Parse the arguments of fdr demo."""
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return parser.parse_args(['--listen', *words])


class Inlet:
    """Stands in for the inlet: it has heard something already, and then sends a signal."""

    heard: Sequence[bytes] = ()
    dropped = 0

    def __init__(self, topic: str) -> None:
        assert topic == '/fdr/records'
        self._left = list(self.heard)

    def take(self, timeout_s: float) -> bytes | None:
        """Return the next one; when all have been taken, interrupt the process."""
        assert timeout_s <= listen._LOOK_S
        if self._left:
            return self._left.pop(0)
        os.kill(os.getpid(), signal.SIGINT)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        pass


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> type[Inlet]:
    """Return what the inlet is replaced by."""
    monkeypatch.setattr(listen, 'Inlet', Inlet)
    monkeypatch.setattr(Inlet, 'heard', RECORDS)
    return Inlet


@pytest.mark.usefixtures('heard')
def test_a_line_for_each_record_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    """Until Ctrl-C."""
    assert demo.run(arguments()) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [line.split(' ', 1)[1] for line in lines[:3]] == [
        f'imu_1 imu {seq} {{"n": 5}}' for seq in range(3)
    ]
    assert lines[3:] == [
        '',
        'imu_1: 3 records, 0 missing between them, 0 again',
        '3 records of 1 producers',
    ]
    assert captured.err == 'listening to /fdr/records\n'


@pytest.mark.parametrize('words', [[], ['--json']], ids=['text', 'json'])
def test_names_do_nothing_to_a_terminal(
    words: list[str], heard: type[Inlet], capsys: pytest.CaptureFixture[str]
) -> None:
    """They are made up by whoever is on the network."""
    record = record_of(7)._replace(producer_id='a\x1b[2J', kind='b\n\x9b', payload=b'\x80')
    heard.heard = [encode_cdr(record)]
    demo.run(arguments(*words))
    out = capsys.readouterr().out
    assert all(char.isprintable() for char in out.replace('\n', ''))
    assert ('a?[2J b?? 7 {}' in out) == (not words)


@pytest.mark.usefixtures('heard')
def test_so_many_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    """With --count; as JSON every line is an object, and the last one is the sum."""
    assert demo.run(arguments('--count', '2', '--json')) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [item['event'] for item in found] == ['record', 'record', 'summary']
    assert [item['seq'] for item in found[:2]] == [0, 1]
    producers = {'imu_1': {'records': 2, 'missing': 0, 'repeated': 0}}
    assert found[2] == {
        'event': 'summary',
        'records': 2,
        'malformed': 0,
        'dropped': 0,
        'producers': producers,
    }


def test_what_is_no_record_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, heard: type[Inlet], capsys: pytest.CaptureFixture[str]
) -> None:
    """And does not count as one of those that were asked for."""
    monkeypatch.setattr(heard, 'heard', [GARBAGE, *RECORDS])
    assert demo.run(arguments('--count', '1')) == FINDINGS
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('11 bytes that are no record')
    assert lines[-1] == '1 records of 1 producers, and 1 messages that are no record'


def test_what_found_no_room_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, heard: type[Inlet], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said how much it was."""
    monkeypatch.setattr(heard, 'dropped', 1234)
    assert demo.run(arguments()) == FINDINGS
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == '1,234 more came faster than they could be shown'


def test_a_count_below_nothing_is_refused() -> None:
    """It names the argument and its bound."""
    with pytest.raises(ConfigError) as caught:
        demo.run(arguments('--count', '-1'))
    assert (caught.value.name, caught.value.value) == ('count', -1)


@pytest.mark.ros
def test_a_real_producer_is_heard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From its first record on."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))
    topic = f'/fdr_test_{uuid4().hex}'

    def publish() -> None:
        with FdrClient.standalone('imu_1', topic=topic, hold_back_s=10.0) as client:
            for number in range(10):
                client.record('tick', {'n': number})

    producer = Thread(target=publish)
    producer.start()
    code = listen.listen(arguments('--topic', topic, '--count', '10', '--json'), Event())
    producer.join()
    assert code == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [item['payload'] for item in found[:10]] == [{'n': number} for number in range(10)]
