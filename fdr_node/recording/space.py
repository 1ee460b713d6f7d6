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
Decides whether there is space for a flight, and how much of it the flight may take.

Pure: sizes in, a cap out. What the old flights take, and which of them go, storage says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fdr_node.config import FLIGHT_BYTES_MIN, METADATA_ALLOWANCE_BYTES

if TYPE_CHECKING:
    from fdr_node.config import RecorderConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """
    What a flight gets.

    :param cap_bytes: its cap; at most ``flight_bytes_max``.
    :param refusal: why it cannot be opened; empty when it can.
    """

    cap_bytes: int
    refusal: str = ''


def space_for(
    config: RecorderConfig, *, free_bytes: int, flights_bytes: int = 0, closed_bytes: int = 0
) -> Space:
    """
    Return the cap for a flight.

    :param free_bytes: what the file system has left.
    :param flights_bytes: what all flights in the root take; counts with ``root_bytes_max`` only.
    :param closed_bytes: what those of them take that may go.
    """
    least = max(FLIGHT_BYTES_MIN, 2 * config.segment_bytes_max + METADATA_ALLOWANCE_BYTES)
    wanted, root = config.flight_bytes_max, config.root_bytes_max
    if root:
        if root < least:
            return _refused(f'root_bytes_max is {root}, a flight of two segments needs {least}')
        wanted = min(wanted, root)
        # An old flight only goes when all together would pass root_bytes_max. Where the disk is
        # full before that, what they take is not to be had.
        if flights_bytes + free_bytes < root:
            closed_bytes = 0
        free_bytes += max(0, min(closed_bytes, flights_bytes + wanted - root))
    if free_bytes < config.free_bytes_min:
        return _refused(f'{free_bytes} bytes are free, free_bytes_min is {config.free_bytes_min}')
    if free_bytes < least:
        return _refused(f'{free_bytes} bytes are free, a flight of two segments needs {least}')
    return Space(cap_bytes=min(wanted, free_bytes))


def _refused(reason: str) -> Space:
    return Space(cap_bytes=0, refusal=reason)
