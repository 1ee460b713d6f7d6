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
"""A producer plays its part, from the order to begin to the end of its script or its input."""

from __future__ import annotations

import io
from itertools import pairwise
import json
import os
import signal
from threading import Event
import time
from typing import cast, TYPE_CHECKING

from fdr_node.demo import component
from fdr_node.demo.component import main, play
from fdr_node.demo.script import Entry
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from fdr_node.producer import FdrClient

NS_PER_MS = 1_000_000


class Client:
    """Stands in for the client: it keeps what is recorded."""

    wait_s = component.RECORDER_WAIT_S

    def __init__(self, producer_id: str, *, is_heard: bool = True) -> None:
        self.producer_id = producer_id
        self.session_id = 9
        self.dropped = 0
        self.records: list[tuple[str, object, int]] = []
        self._is_heard = is_heard

    @property
    def published(self) -> int:
        """Count what was recorded."""
        return len(self.records)

    def record(self, kind: str, payload: Mapping[str, object], *, stamp_ns: int) -> None:
        """Keep a record."""
        self.records.append((kind, payload, stamp_ns))

    def wait_for_recorder(self, timeout_s: float) -> bool:
        """Be heard, or not."""
        assert timeout_s == self.wait_s
        return self._is_heard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.dropped += 1


class Script:
    """One record every 10 ms."""

    def __init__(self, duration_ms: int) -> None:
        self.duration_ns = duration_ms * NS_PER_MS

    def due(self, from_ns: int, until_ns: int) -> Iterator[Entry]:
        """Give what lies in the stretch."""
        for at_ns in range(0, self.duration_ns, 10 * NS_PER_MS):
            if from_ns <= at_ns < until_ns:
                yield Entry(at_ns, 'tick', {'at': at_ns})


class Input:
    """The standard input of the process: a pipe whose other end the test holds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read_end, self._write_end = os.pipe()
        self._file = os.fdopen(read_end)
        monkeypatch.setattr('sys.stdin', self._file)

    def tell(self, line: str) -> None:
        """Write a line."""
        os.write(self._write_end, f'{line}\n'.encode())

    def end(self) -> None:
        """Close the test's end."""
        if self._write_end >= 0:
            os.close(self._write_end)
            self._write_end = -1

    def close(self) -> None:
        """Close both ends."""
        self.end()
        self._file.close()


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Input]:
    """Return the standard input."""
    pipe = Input(monkeypatch)
    yield pipe
    pipe.close()


def run(
    client: Client, monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, list[dict[str, object]]]:
    """Run the process's main with a client of the test; return its exit code and its events."""
    monkeypatch.setattr(
        'fdr_node.demo.component.FdrClient.standalone', lambda _producer_id, **_bounds: client
    )
    output = io.StringIO()
    monkeypatch.setattr('sys.stdout', output)
    code = main([f'--producer={client.producer_id}', '--seed=0', '--speed=20', *arguments])
    return code, [json.loads(line) for line in output.getvalue().splitlines()]


def test_everything_is_recorded_once_with_the_time_it_belongs_to(stdin: Input) -> None:
    """Stamps are those of the script at its speed, however late the loop comes."""
    stdin.tell('a line that is no end')
    client = Client('a')
    begin_ns = time.monotonic_ns() - 500 * NS_PER_MS
    offset_ns = time.time_ns() - time.monotonic_ns()

    play(
        Script(1000),
        cast('FdrClient', client),
        speed=2.0,
        begin_ns=begin_ns,
        ends=component._input_ends,
    )

    payloads = [payload for _, payload, _ in client.records]
    assert payloads == [{'at': at_ns} for at_ns in range(0, 1000 * NS_PER_MS, 10 * NS_PER_MS)]
    stamps = [stamp_ns - begin_ns - offset_ns for _, _, stamp_ns in client.records]
    assert stamps[0] == pytest.approx(0, abs=100 * NS_PER_MS)
    assert {b - a for a, b in pairwise(stamps)} == {5 * NS_PER_MS}


def test_nothing_is_recorded_before_the_beginning_and_the_input_ends_it(stdin: Input) -> None:
    """A script of an hour, to begin in an hour, ends with the input."""
    client = Client('a')
    stdin.end()

    play(
        Script(3_600_000),
        cast('FdrClient', client),
        speed=1.0,
        begin_ns=time.monotonic_ns() + 3600 * 1000 * NS_PER_MS,
        ends=component._input_ends,
    )

    assert client.records == []


