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
Plays the script of one producer in a process of its own: the executable ``fdr_demo_producer``.

It talks in JSON lines with whoever started it. ``ready`` says that a recorder listens; the line
that it then reads on its standard input, ``fly MONOTONIC_NS``, is when to begin; the end of the
input is the order to stop, at any time; ``landed`` reports what it published. With ``--now`` it
reads no input: it waits for a recorder as long as it takes, begins at once, and stops at SIGINT or
SIGTERM, as a launch file wants it. What is recorded it does not know (plan).
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import select
import signal
import sys
from threading import Event
import time
from typing import Final, TYPE_CHECKING

from fdr_node.demo.plan import Plan
from fdr_node.errors import FdrError
from fdr_node.producer import FdrClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from fdr_node.demo.script import Script

# How long a recorder may take to be found: discovery takes up to 3 s (s).
RECORDER_WAIT_S: Final = 10.0
# A launched recorder may wait for its lifecycle manager; one that nobody ever starts is given up
# after a day (s).
PATIENCE_S: Final = 86_400.0
# How often a launched producer looks whether it is to end instead (s).
_LOOK_S: Final = 0.2

# How often due records are made (s): as often as the client publishes.
_STEP_S: Final = 0.02
_LINE_BYTES_MAX: Final = 256
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

EXIT_NO_RECORDER: Final = 1
EXIT_USAGE: Final = 2

# What follows is for ROS, up to a double dash (REP 151 and rcl: arguments.h).
_ROS_ARGUMENTS: Final = '--ros-args'
_END_OF_ROS_ARGUMENTS: Final = '--'


def main(argv: Sequence[str] | None = None) -> int:
    """
    Play a part.

    :param argv: arguments; None takes those of the process
    :return: 0, EXIT_NO_RECORDER when nobody listens, or EXIT_USAGE for an argument that cannot be
    """
    arguments = _parser().parse_args(_own(sys.argv[1:] if argv is None else argv))
    try:
        return _fly(arguments)
    except (FdrError, OSError) as error:
        sys.stderr.write(f'fdr_demo_producer: {error}\n')
        return EXIT_USAGE


def _fly(arguments: argparse.Namespace) -> int:
    plan = Plan(
        seconds=arguments.seconds,
        speed=arguments.speed,
        seed=arguments.seed,
        ulog=arguments.ulog,
    )
    stop = _stop_on_signal() if arguments.now else None
    patience_s = RECORDER_WAIT_S if stop is None else PATIENCE_S
    with FdrClient.standalone(arguments.producer, hold_back_s=patience_s) as client:
        if not _is_heard(client, stop):
            _say('unheard', client)
            return EXIT_NO_RECORDER
        # A log is read before the flight begins, not while it should be flown.
        script = plan.script(arguments.producer, time.time_ns())
        _say('ready', client)
        begin_ns = time.monotonic_ns() if stop else _order()
        if begin_ns is not None:
            ends = stop.wait if stop else _input_ends
            play(script, client, speed=plan.speed, begin_ns=begin_ns, ends=ends)
    _say('landed', client)
    if stop:
        # Python puts its handlers back to the default when it ends, and Ctrl-C under ros2 launch
        # sends SIGINT twice: a late one would turn a clean end into a death by signal.
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='fdr_demo_producer', description='Plays one producer of a sortie or of a PX4 log.'
    )
    parser.add_argument('--producer', required=True, help='its producer_id, as in fdr demo')
    parser.add_argument('--seconds', type=float, required=True, help='length of the sortie')
    parser.add_argument('--speed', type=float, default=1.0, help='how much faster than real')
    parser.add_argument('--seed', type=int, default=0, help='of the noise of the simulation')
    parser.add_argument('--ulog', type=Path, help='PX4 log to replay')
    parser.add_argument('--now', action='store_true', help='begin once a recorder listens')
    return parser


def _own(argv: Sequence[str]) -> list[str]:
    """Return the arguments that are not for ROS."""
    own: list[str] = []
    is_for_ros = False
    for word in argv:
        if word == _ROS_ARGUMENTS:
            is_for_ros = True
        elif not is_for_ros:
            own.append(word)
        elif word == _END_OF_ROS_ARGUMENTS:
            is_for_ros = False
    return own


def play(
    script: Script,
    client: FdrClient,
    *,
    speed: float,
    begin_ns: int,
    ends: Callable[[float], bool],
) -> None:
    """
    Record what is due until the script ends or is ended.

    :param script: what to record
    :param client: where to
    :param speed: how much faster than real
    :param begin_ns: CLOCK_MONOTONIC at which the script begins (ns)
    :param ends: waits so many seconds, and says whether it has to end
    """
    begin_wall_ns = time.time_ns() + begin_ns - time.monotonic_ns()
    done_ns = 0
    while done_ns < script.duration_ns:
        if ends(_STEP_S):
            return
        now_ns = round((time.monotonic_ns() - begin_ns) * speed)
        for at_ns, kind, payload in script.due(done_ns, now_ns):
            client.record(kind, payload, stamp_ns=begin_wall_ns + round(at_ns / speed))
        done_ns = max(done_ns, now_ns)


def _is_heard(client: FdrClient, stop: Event | None) -> bool:
    """Wait for a recorder; with something that can stop it, for as long as it takes."""
    if stop is None:
        return client.wait_for_recorder(RECORDER_WAIT_S)
    until_s = time.monotonic() + PATIENCE_S
    while not client.wait_for_recorder(_LOOK_S):
        if stop.is_set() or time.monotonic() >= until_s:
            return False
    return True


def _order() -> int | None:
    """Return when to begin, CLOCK_MONOTONIC (ns); None when the input ends instead."""
    words = os.read(sys.stdin.fileno(), _LINE_BYTES_MAX).split()
    return int(words[1]) if words else None


def _input_ends(timeout_s: float) -> bool:
    """Wait, and say whether the input has ended meanwhile."""
    readable, _, _ = select.select([sys.stdin], [], [], timeout_s)
    return bool(readable) and not os.read(sys.stdin.fileno(), _LINE_BYTES_MAX)


def _stop_on_signal() -> Event:
    """Take SIGINT and SIGTERM as the end; return what they set."""
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in _STOP_SIGNALS:
        signal.signal(number, on_signal)
    return stop


def _say(event: str, client: FdrClient) -> None:
    counts = {
        'event': event,
        'producer_id': client.producer_id,
        'session_id': client.session_id,
        'published': client.published,
        'dropped': client.dropped,
    }
    sys.stdout.write(json.dumps(counts) + '\n')
    sys.stdout.flush()


if __name__ == '__main__':
    sys.exit(main())
