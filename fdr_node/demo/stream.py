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
Records that come at regular times, and the script that a component makes of several of them.

Every payload is a pure function of its time and a seed, so that two runs with one seed differ in
their clocks only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
import random
from typing import TYPE_CHECKING, TypeAlias

from fdr_node.demo.script import Entry, ticks
from fdr_node.schema import Payload

if TYPE_CHECKING:
    from fdr_node.demo.sortie import Sortie

# Gives the payload of a tick from its number and its time (ns); None when there is none.
Make: TypeAlias = Callable[[int, int], Payload | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """
    Records of one sort.

    :param period_ns: time from one to the next [1..] (ns)
    :param offset_ns: time of the first one [0..] (ns)
    :param make: makes them
    """

    period_ns: int
    offset_ns: int = 0
    make: Make

    def due(self, from_ns: int, until_ns: int) -> Iterator[Entry]:
        """Give the entries from a time to another, which is not included (ns)."""
        for index, at_ns in ticks(
            period_ns=self.period_ns,
            offset_ns=self.offset_ns,
            from_ns=from_ns,
            until_ns=until_ns,
        ):
            payload = self.make(index, at_ns)
            if payload is not None:
                yield Entry(at_ns, payload.KIND, payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamScript:
    """
    The script of one component.

    :param duration_ns: how long the sortie is (ns)
    :param streams: what the component records
    """

    duration_ns: int
    streams: tuple[Stream, ...]

    def due(self, from_ns: int, until_ns: int) -> Iterator[Entry]:
        """Give the entries from a time to another, not included (ns), in order."""
        until_ns = min(until_ns, self.duration_ns)
        due = (stream.due(from_ns, until_ns) for stream in self.streams)
        return merge(*due, key=attrgetter('at_ns'))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """
    What all components of one sortie share.

    :param sortie: the flight
    :param seed: of all noise
    :param speed: seconds of the sortie in one second [above 0]
    :param wall_ns: wall clock shortly before the beginning, since the epoch (ns)
    """

    sortie: Sortie
    seed: int
    speed: float
    wall_ns: int

    def noise(self, stream: str, index: int) -> random.Random:
        """Return the noise of one record, the same one in every process."""
        return random.Random(f'{self.seed}/{stream}/{index}')  # noqa: S311  (noise, no secret)
