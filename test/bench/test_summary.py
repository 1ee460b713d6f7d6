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
"""Tests of the statistics."""

from __future__ import annotations

from dataclasses import replace

from bench_values import MAIN, results, SAMPLE, SLOW
from fdr_node.bench.summary import Spread, spread, summaries, summary
import pytest


def test_spread_is_median_and_extremes() -> None:
    """One run that was disturbed moves an extreme and not the middle."""
    assert spread([3.0, 100.0, 1.0]) == Spread(median=3.0, minimum=1.0, maximum=100.0)
    assert spread([4.0, 2.0]) == Spread(median=3.0, minimum=2.0, maximum=4.0)
    assert spread([]) is None


def test_summary_of_two_runs() -> None:
    """Loss is of what was published, CPU of what was recorded."""
    found = summary([SAMPLE, replace(SAMPLE, recorded=50_000, commit_age_s=None)])
    assert found.runs == 2
    assert found.published_hz.median == 10_000.0
    assert found.loss == Spread(median=0.25, minimum=0.0, maximum=0.5)
    assert found.lost == 50_000
    assert found.cpu_us == Spread(median=30.0, minimum=20.0, maximum=40.0)
    assert found.commit_age_s == Spread(median=0.25, minimum=0.25, maximum=0.25)
    assert found.other_cores.median == 0.1


def test_nothing_recorded_has_no_cpu_per_record() -> None:
    """A contestant that recorded nothing is not infinitely dear, it is unknown."""
    assert summary([replace(SAMPLE, recorded=0)]).cpu_us is None


def test_no_runs_have_no_summary() -> None:
    """An empty group is a fault of the caller."""
    with pytest.raises(ValueError, match='no run'):
        summary([])


def test_runs_are_grouped_by_load_and_contestant() -> None:
    """Every run is in exactly one group, loads in the order in which they were run."""
    found = summaries(results())
    assert list(found) == [MAIN, SLOW]
    assert {name: s.runs for name, s in found[MAIN].items()} == {'fdr_node': 2, 'callback': 2}
    assert {name: s.runs for name, s in found[SLOW].items()} == {'fdr_node': 1}
