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
"""Tests of the page."""

from __future__ import annotations

from dataclasses import replace
import json

from bench_values import CLIENT, entry, MAIN, results, SAMPLE
from fdr_node.bench.results import Results
from fdr_node.bench.summary import summaries
from fdr_node.bench.table import client_goals, goals, page
from project import ROOT
import pytest


def test_a_row_has_median_and_extremes() -> None:
    """Extremes are shown where there are others than the median."""
    rows = [line for line in page(results()).splitlines() if line.startswith('| 256 B')]
    assert rows == [
        '| 256 B, 30,000/s, 10 s | fdr_node | 2 | 10,000 | 0 | 25.0 (20.0-30.0) | 64 | 0.25 |',
        '| 256 B, 30,000/s, 10 s | callback | 2 | 10,000 | 60.00 % | 200.0 | 64 | 0.25 |',
    ]


def test_nothing_recorded_is_a_dash() -> None:
    """What is not known is not shown as a number."""
    (row,) = [line for line in page(results()).splitlines() if line.startswith('| 64 B')]
    assert row == '| 64 B, flat out, 1 s | fdr_node | 1 | 10,000 | 100.00 % | - | 64 | - |'


def test_page_says_machine_noise_and_who_is_missing() -> None:
    """Numbers without these mean nothing."""
    text = page(results())
    assert '- Testium <9>, 2 cores, Linux 1 x86_64, ext4' in text
    assert '- load average before: 0.50' in text
    assert '- `ros2 bag`: the ros2 bag. Not run: it is not there.' in text
    assert '- Failed: 64 B #2 fdr_node: gone' in text
    assert '0.10 to 0.10 by load and contestant' in text
    assert '- 256 B, 30,000/s, `fdr_node`: CPU per record 40% of its median apart' in text


def test_page_of_single_runs_says_so() -> None:
    """A spread of one run is no spread."""
    text = page(replace(results(), samples=(SAMPLE,)))
    assert 'No load was run more than once.' in text


def verdicts(
    *, lost: int = 0, rosbag_cpu_s: float = 2.0, callback_cpu_s: float = 8.0
) -> list[str]:
    """Return the verdicts on runs at 20 us per record with this loss, beside others."""
    samples = (
        replace(SAMPLE, published=SAMPLE.recorded + lost),
        replace(SAMPLE, contestant='ros2 bag', cpu_s=rosbag_cpu_s),
        replace(SAMPLE, contestant='callback', cpu_s=callback_cpu_s),
    )
    entries = tuple(entry(sample.contestant) for sample in samples)
    found = summaries(replace(results(), samples=samples, entries=entries))
    return [line.removeprefix('- ').partition(':')[0] for line in goals(found)]


@pytest.mark.parametrize(
    ('found', 'wanted'),
    [
        (verdicts(), ['met', 'met', 'met']),
        (verdicts(lost=1), ['NOT MET', 'met', 'met']),
        (verdicts(rosbag_cpu_s=1.99), ['met', 'NOT MET', 'met']),
        (verdicts(callback_cpu_s=7.99), ['met', 'met', 'NOT MET']),
    ],
)
def test_a_goal_is_met_at_its_bound_and_not_beyond(found: list[str], wanted: list[str]) -> None:
    """One record lost, or a hundredth too dear, is not met."""
    assert found == wanted


def test_goals_without_their_measurement_are_not_met() -> None:
    """A goal that was not measured is said to be so."""
    found = summaries(results())
    assert 'not measured' in goals(found)[1]
    assert goals({}) == ['- not measured: 256 B, 30,000/s']
    assert goals({MAIN: {}}) == ['- not measured: 256 B, 30,000/s, 10 s']


def test_what_recording_costs_a_producer_is_on_the_page() -> None:
    """With a verdict for each situation: the bound itself is too dear."""
    lines = page(results()).splitlines()
    assert '| published | 1,000 | 9.9 | 21.0 | 300 |' in lines
    assert '| stalled drain | 9 | 10.0 | 20.0 | 30 |' in lines
    said = [line.removeprefix('- ').partition(':')[0] for line in client_goals(CLIENT)]
    assert said == ['met', 'NOT MET']
    assert client_goals(()) == ['- not measured: record()']


def test_the_page_in_the_documentation_is_of_its_measurement() -> None:
    """Nobody changed a number by hand."""
    folder = ROOT / 'docs' / 'bench'
    kept = Results.from_json(json.loads((folder / 'results.json').read_text(encoding='utf-8')))
    assert (folder / 'results.md').read_text(encoding='utf-8') == page(kept)
