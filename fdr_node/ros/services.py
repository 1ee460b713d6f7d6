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
Offers the recorder's services, and tells of splits, under the name of the node.

* ``~/recheck`` (std_srvs/Trigger): try at once what is not well, and say whether it is ready.
* ``~/split`` (std_srvs/Trigger): begin a new segment now.
* ``~/split_bagfile`` and ``events/write_split`` in the types of ``ros2 bag record``, where
  rosbag2_interfaces is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, TYPE_CHECKING

from std_srvs.srv import Trigger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rclpy.callback_groups import CallbackGroup
    from rclpy.node import Node

RECHECK_SERVICE = '~/recheck'
SPLIT_SERVICE = '~/split'
SPLIT_BAGFILE_SERVICE = '~/split_bagfile'
WRITE_SPLIT_TOPIC = 'events/write_split'

_DEPTH = 10


class Answer(Protocol):
    """The fields of an answer of std_srvs/Trigger."""

    success: bool
    message: str


def offer_services(
    node: Node,
    *,
    recheck: Callable[[], str],
    split: Callable[[], str],
    group: CallbackGroup,
) -> None:
    """
    Offer the services.

    :param recheck: tries again and returns why the aircraft must not take off; empty when it may.
    :param split: begins a new segment and returns why it could not; empty when it could.
    :param group: they wait for each other.
    """

    def answered(step: Callable[[], str]) -> Callable[[object, Answer], Answer]:
        def answer(request: object, response: Answer) -> Answer:
            del request
            reason = step()
            response.success, response.message = not reason, reason
            return response

        return answer

    def split_bagfile(request: object, response: object) -> object:
        del request
        split()
        return response

    node.create_service(Trigger, RECHECK_SERVICE, answered(recheck), callback_group=group)
    node.create_service(Trigger, SPLIT_SERVICE, answered(split), callback_group=group)
    if has_rosbag2_interfaces():
        service = import_module('rosbag2_interfaces.srv').SplitBagfile
        node.create_service(service, SPLIT_BAGFILE_SERVICE, split_bagfile, callback_group=group)


def has_rosbag2_interfaces() -> bool:
    """Return whether the types of ``ros2 bag record`` are installed."""
    try:
        import_module('rosbag2_interfaces.srv')
    except ImportError:
        return False
    return True


class SplitTeller:
    """
    Tells of each new segment, for the tools that listen to ``ros2 bag record``.

    :param node: gets the publisher, where rosbag2_interfaces is installed.
    """

    def __init__(self, node: Node) -> None:
        self._name = node.get_fully_qualified_name()
        self._file: Path | None = None
        self._message_of = None
        if has_rosbag2_interfaces():
            message_type = import_module('rosbag2_interfaces.msg').WriteSplitEvent
            self._message_of = message_type
            self._publisher = node.create_publisher(message_type, WRITE_SPLIT_TOPIC, _DEPTH)

    def note(self, file: Path | None) -> None:
        """
        Tell of a new segment of the same flight.

        :param file: the open segment; None without a flight.
        """
        before, self._file = self._file, file
        if before is None or file is None or file == before or self._message_of is None:
            return
        if file.parent.name == before.parent.name:
            event = self._message_of(
                closed_file=str(before), opened_file=str(file), node_name=self._name
            )
            self._publisher.publish(event)
