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
Carries alerts to one sink, in a thread of its own, so that a sink that hangs hurts nobody.

Alerts wait in a short queue; when it is full the oldest goes. What failed is tried again after a
pause. It neither chooses alerts nor knows where they go.
"""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from typing import Final, TYPE_CHECKING

from fdr_node.alerts.ports import SinkHealth

if TYPE_CHECKING:
    from fdr_node.alerts.alert import Alert
    from fdr_node.alerts.ports import Sink

# What the operator could still want to read when a link comes back.
WAITING_MAX: Final = 16

# After a failure; doubles up to the longest. A link that is back is used again within that (s).
PAUSE_FIRST_S: Final = 0.25
PAUSE_LONGEST_S: Final = 2.0

_FAULT_CHARACTERS_MAX: Final = 200


class Courier:
    """
    Thread and queue of one sink.

    :param sink: where the alerts go; closed when the courier ends.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._changed = Condition()
        self._waiting: deque[Alert] = deque()
        self._sent = 0
        self._dropped = 0
        self._fault = ''
        self._pause_s = 0.0
        self._is_ending = False
        self._thread = Thread(target=self._run, name=f'alerts-{sink.name}', daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, alert: Alert) -> None:
        """Take an alert; waits for nothing. One that the last in the queue says already is it."""
        with self._changed:
            if self._is_ending or (self._waiting and self._waiting[-1] == alert):
                return
            self._waiting.append(alert)
            self._trim()
            self._changed.notify_all()

    def health(self) -> SinkHealth:
        """Return how it is; from any thread."""
        with self._changed:
            return SinkHealth(
                name=self._sink.name,
                sent=self._sent,
                dropped=self._dropped,
                waiting=len(self._waiting),
                fault=self._fault,
            )

    def end(self) -> None:
        """Take nothing more; what waits is still tried once, then the thread ends."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """
        Wait for the end.

        :return: False when the sink still hangs; its thread is left to the end of the process.
        """
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            is_last = self._rest()
            try:
                self._sink.attend()
                self._carry()
            except Exception as error:  # noqa: BLE001  # the wall of the sinks
                self._note(error)
            else:
                self._note(None)
            if is_last:
                break
        try:
            self._sink.close()
        except Exception as error:  # noqa: BLE001  # the wall of the sinks
            self._note(error)

    def _rest(self) -> bool:
        """Wait until there is something to do; return whether it is the last time."""
        with self._changed:
            if self._pause_s:
                self._changed.wait_for(lambda: self._is_ending, self._pause_s)
            else:
                self._changed.wait_for(
                    lambda: self._is_ending or self._waiting, self._sink.period_s
                )
            return self._is_ending

    def _carry(self) -> None:
        while alert := self._next():
            try:
                self._sink.deliver(alert)
            except Exception:
                self._put_back(alert)
                raise
            with self._changed:
                self._sent += 1

    def _next(self) -> Alert | None:
        with self._changed:
            return self._waiting.popleft() if self._waiting else None

    def _put_back(self, alert: Alert) -> None:
        with self._changed:
            self._waiting.appendleft(alert)
            self._trim()

    def _trim(self) -> None:
        while len(self._waiting) > WAITING_MAX:
            self._waiting.popleft()
            self._dropped += 1

    def _note(self, error: Exception | None) -> None:
        with self._changed:
            if error is None:
                self._fault, self._pause_s = '', 0.0
                return
            text = str(error) or type(error).__name__
            self._fault = text[:_FAULT_CHARACTERS_MAX]
            self._pause_s = min(PAUSE_LONGEST_S, 2 * self._pause_s or PAUSE_FIRST_S)
