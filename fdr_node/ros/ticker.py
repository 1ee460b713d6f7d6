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
Calls a step again and again in a thread of its own.

A timer of an executor would do the same and cost more: each wake-up makes rclpy look at every
service, timer and subscription of the node. It knows nothing of ROS, and a step has to be one that
does not raise.
"""

from __future__ import annotations

from threading import current_thread, Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Ticker:
    """
    A thread that calls a step until it is ended.

    :param step: must not raise; the next call comes ``period_s`` after it has returned.
    :param period_s: pause between two calls (s).
    :param name: of the thread.
    """

    def __init__(self, step: Callable[[], None], *, period_s: float, name: str) -> None:
        self._step = step
        self._period_s = period_s
        self._is_over = Event()
        # A daemon: a process that dies of something else must not wait for it.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the step that runs come to its end, and call it no more; a step may call this."""
        self._is_over.set()
        if self._thread is not current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(self._period_s):
            self._step()
