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

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fdr_node.producer.outbox import Outgoing
from fdr_node.producer.outlet import Outlet
from fdr_node.producer.own_node import OwnNode
from fdr_node.record import encode_cdr, FdrRecord, priority_topic_of
from own_context import own_context
import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from record_reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rclpy.node import Node

pytestmark = pytest.mark.ros

NAME = ('component', '/uav1')
RECORD = FdrRecord(1, 2, 3, 4, 5, 'imu', 'sample', b'\x80')
BURST = [Outgoing(4, encode_cdr(RECORD), is_priority=False)] * 3
PRIORITY = Outgoing(4, encode_cdr(RECORD._replace(kind='vital')), is_priority=True)


@contextmanager
def reader_of(topic: str) -> Iterator[Reader]:
    """Return a reader of a topic that is gone afterwards."""
    own_node = OwnNode('reader')
    try:
        yield Reader(own_node.node, topic)
    finally:
        own_node.close()


def until_read(outlet: Outlet, reader: Reader) -> None:
    """Publish priority records until they get to a reader."""
    while not reader.poll():
        assert outlet.publish([PRIORITY]) == 0


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


def test_priority_records_go_where_somebody_reads_them(node: Node, topic: str) -> None:
    """To their own topic once its reader is there, to the other one before and after."""
    outlet = Outlet(node, topic, MutuallyExclusiveCallbackGroup())
    with reader_of(topic) as all_others:
        until_read(outlet, all_others)
        with reader_of(priority_topic_of(topic)) as priority:
            until_read(outlet, priority)
            last = PRIORITY._replace(data=encode_cdr(RECORD._replace(kind='last')))
            assert outlet.publish([last, *BURST]) == 0
            records = all_others.wait_for(lambda records: records[-1].kind == 'sample')
            assert 'last' not in {record.kind for record in records}
            priority.wait_for(lambda records: records[-1].kind == 'last')
        known = len(all_others.records)
        while 'vital' not in {record.kind for record in all_others.records[known:]}:
            # The reader is gone at a time that nobody tells.
            outlet.publish([PRIORITY])
            all_others.poll()
    outlet.close()


def test_the_topic_of_priority_records_follows_the_remapped_one(topic: str) -> None:
    """What is published in a namespace is not heard in another one."""
    with own_context(None) as context:
        node = rclpy.create_node(
            'component',
            context=context,
            namespace='/uav1',
            cli_args=['--ros-args', '-r', f'{topic}:=fdr/records'],
        )
        outlet = Outlet(node, topic, MutuallyExclusiveCallbackGroup())
        names = {name for name, _ in node.get_publisher_names_and_types_by_node(*NAME)}
        outlet.close()
        node.destroy_node()
    assert names >= {'/uav1/fdr/records', '/uav1/fdr/records/priority'}
    assert not any(name.startswith(topic) for name in names)


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
