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
What the simulated radio link, computer and mapping camera record.

The MAVLink frames are real ones, and their signing keys follow from the seed of the sortie: they
keep nothing secret. The images are grey noise of the size of small tiles.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo.mavlink import Frame
from fdr_node.demo.navigation import geographic
from fdr_node.demo.picture import grey_png
from fdr_node.demo.sortie import Phase
from fdr_node.demo.stream import Stream
from fdr_node.schema import FailedTileThumbnail, SigningKeyRotation, SystemHealth, Tile

if TYPE_CHECKING:
    from fdr_node.demo.stream import Scene
    from fdr_node.schema import MavlinkTx

# A recorder takes one thumbnail every 10 s of the clock; the margin is for its jitter (s).
THUMBNAIL_GAP_S: Final = 11.0
_THUMBNAIL_FIRST_S: Final = 4.0

_FRAME_PERIOD_NS: Final = NS_PER_S // 20
_FRAMES_PER_HEARTBEAT: Final = 20
_LINK: Final = 'udp:14550'

# When the signing key is changed, as a share of the sortie, and the keys before and after.
_ROTATION_SHARE: Final = 0.3
_KEY_IDS: Final = ('demo-0', 'demo-1')

_HEALTH_PERIOD_NS: Final = NS_PER_S
_MEMORY_BYTES: Final = 8 * 1024**3
_BATTERY_FULL_V: Final = 16.8
_BATTERY_EMPTY_V: Final = 14.0
_BATTERY_RESISTANCE_OHM: Final = 0.012
# What the battery lasts (s).
_ENDURANCE_S: Final = 1500.0

_TILE_PERIOD_NS: Final = NS_PER_S
_ZOOM: Final = 18
_TILE_PIXELS: Final = 64
_THUMBNAIL_PIXELS: Final = 16


def router(scene: Scene) -> tuple[Stream, ...]:
    """Return what the radio link records: every frame sent, and every change of its key."""
    sortie = scene.sortie
    rotation_ns = round(_ROTATION_SHARE * sortie.duration_s * NS_PER_S)

    def frame(index: int, at_ns: int) -> MavlinkTx:
        t_s = at_ns / NS_PER_S
        key_id = _KEY_IDS[at_ns >= rotation_ns]
        empty = Frame(
            link=_LINK,
            number=index,
            key=hashlib.sha256(f'{scene.seed}/{key_id}'.encode()).digest(),
            wall_ns=scene.wall_ns + round(at_ns / scene.speed),
            boot_ns=at_ns,
        )
        is_spoofed = sortie.phase(t_s) is Phase.SPOOFING
        if index % _FRAMES_PER_HEARTBEAT == 0:
            return empty.warning('GNSS not trusted') if is_spoofed else empty.heartbeat()
        motion = sortie.motion(t_s)
        return empty.attitude(motion) if index % 2 else empty.position(motion)

    def install(_index: int, _at_ns: int) -> SigningKeyRotation:
        return SigningKeyRotation(new_key_id=_KEY_IDS[0], reason='installed before the sortie')

    def rotate(_index: int, _at_ns: int) -> SigningKeyRotation:
        return SigningKeyRotation(
            old_key_id=_KEY_IDS[0], new_key_id=_KEY_IDS[1], reason='scheduled'
        )

    # A period beyond the sortie's end makes one record.
    once_ns = math.ceil(sortie.duration_s) * NS_PER_S
    return (
        Stream(period_ns=once_ns, make=install),
        Stream(period_ns=once_ns, offset_ns=rotation_ns, make=rotate),
        Stream(period_ns=_FRAME_PERIOD_NS, make=frame),
    )


def health(scene: Scene) -> tuple[Stream, ...]:
    """Return what the computer records of itself and of the battery."""

    def sample(index: int, at_ns: int) -> SystemHealth:
        t_s = at_ns / NS_PER_S
        noise = scene.noise('health', index)
        used = min(1.0, t_s / _ENDURANCE_S)
        current_a = 18.0 + noise.gauss(0.0, 0.5)
        open_v = _BATTERY_FULL_V + used * (_BATTERY_EMPTY_V - _BATTERY_FULL_V)
        return SystemHealth(
            cpu_load=min(1.0, max(0.0, noise.gauss(0.42, 0.03))),
            cpu_temperature_deg_c=58.0 + 6.0 * used + noise.gauss(0.0, 0.2),
            memory_used_bytes=round(_MEMORY_BYTES * (0.31 + 0.01 * used)),
            memory_total_bytes=_MEMORY_BYTES,
            battery_voltage_v=open_v - _BATTERY_RESISTANCE_OHM * current_a,
            battery_current_a=current_a,
            battery_remaining_percent=100.0 * (1.0 - used),
        )

    return (Stream(period_ns=_HEALTH_PERIOD_NS, make=sample),)


def mapper(scene: Scene) -> tuple[Stream, ...]:
    """Return what the mapping camera records: tiles, and what became of some that failed."""

    def tile(index: int, at_ns: int) -> Tile:
        data = _picture(scene, 'tile', index, pixels=_TILE_PIXELS)
        x, y = _tile_below(scene, at_ns)
        return Tile(zoom=_ZOOM, x=x, y=y, mime_type='image/png', sha256=_sha256(data), data=data)

    def thumbnail(index: int, at_ns: int) -> FailedTileThumbnail:
        # The hash is that of the whole tile, of which only the thumbnail is kept.
        whole = _picture(scene, 'failed', index, pixels=_TILE_PIXELS)
        x, y = _tile_below(scene, at_ns)
        return FailedTileThumbnail(
            zoom=_ZOOM,
            x=x,
            y=y,
            mime_type='image/png',
            sha256=_sha256(whole),
            data=_picture(scene, 'failed', index, pixels=_THUMBNAIL_PIXELS),
            reason='too few features',
        )

    return (
        Stream(period_ns=_TILE_PERIOD_NS, offset_ns=_TILE_PERIOD_NS // 2, make=tile),
        # The recorder's limit is one of the clock, which a faster sortie must keep as well.
        Stream(
            period_ns=math.ceil(THUMBNAIL_GAP_S * scene.speed * NS_PER_S),
            offset_ns=round(_THUMBNAIL_FIRST_S * NS_PER_S),
            make=thumbnail,
        ),
    )


def _picture(scene: Scene, name: str, index: int, *, pixels: int) -> bytes:
    noise = scene.noise(name, index)
    return grey_png([noise.randbytes(pixels) for _ in range(pixels)])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tile_below(scene: Scene, at_ns: int) -> tuple[int, int]:
    """Return column and row of the web map tile that the aircraft is over."""
    north_m, east_m, _ = scene.sortie.motion(at_ns / NS_PER_S).position_m
    latitude_deg, longitude_deg = geographic(north_m, east_m)
    latitude = math.radians(latitude_deg)
    side = 2**_ZOOM
    return (
        math.floor((longitude_deg + 180.0) / 360.0 * side),
        math.floor((1.0 - math.asinh(math.tan(latitude)) / math.pi) / 2.0 * side),
    )
