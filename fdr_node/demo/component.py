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
Plays the script of one producer in a process of its own: ``python -m fdr_node.demo.component``.

It talks in JSON lines with whoever started it. ``ready`` says that a recorder listens; the line
that it then reads on its standard input, ``fly MONOTONIC_NS``, is when to begin; the end of the
input is the order to stop, at any time; ``landed`` reports what it published. What is recorded it
does not know (plan).
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import select
import sys
import time
from typing import Final, TYPE_CHECKING

from fdr_node.demo.plan import Plan
from fdr_node.producer import FdrClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fdr_node.demo.script import Script

# How long a recorder may take to be found: discovery takes up to 3 s (s).
RECORDER_WAIT_S: Final = 10.0

# How often due records are made (s): as often as the client publishes.
_STEP_S: Final = 0.02
_LINE_BYTES_MAX: Final = 256

EXIT_NO_RECORDER: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """
    Play a part.

    :param argv: arguments; None takes those of the process
    :return: 0, or EXIT_NO_RECORDER when nobody listens
    """
    parser = argparse.ArgumentParser(prog='fdr_node.demo.component', description=__doc__)
    parser.add_argument('--producer', required=True)
    parser.add_argument('--seconds', type=float, required=True)
    parser.add_argument('--speed', type=float, required=True)
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--ulog', type=Path)
    arguments = parser.parse_args(argv)
    plan = Plan(
        seconds=arguments.seconds,
        speed=arguments.speed,
        seed=arguments.seed,
        ulog=arguments.ulog,
    )
    with FdrClient.standalone(arguments.producer, hold_back_s=RECORDER_WAIT_S) as client:
        if not client.wait_for_recorder(RECORDER_WAIT_S):
            _say('unheard', client)
            return EXIT_NO_RECORDER
        # A log is read before the flight begins, not while it should be flown.
        script = plan.script(arguments.producer, time.time_ns())
        _say('ready', client)
        begin_ns = _order()
        if begin_ns is not None:
            play(script, client, speed=plan.speed, begin_ns=begin_ns)
    _say('landed', client)
    return 0


def play(script: Script, client: FdrClient, *, speed: float, begin_ns: int) -> None:
    """
    Record what is due until the script ends or the input does.

    :param script: what to record
    :param client: where to
    :param speed: how much faster than real
    :param begin_ns: CLOCK_MONOTONIC at which the script begins (ns)
    """
    begin_wall_ns = time.time_ns() + begin_ns - time.monotonic_ns()
    done_ns = 0
    while done_ns < script.duration_ns:
        if _input_ends(_STEP_S):
            return
        now_ns = round((time.monotonic_ns() - begin_ns) * speed)
        for at_ns, kind, payload in script.due(done_ns, now_ns):
            client.record(kind, payload, stamp_ns=begin_wall_ns + round(at_ns / speed))
        done_ns = max(done_ns, now_ns)


def _order() -> int | None:
    """Return when to begin, CLOCK_MONOTONIC (ns); None when the input ends instead."""
    words = os.read(sys.stdin.fileno(), _LINE_BYTES_MAX).split()
    return int(words[1]) if words else None


def _input_ends(timeout_s: float) -> bool:
    """Wait, and say whether the input has ended meanwhile."""
    readable, _, _ = select.select([sys.stdin], [], [], timeout_s)
    return bool(readable) and not os.read(sys.stdin.fileno(), _LINE_BYTES_MAX)


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
