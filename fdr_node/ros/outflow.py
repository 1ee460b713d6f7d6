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
Hands what waits to the recorder: records in their order, and what is to be told of losses.

What the recorder does not take waits on, whatever the reason. When it is called, and what a disk
that takes nothing means for the flight, is not decided here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from fdr_node.intake.loss_log import LossLog
from fdr_node.intake.totals import overrun_of
from fdr_node.recording.batch import parts
from fdr_node.schema import LossCause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fdr_node.events import Report
    from fdr_node.intake.intake import Intake
    from fdr_node.intake.lanes import Lanes
    from fdr_node.intake.ledger import Ledger, Loss
    from fdr_node.intake.ring import Entry
    from fdr_node.recording.recorder import FlightRecorder

# Records that are taken from the ring at a time.
_BATCH_RECORDS = 512

# Of records, written between two signs of life.
_PART_BYTES = 1 << 20


class Outflow:
    """
    The way from the ring to the recorder; used by one thread at a time.

    :param intake: takes back what was not written.
    :param lanes: the ring.
    :param ledger: knows the losses.
    :param report: is told of them.
    """

    def __init__(self, *, intake: Intake, lanes: Lanes, ledger: Ledger, report: Report) -> None:
        self._intake = intake
        self._lanes = lanes
        self._ledger = ledger
        self._loss_log = LossLog(report)
        self._losses: deque[Loss] = deque()
        # What waited when the disk came back, at most a ring full.
        self._backlog: list[Entry] = []

    def __len__(self) -> int:
        """Return the records that wait."""
        return len(self._backlog) + len(self._lanes)

    @property
    def has_backlog(self) -> bool:
        """Whether there are records that were taken out of the ring and are not written."""
        return bool(self._backlog)

    def hold(self) -> None:
        """
        Take what waits out of the ring, so that what comes pushes none of it out.

        To be called with the intake at rest.
        """
        if not self._backlog:
            self._backlog = self._lanes.take(len(self._lanes))

    def write(self, recorder: FlightRecorder, *, is_to_go_on: Callable[[], bool]) -> bool:
        """
        Write some of what waits.

        :param is_to_go_on: is asked after each part, which takes no disk long.
        :return: whether there may be more.
        """
        is_backlog, written = bool(self._backlog), 0
        waits = self._backlog[:_BATCH_RECORDS]
        entries = waits if is_backlog else self._lanes.take(_BATCH_RECORDS)
        try:
            for count in self._write(recorder, entries, is_to_go_on):
                written += count
        finally:
            # Whatever ends it: what was not written waits as before.
            if is_backlog:
                del self._backlog[:written]
            elif written < len(entries):
                self._intake.give_back(entries[written:])
        return 0 < written == len(entries)

    def _write(
        self, recorder: FlightRecorder, entries: list[Entry], is_to_go_on: Callable[[], bool]
    ) -> Iterator[int]:
        """Write records; yield how many of each part, from the first on."""
        # The recorder counts a record where the ledger does; the bytes stay as they came.
        for part in parts(self._ledger.by_account(entries), bytes_max=_PART_BYTES):
            count = recorder.write_all(part)
            yield count
            if count < len(part) or not is_to_go_on():
                return

    def write_losses(
        self, recorder: FlightRecorder, now_ns: int, *, is_final: bool = False
    ) -> bool:
        """
        Tell of losses in the flight and in the log.

        :param now_ns: CLOCK_MONOTONIC.
        :param is_final: the flight ends: nothing that is missing can come any more.
        :return: whether all of them are told.
        """
        if is_final or not self._losses:
            # Those of a degraded time stay in the ledger, which merges them.
            losses = self._ledger.take_losses(now_ns, is_final=is_final)
            self._losses.extend(losses)
            self._loss_log.note(losses, now_ns, is_final=is_final)
        while self._losses and recorder.write_own(overrun_of(self._losses[0])):
            self._losses.popleft()
        return not self._losses

    def give_up(self) -> None:
        """Count what waits as lost to the disk; nothing waits any more."""
        left = self._backlog + self._lanes.take(len(self._lanes))
        self._backlog = []
        self._ledger.give_up((entry.head for entry in left), LossCause.DISK)
