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
"""Every contestant that needs no other ROS than ours, run for real under a small load."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fdr_node.bench.contestants import CallbackRecorder, DrainOnly, Recorder
from fdr_node.bench.course import Course
from fdr_node.bench.plan import Cell, Heat
from fdr_node.bench.process import BenchError
from own_context import random_domain
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.bench.contestants import Contestant

CELL = Cell(payload_bytes=64, rate_hz=200, seconds=0.5)


class Deaf(DrainOnly):
    """Never subscribes."""

    def command(self, folder: Path) -> list[str]:
        """Return a program that only waits."""
        del folder
        return [sys.executable, '-c', 'import time; time.sleep(60)']


@pytest.fixture(name='course')
def fixture_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Return producers in a domain of their own."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    return Course(tmp_path / 'run')


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_everybody_receives_a_small_load(course: Course, tmp_path: Path) -> None:
    """At 200 records/s nobody loses one; what was used is measured."""
    all_of_them: list[Contestant] = [Recorder(), CallbackRecorder(), DrainOnly()]
    with course:
        for contestant in all_of_them:
            heat = Heat(cell=CELL, contestant=contestant.name, round_number=1)
            found = course.run(heat, contestant, idle_cpu_s=0.0)
            assert (found.published, found.recorded) == (100, 100), contestant.name
            assert 0.0 < found.cpu_s < 10.0
            assert found.rss_max_bytes > 10_000_000
            assert (found.commit_age_s is not None) == contestant.writes
            assert 0.5 <= found.sending_s < 1.5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_one_that_does_not_subscribe_ends_the_wait(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The benchmark does not wait for ever, and leaves no process."""
    asked: list[str] = []
    order = course._order

    def impatient(line: str) -> list[dict[str, object]]:
        asked.append(line)
        return [{'matched': False}] if line == 'match 1' else [dict(a) for a in order(line)]

    monkeypatch.setattr(course, '_order', impatient)
    with course, pytest.raises(BenchError, match='has not found 1 recorder'):
        course.idle_cpu_s(Deaf())
    assert asked == ['match 0', 'match 1']
