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
Takes serialised records from a topic and keeps them until somebody takes them, within a bound.

A node and a thread of its own hear them. Nothing is decoded; when what waits reaches the bound,
the newest is dropped and counted.
"""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Final, Self, TYPE_CHECKING

from fdr_node.msg import FdrRecord as FdrRecordMessage
from fdr_node.producer.own_node import OwnNode
from fdr_node.record import priority_topic_of
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from types import TracebackType

# What waits at most: a replay at many times its speed, while a terminal scrolls (bytes).
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024

# As the recorder has it: a second of peak load, should the thread not come to its turn.
_HISTORY_DEPTH: Final = 5000


class Inlet:
    """
    A best-effort subscription with a queue behind it, and one to the priority records.

    :param topic: what to listen to
    :param bytes_max: serialised records that wait at most (bytes)
    """

    def __init__(self, topic: str, *, bytes_max: int = WAITING_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._changed = Condition()
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=_HISTORY_DEPTH,
            reliability=ReliabilityPolicy.BEST_EFFORT,
        )
        self._own_node = OwnNode('fdr_listener')
        try:
            for name in (topic, priority_topic_of(topic)):
                self._own_node.node.create_subscription(
                    FdrRecordMessage, name, self._keep, qos, raw=True
                )
        except BaseException:
            self._own_node.close()
            raise

    @property
    def dropped(self) -> int:
        """Return how many records found no room."""
        with self._changed:
            return self._dropped

    def take(self, timeout_s: float) -> bytes | None:
        """
        Return the next record, in the order in which they came.

        :param timeout_s: how long to wait for one (s)
        :return: None when none came
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, timeout_s):
                return None
            data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            return data

    def close(self) -> None:
        """Listen no more; what waits can still be taken."""
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

    def _keep(self, data: bytes) -> None:
        with self._changed:
            if self._waiting_bytes + len(data) > self._bytes_max:
                self._dropped += 1
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._changed.notify()
