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
Runs one contestant under one load: starts it, lets the producers send, ends it and counts.

The producers stay for the whole benchmark. Nothing is sent before every one of them is matched
with the contestant, and none is started before the last is gone.
"""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import replace
import shutil
import sys
import time
from typing import Self, TYPE_CHECKING

from fdr_node.bench.growth import GrowthWatch
from fdr_node.bench.plan import Heat, SENDERS
from fdr_node.bench.process import BenchError, Child
from fdr_node.bench.results import Sample
from fdr_node.bench.usage import busy_s, cpu_s, rss_max_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fdr_node.bench.contestants import Contestant
    from fdr_node.bench.plan import Cell

# Both sides have found each other, and the contestant has come to rest (s).
_SETTLE_S = 0.5
# For a contestant to take what waits in its subscription (s).
_DRAIN_S = 1.0


class Course:
    """
    The producers, and a folder to record to; leaving its context ends them.

    :param folder: is made and emptied
    :raises OSError: a producer cannot be started
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bag = folder / 'bag'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with ExitStack() as stack:
            self._senders = [
                stack.enter_context(self._child('fdr_node.bench.sender', f'bench_{number}'))
                for number in range(SENDERS)
            ]
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._stack.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def idle_cpu_s(self, contestant: Contestant) -> float:
        """
        Return what a contestant uses when nothing is published (s).

        :param contestant: who
        :raises BenchError: it could not be run
        """
        with self._started(contestant) as child:
            begin_s = cpu_s(child.pid)
            time.sleep(_DRAIN_S)
            return child.end() - begin_s

    def run(self, heat: Heat, contestant: Contestant, *, idle_cpu_s: float) -> Sample:
        """
        Run one.

        :param heat: the load
        :param contestant: who
        :param idle_cpu_s: what it uses anyway (s)
        :raises BenchError: it could not be run
        """
        with self._started(contestant) as child:
            watch = GrowthWatch(self._bag) if contestant.writes else None
            busy_begin_s, own_begin_s = busy_s(), self._own_cpu_s(child)
            begin_s = cpu_s(child.pid)
            with watch or nullcontext():
                published, sending_s = self._send(heat.cell)
            other_s = busy_s() - busy_begin_s - (self._own_cpu_s(child) - own_begin_s)
            time.sleep(_DRAIN_S)
            rss_bytes = rss_max_bytes(child.pid)
            used_s = child.end() - begin_s
        sample = Sample(
            cell=heat.cell,
            contestant=heat.contestant,
            round_number=heat.round_number,
            published=published,
            sending_s=sending_s,
            recorded=contestant.recorded(self._bag),
            cpu_s=max(0.0, used_s - idle_cpu_s),
            rss_max_bytes=rss_bytes,
            commit_age_s=None,
            other_cpu_s=max(0.0, other_s),
        )
        return replace(sample, commit_age_s=watch.age_max_s) if watch else sample

    def _started(self, contestant: Contestant) -> Child:
        """Return a contestant that every producer has found, as the only one."""
        self._match(0)
        shutil.rmtree(self._bag, ignore_errors=True)
        self._bag.mkdir()
        with ExitStack() as undo:
            child = Child(contestant.command(self._bag), log=self._folder / 'contestant.log')
            undo.enter_context(child)
            self._match(1)
            undo.pop_all()
        time.sleep(_SETTLE_S)
        return child

    def _send(self, cell: Cell) -> tuple[int, float]:
        rate_hz = cell.rate_hz / len(self._senders)
        answers = self._order(f'send {cell.payload_bytes} {rate_hz} {cell.seconds}')
        published = sum(_number(answer, 'published') for answer in answers)
        return round(published), max(_number(answer, 'seconds') for answer in answers)

    def _match(self, count: int) -> None:
        for answer in self._order(f'match {count}'):
            if answer.get('matched') is not True:
                message = f'a producer has not found {count} recorder(s)'
                raise BenchError(message)

    def _order(self, line: str) -> list[Mapping[str, object]]:
        for sender in self._senders:
            sender.tell(line)
        return [sender.answer() for sender in self._senders]

    def _own_cpu_s(self, child: Child) -> float:
        pids = [child.pid, *(sender.pid for sender in self._senders)]
        return time.process_time() + sum(cpu_s(pid) for pid in pids)

    def _child(self, module: str, name: str) -> Child:
        return Child([sys.executable, '-m', module, name], log=self._folder / f'{name}.log')


def _number(answer: Mapping[str, object], key: str) -> float:
    value = answer.get(key)
    if not isinstance(value, int | float):
        message = f'a producer did not say {key}: {answer}'
        raise BenchError(message)
    return value
