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
"""What the operator hears of a recorder: its alerts, and when each one came."""

# rclpy is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from threading import Condition, Thread
import time
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.msg import StatusText
from processes import WAIT_S
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from rclpy.context import Context


class Heard(NamedTuple):
    """One alert, and the monotonic clock when it came (s)."""

    severity: int
    text: str
    at_s: float


class Radio:
    """
    A node that listens to alerts.

    :param context: of the node; in the recorder's domain.
    :ivar heard: all that came.
    """

    def __init__(self, context: Context) -> None:
        self.heard: list[Heard] = []
        self._changed = Condition()
        self._node = Node('radio', context=context)
        qos = QoSProfile(
            depth=10,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        self._node.create_subscription(StatusText, '/fdr/statustext', self._hear, qos)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._thread = Thread(target=self._executor.spin)
        self._thread.start()

    def close(self) -> None:
        """End the node."""
        self._executor.shutdown()
        self._thread.join(WAIT_S)
        self._node.destroy_node()

    def wait_for(self, text: str, *, after_s: float = 0.0, within_s: float = WAIT_S) -> Heard:
        """
        Return the first alert that has a text in it.

        :param after_s: monotonic clock; what came before does not count.
        :param within_s: how long it may take from now.
        """

        def found() -> Heard | None:
            fitting = (item for item in self.heard if text in item.text and item.at_s >= after_s)
            return next(fitting, None)

        with self._changed:
            heard = self._changed.wait_for(found, within_s)
        assert heard is not None, f'no {text!r} in {self.heard}'
        return heard

    def _hear(self, message: StatusText) -> None:
        with self._changed:
            heard = Heard(message.severity, message.text, time.monotonic())
            self.heard.append(heard)
            self._changed.notify_all()
