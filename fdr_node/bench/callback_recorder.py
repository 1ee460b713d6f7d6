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
A recorder as one would write it with rclpy and the ``mcap`` library on an afternoon.

``python -m fdr_node.bench.callback_recorder FOLDER DEPTH`` records until SIGINT: a callback for
each message, spun by the single-threaded executor. Messages come serialised (``raw``), which is
the cheapest that rclpy offers. Nothing is synced, cut or accounted for.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
import sys
import time

from fdr_node.msg import FdrRecord
from fdr_node.record import TOPIC, TYPE_NAME
from mcap.writer import CompressionType, Writer
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy


class CallbackRecorder(Node):
    """
    Writes what its subscription receives.

    :param writer: a started writer
    :param depth: history of the subscription (records)
    """

    def __init__(self, writer: Writer, depth: int) -> None:
        super().__init__('callback_recorder')
        self._writer = writer
        schema_id = writer.register_schema(name=TYPE_NAME, encoding='ros2msg', data=b'')
        self._channel_id: int = writer.register_channel(
            topic=TOPIC, message_encoding='cdr', schema_id=schema_id
        )
        self.create_subscription(
            FdrRecord,
            TOPIC,
            self._on_record,
            QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT),
            raw=True,
        )

    def _on_record(self, data: bytes) -> None:
        now_ns = time.time_ns()
        self._writer.add_message(self._channel_id, now_ns, data, now_ns)


def main(folder: str, depth: str) -> None:
    """
    Record until SIGINT.

    :param folder: for the file
    :param depth: history of the subscription (records)
    """
    rclpy.init(args=[])
    with Path(folder, 'callback_recorder.mcap').open('wb') as file:
        # As the recorder: no compression, chunks of 1 MiB.
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start(profile='ros2')
        executor = SingleThreadedExecutor()
        executor.add_node(CallbackRecorder(writer, int(depth)))
        try:
            with suppress(KeyboardInterrupt, ExternalShutdownException):
                executor.spin()
        finally:
            # Under a flood, rclpy may end with other errors of a context that is gone.
            writer.finish()
            rclpy.try_shutdown()


if __name__ == '__main__':
    main(*sys.argv[1:])
