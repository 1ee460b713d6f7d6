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
Publishes something to record: ``fdr demo``; with ``--record``, records it as well and compares.

With ``--listen`` it only shows what others publish (listen).

Data goes to stdout, progress to stderr. What is flown and how is decided in demo, what the flight
holds in debrief; here both are put side by side.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
import signal
import sys
from threading import Event
from typing import Final, Self, TextIO, TYPE_CHECKING

from fdr_node.cli.info import render
from fdr_node.cli.output import as_json, FINDINGS, OK, tell, write
from fdr_node.clock import NS_PER_S
from fdr_node.debrief.balance import Account
from fdr_node.debrief.info import inspect_flight
from fdr_node.demo.comparison import Comparison, Outcome
from fdr_node.demo.fleet import fly
from fdr_node.demo.plan import Plan
from fdr_node.demo.recorder import Recorder
from fdr_node.errors import ConfigError
from fdr_node.record import TOPIC

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import FrameType

    from fdr_node.debrief.flight_info import FlightInfo
    from fdr_node.demo.fleet import Claim
    from fdr_node.demo.plan import Outline

DEFAULT_ROOT: Final = Path('~/.ros/fdr')
DEFAULT_SECONDS: Final = 20.0

# A longer log is flown faster when nobody said how fast (s).
RECORDING_MAX_S: Final = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fdr demo``."""
    parser.add_argument(
        '--seconds',
        type=float,
        default=DEFAULT_SECONDS,
        help='length of the simulated sortie, default %(default)s; a log has its own',
    )
    parser.add_argument(
        '--ulog', metavar='FILE', type=Path, help='PX4 log to replay instead of a simulation'
    )
    parser.add_argument(
        '--speed',
        type=float,
        help='how much faster than real; default 1, with --record and a long log as fast as it '
        f'takes to be over in {RECORDING_MAX_S:g} s',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the noise of the simulation, default %(default)s'
    )
    parser.add_argument(
        '--record',
        action='store_true',
        help='start a recorder, land it afterwards, and compare what is in the flight',
    )
    parser.add_argument(
        '--root',
        metavar='DIR',
        type=Path,
        default=DEFAULT_ROOT,
        help='flight root for --record, default %(default)s',
    )
    parser.add_argument(
        '--listen',
        action='store_true',
        help='publish nothing; show what is published, for example by ros2 bag play',
    )
    parser.add_argument(
        '--topic', default=TOPIC, help='what to listen to with --listen, default %(default)s'
    )
    parser.add_argument(
        '--count',
        metavar='N',
        type=int,
        default=0,
        help='end after so many records with --listen; default 0: at Ctrl-C',
    )
    parser.add_argument('--json', action='store_true', help='print JSON (docs/cli.md)')


def run(args: argparse.Namespace) -> int:
    """
    Fly it.

    :param args: as :func:`add_arguments` declares them
    :return: 0, or 3 when not everything that was published is in the flight, or left its producer,
        or when something was heard that is no record
    :raises FdrError: it could not be flown, for example because no recorder listens
    :raises OSError: the log cannot be read, or a process not be started
    """
    if args.count < 0:
        raise ConfigError(name='count', value=args.count, bound='0 (no end) or more records')
    if args.listen:
        # Of this command only the listener itself needs rclpy.
        with _stop_on_signal() as stop:
            code: int = import_module('fdr_node.cli.listen').listen(args, stop)
        return code
    speed = 1.0 if args.speed is None else args.speed
    plan = Plan(seconds=args.seconds, speed=speed, seed=args.seed, ulog=args.ulog)
    outline = plan.outline()
    if args.speed is None and args.ulog and args.record:
        plan = replace(plan, speed=max(1.0, outline.duration_ns / NS_PER_S / RECORDING_MAX_S))
    tell(describe(plan, outline))
    with _stop_on_signal() as stop:
        fly_it = _record if args.record else _publish
        return fly_it(plan, outline, args=args, stop=stop)


class Progress:
    """
    Shows how far a flight is: a line for each phase, on a terminal kept up to date.

    :param plan: what is flown
    :param outline: of that plan
    :param stream: where to
    """

    def __init__(self, plan: Plan, outline: Outline, stream: TextIO) -> None:
        self._plan = plan
        self._whole_s = outline.duration_ns / NS_PER_S
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._phase = ''

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """End the line that was kept up to date."""
        if self._is_terminal and self._phase:
            self._stream.write('\n')

    def show(self, at_ns: int) -> None:
        """
        Show what happens at a time of the flight.

        :param at_ns: time since its beginning (ns)
        """
        phase = self._plan.phase(at_ns)
        line = f'{at_ns / NS_PER_S:4.0f} of {self._whole_s:.0f} s: {phase}'
        if self._is_terminal:
            is_new = self._phase not in {'', phase}
            self._stream.write(f'\n{line}' if is_new else f'\r{line}')
        elif phase != self._phase:
            self._stream.write(f'{line}\n')
        self._phase = phase
        self._stream.flush()


def describe(plan: Plan, outline: Outline) -> str:
    """Return in a line what will be flown."""
    seconds = outline.duration_ns / NS_PER_S
    producers = f'{len(outline.producers)} producers'
    text = f'{seconds:.1f} s at speed {plan.speed:g}, {producers}'
    if plan.ulog is None:
        return f'simulated sortie: {text}'
    silence_s = outline.silence_ns / NS_PER_S
    return f'replay of {plan.ulog}: {text}, {silence_s:.1f} s of silence left out'


def compare(claims: list[Claim], info: FlightInfo) -> Comparison:
    """
    Put what the producers say beside what the flight holds.

    :param claims: of the producers
    :param info: of the flight; a producer that is not in it has nothing in it
    """
    outcomes = []
    for claim in claims:
        producer = info.producers.get(claim.producer_id)
        account = producer.account if producer else Account()
        outcomes.append(Outcome(claim=claim, recorded=account.recorded, lost=account.lost))
    return Comparison(outcomes=outcomes)


def _record(plan: Plan, outline: Outline, *, args: argparse.Namespace, stop: Event) -> int:
    with Recorder(args.root.expanduser(), stop=stop) as recorder:
        tell(f'recording to {recorder.directory}')
        claims = _fly(plan, outline, stop=stop)
        exit_code = recorder.land()
    info = inspect_flight(recorder.directory)
    comparison = compare(claims, info)
    if args.json:
        result = {
            **_claims_json(claims),
            'recorded': comparison.recorded,
            'lost': comparison.lost,
            'complete': not comparison.incomplete,
            'recorder_exit_code': exit_code,
            'flight': info.to_json(),
        }
        write(as_json(result))
    else:
        directory = recorder.directory
        write(f'{render(info)}\n\n{comparison}')
        if exit_code:
            write(f'the recorder ended with exit code {exit_code}')
        write(f'flight: {directory}\nreplay: ros2 bag play {directory}')
    return FINDINGS if exit_code or comparison.incomplete or info.has_findings else OK


def _publish(plan: Plan, outline: Outline, *, args: argparse.Namespace, stop: Event) -> int:
    claims = _fly(plan, outline, stop=stop)
    if args.json:
        write(as_json(_claims_json(claims)))
    else:
        for claim in claims:
            write(
                f'{claim.producer_id}: published {claim.published:,}, of these dropped '
                f'{claim.dropped:,} by itself'
            )
    return FINDINGS if any(claim.dropped for claim in claims) else OK


def _fly(plan: Plan, outline: Outline, *, stop: Event) -> list[Claim]:
    with Progress(plan, outline, sys.stderr) as progress:
        return fly(plan, outline, stop=stop, on_progress=progress.show)


def _claims_json(claims: list[Claim]) -> dict[str, object]:
    return {
        'published': sum(claim.published for claim in claims),
        'dropped': sum(claim.dropped for claim in claims),
        'producers': {
            claim.producer_id: {
                'session_id': claim.session_id,
                'published': claim.published,
                'dropped': claim.dropped,
            }
            for claim in claims
        },
    }


@contextmanager
def _stop_on_signal() -> Iterator[Event]:
    """Turn SIGINT and SIGTERM into an early landing while it lasts."""
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
