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
A ROS node with a context and a thread of its own, for a component that has none.

It is invisible to the rest of the process: it neither uses nor shuts down rclpy's default context.
It offers no parameters and no services. Nobody has to close it for the process to end as it would
without it.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
import re
from threading import current_thread, Thread

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

# How long close() waits for the thread: a drain of the client takes milliseconds (s).
_JOIN_S = 5.0


class OwnNode:
    """
    A spinning node.

    :param name: of the node; what ROS does not allow in names becomes an underscore
    """

    def __init__(self, name: str) -> None:
        self._context = Context()
        # Signals stay with the process: its own handler closes the client, then this.
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = Node(
            re.sub('[^A-Za-z0-9_]', '_', name),
            context=self._context,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = Thread(target=self._spin, name=name, daemon=True)
        self._thread.start()
        # The middleware aborts a process that ends while a thread waits in it.
        atexit.register(self.close)

    def close(self) -> None:
        """Stop the thread and take the node out of the graph; a callback of it may call this."""
        atexit.unregister(self.close)
        if current_thread() is self._thread:
            # It cannot wait for itself.
            Thread(target=self._end, name=f'{self._thread.name}_closing').start()
        else:
            self._end()

    def _end(self) -> None:
        self._executor.shutdown()
        self._thread.join(_JOIN_S)
        self.node.destroy_node()
        self._context.try_shutdown()

    def _spin(self) -> None:
        # A signal handler that somebody else installed may shut all contexts down.
        with suppress(ExternalShutdownException):
            self._executor.spin()
