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
"""The recorder takes from both topics what waits, and is seen in the graph as one node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from fdr_node.producer import FdrClient
from fdr_node.record import peek
from fdr_node.ros.record_topics import RecordTopics
from own_context import own_context, random_domain
import pytest
import rclpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rclpy.node import Node

pytestmark = pytest.mark.ros

WAIT_S = 10.0


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """Return a node in a namespace, in a domain that nobody else is in."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    domain_id = random_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain_id))
    with own_context(domain_id) as context:
        node = rclpy.create_node('fdr', namespace='/uav1', context=context)
        yield node
        node.destroy_node()


def test_records_of_both_topics_are_taken_and_none_twice(node: Node) -> None:
    """Each is published to the topic of its kind, and to that one only."""
    topics = RecordTopics(node, history_depth=100_000)
    assert topics.name == '/uav1/fdr/records'
    kinds: list[str] = []
    with FdrClient.standalone('link', topic=topics.name, hold_back_s=WAIT_S) as client:
        assert client.wait_for_recorder(WAIT_S)
        while 'mavlink_tx' not in kinds or 'tick' not in kinds:
            client.record('tick', {})
            client.record('mavlink_tx', {})
            kinds += [peek(data).kind for data in topics.take().records]
    heads = [peek(data) for data in topics.take().records]
    assert len(kinds) + len(heads) == client.published
    assert {head.producer_id for head in heads} == {'link'}
    topics.close()


def test_the_fuller_history_is_what_counts(node: Node) -> None:
    """Two that are half full are not full."""
    topics = RecordTopics(node, history_depth=10)
    batches = [[b'1'] * 5, [b'2'] * 4]
    with mock.patch.object(topics, '_take_from', side_effect=[*batches, [b'3'] * 12, []]):
        assert topics.take() == ([b'1'] * 5 + [b'2'] * 4, 0.5)
        assert topics.take().fill == 1.0
    topics.close()


def test_nothing_is_left_of_it_when_it_is_closed(node: Node) -> None:
    """A component must not think that it is heard, and no thread of the second context stays."""
    before = threads()
    topics = RecordTopics(node, history_depth=1)
    assert node.count_subscribers('/uav1/fdr/records') == 1
    assert threads() > before
    topics.close()
    assert (node.count_subscribers('/uav1/fdr/records'), threads()) == (0, before)


def test_nothing_is_left_of_one_that_could_not_be_made(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the second context, which was there by then."""

    def refuse(*_: object, **__: object) -> None:
        message = 'no more topics'
        raise RuntimeError(message)

    before = threads()
    monkeypatch.setattr(node, 'create_subscription', refuse)
    with pytest.raises(RuntimeError, match='no more topics'):
        RecordTopics(node, history_depth=1)
    assert threads() == before


def threads() -> int:
    """Return how many threads this process has, those of DDS too."""
    return len(list(Path('/proc/self/task').iterdir()))


def test_the_priority_topic_can_be_remapped_as_the_other_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It follows the remapping of the records, unless it has one itself."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with own_context(None) as context:
        node = rclpy.create_node(
            'fdr', context=context, cli_args=['--ros-args', '-r', 'fdr/records:=/all']
        )
        topics = RecordTopics(node, history_depth=1)
        names = [each.topic_name for each in topics._subscriptions]
        topics.close()
        node.destroy_node()
    assert names == ['/all', '/all/priority']