def test_a_sortie_is_played_and_reported(stdin: Input, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready, then landed, and the counts after the client was closed."""
    stdin.tell(f'fly {time.monotonic_ns()}')
    client = Client('health_monitor')

    code, events = run(client, monkeypatch, '--seconds=5')

    assert code == 0
    assert len(client.records) == 5
    common = {'producer_id': 'health_monitor', 'session_id': 9}
    assert events == [
        {'event': 'ready', **common, 'published': 0, 'dropped': 0},
        {'event': 'landed', **common, 'published': 5, 'dropped': 1},
    ]


def test_without_an_order_nothing_is_flown(stdin: Input, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started it has gone."""
    stdin.end()
    client = Client('imu')

    code, events = run(client, monkeypatch, '--seconds=20')

    assert (code, client.records) == (0, [])
    assert [event['event'] for event in events] == ['ready', 'landed']


def test_without_a_recorder_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not wait for an order."""
    client = Client('imu', is_heard=False)

    code, events = run(client, monkeypatch, '--seconds=20')

    assert code == component.EXIT_NO_RECORDER
    assert [event['event'] for event in events] == ['unheard']


class LaunchedClient(Client):
    """Is heard at the third look; some signal may come with a record or with a look."""

    wait_s = component._LOOK_S

    def __init__(self, *, signal_at_look: int = 0, signal_at_record: int = 0) -> None:
        super().__init__('health_monitor')
        self._looks = 0
        self._signal_at_look = signal_at_look
        self._signal_at_record = signal_at_record

    def wait_for_recorder(self, timeout_s: float) -> bool:
        """Look once."""
        super().wait_for_recorder(timeout_s)
        self._looks += 1
        if self._looks == self._signal_at_look:
            os.kill(os.getpid(), signal.SIGTERM)
        return self._looks == 3

    def record(self, kind: str, payload: Mapping[str, object], *, stamp_ns: int) -> None:
        """Keep a record."""
        super().record(kind, payload, stamp_ns=stamp_ns)
        if self.published == self._signal_at_record:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def _put_signals_back() -> Iterator[None]:
    former = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures('_put_signals_back')
@pytest.mark.parametrize(
    ('client', 'seconds', 'code', 'events'),
    [
        pytest.param(LaunchedClient(), 5, 0, ['ready', 'landed'], id='to its end'),
        pytest.param(
            LaunchedClient(signal_at_record=2), 3600, 0, ['ready', 'landed'], id='ended early'
        ),
        pytest.param(LaunchedClient(signal_at_look=2), 3600, 1, ['unheard'], id='never heard'),
    ],
)
def test_a_launched_producer_waits_for_a_recorder_and_for_a_signal(
    monkeypatch: pytest.MonkeyPatch,
    client: LaunchedClient,
    seconds: int,
    code: int,
    events: list[str],
) -> None:
    """It reads no input; what is for ROS is left to ROS."""
    monkeypatch.delattr('sys.stdin')
    for_ros = ['--ros-args', '-r', '__ns:=/uav1', '--', '--now']
    found, told = run(client, monkeypatch, f'--seconds={seconds}', *for_ros)
    assert (found, [event['event'] for event in told]) == (code, events)
    assert (client.published == seconds) == (seconds == 5)
    # Ctrl-C comes twice under launch, and the second time Python may be on its way out.
    is_over = code == 0
    assert (signal.getsignal(signal.SIGINT) is signal.SIG_IGN) == is_over


def test_a_recorder_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a day."""
    monkeypatch.setattr('fdr_node.demo.component.PATIENCE_S', 0.0)
    assert not component._is_heard(cast('FdrClient', LaunchedClient()), Event())


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (['--seconds=3'], 'seconds is 3.0, allowed: 5..86400 s'),
        (['--seconds=5', '--ulog=/no/log'], '/no/log'),
    ],
)
def test_an_argument_that_cannot_be_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    """Whoever launches it reads what is wrong, and no trace."""
    monkeypatch.setattr('sys.stdin', io.StringIO())
    code, events = run(Client('imu'), monkeypatch, *arguments)
    assert (code, events) == (component.EXIT_USAGE, [])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('fdr_demo_producer: ')
    assert told in line
