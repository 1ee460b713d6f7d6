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
"""Makes of several runs of one load a median with its extremes; it judges and prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fdr_node.bench.plan import Cell
    from fdr_node.bench.results import Results, Sample

US_PER_S = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A middle and its extremes."""

    median: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """
    One contestant under one load.

    :param runs: how many
    :param published_hz: rate that the producers reached (records/s)
    :param loss: part of the published records that is not there [0..1]
    :param lost: records lost in all runs together
    :param cpu_us: CPU for each record that is there (us); None when there is none
    :param rss_max_bytes: resident memory (bytes)
    :param commit_age_s: longest time without growth (s); None where there is no bag
    :param other_cores: cores that were busy with something else
    """

    runs: int
    published_hz: Spread
    loss: Spread
    lost: int
    cpu_us: Spread | None
    rss_max_bytes: Spread
    commit_age_s: Spread | None
    other_cores: Spread


def spread(values: Iterable[float]) -> Spread | None:
    """
    Return the middle of some values; None when there are none.

    :param values: in any order
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return Spread(median=median(ordered), minimum=ordered[0], maximum=ordered[-1])


def summary(samples: Sequence[Sample]) -> Summary:
    """
    Return what runs of one contestant under one load have in common.

    :param samples: at least one
    """
    return Summary(
        runs=len(samples),
        published_hz=_spread(s.published / s.sending_s for s in samples),
        loss=_spread(1.0 - s.recorded / s.published for s in samples),
        lost=sum(s.published - s.recorded for s in samples),
        cpu_us=spread(US_PER_S * s.cpu_s / s.recorded for s in samples if s.recorded),
        rss_max_bytes=_spread(s.rss_max_bytes for s in samples),
        commit_age_s=spread(s.commit_age_s for s in samples if s.commit_age_s is not None),
        other_cores=_spread(s.other_cpu_s / s.sending_s for s in samples),
    )


def summaries(results: Results) -> dict[Cell, dict[str, Summary]]:
    """
    Return the summary of every load and contestant that was run.

    :param results: all runs
    :return: by load, in the order of the runs, then by the contestant's name
    """
    groups: dict[Cell, dict[str, list[Sample]]] = {}
    for sample in results.samples:
        groups.setdefault(sample.cell, {}).setdefault(sample.contestant, []).append(sample)
    return {
        cell: {name: summary(samples) for name, samples in by_name.items()}
        for cell, by_name in groups.items()
    }


def _spread(values: Iterable[float]) -> Spread:
    found = spread(values)
    if found is None:
        message = 'no run to summarise'
        raise ValueError(message)
    return found
