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
Decides from when on the records of a producer may go out on a topic.

A best-effort reader drops what it gets from a writer that it does not know yet, and the writer
learns of the reader before the reader learns of the writer. Records that went out at once would be
lost, the first one among them.

It reads no clock and asks no middleware: it is told what they say.
"""

from __future__ import annotations

# How long the reader may need to learn of the writer after the writer has learned of it.
SETTLE_NS = 500_000_000

# How long to wait for the other reader of whoever reads one of two topics: as long as discovery
# may take. Who has none by then reads the one alone.
PAIRING_NS = 3_000_000_000


class Match:
    """The reader of a topic, as its writer knows it: settled once both know each other."""

    def __init__(self) -> None:
        self._since_ns: int | None = None

    def is_settled(self, *, readers: int, now_ns: int) -> bool:
        """
        Say whether what is written now will be read.

        :param readers: readers that the writer knows now
        :param now_ns: CLOCK_MONOTONIC (ns)
        """
        if readers == 0:
            self._since_ns = None
            return False
        if self._since_ns is None:
            self._since_ns = now_ns
        return now_ns - self._since_ns >= SETTLE_NS


class Pairing:
    """
    The readers of two topics, as their writers know them: settled once all know each other.

    A recorder reads both, and its two readers are found one after the other. Until then records
    that went out on both would come from one only.
    """

    def __init__(self) -> None:
        self._known = (0, 0)
        self._since_ns = 0

    def is_settled(self, *, readers: int, priority_readers: int, now_ns: int) -> bool:
        """
        Say whether who reads the records reads those of the priority topic too.

        :param readers: readers of all other records that their writer knows now
        :param priority_readers: readers of the priority topic that its writer knows now
        :param now_ns: CLOCK_MONOTONIC (ns)
        """
        known = (readers, priority_readers)
        if known != self._known:
            self._known, self._since_ns = known, now_ns
        wait_ns = SETTLE_NS if readers == priority_readers else PAIRING_NS
        return min(known) > 0 and now_ns - self._since_ns >= wait_ns


class HoldBack:
    """
    Closed until a reader has been matched for a while, or for too long; then open for good.

    :param started_ns: CLOCK_MONOTONIC when the writer was made (ns)
    :param give_up_ns: how long after that it opens without a reader [0..] (ns)
    """

    def __init__(self, *, started_ns: int, give_up_ns: int) -> None:
        self._give_up_at_ns = started_ns + give_up_ns
        self._match = Match()
        self._is_open = False
        self._is_heard = False

    @property
    def is_heard(self) -> bool:
        """Whether it was a reader that opened it."""
        return self._is_heard

    def is_open(self, *, readers: int, now_ns: int) -> bool:
        """
        Say whether records may go out.

        :param readers: readers that the writer knows now
        :param now_ns: CLOCK_MONOTONIC (ns)
        """
        if self._is_open:
            return True
        self._is_heard = self._match.is_settled(readers=readers, now_ns=now_ns)
        self._is_open = self._is_heard or now_ns >= self._give_up_at_ns
        return self._is_open
