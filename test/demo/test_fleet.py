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
"""Producers begin together, land together, and one that fails does not leave the others behind."""

from __future__ import annotations

import sys
from threading import Event
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo import fleet
from fdr_node.demo.fleet import Claim, fly
from fdr_node.demo.plan import Outline, Plan
from fdr_node.demo.process import DemoError
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAN = Plan(seconds=20, speed=1.0)

# A producer that speaks the protocol: it says what it is told, and lands at the end of its input
# or, when it is to be quick, at once.
PRODUCER = """
import json, sys
name, first, is_quick, log = sys.argv[1], sys.argv[2], sys.argv[3] == 'quick', sys.argv[4]
print(json.dumps({"event": first}), flush=True)
with open(log, 'a') as file:
    file.write(sys.stdin.readline())
if not is_quick:
    sys.stdin.read()
counts = {"producer_id": name, "session_id": 2**63 + 1, "published": 12, "dropped": 3}
print(json.dumps({"event": "landed", **counts}), flush=True)
"""


def outline(seconds: float) -> Outline:
    """Return the outline of a plan with two producers."""
    return Outline(producers=('a', 'b'), duration_ns=round(seconds * NS_PER_S), silence_ns=0)


def claim(producer_id: str) -> Claim:
    """Return what a producer of the test says."""
    return Claim(producer_id=producer_id, session_id=2**63 + 1, published=12, dropped=3)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that puts producers of the test in the place of the real ones."""
    log = tmp_path / 'orders'

    def put(first_event: str, pace: str) -> Path:
        def command(_plan: Plan, producer_id: str) -> list[str]:
            return [sys.executable, '-c', PRODUCER, producer_id, first_event, pace, str(log)]

        monkeypatch.setattr(fleet, '_command', command)
        return log

    return put


def test_all_begin_at_one_time_and_report(stand_in: Callable[[str, str], Path]) -> None:
    """The same order for each; progress is told, and so is what they published."""
    log = stand_in('ready', 'quick')
    seen: list[int] = []

    claims = fly(PLAN, outline(0.3), stop=Event(), on_progress=seen.append)

    assert claims == [claim('a'), claim('b')]
    orders = log.read_text().splitlines()
    assert len(orders) == 2
    assert len(set(orders)) == 1
    assert orders[0].split()[0] == 'fly'
    assert seen[0] == 0
    assert all(0 <= at_ns < 0.3 * NS_PER_S for at_ns in seen)


def test_stopping_lands_them_early(stand_in: Callable[[str, str], Path]) -> None:
    """A flight of an hour is over at once, and nothing is lost of what it says."""
    stand_in('ready', 'slow')
    stop = Event()

    claims = fly(PLAN, outline(3600.0), stop=stop, on_progress=lambda _at_ns: stop.set())

    assert claims == [claim('a'), claim('b')]


def test_without_a_recorder_it_is_said_and_nobody_is_left(
    stand_in: Callable[[str, str], Path],
) -> None:
    """The one that found none speaks for all."""
    stand_in('unheard', 'slow')

    with pytest.raises(DemoError, match='no recorder listens to /fdr/records'):
        fly(PLAN, outline(1.0), stop=Event(), on_progress=lambda _at_ns: None)


def test_the_real_producers_are_started_with_the_plan() -> None:
    """As the component reads it."""
    assert fleet._command(PLAN, 'imu') == [
        sys.executable,
        '-m',
        'fdr_node.demo.component',
        '--producer=imu',
        '--seconds=20',
        '--speed=1.0',
        '--seed=0',
    ]
