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
"""Sinks for alerts that work, hang or fail, as a test wants."""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING

from processes import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from fdr_node.alerts.alert import Alert


class KeptSink:
    """
    A sink that keeps what it gets, and fails or hangs on demand.

    :param name: of the sink.
    :param period_s: how often it wants to be attended to.
    """

    def __init__(self, name: str = 'kept', *, period_s: float | None = None) -> None:
        self.name = name
        self.period_s = period_s
        self.alerts: list[Alert] = []
        self.attended = 0
        self.tries = 0
        self.is_closed = False
        self._fault: Exception | None = None
        self._is_stuck = False
        self._changed = Condition()

    def attend(self) -> None:
        """Count."""
        with self._changed:
            self.attended += 1
            self._changed.notify_all()

    def deliver(self, alert: Alert) -> None:
        """Keep an alert, or fail, or hang until it is freed."""
        with self._changed:
            self.tries += 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: not self._is_stuck, WAIT_S)
            if self._fault is not None:
                raise self._fault
            self.alerts.append(alert)
            self._changed.notify_all()

    def close(self) -> None:
        """Take note."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def fail(self, fault: Exception | None) -> None:
        """Fail from now on; None: no longer."""
        with self._changed:
            self._fault = fault

    def stick(self) -> None:
        """Hang from now on."""
        with self._changed:
            self._is_stuck = True

    def free(self) -> None:
        """Hang no longer."""
        with self._changed:
            self._is_stuck = False
            self._changed.notify_all()

    def texts(self) -> list[str]:
        """Return what the alerts say that it has got."""
        with self._changed:
            return [alert.text for alert in self.alerts]

    def wait_for_texts(self, *texts: str) -> None:
        """Wait until it has got exactly these."""
        self._wait(lambda: [alert.text for alert in self.alerts] == [*texts])

    def wait_for_tries(self, tries: int) -> None:
        """Wait until an alert was tried so often."""
        self._wait(lambda: self.tries >= tries)

    def wait_for_attended(self, times: int) -> None:
        """Wait until it was attended to so often."""
        self._wait(lambda: self.attended >= times)

    def _wait(self, is_it: Callable[[], bool]) -> None:
        with self._changed:
            found = self._changed.wait_for(is_it, WAIT_S)
            assert found, (self.alerts, self.tries, self.attended)
