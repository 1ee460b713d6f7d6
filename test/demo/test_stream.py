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
"""Streams come in order, and their noise is the same wherever it is made."""

from __future__ import annotations

from fdr_node.demo.sortie import Sortie
from fdr_node.demo.stream import Scene, Stream, StreamScript
from fdr_node.schema import Kind, SystemHealth


def health(load: float) -> SystemHealth:
    """Return a payload that can be told from another."""
    return SystemHealth(cpu_load=load)


def scene(seed: int) -> Scene:
    """Return a scene of a seed."""
    return Scene(sortie=Sortie(duration_s=20.0), seed=seed, speed=1.0, wall_ns=0)


def test_entries_of_several_streams_come_in_the_order_of_their_times() -> None:
    """What is at or behind the end is left out, and so is a tick without a payload."""
    script = StreamScript(
        duration_ns=25,
        streams=(
            Stream(period_ns=10, make=lambda _index, _at_ns: health(0.1)),
            Stream(
                period_ns=5,
                offset_ns=2,
                make=lambda index, _at_ns: health(0.2) if index % 2 else None,
            ),
        ),
    )

    found = [(entry.at_ns, entry.kind, entry.payload) for entry in script.due(0, 100)]

    assert found == [
        (0, Kind.SYSTEM_HEALTH, health(0.1)),
        (7, Kind.SYSTEM_HEALTH, health(0.2)),
        (10, Kind.SYSTEM_HEALTH, health(0.1)),
        (17, Kind.SYSTEM_HEALTH, health(0.2)),
        (20, Kind.SYSTEM_HEALTH, health(0.1)),
    ]
    assert [entry.at_ns for entry in script.due(7, 17)] == [7, 10]


def test_noise_follows_from_seed_stream_and_number() -> None:
    """Each of the three changes it; nothing else does."""
    first = scene(1).noise('imu', 5).random()

    assert first == scene(1).noise('imu', 5).random()
    others = [scene(2).noise('imu', 5), scene(1).noise('gps', 5), scene(1).noise('imu', 6)]
    assert first not in [other.random() for other in others]
