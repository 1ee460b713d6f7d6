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
"""Tests of what is run in which order."""

from __future__ import annotations

from fdr_node.bench.plan import Cell, FULL, heats, MAIN, Plan, QUICK
import pytest


def test_contestants_take_turns_within_a_load() -> None:
    """What disturbs for some seconds disturbs every contestant."""
    cells = [
        Cell(payload_bytes=64, rate_hz=100, seconds=1.0),
        Cell(payload_bytes=64, rate_hz=0, seconds=1.0),
    ]
    plan = Plan(cells=tuple(cells), rounds=2)
    found = [(h.cell.rate_hz, h.round_number, h.contestant) for h in heats(plan, ['a', 'b'])]
    assert found == [
        (100, 1, 'a'),
        (100, 1, 'b'),
        (100, 2, 'a'),
        (100, 2, 'b'),
        (0, 1, 'a'),
        (0, 1, 'b'),
        (0, 2, 'a'),
        (0, 2, 'b'),
    ]


@pytest.mark.parametrize(
    ('payload_bytes', 'rate_hz', 'title'),
    [(64, 100, '64 B, 100/s'), (61440, 30_000, '60 KiB, 30,000/s'), (4096, 0, '4 KiB, flat out')],
)
def test_a_load_has_a_title(payload_bytes: int, rate_hz: int, title: str) -> None:
    """A person reads sizes in binary units."""
    assert Cell(payload_bytes=payload_bytes, rate_hz=rate_hz, seconds=1.0).title == title


def test_every_size_is_run_slowly_and_flat_out() -> None:
    """The extremes of the rate are there for each size of a record."""
    found = {(cell.payload_bytes, cell.rate_hz) for cell in FULL.cells}
    sizes = {64, 256, 4096, 61440}
    assert {size for size, _ in found} == sizes
    assert {(size, rate) for size in sizes for rate in (0, 100)} <= found


def test_the_promised_load_is_run_often_enough() -> None:
    """The goals are judged by a median of five; a quick run knows the load too."""
    assert MAIN in FULL.cells
    assert FULL.rounds >= 5
    assert (MAIN.payload_bytes, MAIN.rate_hz) in {
        (cell.payload_bytes, cell.rate_hz) for cell in QUICK.cells
    }
