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
A component that publishes with rclpy alone: ``python plain_producer.py PRODUCER_ID TOPIC``.

It does what it is told on its standard input, one order a line, and answers each with a line on
its standard output. Until the first order it greets under another name, so that the test sees in
the recorder's status that both have found each other; what it publishes then arrives from the
first record on.

``send COUNT RATE``  publish COUNT records at RATE per second; RATE 0 is as fast as it can.
``stream RATE BYTES``  the same until the next order, each record longer by BYTES.
``pause``            do nothing.
``garbage COUNT``    publish COUNT messages that are no FdrRecord.
``quit``             end, as does the end of its input.

An answer is the number of records published so far; garbage is not counted.
"""

# rclpy is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import os
import select
import sys
import time
from typing import TYPE_CHECKING

from fdr_node.msg import FdrRecord
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from rclpy.publisher import Publisher

GREETING_PERIOD_S = 0.02
GREETING = '_greeting'
SESSION_ID = 0xABCD
# DDS does not deliver a message without a byte.
GARBAGE = (b'\x07', b'\x00\x01\x00\x00', b'\xff' * 60, bytes(5000))


class Component:
    """A publisher that counts."""

    def __init__(self, node: Node, producer_id: str, topic: str) -> None:
        self.published = 0
        self._producer_id = producer_id
        qos = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._publisher: Publisher = node.create_publisher(FdrRecord, topic, qos)

    def send_one(self, filler: bytes = b'') -> None:
        """Publish the next record."""
        self._publish(self._producer_id, self.published, filler)
        self.published += 1

    def send(self, count: int, rate: float) -> None:
        """Publish records evenly."""
        begin_s = time.monotonic()
        for place in range(count):
            if rate and (wait_s := begin_s + place / rate - time.monotonic()) > 0:
                time.sleep(wait_s)
            self.send_one()

    def stream(self, rate: float, filler_bytes: int) -> None:
        """Publish records evenly until there is an order."""
        begin_s, first = time.monotonic(), self.published
        wait_s = 0.0
        while not select.select([sys.stdin], [], [], max(0.0, wait_s))[0]:
            # Nothing that compression makes smaller.
            self.send_one(os.urandom(filler_bytes))
            wait_s = begin_s + (self.published - first) / rate - time.monotonic()

    def send_garbage(self, count: int) -> None:
        """Publish bytes that no FdrRecord has, as whoever speaks DDS can."""
        for place in range(count):
            self._publisher.publish(GARBAGE[place % len(GARBAGE)])

    def greet(self) -> None:
        """Publish now and then until there is an order."""
        while not select.select([sys.stdin], [], [], GREETING_PERIOD_S)[0]:
            # Always the first: a greeting that nobody hears is not missing.
            self._publish(f'{self._producer_id}{GREETING}', 0)

    def _publish(self, producer_id: str, seq: int, filler: bytes = b'') -> None:
        record = FdrRecord(
            monotonic_ns=time.monotonic_ns(),
            session_id=SESSION_ID,
            seq=seq,
            schema_version=1,
            producer_id=producer_id,
            kind='imu',
            payload=_payload(seq, filler),
        )
        record.stamp.sec = int(time.time())
        self._publisher.publish(record)


def _payload(seq: int, filler: bytes) -> bytes:
    """Return a MessagePack map: {'n': seq}, or {'n': seq, 'x': filler}."""
    number = b'\xa1n\xcf' + seq.to_bytes(8, 'big')
    if not filler:
        return b'\x81' + number
    return b'\x82' + number + b'\xa1x\xc6' + len(filler).to_bytes(4, 'big') + filler


def main(producer_id: str, topic: str) -> None:
    """Do what is ordered."""
    rclpy.init(args=[])
    node = Node(f'{producer_id}_component')
    component = Component(node, producer_id, topic)
    component.greet()
    for line in sys.stdin:
        match line.split():
            case ['send', count, rate]:
                component.send(int(count), float(rate))
            case ['stream', rate, filler_bytes]:
                component.stream(float(rate), int(filler_bytes))
            case ['pause']:
                pass
            case ['garbage', count]:
                component.send_garbage(int(count))
            case _:
                break
        sys.stdout.write(f'{component.published}\n')
        sys.stdout.flush()
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    main(*sys.argv[1:])
