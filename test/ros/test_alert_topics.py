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
"""Alerts arrive on ROS topics, also those that were published before anybody listened."""

# rclpy is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from dataclasses import dataclass, field
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import cast, TYPE_CHECKING

from fdr_node.alerts.alert import Alert, Severity
from fdr_node.config import RecorderConfig
from fdr_node.errors import ConfigError
from fdr_node.events import Event
from fdr_node.msg import StatusText
from fdr_node.ros import alert_topics
from fdr_node.ros.alert_topics import open_alerts, TopicSink
from ground_station import Screen
from manual_clock import ManualClock, WALL_NS
from own_context import own_context, random_domain
from processes import WAIT_S
import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, qos_profile_sensor_data, QoSProfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rclpy.context import Context
    from rclpy.duration import Duration

FAILED = Event(name='storage_failed', facts={'errno': 'EROFS'})
READ_ONLY = 'FDR: disk read-only, not recording'
ALERT = Alert(severity=Severity.ERROR, text='FDR: disk stalled')
LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """Return a context on this computer alone."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    with own_context(random_domain()) as context:
        yield context


@dataclass
class Publisher:
    """A publisher that keeps what it is given, and has subscribers from the n-th question on."""

    found_after: int = 0
    messages: list[object] = field(default_factory=list)
    asked: int = 0
    waited: int = 0

    def publish(self, msg: object) -> None:
        """Keep a message."""
        self.messages.append(msg)

    def get_subscription_count(self) -> int:
        """Count the questions."""
        self.asked += 1
        return int(self.asked > self.found_after)

    def wait_for_all_acked(self, timeout: Duration) -> bool:
        """Count the waits."""
        assert 0 < timeout.nanoseconds <= 10**9
        self.waited += 1
        return True


class PublishingNode:
    """A node that only makes publishers."""

    def __init__(self) -> None:
        self.publishers: dict[str, tuple[object, Publisher]] = {}

    def create_publisher(self, kind: object, topic: str, qos: object) -> Publisher:
        """Make one."""
        assert topic not in self.publishers
        publisher = Publisher()
        self.publishers[topic] = (kind, publisher)
        assert qos is not None
        return publisher

    def as_node(self) -> Node:
        """Return it as what rclpy calls a node."""
        return cast('Node', self)


class HeaderText:
    """A message with the fields of mavros_msgs/msg/StatusText."""

    def __init__(self, *, severity: int, text: str) -> None:
        self.severity = severity
        self.text = text
        self.header = SimpleNamespace(stamp=None)


def config(*sinks: str) -> RecorderConfig:
    """Return parameters with these sinks."""
    return RecorderConfig(alert_sinks=sinks, mavlink_url='udpout:127.0.0.1:14550')


@pytest.mark.ros
def test_who_subscribes_late_reads_it_too(context: Context) -> None:
    """On the topic of the recorder's namespace: severity, text and time."""
    node = Node('fdr', namespace='/uav1', context=context)
    desk = open_alerts(config('topic'), clock=ManualClock(), node=node)
    desk.tell(FAILED)
    screen = Screen[StatusText]()
    station = Node('station', context=context)
    station.create_subscription(StatusText, '/uav1/fdr/statustext', screen.show, LATCHED)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(station)
    deadline = time.monotonic() + WAIT_S
    while not screen.messages and time.monotonic() < deadline:
        executor.spin_once(0.1)
    assert desk.close(WAIT_S)
    message = screen.messages[0]
    assert (message.severity, message.text) == (StatusText.CRITICAL, READ_ONLY)
    assert message.stamp.sec * 10**9 + message.stamp.nanosec == WALL_NS
    station.destroy_node()
    node.destroy_node()


@pytest.mark.ros
def test_the_last_alert_of_a_process_that_ends_is_heard(context: Context) -> None:
    """It waits for who is there to find it, which takes longer than to make it."""
    screen = Screen[StatusText]()
    station = Node('station', context=context)
    station.create_subscription(StatusText, '/fdr/statustext', screen.show, LATCHED)
    with own_context(context.get_domain_id()) as ending:
        node = Node('fdr', context=ending)
        desk = open_alerts(config('topic'), clock=ManualClock(), node=node)
        desk.tell(FAILED)
        assert desk.close(WAIT_S)
        node.destroy_node()
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(station)
    executor.spin_once(WAIT_S)
    assert [message.text for message in screen.messages] == [READ_ONLY]
    station.destroy_node()


