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
A producer in a process of its own: ``python -m fdr_node.bench.sender PRODUCER_ID``.

It publishes serialised records with rclpy, because the benchmark is of who receives. It does what
it is told on its standard input, one order a line, and answers each with a JSON line.

``match COUNT``                          wait until so many subscriptions are matched.
``send PAYLOAD_BYTES RATE_HZ SECONDS``   publish; RATE_HZ 0 is as fast as it can.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Final, TYPE_CHECKING

from fdr_node.bench.load import due, Template
from fdr_node.msg import FdrRecord
from fdr_node.record import TOPIC
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from rclpy.publisher import Publisher

_HISTORY_DEPTH: Final = 1000

# Discovery takes up to 3 s; one that was killed is missed only after its lease (s).
_MATCH_S: Final = 30.0
_LOOK_S: Final = 0.01

_PACE_S: Final = 0.001
# Records between two looks at the clock.
_BURST_RECORDS: Final = 64
# How long a producer that cannot keep its rate goes on beyond the time (s).
_OVERTIME_S: Final = 0.1


def main(producer_id: str) -> None:
    """
    Do what is ordered until the input ends.

    :param producer_id: name
    """
    rclpy.init(args=[])
    node = Node(producer_id)
    qos = QoSProfile(depth=_HISTORY_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(FdrRecord, TOPIC, qos)
    for line in sys.stdin:
        match line.split():
            case ['match', count]:
                _say({'matched': _match(publisher, int(count))})
            case ['send', payload_bytes, rate_hz, seconds]:
                template = Template(
                    producer_id,
                    payload_bytes=int(payload_bytes),
                    session_id=random.SystemRandom().getrandbits(64),
                )
                _say(_send(publisher, template, rate_hz=float(rate_hz), seconds=float(seconds)))
            case _:
                break
    node.destroy_node()
    rclpy.shutdown()


def _match(publisher: Publisher, count: int) -> bool:
    deadline_s = time.monotonic() + _MATCH_S
    while publisher.get_subscription_count() != count:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_LOOK_S)
    return True


def _send(
    publisher: Publisher, template: Template, *, rate_hz: float, seconds: float
) -> dict[str, object]:
    begin_s = time.monotonic()
    published = 0
    while (elapsed_s := time.monotonic() - begin_s) < seconds + _OVERTIME_S:
        wanted = published + _BURST_RECORDS
        if rate_hz:
            wanted = min(wanted, due(elapsed_s, rate_hz=rate_hz, seconds=seconds))
        is_over = elapsed_s >= seconds
        if is_over and (not rate_hz or published == wanted):
            break
        if published == wanted:
            time.sleep(_PACE_S)
        for seq in range(published, wanted):
            publisher.publish(
                template.record(seq, wall_ns=time.time_ns(), monotonic_ns=time.monotonic_ns())
            )
        published = wanted
    return {'published': published, 'seconds': time.monotonic() - begin_s}


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + '\n')
    sys.stdout.flush()


if __name__ == '__main__':
    main(*sys.argv[1:])
