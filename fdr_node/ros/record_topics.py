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
Subscribes to the topics on which records are published, and takes what waits there.

The subscriptions are in a group that no executor waits on: waking an executor for each record
costs some 100 us in rclpy. Whoever takes does so in batches, from one thread at a time.

The topic of priority records is read by a DDS participant of its own, which is what a context is:
the readers of one participant share its receive buffers, and a flood fills them (docs/adr/0009).
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import Final, NamedTuple, TYPE_CHECKING

from fdr_node.intake.intake import drain
from fdr_node.msg import FdrRecord
from fdr_node.record import priority_topic_of
from fdr_node.ros.qos import best_effort
from fdr_node.ros.unwatched_group import UnwatchedGroup
import rclpy
from rclpy.context import Context
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

if TYPE_CHECKING:
    from rclpy.subscription import Subscription

# Relative: in the root namespace /fdr/records.
_TOPIC: Final = 'fdr/records'

# A node without services or parameters; ROS hides names that begin so.
_PRIORITY_NODE: Final = '_fdr_priority'


class Waiting(NamedTuple):
    """
    What the subscriptions had.

    :param records: serialised messages, oldest first
    :param fill: how full the fuller history was [0..1]
    """

    records: list[bytes]
    fill: float


class RecordTopics:
    """
    The subscriptions of a recorder: to all records, and to those with priority.

    :param node: the node that subscribes
    :param history_depth: messages that each of them keeps [1..]
    """

    def __init__(self, node: Node, *, history_depth: int) -> None:
        self._history_depth = history_depth
        # As remapped: its companion is named after it.
        self.name = node.resolve_topic_name(_TOPIC)
        with ExitStack() as stack:
            context = Context()
            rclpy.init(
                context=context,
                domain_id=node.context.get_domain_id(),
                signal_handler_options=SignalHandlerOptions.NO,
            )
            stack.callback(context.try_shutdown)
            priority_node = Node(
                _PRIORITY_NODE,
                context=context,
                namespace=node.get_namespace(),
                # The process was told how to name the node, not this one.
                use_global_arguments=False,
                enable_rosout=False,
                start_parameter_services=False,
            )
            stack.callback(priority_node.destroy_node)
            # In this order: what was published before a priority record is taken before it.
            self._subscriptions = (
                self._subscribe(node, self.name),
                self._subscribe(
                    priority_node, node.resolve_topic_name(priority_topic_of(self.name))
                ),
            )
            stack.callback(node.destroy_subscription, self._subscriptions[0])
            self._stack = stack.pop_all()

    def take(self) -> Waiting:
        """Return what waits, at most twice the depth of each history."""
        batches = [self._take_from(subscription) for subscription in self._subscriptions]
        longest = max(map(len, batches))
        return Waiting([*chain(*batches)], min(1.0, longest / self._history_depth))

    def close(self) -> None:
        """Subscribe no more; what waits is gone."""
        self._stack.close()

    def _subscribe(self, node: Node, topic: str) -> Subscription:
        return node.create_subscription(
            FdrRecord,
            topic,
            _never_called,
            best_effort(self._history_depth),
            callback_group=UnwatchedGroup(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=True,
        )

    def _take_from(self, subscription: Subscription) -> list[bytes]:
        handle = subscription.handle
        take = partial(handle.take_message, subscription.msg_type, subscription.raw)
        with handle:
            return drain(take, limit=2 * self._history_depth)


def _never_called(message: bytes) -> None:
    """Stand in for the callback that rclpy demands; the subscription is in no wait set."""
    del message
