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
"""Watches from outside how long a bag does not grow while it is recorded."""

from __future__ import annotations

from threading import Event, Thread
import time
from typing import Self, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What the ages that it finds are exact to (s).
LOOK_S = 0.05


class GrowthWatch:
    """
    Watches a folder while its context lasts.

    :param folder: the bag is somewhere below; it need not be there yet
    """

    def __init__(self, folder: Path) -> None:
        # Longest time without growth (s).
        self.age_max_s = 0.0
        self._folder = folder
        self._stop = Event()
        self._thread = Thread(target=self._watch, name='growth of the bag', daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        grown_s, size = time.monotonic(), bag_bytes(self._folder)
        is_last = False
        while not is_last:
            is_last = self._stop.wait(LOOK_S)
            now_s, found = time.monotonic(), bag_bytes(self._folder)
            self.age_max_s = max(self.age_max_s, now_s - grown_s)
            if found != size:
                grown_s, size = now_s, found


def bag_bytes(folder: Path) -> int:
    """
    Return the size of all segments below a folder (bytes).

    :param folder: it need not be there
    """
    return sum(path.stat().st_size for path in folder.rglob('*.mcap'))
