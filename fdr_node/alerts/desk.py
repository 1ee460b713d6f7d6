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
Takes the events of the recorder, and hands the alerts that follow to the courier of each sink.

It neither waits nor raises: the recorder goes on whatever becomes of an alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
import time
from typing import TYPE_CHECKING

from fdr_node.alerts.cadence import Cadence
from fdr_node.alerts.courier import Courier
from fdr_node.alerts.wording import alert_of
from fdr_node.clock import NS_PER_S
from fdr_node.events import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fdr_node.alerts.ports import Sink, SinkHealth
    from fdr_node.alerts.wording import Notice
    from fdr_node.clock import Clock
    from fdr_node.events import Event


class AlertDesk:
    """
    Where events become alerts.

    :param sinks: where alerts go; each gets a thread of its own.
    :param clock: for the repeats.
    :param repeat_s: time between two tellings of the same alert.
    :param prearm_s: the same for PreArm.
    """

    def __init__(
        self, sinks: Iterable[Sink], *, clock: Clock, repeat_s: float, prearm_s: float
    ) -> None:
        self._clock = clock
        self._lock = Lock()
        self._faults = 0
        self._cadence = Cadence(
            repeat_ns=round(repeat_s * NS_PER_S), prearm_ns=round(prearm_s * NS_PER_S)
        )
        self._couriers = [Courier(sink) for sink in sinks]
        for courier in self._couriers:
            courier.start()

    def tell(self, event: Event) -> None:
        """Take an event, from any thread; what the operator has to know of it goes out."""
        self._hand_out(lambda now_ns: self._cadence.hear(event, now_ns))

    def tick(self, not_ready_reason: str) -> None:
        """
        Repeat what is due; to be called a few times a second.

        :param not_ready_reason: why the aircraft must not take off; empty when it may, and then
            nothing is repeated.
        """
        self._hand_out(lambda now_ns: self._cadence.tick(now_ns, is_ready=not not_ready_reason))

    def health(self) -> Diagnosis:
        """Return how the sinks are, for /diagnostics; from any thread."""
        return diagnosis([courier.health() for courier in self._couriers], faults=self._faults)

    def close(self, deadline_s: float) -> bool:
        """
        Send what waits, and end; what is told afterwards goes nowhere.

        :param deadline_s: after that a sink that hangs is left alone.
        :return: False when there was one.
        """
        deadline = time.monotonic() + deadline_s
        for courier in self._couriers:
            courier.end()
        ended = [courier.join(max(0.0, deadline - time.monotonic())) for courier in self._couriers]
        return all(ended)

    def _hand_out(self, choose: Callable[[int], list[Notice]]) -> None:
        try:
            # Under one lock, so that each sink has the alerts in the order of the events.
            with self._lock:
                for notice in choose(self._clock.monotonic_ns()):
                    alert = alert_of(notice)
                    for courier in self._couriers:
                        courier.offer(alert)
        except Exception:  # noqa: BLE001  # the wall: an alert never hurts the recorder
            self._faults += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """
    The status ``alerts`` of /diagnostics.

    :param level: how bad it is.
    :param text: in a few words.
    :param values: per sink.
    """

    level: Level
    text: str
    values: Mapping[str, str | int]


def diagnosis(sinks: Iterable[SinkHealth], *, faults: int) -> Diagnosis:
    """
    Return what is to be said of the sinks; pure.

    :param faults: alerts that were lost in the recorder itself.
    """
    values: dict[str, str | int] = {}
    unwell = []
    for sink in sinks:
        values |= {
            f'{sink.name}: sent': sink.sent,
            f'{sink.name}: dropped': sink.dropped,
            f'{sink.name}: waiting': sink.waiting,
            f'{sink.name}: fault': sink.fault,
        }
        if sink.fault:
            unwell.append(sink.name)
    if faults:
        return Diagnosis(
            level=Level.ERROR, text='internal fault', values={**values, 'faults': faults}
        )
    if unwell:
        return Diagnosis(
            level=Level.WARN, text=f'not delivered: {", ".join(unwell)}', values=values
        )
    return Diagnosis(level=Level.INFO, text='delivered' if values else 'no sink', values=values)
