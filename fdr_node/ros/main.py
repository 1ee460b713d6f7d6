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
The executable ``fdr_node``: runs the node until SIGINT or SIGTERM, then closes the flight.

The signals are taken here and not by rclpy, whose handler would shut the context down before the
subscription is drained and the footer is written.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from fdr_node.clock import SystemClock
from fdr_node.errors import ConfigError
from fdr_node.events import Event, Level
from fdr_node.ros.event_log import EventLog
from fdr_node.ros.memory import calm_collector, keep_memory
from fdr_node.ros.node import FdrNode
from fdr_node.ros.refusal import announce
import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.signals import SignalHandlerOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

# Writer, status, the retry of an opening, and one for services, so that a stalled writer holds up
# nobody else.
_THREADS = 4

# Should a fault come back at once, the log is not flooded.
_FAULT_PAUSE_S = 0.1

# Exit codes, as the other tools of this package use them.
OK = 0
CANNOT = 1
USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the recorder.

    :param arguments: as ``sys.argv``; ROS arguments follow ``--ros-args``.
    :return: 0 after a clean end, 1 when the flight could not be opened or closed, 2 for a bad
        parameter. A flight that cannot be opened is tried again every ``open_retry_s``, until the
        process is stopped.
    """
    stop = Flag()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    keep_memory()
    rclpy.init(
        args=list(arguments if arguments is not None else sys.argv),
        signal_handler_options=SignalHandlerOptions.NO,
    )
    try:
        return _run(stop)
    finally:
        rclpy.try_shutdown()
        # Ctrl-C under ros2 launch sends SIGINT twice. Python puts its handlers back to the default
        # when it ends, and the late one would turn a clean end into a death by signal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _run(stop: Flag) -> int:
    try:
        node = FdrNode()
    except ConfigError as error:
        facts = {'reason': str(error), 'parameter': error.name}
        refused = Event(name='parameter_refused', level=Level.ERROR, facts=facts)
        EventLog(clock=SystemClock())(refused)
        announce(refused)
        return USAGE
    executor = MultiThreadedExecutor(num_threads=_THREADS)
    executor.add_node(node)
    spinner = Thread(target=_spin, args=(executor, node, stop), name='executor')
    spinner.start()
    # Beside the executor, which says that it is not ready while the disk lets the opening wait.
    Thread(target=_begin, args=(node, stop), name='opening', daemon=True).start()
    stop.wait()
    executor.shutdown(timeout_sec=node.config.shutdown_deadline_s)
    spinner.join(timeout=node.config.shutdown_deadline_s)
    is_closed = node.end()
    node.destroy_node()
    if node.is_stuck:
        # Python would wait for the thread that hangs in the disk, and the disk may never answer.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(CANNOT)
    if is_closed and node.is_clean and (node.has_flown or not node.config.autostart):
        return OK
    return USAGE if isinstance(node.refusal, ConfigError) and not node.has_flown else CANNOT


def _begin(node: FdrNode, stop: Flag) -> None:
    """Start to record, where the node does so by itself; stop when there is no hope of that."""
    try:
        is_begun = not node.config.autostart or node.start()
    except Exception as error:  # noqa: BLE001  # the wall of the worker loops
        node.tell_fault('opening', error)
        is_begun = False
    if not is_begun and not _is_worth_a_wait(node):
        stop.set()
    calm_collector()


def _is_worth_a_wait(node: FdrNode) -> bool:
    """Return whether a flight that could not be opened can be opened later."""
    return node.config.open_retry_s > 0 and not isinstance(node.refusal, ConfigError)


def _spin(executor: MultiThreadedExecutor, node: FdrNode, stop: Flag) -> None:
    """Run the callbacks until the end; a fault that rclpy lets through does not end the flight."""
    while not stop.is_set():
        try:
            executor.spin()
        except ExternalShutdownException:
            return
        except Exception as error:  # noqa: BLE001  # the wall of the worker loops
            if stop.is_set():
                # A callback that came to its end while the executor was taken apart.
                return
            # For example a transition by number that the state does not have.
            node.tell_fault('executor', error)
            stop.wait(_FAULT_PAUSE_S)


if __name__ == '__main__':
    sys.exit(main())
