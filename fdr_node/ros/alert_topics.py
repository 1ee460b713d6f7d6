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
Publishes alerts on ROS topics, and opens the sinks that the parameters ask for.

* ``topic``: ``fdr/statustext`` of this package, kept for who subscribes later.
* ``mavros``: ``/mavros/statustext/send``, from where MAVROS sends it to the autopilot and on.
"""

from __future__ import annotations

from importlib import import_module
import time
from typing import Final, Protocol, TYPE_CHECKING

from fdr_node.alerts.desk import AlertDesk
from fdr_node.errors import ConfigError
from fdr_node.msg import StatusText
from fdr_node.ros.qos import latched
from fdr_node.ros.status import time_message
from rclpy.duration import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from fdr_node.alerts.alert import Alert
    from fdr_node.alerts.ports import Sink
    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from rclpy.node import Node

# In the root namespace /fdr/statustext.
STATUSTEXT_TOPIC: Final = 'fdr/statustext'
MAVROS_TOPIC: Final = '/mavros/statustext/send'

_DEPTH: Final = 10

# For subscribers to find a publisher, counted from the last alert, and to acknowledge it (s).
_FOUND_WITHIN_S: Final = 3.0
_ACKED_WITHIN_S: Final = 1.0
_POLL_S: Final = 0.02

# For all that waits, at the end of the node: both of these, and a moment for the other sinks (s).
CLOSE_S: Final = 5.0


class Publisher(Protocol):
    """What a sink needs of a publisher of rclpy."""

    def publish(self, msg: object) -> None:
        """Send a message."""

    def get_subscription_count(self) -> int:
        """Return how many subscribers are connected."""

    def wait_for_all_acked(self, timeout: Duration) -> bool:
        """Wait until the connected subscribers have everything."""


class TopicSink:
    """
    A sink that publishes.

    :param name: as the parameter ``alert_sinks`` has it.
    :param publisher: of the topic; belongs to the node.
    :param message_of: makes the message.
    """

    period_s = None

    def __init__(
        self, name: str, *, publisher: Publisher, message_of: Callable[[Alert], object]
    ) -> None:
        self.name = name
        self._publisher = publisher
        self._message_of = message_of
        self._published_s: float | None = None

    def attend(self) -> None:
        """Do nothing: nothing is due without an alert."""

    def deliver(self, alert: Alert) -> None:
        """Publish an alert."""
        self._publisher.publish(self._message_of(alert))
        self._published_s = time.monotonic()

    def close(self) -> None:
        """
        Wait a moment until the last alert has gone; the publisher itself belongs to the node.

        A process that ends because of what the alert says is often younger than it takes the
        subscribers to find it.
        """
        if self._published_s is None:
            return
        deadline = self._published_s + _FOUND_WITHIN_S
        while time.monotonic() < deadline and not self._publisher.get_subscription_count():
            time.sleep(_POLL_S)
        if self._publisher.get_subscription_count():
            self._publisher.wait_for_all_acked(Duration(seconds=_ACKED_WITHIN_S))


def open_alerts(config: RecorderConfig, *, clock: Clock, node: Node) -> AlertDesk:
    """
    Open the sinks that the parameters ask for, and the desk before them.

    :param node: gets the publishers.
    :raises ConfigError: mavros is asked for and mavros_msgs is not installed, or the link or the
        key file of mavlink is none; no thread was started.
    """
    return AlertDesk(
        [_open_sink(name, config, clock, node) for name in config.alert_sinks],
        clock=clock,
        repeat_s=config.alert_repeat_s,
        prearm_s=config.prearm_alert_s,
    )


def _open_sink(name: str, config: RecorderConfig, clock: Clock, node: Node) -> Sink:
    match name:
        case 'mavros':
            return _mavros_sink(config, clock, node)
        case 'mavlink':
            # Only here: it takes a tenth of a second and 11 MB to import.
            from fdr_node.alerts.mavlink_sink import open_mavlink_sink  # noqa: PLC0415

            return open_mavlink_sink(config, clock)
        case _:
            return _topic_sink(clock, node)


def _topic_sink(clock: Clock, node: Node) -> TopicSink:
    def message_of(alert: Alert) -> object:
        stamp = time_message(clock.wall_ns())
        return StatusText(stamp=stamp, severity=alert.severity, text=alert.text)

    publisher = node.create_publisher(StatusText, STATUSTEXT_TOPIC, latched(_DEPTH))
    return TopicSink('topic', publisher=publisher, message_of=message_of)


def _mavros_sink(config: RecorderConfig, clock: Clock, node: Node) -> TopicSink:
    try:
        message_type = import_module('mavros_msgs.msg').StatusText
    except ImportError as error:
        raise ConfigError(
            name='alert_sinks',
            value=config.alert_sinks,
            bound='mavros only where mavros_msgs is installed (apt install '
            'ros-$ROS_DISTRO-mavros-msgs)',
        ) from error

    def message_of(alert: Alert) -> object:
        message = message_type(severity=int(alert.severity), text=alert.text)
        message.header.stamp = time_message(clock.wall_ns())
        return message

    # MAVROS subscribes best effort; reliable fits that too.
    publisher = node.create_publisher(message_type, MAVROS_TOPIC, _DEPTH)
    return TopicSink('mavros', publisher=publisher, message_of=message_of)
