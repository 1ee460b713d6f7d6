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
"""Radio link, computer and camera record at their rates, and keep the recorder's limits."""

from __future__ import annotations

from collections.abc import Callable
import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from fdr_node.clock import NS_PER_S
from fdr_node.demo.equipment import health, mapper, router
from fdr_node.demo.sortie import Phase, Sortie
from fdr_node.demo.stream import Scene, Stream, StreamScript
from fdr_node.schema import (
    FailedTileThumbnail,
    MavlinkTx,
    SigningKeyRotation,
    SystemHealth,
    Tile,
)
import pytest

if TYPE_CHECKING:
    from fdr_node.demo.script import Entry

SECONDS = 20
HEARTBEAT, STATUSTEXT = 0, 253

Streams: TypeAlias = Callable[[Scene], tuple[Stream, ...]]


def entries(streams: Streams, *, speed: float = 1.0, seconds: int = SECONDS) -> list[Entry]:
    """Return all that a component records in a sortie."""
    scene = Scene(
        sortie=Sortie(duration_s=seconds), seed=3, speed=speed, wall_ns=1_800_000_000 * NS_PER_S
    )
    script = StreamScript(duration_ns=seconds * NS_PER_S, streams=streams(scene))
    return list(script.due(0, script.duration_ns))


def test_every_frame_is_recorded_20_times_a_second_with_its_number() -> None:
    """The low byte of the number is in the frame; a heartbeat or a warning comes every second."""
    frames = [entry for entry in entries(router) if isinstance(entry.payload, MavlinkTx)]
    sortie = Sortie(duration_s=SECONDS)

    assert [entry.at_ns for entry in frames] == list(range(0, SECONDS * NS_PER_S, NS_PER_S // 20))
    for number, entry in enumerate(frames):
        assert isinstance(entry.payload, MavlinkTx)
        assert entry.payload.frame[4] == number & 0xFF
        if number % 20 == 0:
            is_spoofed = sortie.phase(entry.at_ns / NS_PER_S) is Phase.SPOOFING
            assert entry.payload.msgid == (STATUSTEXT if is_spoofed else HEARTBEAT)


def test_the_key_changes_once_and_the_frames_with_it() -> None:
    """Frames after the rotation verify with the second key, those before with the first."""
    found = entries(router)
    rotations = [
        (entry.at_ns, entry.payload)
        for entry in found
        if isinstance(entry.payload, SigningKeyRotation)
    ]

    assert [(at_ns, item.old_key_id, item.new_key_id) for at_ns, item in rotations] == [
        (0, None, 'demo-0'),
        (6 * NS_PER_S, 'demo-0', 'demo-1'),
    ]
    for entry in found:
        if isinstance(entry.payload, MavlinkTx):
            key_id = 'demo-1' if entry.at_ns >= 6 * NS_PER_S else 'demo-0'
            key = hashlib.sha256(f'3/{key_id}'.encode()).digest()
            data = entry.payload.frame
            assert data[-6:] == hashlib.sha256(key + data[:-6]).digest()[:6]


def test_the_battery_empties_and_the_computer_lives() -> None:
    """Once a second."""
    found = [entry.payload for entry in entries(health)]

    assert len(found) == SECONDS
    remaining = []
    for payload in found:
        assert isinstance(payload, SystemHealth)
        remaining.append(payload.battery_remaining_percent or 0.0)
    assert remaining == sorted(remaining, reverse=True)
    assert remaining[0] == 100.0


def test_tiles_are_small_pictures_with_their_hash() -> None:
    """About one a second, each another one."""
    tiles = [entry.payload for entry in entries(mapper) if type(entry.payload) is Tile]

    assert len(tiles) == SECONDS
    assert len({tile.sha256 for tile in tiles}) == SECONDS
    for tile in tiles:
        assert tile.data.startswith(b'\x89PNG')
        assert len(tile.data) < 8 * 1024
        assert tile.sha256 == hashlib.sha256(tile.data).hexdigest()
        # Zurich, as map services number it.
        assert (tile.x // 4, tile.y // 4) == (34323, 22944)


@pytest.mark.parametrize('speed', [0.5, 1.0, 7.0])
def test_thumbnails_keep_10_s_of_the_clock_at_any_speed(speed: float) -> None:
    """The recorder refuses more than 0.1 a second."""
    found = [
        entry.at_ns / NS_PER_S / speed
        for entry in entries(mapper, speed=speed, seconds=300)
        if isinstance(entry.payload, FailedTileThumbnail)
    ]

    assert len(found) >= 4
    assert all(after - before >= 10.0 for before, after in pairwise(found))


def test_a_sortie_of_20_s_has_two_thumbnails() -> None:
    """More would be refused."""
    found = [e for e in entries(mapper) if isinstance(e.payload, FailedTileThumbnail)]

    assert [entry.at_ns for entry in found] == [4 * NS_PER_S, 15 * NS_PER_S]
