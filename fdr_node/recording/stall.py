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
Notices a writer that does not come back: a disk that hangs, or a thread that has died.

The writer says when it is at work, another thread looks; neither ever waits for the other.
Pure: instants in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.events import Event, Level

if TYPE_CHECKING:
    from pathlib import Path


class StallWatch:
    """
    The last sign of life of the writer.

    :param patience_ns: how long there may be none.
    """

    def __init__(self, patience_ns: int) -> None:
        self._patience_ns = patience_ns
        self._beat_ns: int | None = None
        self._since_ns: int | None = None

    @property
    def since_ns(self) -> int | None:
        """CLOCK_MONOTONIC of the last sign of life before the stall; None without one."""
        return self._since_ns

    def beat(self, now_ns: int) -> None:
        """Note a sign of life; to be called by the writer."""
        self._beat_ns = now_ns

    def rest(self) -> None:
        """Expect none until the next one; to be called by whoever stops the writer."""
        self._beat_ns = None

    def look(self, now_ns: int) -> int | None:
        """
        Return how long there has been no sign of life (ns), once that is too long; else None.

        To be called by the thread that watches.
        """
        beat_ns = self._beat_ns
        if beat_ns is None or now_ns - beat_ns < self._patience_ns:
            return None
        if self._since_ns is None:
            self._since_ns = beat_ns
        return now_ns - beat_ns

    def take(self) -> int | None:
        """Return the beginning of a stall that is over, once; to be called by the writer."""
        since_ns, self._since_ns = self._since_ns, None
        return since_ns


def stall_event(waited_ns: int, directory: Path | None) -> Event:
    """
    Return what is told of a stall.

    :param waited_ns: how long there has been no sign of life.
    :param directory: where it was written.
    """
    return Event(
        name='storage_stalled',
        level=Level.ERROR,
        facts={
            'step': 'write',
            'stalled_s': waited_ns / NS_PER_S,
            'path': str(directory) if directory else None,
        },
    )
