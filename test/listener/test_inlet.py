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
"""An inlet hears what is published, as it is on the wire, and keeps no more than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from fdr_node.listener import Inlet
from fdr_node.producer import FdrClient
from fdr_node.record import decode_cdr, encode_cdr
from own_context import random_domain
import pytest
from rclpy.exceptions import InvalidTopicNameException
from rigs import record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fdr_node.record import FdrRecord

pytestmark = pytest.mark.ros

# Discovery takes up to 3 s now and then (s).
WAIT_S = 10.0


@pytest.fixture(autouse=True)
def _stay_on_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))


@pytest.fixture
def topic() -> str:
    """Return a topic that no other test uses."""
    return f'/fdr_test_{uuid4().hex}'


@pytest.fixture
def inlet(topic: str) -> Iterator[Inlet]:
    """Return an inlet of the topic."""
    with Inlet(topic) as inlet:
        yield inlet


def test_what_is_published_comes_in_its_order(inlet: Inlet, topic: str) -> None:
    """Every byte of it, until the last word of the producer; then nothing."""
    with FdrClient.standalone('imu_1', topic=topic, hold_back_s=WAIT_S) as client:
        for number in range(5):
            client.record('tick', {'n': number})
    records: list[FdrRecord] = []
    while not records or records[-1].seq + 1 < client.published:
        data = inlet.take(WAIT_S)
        assert data is not None
        records.append(decode_cdr(data))
        assert encode_cdr(records[-1]) == data
    assert [record.seq for record in records] == list(range(client.published))
    assert [record.kind for record in records][:5] == ['tick'] * 5
    assert inlet.take(0.0) is None
    assert inlet.dropped == 0


def test_what_finds_no_room_is_counted(inlet: Inlet) -> None:
    """The oldest stay, and can be taken after the end."""
    whole = encode_cdr(record_of(1, payload_bytes=1000))
    inlet._bytes_max = 2 * len(whole)
    for _ in range(5):
        inlet._keep(whole)
    assert inlet.dropped == 3
    assert inlet.take(0.0) == whole
    inlet._keep(whole[:-4])
    inlet.close()
    assert [inlet.take(0.0) for _ in range(3)] == [whole, whole[:-4], None]


def test_a_topic_that_cannot_be_is_refused() -> None:
    """And nothing is left of the node."""
    with pytest.raises(InvalidTopicNameException, match='no topic'):
        Inlet('no topic')
