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
The script that one producer plays from a PX4 log, with the log's own timing.

Long silences are cut short: a log may begin with messages from minutes before it was armed, and
nobody wants to wait for them. It reads no file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TYPE_CHECKING

from fdr_node.demo.script import Entry
from fdr_node.demo.ulog_records import producer_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fdr_node.demo.ulog import Topic

# What is left of a longer silence (us).
SILENCE_MAX_US: Final = 1_000_000

_NS_PER_US: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """
    Turns times of a log into times of its replay.

    :param begin_us: time of the first message (us)
    :param end_us: time of the last one (us)
    :param resumed_us: when each long silence ended (us), in order
    :param cut_us: how much had been cut out until then, the silence included (us)
    """

    begin_us: int
    end_us: int
    resumed_us: Sequence[int]
    cut_us: Sequence[int]

    @property
    def duration_ns(self) -> int:
        """How long the replay takes (ns)."""
        return self.at_ns(self.end_us) + 1

    @property
    def silence_us(self) -> int:
        """How much is cut out in all (us)."""
        return self.cut_us[-1] if self.cut_us else 0

    def at_ns(self, time_us: int) -> int:
        """Return when a message of the log comes in the replay (ns)."""
        silences = bisect_right(self.resumed_us, time_us)
        cut_us = self.cut_us[silences - 1] if silences else 0
        return (time_us - self.begin_us - cut_us) * _NS_PER_US


def timeline(topics: Iterable[Topic]) -> Timeline:
    """
    Find the long silences of a log.

    :param topics: all of it, at least one message
    """
    times_us = sorted({time_us for topic in topics for time_us in topic.times_us})
    resumed_us: list[int] = []
    cut_us: list[int] = []
    for before_us, after_us in pairwise(times_us):
        cut = after_us - before_us - SILENCE_MAX_US
        if cut > 0:
            resumed_us.append(after_us)
            cut_us.append(cut + (cut_us[-1] if cut_us else 0))
    return Timeline(
        begin_us=times_us[0], end_us=times_us[-1], resumed_us=resumed_us, cut_us=cut_us
    )


class Replay:
    """
    What one producer records of a log.

    :param topics: the whole log
    :param producer_id: one of :data:`~fdr_node.demo.ulog_records.PRODUCERS`
    """

    def __init__(self, topics: Sequence[Topic], producer_id: str) -> None:
        self._timeline = timeline(topics)
        self._topics = [topic for topic in topics if producer_of(topic.name) == producer_id]
        # When each message comes (ns), and where it is: number of the topic and of the message.
        self._index = sorted(
            (self._timeline.at_ns(time_us), number, row)
            for number, topic in enumerate(self._topics)
            for row, time_us in enumerate(topic.times_us)
        )

    @property
    def duration_ns(self) -> int:
        """How long the whole log takes (ns)."""
        return self._timeline.duration_ns

    def due(self, from_ns: int, until_ns: int) -> Iterator[Entry]:
        """Give the entries from a time to another, not included (ns), in order."""
        first = bisect_left(self._index, (from_ns, 0, 0))
        last = bisect_left(self._index, (until_ns, 0, 0))
        for at_ns, number, row in self._index[first:last]:
            topic = self._topics[number]
            kind, payload = record_of(
                topic.name, topic.instance, topic.times_us[row], topic.row(row)
            )
            yield Entry(at_ns, kind, payload)
