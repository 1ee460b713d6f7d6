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
"""Tests of the whole competition with a track that measures nothing."""

from __future__ import annotations

from dataclasses import asdict, replace
import json
import sys
from typing import TYPE_CHECKING

from bench_values import CLIENT, results, SAMPLE
from fdr_node.bench import main as under_test
from fdr_node.bench.contestants import DrainOnly, Recorder, Rosbag2
from fdr_node.bench.main import client_costs, compete, main, write
from fdr_node.bench.plan import Cell, Plan
from fdr_node.bench.process import BenchError
from fdr_node.bench.results import Results
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.bench.contestants import Contestant
    from fdr_node.bench.plan import Heat
    from fdr_node.bench.results import Sample


class Track:
    """Runs nobody; one of them does not come up."""

    def __init__(self, *, broken: str = '', late: str = '') -> None:
        self._broken = broken
        self._late = late

    def idle_cpu_s(self, contestant: Contestant) -> float:
        """Return a number that can be recognised."""
        if contestant.name == self._broken:
            message = 'no way'
            raise BenchError(message)
        return 0.25

    def run(self, heat: Heat, contestant: Contestant, *, idle_cpu_s: float) -> Sample:
        """Return a sample that shows what it was asked for."""
        assert heat.contestant == contestant.name
        if contestant.name == self._late:
            message = 'no more'
            raise BenchError(message)
        return replace(SAMPLE, cell=heat.cell, contestant=heat.contestant, cpu_s=idle_cpu_s)


PLAN = Plan(cells=(Cell(payload_bytes=64, rate_hz=100, seconds=1.0),), rounds=1)


def test_who_is_missing_or_broken_is_named_and_the_others_run() -> None:
    """The benchmark works on a computer that has only a part."""
    missing = Rosbag2('no-such-ros2')
    found = compete(Track(broken='drain only'), [Recorder(), missing, DrainOnly()], PLAN)
    assert [(e.name, e.missing, e.idle_cpu_s) for e in found.entries] == [
        ('fdr_node', '', 0.25),
        ('ros2 bag', 'no-such-ros2 is not on the PATH', 0.0),
        ('drain only', 'it does not run: no way', 0.0),
    ]
    assert [(s.contestant, s.cpu_s) for s in found.samples] == [('fdr_node', 0.25)]


def test_a_run_that_fails_is_named_and_the_others_go_on() -> None:
    """Half an hour of measurements are not lost for one of them."""
    found = compete(Track(late='fdr_node'), [Recorder(), DrainOnly()], PLAN)
    assert found.failures == ('64 B, 100/s #1 fdr_node: no more',)
    assert [sample.contestant for sample in found.samples] == ['drain only']


def test_three_files_are_written(tmp_path: Path) -> None:
    """The page and the picture are of the JSON beside them."""
    write(results(), tmp_path / 'new')
    assert sorted(path.name for path in (tmp_path / 'new').iterdir()) == [
        'cpu.svg',
        'results.json',
        'results.md',
    ]
    text = (tmp_path / 'new' / 'results.json').read_text()
    assert Results.from_json(json.loads(text)) == results()


def test_a_benchmark_that_cannot_be_run_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 1, and nothing written."""

    def refuse(folder: Path) -> None:
        message = f'no producer for {folder.name}'
        raise BenchError(message)

    monkeypatch.setenv('ROS_DOMAIN_ID', '1')
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setattr(under_test, 'client_costs', lambda _: ())
    monkeypatch.setattr(under_test, 'Course', refuse)
    out = tmp_path / 'out'
    assert main(['--folder', str(tmp_path / 'f'), '--out', str(out)]) == 1
    assert capsys.readouterr().err == 'the benchmark cannot be run: no producer for run\n'
    assert not out.exists()


def test_what_recording_costs_is_measured_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is read; no answer is an error that says what it said."""
    answer = json.dumps({'costs': [asdict(cost) for cost in CLIENT]})
    monkeypatch.setattr(sys, 'executable', str(tmp_path / 'python'))
    (tmp_path / 'python').write_text(f"#!/bin/sh\necho '{answer}'\n")
    (tmp_path / 'python').chmod(0o755)
    assert client_costs(tmp_path / 'log') == CLIENT
    (tmp_path / 'python').write_text('#!/bin/sh\necho no clock >&2\n')
    with pytest.raises(BenchError, match='no clock'):
        client_costs(tmp_path / 'log')
