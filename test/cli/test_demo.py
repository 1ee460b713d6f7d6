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
"""fdr demo: a sortie with real processes and a real recorder, and what it makes of failures."""

from __future__ import annotations

import argparse
import io
import json
import os
from pathlib import Path
import signal
from typing import Self, TYPE_CHECKING

from fdr_node.cli import demo
from fdr_node.cli.demo import add_arguments, DEFAULT_ROOT, describe, Progress, run
from fdr_node.cli.output import FINDINGS
from fdr_node.clock import NS_PER_S
from fdr_node.debrief.balance import Account
from fdr_node.debrief.flight_info import FlightInfo, ProducerInfo, Scope
from fdr_node.demo.fleet import Claim
from fdr_node.demo.plan import Outline, Plan
from fdr_node.demo.process import DemoError
from mcap.reader import make_reader
from own_context import random_domain
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

OUTLINE = Outline(producers=('a', 'b'), duration_ns=20 * NS_PER_S, silence_ns=3 * NS_PER_S)
CLAIMS = [
    Claim(producer_id='a', session_id=1, published=10, dropped=0),
    Claim(producer_id='b', session_id=2, published=20, dropped=0),
]


def arguments(*words: str) -> argparse.Namespace:
    """Parse the arguments of the verb."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def flight(directory: Path, **recorded: int) -> FlightInfo:
    """Return a flight that was closed and adds up."""
    producers = {
        name: ProducerInfo(account=Account(published=count, recorded=count, sessions=1))
        for name, count in recorded.items()
    }
    return FlightInfo(
        scope=Scope.FLIGHT,
        flight_id='f',
        directory=str(directory),
        host='h',
        clean_shutdown=True,
        start_ns=0,
        duration_ns=NS_PER_S,
        rollover_count=0,
        records_rolled_off=0,
        segments=(),
        dropped_segments=(),
        producers=producers,
        malformed=0,
        is_balanced=True,
        problems=(),
    )


class Recorder:
    """Stands in for the recorder process."""

    exit_code = 0

    def __init__(self, root: Path, *, stop: Event) -> None:
        assert not stop.is_set()
        self.directory = root / 'f'

    def land(self) -> int:
        """End with the exit code that the test wants."""
        return self.exit_code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        pass


@pytest.fixture
def flown(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Let nobody fly; return the plans that were to be flown."""
    plans: list[Plan] = []

    def fly(
        plan: Plan, _outline: Outline, *, stop: Event, on_progress: Callable[[int], None]
    ) -> list[Claim]:
        assert not stop.is_set()
        on_progress(0)
        plans.append(plan)
        return CLAIMS

    monkeypatch.setattr(demo, 'fly', fly)
    monkeypatch.setattr(demo, 'Recorder', Recorder)
    return plans


@pytest.mark.ros
@pytest.mark.slow
def test_a_sortie_is_recorded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five producers, the real recorder, and a reader that is not ours agree on the count."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))

    code = run(
        arguments('--record', '--root', str(tmp_path), '--seconds', '6', '--speed', '6', '--json')
    )
    found = json.loads(capsys.readouterr().out)

    assert code == 0, found
    assert (found['complete'], found['lost'], found['recorder_exit_code']) == (True, 0, 0)
    assert found['published'] == found['recorded'] > 1600
    claims = found['producers']
    assert set(claims) == {'estimator', 'imu', 'mavlink_router', 'health_monitor', 'mapper'}
    for producer_id, claim in claims.items():
        there = found['flight']['producers'][producer_id]
        assert there['published'] == there['recorded'] == claim['published']
    (segment,) = Path(found['flight']['directory']).glob('*.mcap')
    with segment.open('rb') as file:
        summary = make_reader(file, validate_crcs=True).get_summary()
    assert summary is not None
    assert summary.statistics is not None
    # Header and footer of the flight are the recorder's own.
    assert summary.statistics.message_count == found['recorded'] + 2


