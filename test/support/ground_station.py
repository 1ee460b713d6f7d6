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
"""What an operator's computer does: sees status and diagnostics, and calls services."""

# rclpy is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from importlib import import_module
from threading import Condition, Thread
import time
from typing import Generic, Protocol, TYPE_CHECKING, TypeVar

from diagnostic_msgs.msg import DiagnosticArray
from fdr_node.msg import FdrStatus, StatusText
from lifecycle_msgs.srv import ChangeState, GetState
from plain_producer import GREETING
from processes import WAIT_S
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_srvs.srv import Trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from rcl_interfaces.msg import SetParametersResult
    from rclpy.client import Client
    from rclpy.context import Context

Message = TypeVar('Message')


class Screen(Generic[Message]):
    """Keeps the messages of a topic."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._changed = Condition()

    def show(self, message: Message) -> None:
        """Keep a message."""
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def wait_for(self, is_it: Callable[[Message], bool]) -> Message:
        """Return the first message for which that is so, and forget those before it."""
        with self._changed:
            found = self._changed.wait_for(lambda: any(map(is_it, self.messages)), WAIT_S)
            assert found, f'the last one was {self.messages[-1:]}'
            while not is_it(self.messages[0]):
                self.messages.pop(0)
            return self.messages[0]


def recorded(status: FdrStatus, producer_id: str) -> int:
    """Return how many records of a producer have been written."""
    counts = {item.producer_id: item.records_recorded for item in status.producers}
    return int(counts.get(producer_id, 0))


class WriteSplitEvent(Protocol):
    """rosbag2_interfaces/msg/WriteSplitEvent."""

    closed_file: str
    opened_file: str
    node_name: str


class GroundStation:
    """
    A node that watches a recorder.

    :param context: of the node; in the recorder's domain.
    :param namespace: of the recorder.
    """

    def __init__(self, context: Context, namespace: str = '') -> None:
        self._recorder = f'{namespace}/fdr'
        self._node = Node('ground_station', context=context)
        self.status = Screen[FdrStatus]()
        self.diagnostics = Screen[DiagnosticArray]()
        latched = QoSProfile(
            depth=1,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        self._node.create_subscription(
            FdrStatus, f'{self._recorder}/status', self.status.show, latched
        )
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self.diagnostics.show, 10)
        # So that a recorder that ends need not wait for somebody who hears its last alert.
        self._node.create_subscription(
            StatusText, f'{self._recorder}/statustext', _ignore, latched
        )
        self._change_state = self._node.create_client(
            ChangeState, f'{self._recorder}/change_state'
        )
        self._get_state = self._node.create_client(GetState, f'{self._recorder}/get_state')
        self._set_parameters = self._node.create_client(
            SetParameters, f'{self._recorder}/set_parameters'
        )
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._thread = Thread(target=self._spin)
        self._thread.start()

    def close(self) -> None:
        """End the node."""
        self._executor.shutdown()
        self._thread.join(WAIT_S)
        self._node.destroy_node()

    def transition(self, label: str) -> bool:
        """Order a transition by its name. :return: whether it succeeded."""
        request = ChangeState.Request()
        request.transition.label = label
        answer: ChangeState.Response = self._call(self._change_state, request)
        return bool(answer.success)

    def trigger(self, name: str) -> tuple[bool, str]:
        """Call a service of the recorder without arguments. :return: success, and what it says."""
        client = self._node.create_client(Trigger, f'{self._recorder}/{name}')
        answer: Trigger.Response = self._call(client, Trigger.Request())
        return bool(answer.success), str(answer.message)

    def split_events(self) -> Screen[WriteSplitEvent]:
        """Listen to the splits that a recorder tells in the type of rosbag2."""
        screen = Screen[WriteSplitEvent]()
        kind = import_module('rosbag2_interfaces.msg').WriteSplitEvent
        topic = f'{self._recorder.removesuffix("/fdr")}/events/write_split'
        subscription = self._node.create_subscription(kind, topic, screen.show, 10)
        until_s = time.monotonic() + WAIT_S
        while not subscription.get_publisher_count():
            assert time.monotonic() < until_s
            time.sleep(0.02)
        return screen

    def split_bagfile(self) -> None:
        """Order a split as rosbag2's own tools do."""
        kind = import_module('rosbag2_interfaces.srv').SplitBagfile
        self._call(
            self._node.create_client(kind, f'{self._recorder}/split_bagfile'), kind.Request()
        )

    def order_number(self, number: int) -> None:
        """Order a transition by its number, and wait for no answer: there may be none."""
        request = ChangeState.Request()
        request.transition.id = number
        assert self._change_state.wait_for_service(WAIT_S)
        self._change_state.call_async(request)

    def state(self) -> str:
        """Return the state of the lifecycle."""
        answer: GetState.Response = self._call(self._get_state, GetState.Request())
        return str(answer.current_state.label)

    def set_parameter(self, name: str, value: object) -> SetParametersResult:
        """Set a parameter."""
        change = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[change])
        answer: SetParameters.Response = self._call(self._set_parameters, request)
        return answer.results[0]

    def hears(self, *producer_ids: str) -> None:
        """Wait until the recorder has written greetings of these producers."""
        wanted = {f'{producer_id}{GREETING}' for producer_id in producer_ids}
        self.status.wait_for(
            lambda status: (
                wanted <= {item.producer_id for item in status.producers if item.records_recorded}
            )
        )

    def _call(self, client: Client, request: object) -> object:
        assert client.wait_for_service(WAIT_S)
        done = Condition()
        future = client.call_async(request)
        with done:
            future.add_done_callback(lambda _: self._wake(done))
            assert done.wait_for(future.done, WAIT_S), f'no answer from {client.srv_name}'
        return future.result()

    @staticmethod
    def _wake(done: Condition) -> None:
        with done:
            done.notify_all()

    def _spin(self) -> None:
        self._executor.spin()


def _ignore(message: StatusText) -> None:
    """Hear an alert, and leave it at that."""
    del message


class Watch(Protocol):
    """What starts a ground station."""

    def __call__(self, namespace: str = '') -> GroundStation:
        """Start one for the recorder in a namespace."""
