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
Decides when an alert is told: at once, again while its reason stays, and never in a flood; pure.

* A failure is told at once, then every ``repeat_ns`` until the recorder records again. Another
  failure meanwhile is told at once too; the latest is the one that is repeated.
* PreArm is told at once, then every ``prearm_ns`` until the recorder is ready. A failure in flight
  takes its place.
* A recovery is always told.
* What has passed is told at once, but not again within ``repeat_ns``: what comes meanwhile is put
  together and told then.

What is kept has one place per alert of the catalogue, so it has a bound.
"""

from __future__ import annotations

from typing import assert_never, TYPE_CHECKING

from fdr_node.alerts import catalogue
from fdr_node.alerts.catalogue import Manner
from fdr_node.alerts.wording import Notice, notice_of, together

if TYPE_CHECKING:
    from fdr_node.alerts.catalogue import Entry
    from fdr_node.events import Event

# After these the recorder takes records again, or has nothing more to take.
_ENDS_OF_FAILURE = frozenset({'recovered', 'flight_opened', 'flight_closed', 'flight_not_closed'})


class Cadence:
    """
    Knows what was told when.

    :param repeat_ns: time between two tellings of the same alert.
    :param prearm_ns: the same for PreArm.
    """

    def __init__(self, *, repeat_ns: int, prearm_ns: int) -> None:
        self._repeat_ns = repeat_ns
        self._prearm_ns = prearm_ns
        self._told_ns: dict[Entry, int] = {}
        # In the order in which they were last heard of.
        self._failures: dict[Entry, Notice] = {}
        self._held: dict[Entry, Notice] = {}
        self._prearm: Notice | None = None
        self._is_prearm_told = False
        self._unready_since_ns: int | None = None

    def hear(self, event: Event, now_ns: int) -> list[Notice]:
        """
        Take note of an event.

        :param now_ns: CLOCK_MONOTONIC now.
        :return: what is to be told now.
        """
        if event.name in _ENDS_OF_FAILURE:
            self._failures.clear()
            self._forget(Manner.FAILURE)
        if event.name == 'flight_opened':
            self._prearm = None
        notice = notice_of(event)
        if notice is None:
            return []
        match notice.entry.manner:
            case Manner.FAILURE:
                self._failures.pop(notice.entry, None)
                self._failures[notice.entry] = notice
            case Manner.PREARM:
                self._prearm = notice
                self._is_prearm_told = True
            case Manner.RECOVERY:
                return [self._tell(notice, now_ns)]
            case Manner.PASSING:
                self._hold(notice)
            case _:
                assert_never(notice.entry.manner)
        return [self._tell(notice, now_ns)] if self._is_due(notice.entry, now_ns) else []

    def tick(self, now_ns: int, *, is_ready: bool) -> list[Notice]:
        """
        Say what is due without a new event; to be called a few times a second.

        :param now_ns: CLOCK_MONOTONIC now.
        :param is_ready: the recorder is fit for take-off, and records.
        :return: what is to be told now.
        """
        due = self._ready(now_ns) if is_ready else self._unready(now_ns)
        held = [notice for entry, notice in self._held.items() if self._is_due(entry, now_ns)]
        return due + [self._tell(notice, now_ns) for notice in held]

    def _hold(self, notice: Notice) -> None:
        held = self._held.get(notice.entry)
        self._held[notice.entry] = together(held, notice) if held else notice

    def _ready(self, now_ns: int) -> list[Notice]:
        self._unready_since_ns = self._prearm = None
        self._forget(Manner.PREARM)
        was_told, self._is_prearm_told = self._is_prearm_told, False
        return [self._tell(Notice(entry=catalogue.READY), now_ns)] if was_told else []

    def _unready(self, now_ns: int) -> list[Notice]:
        if self._unready_since_ns is None:
            self._unready_since_ns = now_ns
        if self._failures:
            notice = next(reversed(self._failures.values()))
        elif self._prearm is not None:
            notice = self._prearm
        elif now_ns - self._unready_since_ns >= self._prearm_ns:
            # A start takes a moment; without a reason that was heard it is given this long.
            notice = Notice(entry=catalogue.NOT_RECORDING)
            self._is_prearm_told = True
        else:
            return []
        return [self._tell(notice, now_ns)] if self._is_due(notice.entry, now_ns) else []

    def _is_due(self, entry: Entry, now_ns: int) -> bool:
        told_ns = self._told_ns.get(entry)
        period_ns = self._prearm_ns if entry.manner is Manner.PREARM else self._repeat_ns
        return told_ns is None or now_ns - told_ns >= period_ns

    def _tell(self, notice: Notice, now_ns: int) -> Notice:
        """Note that it is told, and return it with what was held back of it."""
        self._told_ns[notice.entry] = now_ns
        return self._held.pop(notice.entry, notice)

    def _forget(self, manner: Manner) -> None:
        """Let the next one be the first again."""
        for entry in [entry for entry in self._told_ns if entry.manner is manner]:
            del self._told_ns[entry]