@pytest.mark.ros
def test_mavros_gets_it_in_its_own_type(context: Context) -> None:
    """On the topic that MAVROS subscribes to, with its best effort."""
    messages = pytest.importorskip('mavros_msgs.msg', reason='mavros_msgs is not installed')
    screen = Screen[HeaderText]()
    mavros = Node('sys', namespace='/mavros', context=context)
    subscription = mavros.create_subscription(
        messages.StatusText, 'statustext/send', screen.show, qos_profile_sensor_data
    )
    node = Node('fdr', namespace='/uav1', context=context)
    desk = open_alerts(config('mavros'), clock=ManualClock(), node=node)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(mavros)
    deadline = time.monotonic() + WAIT_S
    while not mavros.count_publishers(subscription.topic_name):
        assert time.monotonic() < deadline
        executor.spin_once(0.1)
    # Best effort: what is published before it is found is not heard.
    while not screen.messages:
        assert time.monotonic() < deadline
        desk.tell(FAILED)
        desk.tell(Event(name='recovered'))
        executor.spin_once(0.1)
    assert desk.close(WAIT_S)
    message = screen.messages[0]
    assert (message.severity, message.text) in {
        (messages.StatusText.CRITICAL, READ_ONLY),
        (messages.StatusText.NOTICE, 'FDR: recording again, out ? s, 0 lost'),
    }
    mavros.destroy_node()
    node.destroy_node()


def test_mavros_gets_severity_text_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """On its absolute topic, whatever the namespace of the recorder is."""
    module = ModuleType('mavros_msgs.msg')
    monkeypatch.setattr(module, 'StatusText', HeaderText, raising=False)
    monkeypatch.setitem(sys.modules, 'mavros_msgs', ModuleType('mavros_msgs'))
    monkeypatch.setitem(sys.modules, 'mavros_msgs.msg', module)
    node = PublishingNode()
    desk = open_alerts(config('mavros'), clock=ManualClock(), node=node.as_node())
    desk.tell(FAILED)
    assert desk.close(WAIT_S)
    kind, publisher = node.publishers['/mavros/statustext/send']
    (message,) = publisher.messages
    assert kind is HeaderText
    assert isinstance(message, HeaderText)
    assert (message.severity, type(message.severity), message.text) == (2, int, READ_ONLY)
    assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == WALL_NS


def test_mavros_without_its_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, 'mavros_msgs', None)
    monkeypatch.delitem(sys.modules, 'mavros_msgs.msg', raising=False)
    with pytest.raises(ConfigError) as caught:
        open_alerts(
            config('topic', 'mavros'), clock=ManualClock(), node=PublishingNode().as_node()
        )
    error = caught.value
    assert (error.name, error.value) == ('alert_sinks', ('topic', 'mavros'))
    assert 'apt install ros-$ROS_DISTRO-mavros-msgs' in error.bound


def test_every_sink_that_is_asked_for_is_opened() -> None:
    """And no other."""
    node = PublishingNode()
    desk = open_alerts(config('mavlink', 'topic'), clock=ManualClock(), node=node.as_node())
    assert list(node.publishers) == ['fdr/statustext']
    sinks = {key.partition(':')[0] for key in desk.health().values}
    assert sinks == {'topic', 'mavlink'}
    assert desk.close(WAIT_S)


@pytest.mark.parametrize(
    ('found_after', 'waited'), [(0, 1), (3, 1), (10**9, 0)], ids=['there', 'late', 'never']
)
def test_the_end_waits_a_moment_for_who_has_not_found_it(
    monkeypatch: pytest.MonkeyPatch, found_after: int, waited: int
) -> None:
    """Until the alert is acknowledged, or nobody seems to be there."""
    monkeypatch.setattr(alert_topics, '_FOUND_WITHIN_S', 0.2)
    publisher = Publisher(found_after=found_after)
    sink = TopicSink('topic', publisher=publisher, message_of=lambda alert: alert.text)
    begin = time.monotonic()
    sink.deliver(ALERT)
    sink.close()
    assert (publisher.messages, publisher.waited) == ([ALERT.text], waited)
    assert (time.monotonic() - begin >= 0.2) == (waited == 0)


def test_the_end_does_not_wait_for_nothing() -> None:
    """Without an alert there is nothing to be heard."""
    publisher = Publisher(found_after=10**9)
    TopicSink('topic', publisher=publisher, message_of=str).close()
    assert publisher.asked == 0
