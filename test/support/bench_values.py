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
"""Results of a benchmark that nobody ran, for what is made of them."""

from __future__ import annotations

from dataclasses import replace

from fdr_node.bench.plan import Cell
from fdr_node.bench.results import ClientCost, Entry, Machine, Results, Sample

MAIN = Cell(payload_bytes=256, rate_hz=30_000, seconds=10.0)
SLOW = Cell(payload_bytes=64, rate_hz=0, seconds=1.0)

MACHINE = Machine(
    cpu='Testium <9>',
    cores=2,
    kernel='Linux 1 x86_64',
    file_system='ext4',
    load_before=0.5,
    versions={'python': '3.11'},
)
SAMPLE = Sample(
    cell=MAIN,
    contestant='fdr_node',
    round_number=1,
    published=100_000,
    sending_s=10.0,
    recorded=100_000,
    cpu_s=2.0,
    rss_max_bytes=64 * 1024 * 1024,
    commit_age_s=0.25,
    other_cpu_s=1.0,
)

CLIENT = (
    ClientCost(situation='published', calls=1000, median_us=9.94, most_us=21.0, worst_us=300.4),
    ClientCost(situation='stalled drain', calls=9, median_us=10.0, most_us=20.0, worst_us=30.0),
)


def entry(name: str, missing: str = '') -> Entry:
    """Return a contestant."""
    return Entry(name=name, title=f'the {name}', missing=missing, idle_cpu_s=0.1)


def results() -> Results:
    """Return two runs of two contestants under one load, and one of one under another."""
    callback = replace(SAMPLE, contestant='callback', recorded=40_000, cpu_s=8.0)
    return Results(
        began='2026-01-02T03:04:05+00:00',
        took_s=12.0,
        machine=MACHINE,
        entries=(entry('fdr_node'), entry('callback'), entry('ros2 bag', 'it is not there')),
        samples=(
            SAMPLE,
            callback,
            replace(SAMPLE, round_number=2, cpu_s=3.0),
            replace(callback, round_number=2),
            replace(SAMPLE, cell=SLOW, recorded=0, commit_age_s=None),
        ),
        failures=('64 B #2 fdr_node: gone',),
        client=CLIENT,
    )
