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
Holds records between the intake and the writer, so that a stalled disk does not stop the intake.

It is bounded in records and in bytes and drops the oldest. It says which ones it dropped and
counts nothing: that is the ledger's work.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import islice, takewhile
from threading import Lock
from typing import Final, NamedTuple, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fdr_node.record import RecordHead


class Entry(NamedTuple):
    """
    One record on its way to the disk.

    :param data: the serialised FdrRecord as it came.
    :param head: what was read from its beginning.
    :param received_ns: CLOCK_MONOTONIC when it was drained.
    """

    data: bytes
    head: RecordHead
    received_ns: int


# Makes an entry of its three fields at a third of what its constructor costs for every record.
make_entry: Final[Callable[[Iterable[object]], Entry]] = partial(tuple.__new__, Entry)


class Ring:
    """
    A bounded queue for one intake thread and one writer thread.

    :param records_max: records it holds at most, 1 or more.
    :param bytes_max: bytes of serialised records it holds at most.
    """

    def __init__(self, *, records_max: int, bytes_max: int) -> None:
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the records that wait."""
        return len(self._entries)

    @property
    def fill(self) -> float:
        """How full it is [0..1], by records or by bytes, whichever is more."""
        return max(len(self._entries) / self._records_max, self._bytes / self._bytes_max)

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest record came (CLOCK_MONOTONIC, ns); None when none waits."""
        with self._lock:
            return self._entries[0].received_ns if self._entries else None

    def push(self, entries: Sequence[Entry]) -> list[Entry]:
        """
        Add records at the young end.

        :return: the oldest records, which had to go for them.
        """
        with self._lock:
            self._entries.extend(entries)
            self._bytes += _bytes_of(entries)
            return self._evict()

    def take(self, records_max: int, *, before_ns: int | None = None) -> list[Entry]:
        """
        Take records from the old end.

        :param records_max: at most so many.
        :param before_ns: none of those that came then or later (CLOCK_MONOTONIC).
        """
        entries = self._entries
        with self._lock:
            count = min(records_max, len(entries))
            if before_ns is not None:
                old = takewhile(lambda entry: entry.received_ns < before_ns, entries)
                count = sum(1 for _ in islice(old, count))
            taken = [entries.popleft() for _ in range(count)]
            self._bytes -= _bytes_of(taken)
            return taken

    def give_back(self, entries: Sequence[Entry]) -> list[Entry]:
        """
        Put records that could not be written back at the old end.

        :return: the oldest records, which had to go because the ring filled meanwhile.
        """
        with self._lock:
            self._entries.extendleft(reversed(entries))
            self._bytes += _bytes_of(entries)
            return self._evict()

    def _evict(self) -> list[Entry]:
        evicted: list[Entry] = []
        while len(self._entries) > self._records_max or self._bytes > self._bytes_max:
            entry = self._entries.popleft()
            self._bytes -= len(entry.data)
            evicted.append(entry)
        return evicted


def _bytes_of(entries: Sequence[Entry]) -> int:
    return sum([len(data) for data, _, _ in entries])
