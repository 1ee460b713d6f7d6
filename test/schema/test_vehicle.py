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
"""The payloads about the flight: what stands in the record, and what does not fit together."""

import math

from fdr_node.errors import PayloadError
from fdr_node.schema import (
    decode_payload,
    encode_payload,
    Estimate,
    EstimatorHealth,
    FailedTileThumbnail,
    IMAGE_BYTES_MAX,
    Imu,
    MAVLINK_FRAME_BYTES_MAX,
    MavlinkTx,
    Payload,
    SpoofPromotionBlock,
    SystemHealth,
    Tile,
    Value,
    ZOOM_MAX,
)
import pytest

# Each payload with the map that stands in its record.
PAYLOADS: list[tuple[Payload, dict[str, Value]]] = [
    (
        Estimate(
            health=EstimatorHealth.DEAD_RECKONING,
            source='ekf2',
            position_ned_m=(1.0, 2.0, -3.0),
            latitude_deg=-33.5,
            longitude_deg=151.25,
            altitude_m=88.0,
            velocity_ned_m_s=(4.0, 5.0, 6.0),
            attitude_wxyz=(0.0, 0.6, 0.0, -0.8),
            position_covariance_m2=(1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0),
            velocity_covariance_m2_s2=(4.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 6.0),
            attitude_covariance_rad2=(7.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 9.0),
            innovation_test_ratio=0.25,
        ),
        {
            'health': 'dead_reckoning',
            'source': 'ekf2',
            'position_ned_m': [1.0, 2.0, -3.0],
            'latitude_deg': -33.5,
            'longitude_deg': 151.25,
            'altitude_m': 88.0,
            'velocity_ned_m_s': [4.0, 5.0, 6.0],
            'attitude_wxyz': [0.0, 0.6, 0.0, -0.8],
            'position_covariance_m2': [1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0],
            'velocity_covariance_m2_s2': [4.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 6.0],
            'attitude_covariance_rad2': [7.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 9.0],
            'innovation_test_ratio': 0.25,
        },
    ),
    (
        Imu(
            gyro_rad_s=(0.5, 0.25, -1.0),
            accel_m_s2=(0.0, 1.0, -9.75),
            dt_s=0.004,
            temperature_deg_c=41.5,
            instance=2,
        ),
        {
            'gyro_rad_s': [0.5, 0.25, -1.0],
            'accel_m_s2': [0.0, 1.0, -9.75],
            'dt_s': 0.004,
            'temperature_deg_c': 41.5,
            'instance': 2,
        },
    ),
    (
        MavlinkTx(
            frame=b'\xfd' + bytes(11),
            link='udp:14550',
            msgid=2**24 - 1,
            sysid=1,
            compid=191,
            signed=True,
        ),
        {
            'frame': b'\xfd' + bytes(11),
            'link': 'udp:14550',
            'msgid': 2**24 - 1,
            'sysid': 1,
            'compid': 191,
            'signed': True,
        },
    ),
    (
        SystemHealth(
            cpu_load=0.5,
            cpu_temperature_deg_c=65.0,
            memory_used_bytes=3,
            memory_total_bytes=8,
            battery_voltage_v=15.5,
            battery_current_a=-2.0,
            battery_remaining_percent=80.0,
            disk_free_bytes=1,
        ),
        {
            'cpu_load': 0.5,
            'cpu_temperature_deg_c': 65.0,
            'memory_used_bytes': 3,
            'memory_total_bytes': 8,
            'battery_voltage_v': 15.5,
            'battery_current_a': -2.0,
            'battery_remaining_percent': 80.0,
            'disk_free_bytes': 1,
        },
    ),
    (
        Tile(zoom=2, x=3, y=1, mime_type='image/jpeg', sha256='cd' * 32, data=b'\xff\xd8'),
        {
            'zoom': 2,
            'x': 3,
            'y': 1,
            'mime_type': 'image/jpeg',
            'sha256': 'cd' * 32,
            'data': b'\xff\xd8',
        },
    ),
    (
        FailedTileThumbnail(
            zoom=2,
            x=3,
            y=1,
            mime_type='image/svg+xml',
            sha256='cd' * 32,
            data=b'<',
            reason='too few features',
        ),
        {
            'zoom': 2,
            'x': 3,
            'y': 1,
            'mime_type': 'image/svg+xml',
            'sha256': 'cd' * 32,
            'data': b'<',
            'reason': 'too few features',
        },
    ),
    (
        SpoofPromotionBlock(
            blocked_source='gnss',
            active_source='vio',
            reason='jump in position',
            metrics={'jump_m': 250.0},
        ),
        {
            'blocked_source': 'gnss',
            'active_source': 'vio',
            'reason': 'jump in position',
            'metrics': {'jump_m': 250.0},
        },
    ),
]
KINDS = [payload.KIND for payload, _ in PAYLOADS]