@pytest.mark.usefixtures('flown')
def test_the_summary_says_where_the_flight_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What fdr info prints, the sum, the directory, and how to replay it."""
    monkeypatch.setattr(demo, 'inspect_flight', lambda path: flight(path, a=10, b=20))

    code = run(arguments('--record', '--root', str(tmp_path)))

    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert code == 0
    assert lines[0].split() == ['flight', 'f']
    assert lines[-3:] == [
        'published 30, recorded 30, lost 0 over 2 producers',
        f'flight: {tmp_path}/f',
        f'replay: ros2 bag play {tmp_path}/f',
    ]
    assert captured.err.splitlines() == [
        'simulated sortie: 20.0 s at speed 1, 5 producers',
        f'recording to {tmp_path}/f',
        '   0 of 20 s: take-off',
    ]


NOTHING_OF_B = 'b: published 20, of these dropped 0 by itself, recorded 0, lost 0'


@pytest.mark.usefixtures('flown')
@pytest.mark.parametrize(
    ('recorded', 'exit_code', 'words'),
    [
        ({'a': 10, 'b': 19}, 0, NOTHING_OF_B.replace('recorded 0', 'recorded 19')),
        ({'a': 10}, 0, NOTHING_OF_B),
        ({'a': 10, 'b': 20}, 1, 'the recorder ended with exit code 1'),
    ],
)
def test_what_does_not_agree_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    recorded: dict[str, int],
    exit_code: int,
    words: str,
) -> None:
    """A record or a producer that is missing, and a recorder that failed at the end."""
    monkeypatch.setattr(demo, 'inspect_flight', lambda path: flight(path, **recorded))
    monkeypatch.setattr(Recorder, 'exit_code', exit_code)

    assert run(arguments('--record')) == FINDINGS
    assert words in capsys.readouterr().out.splitlines()


def test_without_a_recorder_of_its_own_it_says_what_was_published(
    flown: list[Plan], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For people and as JSON; a record that a producer dropped is a finding."""
    assert run(arguments('--seconds', '7', '--seed', '5')) == 0
    assert capsys.readouterr().out.splitlines() == [
        'a: published 10, of these dropped 0 by itself',
        'b: published 20, of these dropped 0 by itself',
    ]
    assert flown == [Plan(seconds=7, speed=1.0, seed=5)]

    lossy = Claim(producer_id='b', session_id=2, published=20, dropped=4)
    monkeypatch.setattr(demo, 'fly', lambda *_plan, **_rest: [CLAIMS[0], lossy])
    assert run(arguments('--json')) == FINDINGS
    assert json.loads(capsys.readouterr().out) == {
        'published': 30,
        'dropped': 4,
        'producers': {
            'a': {'session_id': 1, 'published': 10, 'dropped': 0},
            'b': {'session_id': 2, 'published': 20, 'dropped': 4},
        },
    }


@pytest.mark.parametrize(
    ('words', 'seconds', 'speed'),
    [
        (['--record', '--ulog', 'x'], 300, 10.0),
        (['--record', '--ulog', 'x'], 20, 1.0),
        (['--record', '--ulog', 'x', '--speed', '2'], 300, 2.0),
        (['--ulog', 'x'], 300, 1.0),
        (['--record'], 300, 1.0),
    ],
)
def test_a_long_log_is_recorded_as_fast_as_it_must_be(
    flown: list[Plan],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    seconds: int,
    speed: float,
) -> None:
    """In 30 s, unless somebody says how fast; a simulation is as long as it is said to be."""
    monkeypatch.setattr(demo, 'inspect_flight', lambda path: flight(path, a=10, b=20))
    outline = Outline(producers=('a', 'b'), duration_ns=seconds * NS_PER_S, silence_ns=0)
    monkeypatch.setattr(Plan, 'outline', lambda _plan: outline)

    run(arguments(*words))

    assert [plan.speed for plan in flown] == [speed]


def test_what_will_be_flown_is_said() -> None:
    """With what is left out of a log."""
    simulated = Plan(seconds=20, speed=2.5)
    replayed = Plan(seconds=20, speed=1.0, ulog=Path('x.ulg'))

    assert describe(simulated, OUTLINE) == 'simulated sortie: 20.0 s at speed 2.5, 2 producers'
    assert describe(replayed, OUTLINE) == (
        'replay of x.ulg: 20.0 s at speed 1, 2 producers, 3.0 s of silence left out'
    )


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ('stream', 'expected'),
    [
        (io.StringIO(), '   1 of 20 s: take-off\n   9 of 20 s: spoofing\n'),
        (
            Terminal(),
            '\r   1 of 20 s: take-off\r   2 of 20 s: take-off\n   9 of 20 s: spoofing\n',
        ),
    ],
)
def test_progress_is_a_line_for_each_phase(stream: io.StringIO, expected: str) -> None:
    """On a terminal the line keeps up; the last one is ended."""
    with Progress(Plan(seconds=20, speed=1.0), OUTLINE, stream) as progress:
        for at_s in (1, 2, 9):
            progress.show(at_s * NS_PER_S)

    assert stream.getvalue() == expected


def test_without_a_flight_there_is_no_line() -> None:
    """Also not an empty one."""
    stream = Terminal()
    with Progress(Plan(seconds=20, speed=1.0), OUTLINE, stream):
        pass

    assert stream.getvalue() == ''


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lands_early_and_ends_as_usual(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    """The flight is told to stop, its claims are reported, and the handlers are put back."""
    former = signal.getsignal(number)

    def fly(_plan: Plan, _outline: Outline, *, stop: Event, **_rest: object) -> list[Claim]:
        os.kill(os.getpid(), number)
        assert stop.wait(10)
        return CLAIMS

    monkeypatch.setattr(demo, 'fly', fly)

    assert run(arguments()) == 0
    assert capsys.readouterr().out.startswith('a: published 10')
    assert signal.getsignal(number) is former


def test_a_flight_that_cannot_be_flown_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command turns it into one line."""

    def fly(*_arguments: object, **_keywords: object) -> list[Claim]:
        what = 'no recorder listens'
        raise DemoError(what)

    monkeypatch.setattr(demo, 'fly', fly)

    with pytest.raises(DemoError):
        run(arguments())


def test_the_flight_root_is_that_of_the_recorder() -> None:
    """Unless another one is named."""
    assert arguments('--record').root == DEFAULT_ROOT
