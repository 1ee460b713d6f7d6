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
Names what happens to a flight, for the log.

The recorder hands these values to whoever logs; it writes no log itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Fact = str | int | float | bool | None


class Level(StrEnum):
    """How much an event matters, in the words of ROS 2 logging."""

    INFO = 'INFO'
    WARN = 'WARN'
    ERROR = 'ERROR'


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    One thing that happened.

    :param name: in lower case with underscores, for example ``segment_dropped``.
    :param level: how much it matters.
    :param facts: what is known of it, units in the names.
    """

    name: str
    level: Level = Level.INFO
    facts: Mapping[str, Fact] = field(default_factory=dict)


if TYPE_CHECKING:
    Report = Callable[[Event], None]
