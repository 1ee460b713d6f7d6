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
Puts losses into the log without flooding it: at most one line per producer and interval.

It counts only what it has not logged yet; the totals are the ledger's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.events import Event, Level
from fdr_node.schema import OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fdr_node.events import Report
    from fdr_node.intake.ledger import Loss

INTERVAL_NS = 10 * NS_PER_S

# Producers whose losses get lines of their own; further ones share a line.
PRODUCERS_MAX = 256


@dataclass(slots=True)
class _Line:
    logged_ns: int | None = None
    causes: dict[str, int] = field(default_factory=dict)


class LossLog:
    """
    The log of one flight's losses.

    :param report: is told of them.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lines: dict[str, _Line] = {}

    def note(self, losses: Iterable[Loss], now_ns: int, *, is_final: bool = False) -> None:
        """
        Log losses, and those that were held back until now.

        :param now_ns: CLOCK_MONOTONIC now.
        :param is_final: the flight ends: nothing is held back any more.
        """
        for loss in losses:
            known = loss.producer_id in self._lines or len(self._lines) < PRODUCERS_MAX
            line = self._lines.setdefault(loss.producer_id if known else OTHERS, _Line())
            line.causes[loss.cause] = line.causes.get(loss.cause, 0) + loss.records
        for producer_id, line in self._lines.items():
            is_due = line.logged_ns is None or now_ns - line.logged_ns >= INTERVAL_NS
            if line.causes and (is_due or is_final):
                self._tell(producer_id, line.causes)
                line.logged_ns = now_ns
                line.causes = {}

    def _tell(self, producer_id: str, causes: dict[str, int]) -> None:
        self._report(
            Event(
                name='records_lost',
                level=Level.WARN,
                facts={'producer_id': producer_id, 'records': sum(causes.values()), **causes},
            )
        )
