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
Publishes the records of one producer without ever standing in the way of what it flies.

**Threads.** :meth:`FdrClient.record` may be called from any thread and from any callback. It
numbers, encodes and queues the record in the calling thread and returns; it takes one lock, which
nobody holds while publishing, logging or waiting. A timer of the node (a mutually exclusive
callback group of its own, every :data:`DRAIN_PERIOD_S`) publishes what waits, sends the
``producer_stats`` and calls ``on_overrun``; it runs in the executor that spins the node. While
that executor is busy elsewhere records wait in the queue, and beyond its bounds the oldest go,
counted. :meth:`FdrClient.close` may be called from any thread; it publishes the rest itself, also
when the node is not spun any more.

**Signals.** rclpy's default signal handlers shut all contexts down before any code of the
component runs, and then nothing can be published any more. A component that wants its last records
in the flight starts ROS with ``rclpy.init(signal_handler_options=SignalHandlerOptions.NO)``, or
uses :meth:`FdrClient.standalone`, and closes the client when it is told to stop.

It does not know whether a record arrived: the topic is best effort, and the recorder accounts for
what is missing.
"""

from __future__ import annotations

import atexit
import secrets
from threading import Event, Lock
import time
from typing import Final, Self, TYPE_CHECKING

from fdr_node.errors import FdrQueueOverrunError, FlightStateError, PayloadError
from fdr_node.producer.hold_back import HoldBack
from fdr_node.producer.outbox import Outbox
from fdr_node.producer.outlet import Outlet
from fdr_node.producer.own_node import OwnNode
from fdr_node.record import SCHEMA_VERSION, stamp_of, TOPIC
from fdr_node.schema import encode_payload, Payload, PRIORITY_KINDS
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType

    from fdr_node.schema import Value
    from rclpy.node import Node

# What waits at most: two seconds of 5,000 records/s, or 16 MiB of tiles.
QUEUE_RECORDS_MAX: Final = 10_000
QUEUE_BYTES_MAX: Final = 16 * 1024 * 1024

# How long records wait for a recorder before they go out to whoever listens (s).
HOLD_BACK_S: Final = 5.0

# How often the queue is emptied (s): short against the second that a power cut may cost, long
# enough that waking up costs less than publishing.
DRAIN_PERIOD_S: Final = 0.02

# What one drain publishes at most, so that a backlog does not overflow the reader's transport
# buffers: 12,500 records/s, 12.5 MB/s and more when records are large.
_BURST_RECORDS_MAX: Final = 250
_BURST_BYTES_MAX: Final = 256 * 1024

_STATS_PERIOD_NS: Final = 1_000_000_000
_WARNING_PERIOD_NS: Final = 10_000_000_000

# The closing statistics are two records, because one could be lost; what disturbs the transport
# for a moment should not take both (s).
_CLOSING_STATS: Final = 2
_CLOSING_GAP_S: Final = 0.05

# A reader that shares memory with this process loses what it has not fetched when the writer goes.
_LINGER_S: Final = 0.1

_SESSION_BITS: Final = 64


class FdrClient:
    """
    One producer session; a context manager that closes it.

    ::

        with FdrClient(node, 'my_estimator') as fdr:
            fdr.record(Kind.ESTIMATE, Estimate(health=EstimatorHealth.GOOD))
            fdr.record('my_kind', {'a': 1})

    Records are held back until a recorder is matched, so that also the first one arrives, and go
    out to whoever listens after ``hold_back_s``. Priority kinds have a part of the queue, and a
    topic, for themselves: a flood of others does not push them out.

    :param node: the node that publishes; somebody spins it, and it outlives the client
    :param producer_id: who makes the records [1..64 bytes of UTF-8, no NUL]; one client at a time
        for each
    :param topic: where to; priority kinds go to ``<topic>/priority`` when that is listened to
    :param queue_records_max: records that wait at most [1..] (records)
    :param queue_bytes_max: serialised records that wait at most [1..] (bytes)
    :param hold_back_s: how long records wait for a recorder [0..] (s)
    :param priority_kinds: kinds of priority; the recorder's parameter of that name has them too
    :param strict: whether a record that cannot be made raises; False counts it as lost instead
    :param on_overrun: told of records that the full queue dropped, in the drain of the node; the
        ``lost`` of all its calls is what the queue dropped
    :raises ConfigError: a bound is below 1
    :raises PayloadError: no record can carry the producer_id
    """

    def __init__(  # noqa: PLR0913  (all but two have defaults and are keywords)
        self,
        node: Node,
        producer_id: str,
        *,
        topic: str = TOPIC,
        queue_records_max: int = QUEUE_RECORDS_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
        hold_back_s: float = HOLD_BACK_S,
        priority_kinds: Collection[str] = PRIORITY_KINDS,
        strict: bool = True,
        on_overrun: Callable[[FdrQueueOverrunError], None] | None = None,
    ) -> None:
        self.producer_id = producer_id
        self.session_id = secrets.randbits(_SESSION_BITS)
        self._outbox = Outbox(
            producer_id=producer_id,
            session_id=self.session_id,
            records_max=queue_records_max,
            bytes_max=queue_bytes_max,
            priority_kinds=priority_kinds,
        )
        self._capacity = f'{queue_records_max} records, {queue_bytes_max} bytes'
        self._strict = strict
        self._on_overrun = on_overrun
        self._node = node
        self._own_node: OwnNode | None = None
        self._heard = Event()
        self._is_closed = False
        # Publishing happens in the drain and in close(); record() never takes this one.
        self._publishing = Lock()
        # The drain and close() may report at the same time.
        self._reporting = Lock()
        self._reported_overrun = 0
        self._next_warning_ns = 0
        started_ns = time.monotonic_ns()
        self._next_stats_ns = started_ns + _STATS_PERIOD_NS
        self._hold_back = HoldBack(started_ns=started_ns, give_up_ns=round(hold_back_s * 1e9))
        group = MutuallyExclusiveCallbackGroup()
        self._outlet = Outlet(node, topic, group)
        # The node's own clock stands still where use_sim_time is set and nobody simulates.
        self._timer = node.create_timer(
            DRAIN_PERIOD_S,
            self._drain,
            callback_group=group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    @classmethod
    def standalone(  # noqa: PLR0913  (the keywords of the constructor)
        cls,
        producer_id: str,
        *,
        topic: str = TOPIC,
        queue_records_max: int = QUEUE_RECORDS_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
        hold_back_s: float = HOLD_BACK_S,
        priority_kinds: Collection[str] = PRIORITY_KINDS,
        strict: bool = True,
        on_overrun: Callable[[FdrQueueOverrunError], None] | None = None,
    ) -> Self:
        """
        Make a client with a context, a node and a thread of its own.

        ``on_overrun`` is called in that thread. :meth:`close` ends all of it; it is called
        when the process ends without that. Parameters as for the class.

        :return: the client
        :raises ConfigError: a bound is below 1
        :raises PayloadError: no record can carry the producer_id
        """
        own_node = OwnNode(f'fdr_producer_{producer_id}')
        try:
            client = cls(
                own_node.node,
                producer_id,
                topic=topic,
                queue_records_max=queue_records_max,
                queue_bytes_max=queue_bytes_max,
                hold_back_s=hold_back_s,
                priority_kinds=priority_kinds,
                strict=strict,
                on_overrun=on_overrun,
            )
        except BaseException:
            own_node.close()
            raise
        client._own_node = own_node
        # A component that ends without a word, or with an exception, has its last records too.
        atexit.register(client.close)
        return client

    @property
    def published(self) -> int:
        """Sequence numbers given out so far, those of ``producer_stats`` included (records)."""
        return self._outbox.published

    @property
    def dropped(self) -> int:
        """Of those, the ones that never reached the middleware (records)."""
        return self._outbox.dropped

    def record(
        self,
        kind: str,
        payload: Mapping[str, Value] | Payload,
        *,
        schema_version: int | None = None,
        stamp_ns: int | None = None,
    ) -> int:
        """
        Queue a record and return at once.

        A map is recorded as it is, whatever the kind; the typed payloads of
        :mod:`fdr_node.schema` have checked themselves.

        :param kind: what the payload is, a :class:`~fdr_node.schema.Kind` or a name of your own
            [1..64 bytes of UTF-8, no NUL]
        :param payload: a typed payload of that kind, or a map that MessagePack can hold
        :param schema_version: version of the layout of your own kind [1..65535]; None is that of
            the typed payload, or 1
        :param stamp_ns: wall clock of what is recorded, since the epoch (ns); None is now
        :return: the number of the record in this session
        :raises PayloadError: strict, and the record cannot be made; no number was given out
        :raises FlightStateError: strict, and the client is closed; no number was given out
        """
        monotonic_ns = time.monotonic_ns()
        try:
            version, data = _encode(kind, payload)
            return self._outbox.put(
                kind,
                data,
                schema_version=version if schema_version is None else schema_version,
                stamp_ns=stamp_of(time.time_ns()) if stamp_ns is None else stamp_ns,
                monotonic_ns=monotonic_ns,
            )
        except (PayloadError, FlightStateError):
            if self._strict:
                raise
            return self._outbox.lose()

    def wait_for_recorder(self, timeout_s: float) -> bool:
        """
        Wait until a recorder listens.

        :param timeout_s: how long at most [0..] (s)
        :return: whether one does
        """
        return self._heard.wait(timeout_s)

    def close(self, deadline_s: float = 2.0) -> None:
        """
        Publish what waits and the closing statistics, and give the publisher back.

        What is not out at the deadline is dropped and counted. A second call does nothing.

        :param deadline_s: how long publishing what waits may take [0..] (s)
        """
        deadline_ns = time.monotonic_ns() + round(deadline_s * 1e9)
        self._outbox.close()
        if not self._publishing.acquire(timeout=deadline_s):
            # The drain is stuck in the middleware, and there is no second way out.
            self._outbox.clear()
            return
        try:
            if self._is_closed:
                return
            self._is_closed = True
            self._node.destroy_timer(self._timer)
            self._empty(deadline_ns)
            self._send_closing_stats()
            self._outlet.close()
        finally:
            self._publishing.release()
        self._report_overrun()
        if self._own_node is not None:
            atexit.unregister(self.close)
            self._own_node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _drain(self) -> None:
        """Publish a burst, as the timer of the node."""
        if not self._publishing.acquire(blocking=False):
            # close() publishes.
            return
        try:
            now_ns = time.monotonic_ns()
            self._outlet.is_priority_read()
            if not self._is_closed and self._is_open(now_ns):
                if now_ns >= self._next_stats_ns:
                    self._next_stats_ns = now_ns + _STATS_PERIOD_NS
                    self._put_stats()
                self._publish_burst()
        finally:
            self._publishing.release()
        self._report_overrun()

    def _is_open(self, now_ns: int) -> bool:
        if self._heard.is_set():
            return True
        is_open = self._hold_back.is_open(readers=self._outlet.readers(), now_ns=now_ns)
        if self._hold_back.is_heard:
            self._heard.set()
        return is_open

    def _empty(self, deadline_ns: int) -> None:
        """Publish burst by burst until nothing waits or the time is over."""
        while self._outbox:
            now_ns = time.monotonic_ns()
            if now_ns >= deadline_ns or not self._outlet.is_alive:
                break
            if self._is_open(now_ns):
                self._publish_burst()
            if self._outbox:
                time.sleep(DRAIN_PERIOD_S)
        self._outbox.clear()

    def _send_closing_stats(self) -> None:
        for _ in range(_CLOSING_STATS):
            self._put_stats()
            self._publish_burst()
            time.sleep(_CLOSING_GAP_S)
        time.sleep(_LINGER_S)

    def _put_stats(self) -> None:
        self._outbox.put_stats(stamp_ns=stamp_of(time.time_ns()), monotonic_ns=time.monotonic_ns())

    def _publish_burst(self) -> None:
        burst = self._outbox.take(records_max=_BURST_RECORDS_MAX, bytes_max=_BURST_BYTES_MAX)
        refused = self._outlet.publish(burst)
        if refused:
            self._outbox.give_up(refused)
            self._warn(f'{refused} records could not be published')

    def _report_overrun(self) -> None:
        """Tell of what the full queue dropped since the last time."""
        with self._reporting:
            overrun = self._outbox.overrun
            lost, self._reported_overrun = overrun - self._reported_overrun, overrun
        if not lost:
            return
        error = FdrQueueOverrunError(
            f'queue of producer {self.producer_id}', capacity=self._capacity, lost=lost
        )
        self._warn(str(error))
        if self._on_overrun is None:
            return
        try:
            self._on_overrun(error)
        except Exception as err:  # noqa: BLE001  (foreign code must not end the node's spin)
            self._warn(f'on_overrun failed: {err!r}')

    def _warn(self, text: str) -> None:
        now_ns = time.monotonic_ns()
        if now_ns >= self._next_warning_ns:
            self._next_warning_ns = now_ns + _WARNING_PERIOD_NS
            self._node.get_logger().warning(text)


def _encode(kind: str, payload: Mapping[str, Value] | Payload) -> tuple[int, bytes]:
    """Return the version of the payload's layout, and its bytes."""
    if not isinstance(kind, str):
        raise PayloadError(field='kind', value=type(kind).__name__, bound='a string')
    if not isinstance(payload, Payload):
        return SCHEMA_VERSION, encode_payload(payload)
    if kind != payload.KIND:
        bound = f'{payload.KIND}, the kind of {type(payload).__name__}'
        raise PayloadError(field='kind', value=kind, bound=bound)
    return payload.VERSION, encode_payload(payload.to_payload())
