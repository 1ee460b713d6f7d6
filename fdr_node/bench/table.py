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
Writes the results as one Markdown page: what was measured, where, and which goals were met.

It computes nothing (``summary``) and takes no measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench.plan import MAIN, SENDERS
from fdr_node.bench.summary import Spread, summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fdr_node.bench.plan import Cell
    from fdr_node.bench.results import ClientCost, Entry, Results
    from fdr_node.bench.summary import Summary

_MIB = 1024 * 1024

_HEAD = (
    'load',
    'contestant',
    'runs',
    'published/s',
    'lost',
    'CPU us/record',
    'RSS MiB',
    'commit age s',
)

# How much cheaper than a callback for each message the recorder is to be.
CALLBACK_FACTOR = 4.0

# What recording may cost the caller (us).
RECORD_US_MAX = 10.0


def page(results: Results) -> str:
    """
    Return the whole page.

    :param results: at least one run
    """
    found = summaries(results)
    lines = [
        '# Benchmark results',
        '',
        'Written by `make bench`; how to read it is in [README.md](README.md).',
        '',
        *_machine(results),
        '',
        '## Goals',
        '',
        *goals(found),
        *client_goals(results.client),
        '',
        '## Table',
        '',
        *_table(found),
        '',
        '## Producers',
        '',
        *_client_table(results.client),
        '',
        '## Contestants',
        '',
        *(_entry(entry) for entry in results.entries),
        *(f'- Failed: {failure}' for failure in results.failures),
        '',
        '## Noise',
        '',
        *_noise(found),
    ]
    return '\n'.join(lines) + '\n'


def _machine(results: Results) -> list[str]:
    machine = results.machine
    versions = ', '.join(f'{name} {value}' for name, value in machine.versions.items())
    return [
        f'- {results.began}, {results.took_s:.0f} s, {SENDERS} producers',
        f'- {machine.cpu}, {machine.cores} cores, {machine.kernel}, {machine.file_system}',
        f'- load average before: {machine.load_before:.2f}',
        f'- {versions}',
    ]


def goals(found: Mapping[Cell, Mapping[str, Summary]]) -> list[str]:
    """
    Return a line for each goal: met, not met, or not measured.

    :param found: summaries by load and contestant
    """
    cell = next((c for c in found if _is_main(c)), None)
    if cell is None:
        return [f'- not measured: {MAIN.title}']
    by_name = found[cell]
    load = f'{cell.title}, {cell.seconds:g} s'
    ours = by_name.get('fdr_node')
    if ours is None:
        return [f'- not measured: {load}']
    lines = [f'- {_verdict(ours.lost == 0)}: {load}: {ours.lost} lost in {ours.runs} run(s)']
    comparisons = (('ros2 bag', 1.0), ('callback', 1.0 / CALLBACK_FACTOR))
    for name, part in comparisons:
        other = by_name.get(name)
        if other is None or other.cpu_us is None or ours.cpu_us is None:
            lines.append(f'- not measured: {load}: CPU per record against {name}')
            continue
        verdict = _verdict(ours.cpu_us.median <= part * other.cpu_us.median)
        lines.append(
            f'- {verdict}: {load}: CPU per record at most {part:g} x that of {name}: '
            f'{ours.cpu_us.median:.1f} us against {other.cpu_us.median:.1f} us '
            f'({ours.cpu_us.median / other.cpu_us.median:.2f} x)'
        )
    return lines


def client_goals(costs: Sequence[ClientCost]) -> list[str]:
    """
    Return a line for each goal of the producer's side.

    :param costs: what was measured
    """
    return [
        f'- {_verdict(cost.median_us < RECORD_US_MAX)}: {cost.situation}: '
        f'{cost.median_us:.1f} us for a call of record(), the median, under {RECORD_US_MAX:g}'
        for cost in costs
    ] or ['- not measured: record()']


def _client_table(costs: Sequence[ClientCost]) -> list[str]:
    """Say what a call costs the thread that makes it."""
    return [
        'A call of `FdrClient.record` with a payload of 256 B, in the thread of the caller.',
        '',
        '| situation | calls | median us | 99 % under us | worst us |',
        '|---|' + '---:|' * 4,
        *(
            f'| {cost.situation} | {cost.calls:,} | {cost.median_us:.1f} | {cost.most_us:.1f} '
            f'| {cost.worst_us:.0f} |'
            for cost in costs
        ),
    ]


def _is_main(cell: Cell) -> bool:
    return (cell.payload_bytes, cell.rate_hz) == (MAIN.payload_bytes, MAIN.rate_hz)


def _verdict(is_met: bool) -> str:  # noqa: FBT001  # its only argument
    return 'met' if is_met else 'NOT MET'


def _table(found: Mapping[Cell, Mapping[str, Summary]]) -> list[str]:
    lines = ['| ' + ' | '.join(_HEAD) + ' |', '|---|---|' + '---:|' * (len(_HEAD) - 2)]
    for cell, by_name in found.items():
        for name, summary in by_name.items():
            lines.append('| ' + ' | '.join(_row(cell, name, summary)) + ' |')
    return lines


def _row(cell: Cell, name: str, summary: Summary) -> list[str]:
    loss = _values(summary.loss, scale=100.0, digits=2, unit=' %') if summary.lost else '0'
    return [
        f'{cell.title}, {cell.seconds:g} s',
        name,
        str(summary.runs),
        f'{summary.published_hz.median:,.0f}',
        loss,
        _values(summary.cpu_us, digits=1),
        _values(summary.rss_max_bytes, scale=1 / _MIB, digits=0),
        _values(summary.commit_age_s, digits=2),
    ]


def _values(values: Spread | None, *, digits: int, scale: float = 1.0, unit: str = '') -> str:
    """Return a median, and the extremes when there are others."""
    if values is None:
        return '-'
    median, least, most = (
        f'{scale * value:.{digits}f}' for value in (values.median, values.minimum, values.maximum)
    )
    return f'{median}{unit}' if least == most else f'{median}{unit} ({least}-{most})'


def _entry(entry: Entry) -> str:
    if entry.missing:
        return f'- `{entry.name}`: {entry.title}. Not run: {entry.missing}.'
    return (
        f'- `{entry.name}`: {entry.title}. '
        f'{entry.idle_cpu_s:.2f} s of CPU for waiting and closing are subtracted from each run.'
    )


def _noise(found: Mapping[Cell, Mapping[str, Summary]]) -> list[str]:
    """Say how busy the computer was with something else, which every figure suffers from."""
    middles = [s.other_cores.median for by_name in found.values() for s in by_name.values()]
    worst = max(s.other_cores.maximum for by_name in found.values() for s in by_name.values())
    said = (
        'Cores busy with something else than producers and contestant while a run lasted '
        f'(the kernel included): {min(middles):.2f} to {max(middles):.2f} by load and contestant, '
        f'{worst:.2f} in the worst run.'
    )
    repeated = [
        f'- {cell.title}, `{name}`: CPU per record {_width(s.cpu_us):.0%} of its median apart'
        for cell, by_name in found.items()
        for name, s in by_name.items()
        if s.runs > 1 and s.cpu_us is not None
    ]
    return [said, '', *(repeated or ['No load was run more than once.'])]


def _width(values: Spread) -> float:
    return (values.maximum - values.minimum) / values.median
