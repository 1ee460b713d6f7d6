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
The floor: takes every record as the recorder does and writes none.

``python -m fdr_node.bench.drain_only FOLDER DEPTH`` takes until SIGINT, then writes the number of
records that it took into FOLDER.
"""

from __future__ import annotations

from pathlib import Path
import sys
from typing import Final, TYPE_CHECKING

from fdr_node.msg import FdrRecord
from fdr_node.record import TOPIC
import rclpy
from rclpy.callback_groups import CallbackGroup
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from rclpy.subscription import Subscription

COUNT_FILE: Final = 'taken.txt'

# As the recorder by default (s).
_DRAIN_PERIOD_S: Final = 0.02


class UnwatchedGroup(CallbackGroup):
    """Keeps the subscription out of the executor's wait set."""

    def can_execute(self, entity: object) -> bool:
        """Return False: no executor waits for this entity."""
        del entity
        return False

    def beginning_execution(self, entity: object) -> bool:
        """Return False: no executor runs this entity."""
        del entity
        return False


class Drain(Node):
    """
    Takes and counts.

    :param depth: history of the subscription (records)
    """

    def __init__(self, depth: int) -> None:
        super().__init__('drain_only')
        self.taken = 0
        self._records: Subscription = self.create_subscription(
            FdrRecord,
            TOPIC,
            print,
            QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT),
            callback_group=UnwatchedGroup(),
            raw=True,
        )
        self.create_timer(_DRAIN_PERIOD_S, self._drain)

    def _drain(self) -> None:
        handle, message_type = self._records.handle, self._records.msg_type
        with handle:
            while handle.take_message(message_type, self._records.raw):
                self.taken += 1


def main(folder: str, depth: str) -> None:
    """
    Take until SIGINT.

    :param folder: for the count
    :param depth: history of the subscription (records)
    """
    rclpy.init(args=[])
    node = Drain(int(depth))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        Path(folder, COUNT_FILE).write_text(f'{node.taken}\n', encoding='ascii')
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    main(*sys.argv[1:])
