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
"""A reader of records for tests: it keeps what comes and lets a test wait for it."""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING

from fdr_node.msg import FdrRecord as FdrRecordMessage
from fdr_node.record import decode_cdr, FdrRecord
from rclpy.qos import QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

# Discovery takes up to 3 s now and then (s).
WAIT_S = 10.0


class Reader:
    """
    A recorder as far as a producer can tell: a best-effort subscription that keeps what comes.

    :param node: spun by somebody
    :param topic: where records are published
    """

    def __init__(self, node: Node, topic: str) -> None:
        self.serialised: list[bytes] = []
        self.records: list[FdrRecord] = []
        self._changed = Condition()
        qos = QoSProfile(  # type: ignore[no-untyped-call]  # rclpy is typed in part
            depth=5000, reliability=ReliabilityPolicy.BEST_EFFORT
        )
        node.create_subscription(FdrRecordMessage, topic, self._keep, qos, raw=True)

    def wait_for(self, is_enough: Callable[[list[FdrRecord]], bool]) -> list[FdrRecord]:
        """Return the records that came as soon as they are enough, and fail if they never are."""
        with self._changed:
            is_there = self._changed.wait_for(lambda: is_enough(self.records), WAIT_S)
            assert is_there, [(record.seq, record.kind) for record in self.records]
            return list(self.records)

    def poll(self) -> list[FdrRecord]:
        """Return the records that came, after waiting a moment for the next one."""
        with self._changed:
            self._changed.wait(0.02)
            return list(self.records)

    def _keep(self, data: bytes) -> None:
        with self._changed:
            self.serialised.append(data)
            self.records.append(decode_cdr(data))
            self._changed.notify_all()
