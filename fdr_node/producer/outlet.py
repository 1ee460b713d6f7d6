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
The publisher of serialised records, which raises nothing: it says how many were refused.

Best effort, because a reliable writer would wait for a slow recorder. It paces nothing and counts
nothing.
"""

from __future__ import annotations

from typing import Final, TYPE_CHECKING

from fdr_node.msg import FdrRecord as FdrRecordMessage
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rclpy.callback_groups import CallbackGroup
    from rclpy.node import Node

# More than one drain publishes (messages).
_HISTORY_DEPTH: Final = 1000

# What rclpy raises when the middleware refuses a record, or when the node is gone.
_REFUSALS: Final = (rclpy_implementation.RCLError, InvalidHandle)


class Outlet:
    """
    A publisher of serialised records.

    :param node: the node that publishes
    :param topic: where to
    :param group: callback group of the publisher's events
    """

    def __init__(self, node: Node, topic: str, group: CallbackGroup) -> None:
        self._node = node
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=_HISTORY_DEPTH,
            reliability=ReliabilityPolicy.BEST_EFFORT,
        )
        self._publisher = node.create_publisher(FdrRecordMessage, topic, qos, callback_group=group)

    @property
    def is_alive(self) -> bool:
        """Whether ROS is still running for this node."""
        return self._node.context.ok()

    def readers(self) -> int:
        """Return how many readers the publisher knows; none when ROS has shut down."""
        try:
            return self._publisher.get_subscription_count()
        except _REFUSALS:
            return 0

    def publish(self, burst: Iterable[bytes]) -> int:
        """
        Publish serialised records.

        :param burst: the records, encapsulation headers included
        :return: how many of them the middleware refused
        """
        # After a shutdown rclpy publishes nothing and says nothing.
        is_alive = self.is_alive
        refused = 0
        for data in burst:
            try:
                if is_alive:
                    self._publisher.publish(data)
            except _REFUSALS:
                refused += 1
            else:
                refused += not is_alive
        return refused

    def close(self) -> None:
        """Give the publisher back."""
        self._node.destroy_publisher(self._publisher)
