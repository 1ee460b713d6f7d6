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
"""A node of one's own spins, leaves the process alone, and goes when it is told."""

from __future__ import annotations

import subprocess
import sys
from threading import enumerate as threads
from threading import Event

from fdr_node.producer.own_node import OwnNode
import pytest
import rclpy
from rclpy.signals import SignalHandlerOptions

pytestmark = pytest.mark.ros


def test_it_spins_until_it_is_closed() -> None:
    """Timers fire, and the thread is gone afterwards."""
    own_node = OwnNode('fdr_producer_a-b')
    fired = Event()
    try:
        own_node.node.create_timer(0.001, fired.set)

        assert own_node.node.get_name() == 'fdr_producer_a_b'
        assert fired.wait(5)
    finally:
        own_node.close()

    assert 'fdr_producer_a-b' not in [thread.name for thread in threads()]


def test_the_default_context_is_left_alone() -> None:
    """The process's own ROS lives on."""
    own_node = OwnNode('component')
    try:
        assert not rclpy.ok()
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    finally:
        own_node.close()
    assert rclpy.ok()
    rclpy.shutdown()


def test_a_context_that_somebody_shut_down_ends_the_thread_quietly() -> None:
    """Closing after that is no error."""
    own_node = OwnNode('component')
    own_node.node.context.shutdown()

    own_node.close()

    assert 'component' not in [thread.name for thread in threads()]


def test_a_callback_may_close_it() -> None:
    """Its thread ends, and so does the one that waited for it."""
    own_node = OwnNode('component')
    called = Event()

    def close() -> None:
        own_node.close()
        called.set()

    own_node.node.create_timer(0.001, close)
    assert called.wait(5)
    for thread in threads():
        if thread.name.startswith('component'):
            thread.join(5)
    assert not own_node.node.context.ok()


# Ends with an exception, as a component may.
UNCLOSED = """
import sys
from fdr_node.producer import FdrClient
from fdr_node.producer.own_node import OwnNode
OwnNode('component')
client = FdrClient.standalone('camera', hold_back_s=0.0)
client.record('frame', {})
sys.exit(3)
"""


def test_a_process_ends_as_it_would_without_one() -> None:
    """A node, or a client, that nobody closed aborts nothing."""
    done = subprocess.run([sys.executable, '-c', UNCLOSED], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (3, b'')
