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
"""Remembers when the records of a flight came and were committed; what is due is not said here."""

from __future__ import annotations


class Times:
    """
    Instants of one flight, all of CLOCK_MONOTONIC.

    :ivar committed_ns: the last commit; None before the first.
    :ivar pending_since_ns: the oldest record that is not committed; None without one.
    """

    def __init__(self) -> None:
        self.committed_ns: int | None = None
        self.pending_since_ns: int | None = None
        self._segment_began_ns = 0

    def take(self, came_ns: int, *, is_first: bool) -> None:
        """
        Note records that were taken.

        :param came_ns: when the first of them came; a note that a long cut has left is older.
        :param is_first: the open segment held none.
        """
        since_ns = self.pending_since_ns
        self.pending_since_ns = came_ns if since_ns is None else min(since_ns, came_ns)
        if is_first:
            self._segment_began_ns = came_ns

    def commit(self, now_ns: int) -> None:
        """Note that nothing is pending."""
        self.committed_ns = now_ns
        self.pending_since_ns = None

    def segment_age_ns(self, now_ns: int) -> int:
        """Return how long the open segment has held records; it holds some."""
        return now_ns - self._segment_began_ns
