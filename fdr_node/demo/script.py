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
What a producer of the demo records, and when: the form that simulation and replay share.

Times count from the beginning of the script. Nothing here looks at a clock: whoever plays a script
says which stretch of it is due.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fdr_node.schema import Payload, Value


class Entry(NamedTuple):
    """
    One record that is to be made.

    :param at_ns: when, since the beginning of the script (ns)
    :param kind: what the payload is
    :param payload: typed, or a map
    """

    at_ns: int
    kind: str
    payload: Mapping[str, Value] | Payload


class Script(Protocol):
    """All that one producer records."""

    @property
    def duration_ns(self) -> int:
        """How long it takes (ns); no entry lies at or behind this."""

    def due(self, from_ns: int, until_ns: int) -> Iterator[Entry]:
        """
        Give the entries of a stretch, in the order of their times.

        :param from_ns: beginning of the stretch, included (ns)
        :param until_ns: end of the stretch, not included (ns)
        """


def ticks(
    *, period_ns: int, offset_ns: int, from_ns: int, until_ns: int
) -> Iterator[tuple[int, int]]:
    """
    Give the ticks of a period that lie in a stretch.

    :param period_ns: time between two ticks [1..] (ns)
    :param offset_ns: time of tick 0 [0..] (ns)
    :param from_ns: beginning of the stretch, included (ns)
    :param until_ns: end of the stretch, not included (ns)
    :return: number and time of each tick (ns)
    """
    first = max(0, -((offset_ns - from_ns) // period_ns))
    index, at_ns = first, offset_ns + first * period_ns
    while at_ns < until_ns:
        yield index, at_ns
        index, at_ns = index + 1, at_ns + period_ns
