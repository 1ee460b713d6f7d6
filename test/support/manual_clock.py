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
"""A clock that stands still until a test moves it."""

from __future__ import annotations

from fdr_node.clock import Instant, NS_PER_S

# 2026-01-31T12:00:00Z, and a computer that has been up for a quarter of an hour.
WALL_NS = 1_769_860_800 * NS_PER_S
MONOTONIC_NS = 900 * NS_PER_S


class ManualClock:
    """Both clocks of a recorder, moved by hand."""

    def __init__(self, *, wall_ns: int = WALL_NS, monotonic_ns: int = MONOTONIC_NS) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns

    def wall_ns(self) -> int:
        """Return the wall clock."""
        return self._wall_ns

    def monotonic_ns(self) -> int:
        """Return the monotonic clock."""
        return self._monotonic_ns

    def now(self) -> Instant:
        """Return both."""
        return Instant(self._wall_ns, self._monotonic_ns)

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._wall_ns += round(seconds * NS_PER_S)
        self._monotonic_ns += round(seconds * NS_PER_S)

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock, as GNSS does, while no time passes."""
        self._wall_ns += round(seconds * NS_PER_S)
