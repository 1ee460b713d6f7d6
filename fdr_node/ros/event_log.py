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
Writes the events of the recorder to the log: one JSON object a line, on stderr.

From WARN up they also go to the ROS logger, and so to ``/rosout`` and to the tools that show it.
Never through the recorder itself.
"""

from __future__ import annotations

from contextlib import suppress
import json
import sys
from typing import TYPE_CHECKING

from fdr_node.clock import iso_utc
from fdr_node.events import Level

if TYPE_CHECKING:
    from typing import TextIO

    from fdr_node.clock import Clock
    from fdr_node.events import Event
    from rclpy.impl.rcutils_logger import RcutilsLogger


class EventLog:
    """
    The log of one node.

    :param clock: for the time of each line.
    :param logger: the ROS logger, or None for the JSON lines only.
    :param stream: where the lines go.
    """

    def __init__(
        self, *, clock: Clock, logger: RcutilsLogger | None = None, stream: TextIO | None = None
    ) -> None:
        self._clock = clock
        self._logger = logger
        # Python has no stderr when the process was started with it closed.
        self._stream: TextIO | None = stream or sys.stderr

    def __call__(self, event: Event) -> None:
        """Write one event; a log that cannot be written never hurts the recorder."""
        line = json.dumps(
            {
                'time': iso_utc(self._clock.wall_ns()),
                'level': event.level,
                'event': event.name,
                **event.facts,
            }
        )
        # One write per line, so that lines of several threads do not mix.
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write(line + '\n')
                self._stream.flush()
        if self._logger is None or event.level is Level.INFO:
            return
        text = event.name + ''.join(f' {key}={value}' for key, value in event.facts.items())
        if event.level is Level.ERROR:
            self._logger.error(text)
        else:
            self._logger.warning(text)
