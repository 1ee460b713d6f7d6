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
"""What the tests of the producer share: a node that spins and readers of a topic of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from fdr_node.producer.own_node import OwnNode
from own_context import random_domain
import pytest
from record_reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rclpy.node import Node


@pytest.fixture(autouse=True)
def _stay_on_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))


@pytest.fixture
def topic() -> str:
    """Return a topic that no other test uses."""
    return f'/fdr_test_{uuid4().hex}'


@pytest.fixture
def node() -> Iterator[Node]:
    """Return a node that spins in a thread of its own."""
    own_node = OwnNode('component')
    yield own_node.node
    own_node.close()


@pytest.fixture
def make_reader(topic: str) -> Iterator[Callable[[], Reader]]:
    """Return a function that starts to listen to the topic."""
    own_nodes: list[OwnNode] = []

    def make() -> Reader:
        own_nodes.append(OwnNode('reader'))
        return Reader(own_nodes[-1].node, topic)

    yield make
    for own_node in own_nodes:
        own_node.close()
