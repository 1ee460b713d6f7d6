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
Starts the producers of a plan, lets them begin together, and asks what they published.

It knows the recorder only through them: each one waits until somebody listens to it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
import sys
import time
from typing import Final, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo.process import DemoError, EventProcess
from fdr_node.record import TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from fdr_node.demo.plan import Outline, Plan

# Loading Python and ROS with all producers at once on two cores, then finding the recorder (s).
_READY_S: Final = 45.0
# How long the last records, the closing statistics and the end of a process may take (s).
_LANDED_S: Final = 15.0
# All producers have read the order by then (ns).
_BEGIN_NS: Final = NS_PER_S // 5

_PROGRESS_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    What a producer says that it published.

    :param producer_id: who
    :param session_id: in which session
    :param published: sequence numbers that it gave out (records)
    :param dropped: those that never left it (records)
    """

    producer_id: str
    session_id: int
    published: int
    dropped: int


def fly(
    plan: Plan,
    outline: Outline,
    *,
    stop: Event,
    on_progress: Callable[[int], None],
) -> list[Claim]:
    """
    Let all producers of a plan record, from take-off to landing.

    :param plan: what they record
    :param outline: of that plan
    :param stop: lands them early when it is set
    :param on_progress: told once a second how far they are (ns of the plan)
    :return: what each of them published
    :raises DemoError: one of them does not start, hears no recorder, or does not end
    """
    with ExitStack() as stack:
        processes = [
            stack.enter_context(EventProcess(producer_id, _command(plan, producer_id)))
            for producer_id in outline.producers
        ]
        for process in processes:
            said = process.wait_for('ready', 'unheard', timeout_s=_READY_S, stop=stop)
            if said['event'] != 'ready':
                what = f'no recorder listens to {TOPIC}: start one, or use fdr demo --record'
                raise DemoError(what)
        begin_ns = time.monotonic_ns() + _BEGIN_NS
        for process in processes:
            process.tell(f'fly {begin_ns}')
        _wait(plan, outline, begin_ns=begin_ns, stop=stop, on_progress=on_progress)
        return _land(processes, is_early=stop.is_set())


def _command(plan: Plan, producer_id: str) -> list[str]:
    return [
        sys.executable,
        '-m',
        'fdr_node.demo.component',
        f'--producer={producer_id}',
        *plan.to_arguments(),
    ]


def _wait(
    plan: Plan,
    outline: Outline,
    *,
    begin_ns: int,
    stop: Event,
    on_progress: Callable[[int], None],
) -> None:
    """Wait until the plan is over or stopped."""
    while not stop.is_set():
        at_ns = round((time.monotonic_ns() - begin_ns) * plan.speed)
        if at_ns >= outline.duration_ns:
            return
        on_progress(max(0, at_ns))
        left_s = (outline.duration_ns - at_ns) / plan.speed / NS_PER_S
        stop.wait(min(left_s, _PROGRESS_S))


def _land(processes: Iterable[EventProcess], *, is_early: bool) -> list[Claim]:
    claims = []
    if is_early:
        for process in processes:
            process.close_input()
    for process in processes:
        said = process.wait_for('landed', timeout_s=_LANDED_S)
        process.end(timeout_s=_LANDED_S)
        claims.append(
            Claim(
                producer_id=str(said['producer_id']),
                session_id=int(str(said['session_id'])),
                published=int(str(said['published'])),
                dropped=int(str(said['dropped'])),
            )
        )
    return claims
