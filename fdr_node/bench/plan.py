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
"""Says which loads are run, how long, how often and in which order; it runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KIB = 1024

SENDERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """
    One load.

    :param payload_bytes: payload of each record (bytes)
    :param rate_hz: of all producers together (records/s); 0 is as fast as they can
    :param seconds: how long (s)
    """

    payload_bytes: int
    rate_hz: int
    seconds: float

    @property
    def title(self) -> str:
        """How a table calls it."""
        rate = f'{self.rate_hz:,}/s' if self.rate_hz else 'flat out'
        return f'{_size(self.payload_bytes)}, {rate}'


def _size(count: int) -> str:
    return f'{count} B' if count < KIB else f'{count // KIB} KiB'


# The load that the recorder promises to take without loss.
MAIN = Cell(payload_bytes=256, rate_hz=30_000, seconds=10.0)

# In the order in which they are run: those that matter first.
CELLS = (
    MAIN,
    Cell(payload_bytes=256, rate_hz=5_000, seconds=1.0),
    Cell(payload_bytes=64, rate_hz=100, seconds=1.5),
    Cell(payload_bytes=64, rate_hz=0, seconds=1.0),
    Cell(payload_bytes=256, rate_hz=100, seconds=1.5),
    Cell(payload_bytes=256, rate_hz=0, seconds=1.0),
    Cell(payload_bytes=4 * KIB, rate_hz=100, seconds=1.5),
    Cell(payload_bytes=4 * KIB, rate_hz=5_000, seconds=1.0),
    Cell(payload_bytes=4 * KIB, rate_hz=0, seconds=1.0),
    Cell(payload_bytes=60 * KIB, rate_hz=100, seconds=1.5),
    Cell(payload_bytes=60 * KIB, rate_hz=500, seconds=1.0),
    Cell(payload_bytes=60 * KIB, rate_hz=0, seconds=1.0),
)

QUICK_CELLS = (
    Cell(payload_bytes=256, rate_hz=30_000, seconds=1.0),
    Cell(payload_bytes=64, rate_hz=100, seconds=1.0),
    Cell(payload_bytes=60 * KIB, rate_hz=100, seconds=1.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What a benchmark runs.

    :param cells: loads, in their order
    :param rounds: how often each contestant runs each of them [1..]
    """

    cells: tuple[Cell, ...]
    rounds: int


# Some 25 minutes: a median of fewer than five says little.
FULL = Plan(cells=CELLS, rounds=5)

# Whether it works at all, in about a minute.
QUICK = Plan(cells=QUICK_CELLS, rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """
    One contestant under one load, once.

    :param cell: the load
    :param contestant: name
    :param round_number: 1, 2 ...
    """

    cell: Cell
    contestant: str
    round_number: int


def heats(plan: Plan, contestants: Sequence[str]) -> Iterator[Heat]:
    """
    Return every run, contestants taking turns: what disturbs for a while disturbs them all.

    :param plan: loads
    :param contestants: names, in their order
    """
    for cell in plan.cells:
        for round_number in range(1, plan.rounds + 1):
            for name in contestants:
                yield Heat(cell=cell, contestant=name, round_number=round_number)
