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
Looks at the open segment from outside: is its file there, does it grow, what space is left.

A storage may fail without telling its writer, and somebody may remove its files. The sizes come
from the file system, not from what the writer believes.
"""

from __future__ import annotations

from errno import EIO
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.recording.growth import GrowthWatch

if TYPE_CHECKING:
    from fdr_node.config import RecorderConfig
    from fdr_node.recording.flight import Flight

_PERIOD_NS = NS_PER_S // 2


class DiskWatch:
    """
    The watch over one flight.

    :param config: how long the file may not grow.
    """

    def __init__(self, config: RecorderConfig) -> None:
        # What is taken waits for its commit first.
        patience_s = config.commit_interval_s + config.no_growth_s
        self._growth = GrowthWatch(int(patience_s * NS_PER_S))
        self._look_at_ns = 0
        self.free_bytes = 0

    def look(self, flight: Flight, now_ns: int) -> None:
        """
        Look, when it is time.

        :raises OSError: the file is gone (ENOENT), shorter than it should be or does not grow.
        """
        watched = flight.watched_file()
        if watched is None or now_ns < self._look_at_ns:
            return
        self._look_at_ns = now_ns + _PERIOD_NS
        name, known_bytes = watched
        size_bytes = flight.store.size_of(name)
        self.free_bytes = flight.store.free_bytes()
        # Of those that the segment takes for written: others may wait, as in rosbag2's chunk.
        is_stuck = self._growth.is_stuck(
            name=name, size_bytes=size_bytes, records=flight.records_durable, now_ns=now_ns
        )
        if is_stuck or size_bytes < known_bytes:
            raise OSError(EIO, 'the file does not grow')
