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
"""Publishes the status on change and once a second, and the diagnostics once a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from fdr_node.msg import FdrStatus
from fdr_node.ros.qos import latched
from fdr_node.ros.status import diagnostics_message, status_message

if TYPE_CHECKING:
    from fdr_node.clock import Clock
    from fdr_node.ros.status import View
    from rclpy.node import Node

# In the root namespace /fdr/status.
STATUS_TOPIC = 'fdr/status'
DIAGNOSTICS_TOPIC = '/diagnostics'

# How quickly a change shows in the status, and how often it is repeated without one.
STATUS_PERIOD_S = 0.1
_REPEAT_TICKS = 10


class StatusBoard:
    """
    The publishers of one node.

    :param node: gets them.
    :param clock: for the stamps.
    """

    def __init__(self, node: Node, *, clock: Clock) -> None:
        self._clock = clock
        self._status = node.create_publisher(FdrStatus, STATUS_TOPIC, latched())
        self._diagnostics = node.create_publisher(DiagnosticArray, DIAGNOSTICS_TOPIC, 10)
        self._key: tuple[object, ...] = ()
        self._ticks = 0
        self._dropped_before = 0

    def show(self, view: View) -> None:
        """
        Publish what is new; to be called every ``STATUS_PERIOD_S``.

        :param view: the node now.
        """
        self._ticks += 1
        is_repeat = self._ticks >= _REPEAT_TICKS
        if not is_repeat and view.key() == self._key:
            return
        wall_ns = self._clock.wall_ns()
        self._status.publish(status_message(view, wall_ns))
        self._key = view.key()
        if is_repeat:
            self._ticks = 0
            has_new_loss = view.records_dropped > self._dropped_before
            self._diagnostics.publish(
                diagnostics_message(view, wall_ns=wall_ns, has_new_loss=has_new_loss)
            )
            self._dropped_before = view.records_dropped