@pytest.mark.parametrize(('payload', 'expected'), PAYLOADS, ids=KINDS)
def test_a_record_holds_what_is_written_out_here(
    payload: Payload, expected: dict[str, Value]
) -> None:
    """The names and types that readers of old logs depend on."""
    assert payload.to_payload() == expected
    assert type(payload).from_payload(decode_payload(encode_payload(expected))) == payload


def test_only_what_is_known_is_written() -> None:
    """Fields that a source does not know take no space."""
    assert Estimate(health=EstimatorHealth.UNKNOWN).to_payload() == {'health': 'unknown'}
    assert SystemHealth().to_payload() == {}


def test_a_sensor_that_failed_gives_nan() -> None:
    """A vector with unknown parts is recorded all the same."""
    imu = Imu(gyro_rad_s=(math.nan, 0.0, 0.0), accel_m_s2=(0.0, 0.0, 0.0), dt_s=math.nan)

    again = Imu.from_payload(decode_payload(encode_payload(imu.to_payload())))

    assert str(again) == str(imu)


# Changes to the map of a payload, and the field that the error names.
CONTRADICTIONS: list[tuple[type[Payload], dict[str, Value], str]] = [
    (Estimate, {'attitude_wxyz': [1.0, 0.1, 0.0, 0.0]}, 'attitude_wxyz'),
    (Estimate, {'attitude_wxyz': [0.0, 0.0, 0.0, 0.0]}, 'attitude_wxyz'),
    (Estimate, {'attitude_wxyz': [2.0, 0.0, 0.0, 0.0]}, 'attitude_wxyz[0]'),
    (Estimate, {'latitude_deg': 90.5}, 'latitude_deg'),
    (Estimate, {'longitude_deg': -180.5}, 'longitude_deg'),
    (Estimate, {'health': 'fine'}, 'health'),
    (Imu, {'dt_s': -0.001}, 'dt_s'),
    (Imu, {'temperature_deg_c': -300.0}, 'temperature_deg_c'),
    (Imu, {'instance': 256}, 'instance'),
    (MavlinkTx, {'frame': bytes(MAVLINK_FRAME_BYTES_MAX + 1)}, 'frame'),
    (MavlinkTx, {'frame': bytes(7)}, 'frame'),
    (MavlinkTx, {'msgid': 2**24}, 'msgid'),
    (MavlinkTx, {'sysid': -1}, 'sysid'),
    (SystemHealth, {'cpu_load': 1.5}, 'cpu_load'),
    (SystemHealth, {'battery_remaining_percent': 101.0}, 'battery_remaining_percent'),
    (SystemHealth, {'battery_voltage_v': -1.0}, 'battery_voltage_v'),
    (Tile, {'x': 4}, 'x'),
    (Tile, {'y': 4}, 'y'),
    (Tile, {'zoom': ZOOM_MAX + 1}, 'zoom'),
    (Tile, {'mime_type': 'jpeg'}, 'mime_type'),
    (Tile, {'sha256': 'CD' * 32}, 'sha256'),
    (Tile, {'data': bytes(IMAGE_BYTES_MAX + 1)}, 'data'),
    (FailedTileThumbnail, {'x': 4}, 'x'),
    (SpoofPromotionBlock, {'metrics': {'jump_m': 'far'}}, 'metrics.jump_m'),
]


@pytest.mark.parametrize(('payload_type', 'changes', 'field'), CONTRADICTIONS)
def test_what_does_not_fit_is_named(
    payload_type: type[Payload], changes: dict[str, Value], field: str
) -> None:
    """Each case is a valid payload except for one field."""
    valid = next(payload for kind, payload in PAYLOADS if type(kind) is payload_type)

    with pytest.raises(PayloadError) as caught:
        payload_type.from_payload({**valid, **changes})

    assert caught.value.field == field


def test_the_largest_tile_fits_into_a_record() -> None:
    """An image at its limit stays within the limits of a payload."""
    tile = Tile(
        zoom=ZOOM_MAX,
        x=0,
        y=2**ZOOM_MAX - 1,
        mime_type='image/png',
        sha256='cd' * 32,
        data=bytes(IMAGE_BYTES_MAX),
    )

    assert Tile.from_payload(decode_payload(encode_payload(tile.to_payload()))) == tile
