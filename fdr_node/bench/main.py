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
Runs the whole benchmark and writes results.json, results.md and cpu.svg.

Progress goes to standard error, the page to standard output. A contestant that is missing, or
that cannot be run, is named with the reason and the others go on.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime, UTC
import json
import os
from pathlib import Path
import sys
import time
from typing import Protocol, TYPE_CHECKING

from fdr_node.bench.contestants import contestants
from fdr_node.bench.course import Course
from fdr_node.bench.machine import this_machine
from fdr_node.bench.picture import picture
from fdr_node.bench.plan import FULL, heats, Plan, QUICK
from fdr_node.bench.process import BenchError, Child
from fdr_node.bench.results import client_cost, Entry, mappings, Results
from fdr_node.bench.table import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fdr_node.bench.contestants import Contestant
    from fdr_node.bench.plan import Heat
    from fdr_node.bench.results import ClientCost, Sample

OK = 0
CANNOT = 1

# Domains that are free of the ports of the system.
_DOMAINS = 100


class Track(Protocol):
    """What runs a contestant."""

    def idle_cpu_s(self, contestant: Contestant) -> float:
        """Return what it uses when nothing is published (s)."""

    def run(self, heat: Heat, contestant: Contestant, *, idle_cpu_s: float) -> Sample:
        """Run it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Who was run, with which result, and which runs could not be made."""

    entries: tuple[Entry, ...]
    samples: tuple[Sample, ...]
    failures: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the benchmark.

    :param argv: arguments; None takes those of the process
    :return: 0, or 1 when it could not be run
    """
    arguments = _parser().parse_args(argv)
    # Nobody else is heard, and nobody else hears it.
    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % _DOMAINS)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    began, begin_s = datetime.now(UTC).isoformat(timespec='seconds'), time.monotonic()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    machine = this_machine(arguments.folder)
    try:
        client = client_costs(arguments.folder / 'record_cost.log')
        with Course(arguments.folder / 'run') as course:
            outcome = compete(
                course,
                contestants(arguments.ros2),
                QUICK if arguments.quick else FULL,
            )
    except (BenchError, OSError) as error:
        sys.stderr.write(f'the benchmark cannot be run: {error}\n')
        return CANNOT
    results = Results(
        began=began,
        took_s=round(time.monotonic() - begin_s, 1),
        machine=machine,
        entries=outcome.entries,
        samples=outcome.samples,
        failures=outcome.failures,
        client=client,
    )
    write(results, arguments.out or Path('build' if arguments.quick else 'docs', 'bench'))
    sys.stdout.write(page(results))
    return OK


def client_costs(log: Path) -> tuple[ClientCost, ...]:
    """
    Return what recording costs a producer, measured in a process of its own.

    :param log: for what it says on its standard error
    :raises BenchError: it cannot be measured
    """
    with Child([sys.executable, '-m', 'fdr_node.bench.record_cost'], log=log) as child:
        return tuple(client_cost(item) for item in mappings(child.answer().get('costs')))


def compete(track: Track, all_of_them: Sequence[Contestant], plan: Plan) -> Outcome:
    """
    Run every contestant that is there under every load.

    :param track: runs them
    :param all_of_them: contestants in the order in which they take turns
    :param plan: loads
    """
    entries = [_entry(track, contestant) for contestant in all_of_them]
    idle_s = {entry.name: entry.idle_cpu_s for entry in entries if not entry.missing}
    by_name = {contestant.name: contestant for contestant in all_of_them}
    samples: list[Sample] = []
    failures: list[str] = []
    for heat in heats(plan, list(idle_s)):
        name = heat.contestant
        title = f'{heat.cell.title} #{heat.round_number} {name}'
        try:
            sample = track.run(heat, by_name[name], idle_cpu_s=idle_s[name])
        except (BenchError, OSError) as error:
            failures.append(f'{title}: {error}')
            sys.stderr.write(f'{failures[-1]}\n')
            continue
        samples.append(sample)
        sys.stderr.write(
            f'{title}: {sample.recorded:,} of {sample.published:,}, {sample.cpu_s:.2f} s of CPU\n'
        )
    return Outcome(entries=tuple(entries), samples=tuple(samples), failures=tuple(failures))


def _entry(track: Track, contestant: Contestant) -> Entry:
    missing, idle_s = contestant.missing(), 0.0
    if not missing:
        try:
            idle_s = track.idle_cpu_s(contestant)
        except (BenchError, OSError) as error:
            missing = f'it does not run: {error}'
    return Entry(name=contestant.name, title=contestant.title, missing=missing, idle_cpu_s=idle_s)


def write(results: Results, folder: Path) -> None:
    """
    Write the three files.

    :param results: at least one run
    :param folder: is made when it is not there
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results.to_json(), indent=1) + '\n'
    (folder / 'results.json').write_text(text, encoding='utf-8')
    (folder / 'results.md').write_text(page(results), encoding='utf-8')
    (folder / 'cpu.svg').write_text(picture(results), encoding='utf-8')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='fdr_node.bench', description='Measure the recorder beside others.'
    )
    parser.add_argument('--quick', action='store_true', help='a few loads, about a minute')
    parser.add_argument(
        '--out', type=Path, help='for the results (docs/bench; with --quick build/bench)'
    )
    parser.add_argument(
        '--folder', type=Path, default=Path('build/bench'), help='to record to (%(default)s)'
    )
    parser.add_argument('--ros2', default='ros2', help='command line of ros2 (%(default)s)')
    return parser
