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
Numbers the records of one producer session, and keeps them until they are published.

It is bounded in records and in bytes; when it is full the oldest go and are counted. Priority
kinds wait in a part of their own, so that what a component publishes most cannot push out what
matters most; they come out in the order of their numbers all the same.

A number that was given out either comes out of :meth:`Outbox.take` or is counted as dropped, so
that every loss shows at the recorder as a hole in ``seq`` that the producer itself can name.

It publishes nothing and reads no clock.
"""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import Final, NamedTuple, TYPE_CHECKING

from fdr_node.errors import ConfigError, FlightStateError, PayloadError
from fdr_node.record import encode_cdr, FdrRecord, SCHEMA_VERSION
from fdr_node.schema import encode_payload, Kind, ProducerStats

if TYPE_CHECKING:
    from collections.abc import Collection

# What priority kinds have for themselves, beside the bounds of all others: a quarter of those.
_PRIORITY_PARTS: Final = 4


class Outgoing(NamedTuple):
    """
    A record that is ready to be published.

    :param seq: its number
    :param data: serialised, encapsulation header included
    :param is_priority: whether it travels with the priority kinds
    """

    seq: int
    data: bytes
    is_priority: bool


class _Queue:
    """
    Records that wait, within bounds; not safe to use from several threads.

    :param records_max: [1..] (records)
    :param bytes_max: [1..] (bytes)
    """

    def __init__(self, records_max: int, bytes_max: int) -> None:
        self.records_max = records_max
        self.bytes_max = bytes_max
        self.waiting: deque[Outgoing] = deque()
        self._bytes = 0

    def put(self, item: Outgoing) -> int:
        """Add a record. :return: how many of the oldest had to go."""
        waiting = self.waiting
        size = len(item.data)
        waiting.append(item)
        self._bytes += size
        dropped = 0
        while len(waiting) > self.records_max or self._bytes > self.bytes_max:
            self.pop()
            dropped += 1
        return dropped

    def pop(self) -> Outgoing:
        """Take the oldest record out."""
        item = self.waiting.popleft()
        size = len(item.data)
        self._bytes -= size
        return item


class Outbox:
    """
    The numbered, serialised records of one session; safe to use from any thread.

    The lock is held for the encoding of a record's head and a few list operations, never while
    something is published, so no caller waits for the network. A signal handler or a destructor
    that interrupts the holder may come in again: nothing is called between reading a count and
    changing it.

    :param producer_id: who makes the records [1..64 bytes of UTF-8, no NUL]
    :param session_id: random, drawn once per start of the producer [0..2**64-1]
    :param records_max: records it keeps at most [1..] (records)
    :param bytes_max: serialised records it keeps at most [1..] (bytes)
    :param priority_kinds: kinds that have a quarter of these bounds beside, for themselves; one of
        them that is larger than that quarter is kept like any other
    :raises ConfigError: a bound is below 1
    :raises PayloadError: the producer_id or the session_id cannot be in a record
    """

    def __init__(
        self,
        *,
        producer_id: str,
        session_id: int,
        records_max: int,
        bytes_max: int,
        priority_kinds: Collection[str] = (),
    ) -> None:
        for name, value in (('records_max', records_max), ('bytes_max', bytes_max)):
            if value < 1:
                raise ConfigError(name, value=value, bound='1 or more')
        self._producer_id = producer_id
        self._session_id = session_id
        self._priority_kinds = frozenset(priority_kinds)
        self._ordinary = _Queue(records_max, bytes_max)
        self._priority = _Queue(
            max(1, records_max // _PRIORITY_PARTS), max(1, bytes_max // _PRIORITY_PARTS)
        )
        self._next_seq = 0
        self._overrun = 0
        self._unsent = 0
        self._is_closed = False
        self._lock = RLock()
        if not isinstance(producer_id, str):
            value = type(producer_id).__name__
            raise PayloadError(field='producer_id', value=value, bound='a string')
        # A name that no record can carry is refused now and not at the first record in flight.
        encode_cdr(FdrRecord(0, 0, session_id, 0, SCHEMA_VERSION, producer_id, 'probe', b''))

    @property
    def published(self) -> int:
        """Numbers given out so far (records)."""
        return self._next_seq

    @property
    def dropped(self) -> int:
        """Of those, the ones that will never be published (records)."""
        return self._overrun + self._unsent

    @property
    def overrun(self) -> int:
        """Of those, the ones that had to go because it was full (records)."""
        return self._overrun

    def __len__(self) -> int:
        """Return the records that wait to be published."""
        return len(self._ordinary.waiting) + len(self._priority.waiting)

    def put(
        self,
        kind: str,
        payload: bytes,
        *,
        schema_version: int,
        stamp_ns: int,
        monotonic_ns: int,
    ) -> int:
        """
        Give a record its number and keep it; when that makes too many, the oldest go.

        :param kind: what the payload is [1..64 bytes of UTF-8, no NUL]
        :param payload: a MessagePack map
        :param schema_version: version of the payload's layout [1..65535]
        :param stamp_ns: wall clock, since the epoch (ns)
        :param monotonic_ns: CLOCK_MONOTONIC (ns)
        :return: its number
        :raises PayloadError: it cannot be serialised, or is larger than all that may be kept; no
            number was given out
        :raises FlightStateError: it is closed; no number was given out
        """
        with self._lock:
            if self._is_closed:
                raise FlightStateError(operation='record', state='the producer is closed')
            while not self._keep(
                record := FdrRecord(
                    stamp_ns,
                    monotonic_ns,
                    self._session_id,
                    self._next_seq,
                    schema_version,
                    self._producer_id,
                    kind,
                    payload,
                )
            ):
                pass
            return record.seq

    def put_stats(self, *, stamp_ns: int, monotonic_ns: int) -> int:
        """
        Keep a ``producer_stats`` record, which counts itself as published.

        :param stamp_ns: wall clock, since the epoch (ns)
        :param monotonic_ns: CLOCK_MONOTONIC (ns)
        :return: its number
        """
        with self._lock:
            while not self._keep(record := self._stats(stamp_ns, monotonic_ns)):
                pass
            return record.seq

    def lose(self) -> int:
        """Give out a number for a record that cannot be made, and count it as dropped."""
        with self._lock:
            seq = self._next_seq
            self._next_seq = seq + 1
            self._unsent += 1
            return seq

    def take(self, *, records_max: int, bytes_max: int) -> list[Outgoing]:
        """
        Take the oldest records out, to be published.

        :param records_max: how many at most (records)
        :param bytes_max: how much at most (bytes); a larger record comes alone
        :return: records in the order of their numbers
        """
        taken: list[Outgoing] = []
        left = bytes_max
        with self._lock:
            while len(taken) < records_max and (queue := self._oldest()):
                left -= len(queue.waiting[0].data)
                if left < 0 and taken:
                    break
                taken.append(queue.pop())
        return taken

    def give_up(self, count: int) -> None:
        """Count records that were taken out and could not be published as dropped."""
        with self._lock:
            self._unsent += count

    def close(self) -> None:
        """Refuse further records; what waits, and the statistics, may still go out."""
        with self._lock:
            self._is_closed = True

    def clear(self) -> None:
        """Drop what waits, and count it."""
        with self._lock:
            while queue := self._oldest():
                queue.pop()
                self._unsent += 1

    def _stats(self, stamp_ns: int, monotonic_ns: int) -> FdrRecord:
        seq = self._next_seq
        stats = ProducerStats(session_id=self._session_id, published=seq + 1, dropped=self.dropped)
        return FdrRecord(
            stamp_ns,
            monotonic_ns,
            self._session_id,
            seq,
            SCHEMA_VERSION,
            self._producer_id,
            Kind.PRODUCER_STATS,
            encode_payload(stats.to_payload()),
        )

    def _keep(self, record: FdrRecord) -> bool:
        """Keep the record of the next number. :return: False when that was taken meanwhile."""
        data = encode_cdr(record)
        if len(data) > self._ordinary.bytes_max:
            bound = f'at most the {self._ordinary.bytes_max} bytes of the queue, head included'
            raise PayloadError(field='payload', value=len(data), bound=bound)
        seq = record.seq
        if seq != self._next_seq:
            return False
        self._next_seq = seq + 1
        fits = len(data) <= self._priority.bytes_max
        is_priority = fits and record.kind in self._priority_kinds
        queue = self._priority if is_priority else self._ordinary
        dropped = queue.put(Outgoing(seq, data, is_priority))
        self._overrun += dropped
        return True

    def _oldest(self) -> _Queue | None:
        """Return where the record with the smallest number waits; None when none waits."""
        ordinary, priority = self._ordinary.waiting, self._priority.waiting
        if priority and (not ordinary or priority[0].seq < ordinary[0].seq):
            return self._priority
        return self._ordinary if ordinary else None
