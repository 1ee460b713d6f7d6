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
What is to be flown: a simulated sortie or a PX4 log, and by which producers.

It starts nothing. A plan is handed to the producers' processes as arguments, and each finds its
own part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo.equipment import health, mapper, router
from fdr_node.demo.navigation import estimator, imu
from fdr_node.demo.replay import Replay, timeline
from fdr_node.demo.sortie import Sortie
from fdr_node.demo.stream import Scene, StreamScript
from fdr_node.demo.ulog import read_topics
from fdr_node.demo.ulog_records import producer_of, PRODUCERS
from fdr_node.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fdr_node.demo.script import Script
    from fdr_node.demo.stream import Stream

SPEED_MAX: Final = 1000.0

# What the simulated components record, by producer.
_SIMULATED: Final[Mapping[str, Callable[[Scene], tuple[Stream, ...]]]] = {
    'estimator': estimator,
    'imu': imu,
    'mavlink_router': router,
    'health_monitor': health,
    'mapper': mapper,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """
    What a flight will be.

    :param producers: who records, at least one
    :param duration_ns: how long it is at speed 1 (ns)
    :param silence_ns: how much of the log's silences is left out (ns)
    """

    producers: tuple[str, ...]
    duration_ns: int
    silence_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What is to be flown.

    :param seconds: how long a simulated sortie is; a log has its own length (s)
    :param speed: how much faster than real [above 0, at most SPEED_MAX]
    :param seed: of the noise of a simulated sortie
    :param ulog: the PX4 log to replay; None for a simulated sortie
    :raises ConfigError: a value is out of its range
    """

    seconds: float
    speed: float
    seed: int = 0
    ulog: Path | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.speed <= SPEED_MAX:
            bound = f'above 0, at most {SPEED_MAX:g}'
            raise ConfigError(name='speed', value=self.speed, bound=bound)
        if self.ulog is None:
            self._sortie()

    def outline(self) -> Outline:
        """
        Look at what there is to fly.

        :raises ConfigError: the log is none, or it is empty
        :raises OSError: the log cannot be read
        """
        if self.ulog is None:
            return Outline(
                producers=tuple(_SIMULATED),
                duration_ns=round(self.seconds * NS_PER_S),
                silence_ns=0,
            )
        topics = read_topics(self.ulog)
        if not topics:
            raise ConfigError(name='ulog', value=str(self.ulog), bound='a log with messages')
        times = timeline(topics)
        present = {producer_of(topic.name) for topic in topics}
        return Outline(
            producers=tuple(name for name in PRODUCERS if name in present),
            duration_ns=times.duration_ns,
            silence_ns=times.silence_us * 1000,
        )

    def script(self, producer_id: str, wall_ns: int) -> Script:
        """
        Return the part of one producer.

        :param producer_id: one of the outline's producers
        :param wall_ns: wall clock shortly before the beginning, since the epoch (ns)
        :raises ConfigError: the log is none, or the simulation has no such producer
        :raises OSError: the log cannot be read
        """
        if self.ulog is not None:
            return Replay(read_topics(self.ulog), producer_id)
        if producer_id not in _SIMULATED:
            bound = f'one of: {", ".join(_SIMULATED)}'
            raise ConfigError(name='producer', value=producer_id, bound=bound)
        scene = Scene(sortie=self._sortie(), seed=self.seed, speed=self.speed, wall_ns=wall_ns)
        return StreamScript(
            duration_ns=round(self.seconds * NS_PER_S),
            streams=_SIMULATED[producer_id](scene),
        )

    def phase(self, at_ns: int) -> str:
        """Return in a word what happens at a time of the flight (ns)."""
        return 'replay' if self.ulog else self._sortie().phase(at_ns / NS_PER_S)

    def to_arguments(self) -> list[str]:
        """Return the plan as arguments of the process of a producer."""
        arguments = [f'--seconds={self.seconds}', f'--speed={self.speed}', f'--seed={self.seed}']
        return arguments if self.ulog is None else [*arguments, f'--ulog={self.ulog}']

    def _sortie(self) -> Sortie:
        return Sortie(duration_s=self.seconds)
