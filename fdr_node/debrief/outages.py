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
Collects the times in which the storage took nothing, as the recorder's own records tell them.

Pure: payloads in, a bounded list out. A time that the recorder did not survive is in no record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.schema import Degraded, Recovered

# Those that are kept; the rest is counted. Each may name the losses of 256 producers.
OUTAGES_MAX: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """
    A time in which the storage took nothing.

    :param cause: the step that failed, such as ``commit``
    :param errno_name: the system's name for the error; None when it gave none
    :param detail: in words
    :param end_ns: when it was over, log time since the epoch (ns)
    :param duration_ns: how long it was, monotonic (ns); None when that record cannot be read
    :param lost: records lost meanwhile, by producer
    """

    cause: str
    errno_name: str | None = None
    detail: str = ''
    end_ns: int
    duration_ns: int | None = None
    lost: Mapping[str, int] = field(default_factory=dict)

    @property
    def start_ns(self) -> int | None:
        """When it began, log time since the epoch (ns); None when that is not known."""
        return None if self.duration_ns is None else self.end_ns - self.duration_ns

    @property
    def records_lost(self) -> int:
        """Return records lost meanwhile, over all producers."""
        return sum(self.lost.values())


class OutageLog:
    """
    The outages of a flight, in the order of the log.

    :ivar kept: the first OUTAGES_MAX of them
    :ivar count: how many there were
    :ivar records_lost: records lost in all of them
    """

    def __init__(self) -> None:
        self.kept: list[Outage] = []
        self.count = 0
        self.records_lost = 0
        # The record of its cause stands in front of that of its end.
        self._begun: tuple[Degraded, int] | None = None

    def begin(self, degraded: Degraded, at_ns: int) -> None:
        """
        Take the cause of an outage.

        :param at_ns: log time of the record, since the epoch (ns)
        """
        self.end_of_log()
        self._begun = (degraded, at_ns)

    def end(self, recovered: Recovered, at_ns: int) -> None:
        """
        Take the end of an outage.

        :param at_ns: log time of the record, since the epoch (ns)
        """
        begun, self._begun = self._begun, None
        self._add(
            Outage(
                cause=recovered.cause,
                errno_name=begun[0].errno_name if begun else None,
                detail=begun[0].detail if begun else '',
                end_ns=at_ns,
                duration_ns=recovered.duration_ns,
                lost=dict(recovered.lost),
            )
        )

    def end_of_log(self) -> None:
        """Take it that no end of an outage that was begun can be read."""
        begun, self._begun = self._begun, None
        if begun is not None:
            degraded, at_ns = begun
            self._add(
                Outage(
                    cause=degraded.cause,
                    errno_name=degraded.errno_name,
                    detail=degraded.detail,
                    end_ns=at_ns,
                )
            )

    def _add(self, outage: Outage) -> None:
        self.count += 1
        self.records_lost += outage.records_lost
        if len(self.kept) < OUTAGES_MAX:
            self.kept.append(outage)
