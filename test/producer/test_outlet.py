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
"""Publishing never raises: what did not go out is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.producer.outlet import Outlet
from fdr_node.record import encode_cdr, FdrRecord
from own_context import own_context
import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node
    from record_reader import Reader

pytestmark = pytest.mark.ros

RECORD = FdrRecord(1, 2, 3, 4, 5, 'imu', 'sample', b'\x80')
BURST = [encode_cdr(RECORD)] * 3


def test_it_publishes_bytes_as_they_are_and_knows_its_readers(
    node: Node, topic: str, make_reader: Callable[[], Reader]
) -> None:
    """Readers count up when somebody listens."""
    outlet = Outlet(node, topic, MutuallyExclusiveCallbackGroup())
    assert outlet.readers() == 0
    reader = make_reader()
    records: list[FdrRecord] = []
    while not records:
        # The reader learns of the writer at a time that nobody tells.
        assert outlet.publish(BURST) == 0
        records = reader.poll()

    assert outlet.readers() == 1
    assert set(records) == {RECORD}
    outlet.close()


def test_after_a_shutdown_everything_is_refused(topic: str) -> None:
    """A dead context takes nothing and has no readers."""
    with own_context(None) as context:
        node = rclpy.create_node('gone', context=context)
        outlet = Outlet(node, topic, MutuallyExclusiveCallbackGroup())
        assert outlet.is_alive

    assert not outlet.is_alive
    assert outlet.publish(BURST) == len(BURST)
    assert outlet.readers() == 0


def test_a_destroyed_node_refuses_everything(node: Node, topic: str) -> None:
    """The handle is gone while ROS still runs."""
    outlet = Outlet(node, topic, MutuallyExclusiveCallbackGroup())
    outlet.close()

    assert outlet.publish(BURST) == len(BURST)
    assert outlet.readers() == 0
