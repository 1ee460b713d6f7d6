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
The publishers of serialised records, which raise nothing: they say how many were refused.

Best effort, because a reliable writer would wait for a slow recorder. Priority kinds have a topic
of their own, which the recorder reads apart from all others, so that a flood does not cost them
(docs/adr/0009). It paces nothing and counts nothing.
"""

from __future__ import annotations

import time
from typing import Final, TYPE_CHECKING

from fdr_node.msg import FdrRecord as FdrRecordMessage
from fdr_node.producer.hold_back import Pairing
from fdr_node.record import priority_topic_of
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fdr_node.producer.outbox import Outgoing
    from rclpy.callback_groups import CallbackGroup
    from rclpy.node import Node
    from rclpy.publisher import Publisher

# More than one drain publishes (messages).
_HISTORY_DEPTH: Final = 1000

# What rclpy raises when the middleware refuses a record, or when the node is gone.
_REFUSALS: Final = (rclpy_implementation.RCLError, InvalidHandle)


class Outlet:
    """
    The publishers of serialised records.

    :param node: the node that publishes
    :param topic: where to; the topic of priority records is named after it, as it is remapped
    :param group: callback group of the publishers' events
    """

    def __init__(self, node: Node, topic: str, group: CallbackGroup) -> None:
        self._node = node
        self._group = group
        self._ordinary = self._publisher(topic)
        self._priority = self._publisher(priority_topic_of(self._ordinary.topic_name))
        self._pairing = Pairing()

    @property
    def is_alive(self) -> bool:
        """Whether ROS is still running for this node."""
        return self._node.context.ok()

    def readers(self) -> int:
        """Return how many readers of the records are known; none when ROS has shut down."""
        return _readers(self._ordinary)

    def is_priority_read(self) -> bool:
        """
        Return whether who reads the records reads the priority topic; if not, all go to the other.

        To be asked often, also while nothing is published: it takes a while to be sure.
        """
        return self._pairing.is_settled(
            readers=_readers(self._ordinary),
            priority_readers=_readers(self._priority),
            now_ns=time.monotonic_ns(),
        )

    def publish(self, burst: Iterable[Outgoing]) -> int:
        """
        Publish serialised records.

        :param burst: the records
        :return: how many of them the middleware refused
        """
        # After a shutdown rclpy publishes nothing and says nothing.
        is_alive = self.is_alive
        priority = self._priority if self.is_priority_read() else self._ordinary
        refused = 0
        for item in burst:
            try:
                if is_alive:
                    (priority if item.is_priority else self._ordinary).publish(item.data)
            except _REFUSALS:
                refused += 1
            else:
                refused += not is_alive
        return refused

    def close(self) -> None:
        """Give the publishers back."""
        self._node.destroy_publisher(self._priority)
        self._node.destroy_publisher(self._ordinary)

    def _publisher(self, topic: str) -> Publisher:
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=_HISTORY_DEPTH,
            reliability=ReliabilityPolicy.BEST_EFFORT,
        )
        return self._node.create_publisher(
            FdrRecordMessage, topic, qos, callback_group=self._group
        )


def _readers(publisher: Publisher) -> int:
    try:
        return publisher.get_subscription_count()
    except _REFUSALS:
        return 0
