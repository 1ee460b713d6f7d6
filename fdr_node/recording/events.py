# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
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
