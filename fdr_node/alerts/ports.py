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
"""What a way to the operator has to do, and how it says that it is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from fdr_node.alerts.alert import Alert


class Sink(Protocol):
    """
    One way that alerts take; used by the thread of its courier alone.

    Every method may wait, and may raise what it likes: only this way suffers from it.
    """

    @property
    def name(self) -> str:
        """Return the name, as the parameter ``alert_sinks`` has it."""

    @property
    def period_s(self) -> float | None:
        """Return how often it wants to be attended to; None: never."""

    def attend(self) -> None:
        """Do what is due without an alert, such as a heartbeat."""

    def deliver(self, alert: Alert) -> None:
        """Send one alert; when that fails it is tried again."""

    def close(self) -> None:
        """Let go of everything; nothing is sent any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkHealth:
    """
    One way at one moment.

    :param name: of the sink.
    :param sent: alerts that were delivered.
    :param dropped: alerts that were given up because too many waited.
    :param waiting: alerts that wait.
    :param fault: why nothing can be sent now; empty when it can.
    """

    name: str
    sent: int = 0
    dropped: int = 0
    waiting: int = 0
    fault: str = ''
