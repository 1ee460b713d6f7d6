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
The payloads that a vehicle's components write about the flight.

Units are SI and stand at the end of the names. NED is a local frame, north, east, down, with its
origin where the estimator started. A number that is NaN and a field that is None are not known;
None is left out of the record.

What the recorder writes about the log itself is in flight. Nothing here converts units or frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
import math
from typing import Annotated, ClassVar, Final

from fdr_node.errors import PayloadError
from fdr_node.schema.kinds import Kind
from fdr_node.schema.layout import (
    Blob,
    Boolean,
    Choice,
    Line,
    Matrix3,
    Name,
    NAME_RULE,
    Number,
    NumberFrom0,
    Octet,
    Payload,
    Real,
    Sha256Hex,
    Table,
    Text,
    U64,
    Vector,
    Vector3,
    Whole,
)
from fdr_node.schema.messagepack import DEFAULT_LIMITS

# Deepest zoom of a web map tile: at 30 a tile is about 4 cm wide.
ZOOM_MAX: Final = 30

# 10 bytes of header, 255 of payload, 2 of checksum, 13 of signature.
MAVLINK_FRAME_BYTES_MAX: Final = 280

# How far the norm of a quaternion may be from 1: single precision, a few times rounded.
_NORM_TOLERANCE: Final = 1e-3

# What a tile or a thumbnail may take, so that its record stays within the limits of a payload.
IMAGE_BYTES_MAX: Final = DEFAULT_LIMITS.bin_bytes_max


class EstimatorHealth(StrEnum):
    """How far an estimate can be trusted, as its estimator says."""

    GOOD = 'good'
    # Usable, with some of its inputs rejected or missing.
    DEGRADED = 'degraded'
    # No absolute position comes in; the error grows.
    DEAD_RECKONING = 'dead_reckoning'
    FAILED = 'failed'
    UNKNOWN = 'unknown'


Quaternion = Annotated[
    tuple[float, float, float, float], Vector(4, Real(smallest=-1.0, largest=1.0))
]
Celsius = Annotated[float, Real(smallest=-273.15)]
Metrics = Annotated[Mapping[str, float], Table(key=NAME_RULE, item=Real(), items_max=64)]
MimeType = Annotated[
    str, Text(bytes_max=127, form='[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+', form_name='(type/subtype)')
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Payload):
    """
    Where the vehicle is, how it moves and how it is turned, as far as one estimator says.

    Covariances are row by row, 9 numbers, in the order of the vector they belong to.

    :param health: how far it can be trusted
    :param source: the estimator or its instance, such as ``ekf2`` or ``vio``
    :param position_ned_m: north, east, down (m)
    :param latitude_deg: WGS 84, north positive [-90..90] (deg)
    :param longitude_deg: WGS 84, east positive [-180..180] (deg)
    :param altitude_m: above mean sea level (m)
    :param velocity_ned_m_s: north, east, down (m/s)
    :param attitude_wxyz: unit quaternion that turns body (forward, right, down) into NED
    :param position_covariance_m2: of position_ned_m (m^2)
    :param velocity_covariance_m2_s2: of velocity_ned_m_s (m^2/s^2)
    :param attitude_covariance_rad2: of small turns about forward, right, down (rad^2)
    :param innovation_test_ratio: largest of the estimator's test ratios, above 1 is rejected [0..]
    """

    KIND: ClassVar[Kind] = Kind.ESTIMATE

    health: Annotated[EstimatorHealth, Choice(EstimatorHealth)]
    source: Name | None = None
    position_ned_m: Vector3 | None = None
    latitude_deg: Annotated[float, Real(smallest=-90.0, largest=90.0)] | None = None
    longitude_deg: Annotated[float, Real(smallest=-180.0, largest=180.0)] | None = None
    altitude_m: Number | None = None
    velocity_ned_m_s: Vector3 | None = None
    attitude_wxyz: Quaternion | None = None
    position_covariance_m2: Matrix3 | None = None
    velocity_covariance_m2_s2: Matrix3 | None = None
    attitude_covariance_rad2: Matrix3 | None = None
    innovation_test_ratio: NumberFrom0 | None = None

    def _check_together(self) -> None:
        if self.attitude_wxyz is not None:
            norm = math.hypot(*self.attitude_wxyz)
            if abs(norm - 1.0) > _NORM_TOLERANCE:
                bound = f'a quaternion of norm 1, within {_NORM_TOLERANCE}'
                raise PayloadError(field='attitude_wxyz', value=self.attitude_wxyz, bound=bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imu(Payload):
    """
    What one inertial measurement unit measured, averaged over dt_s.

    :param gyro_rad_s: turn rate about forward, right, down (rad/s)
    :param accel_m_s2: specific force along forward, right, down (m/s^2)
    :param dt_s: time that the sample covers [0..] (s)
    :param temperature_deg_c: of the sensor [-273.15..] (deg C)
    :param instance: which of the vehicle's units it is [0..255]
    """

    KIND: ClassVar[Kind] = Kind.IMU

    gyro_rad_s: Vector3
    accel_m_s2: Vector3
    dt_s: NumberFrom0
    temperature_deg_c: Celsius | None = None
    instance: Octet = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MavlinkTx(Payload):
    """
    One MAVLink frame that the vehicle sent.

    :param frame: the bytes as sent, from the magic byte to the signature
        [8..MAVLINK_FRAME_BYTES_MAX bytes]
    :param link: where it went, such as ``/dev/ttyS1`` or ``udp:14550``
    :param msgid: MAVLink message id [0..2**24-1]
    :param sysid: system id of the sender [0..255]
    :param compid: component id of the sender [0..255]
    :param signed: whether the frame carries a signature
    """

    KIND: ClassVar[Kind] = Kind.MAVLINK_TX

    # 8 bytes: a MAVLink 1 frame without payload.
    frame: Annotated[bytes, Blob(bytes_min=8, bytes_max=MAVLINK_FRAME_BYTES_MAX)]
    link: Name
    msgid: Annotated[int, Whole(largest=2**24 - 1)]
    sysid: Octet
    compid: Octet
    signed: Boolean


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealth(Payload):
    """
    How the computer and the battery are, as far as one source knows.

    :param cpu_load: of all cores together [0..1]
    :param cpu_temperature_deg_c: [-273.15..] (deg C)
    :param memory_used_bytes: without caches (bytes)
    :param memory_total_bytes: (bytes)
    :param battery_voltage_v: [0..] (V)
    :param battery_current_a: out of the battery, negative while it charges (A)
    :param battery_remaining_percent: [0..100] (%)
    :param disk_free_bytes: of the file system that the flight is on (bytes)
    """

    KIND: ClassVar[Kind] = Kind.SYSTEM_HEALTH

    cpu_load: Annotated[float, Real(smallest=0.0, largest=1.0)] | None = None
    cpu_temperature_deg_c: Celsius | None = None
    memory_used_bytes: U64 | None = None
    memory_total_bytes: U64 | None = None
    battery_voltage_v: NumberFrom0 | None = None
    battery_current_a: Number | None = None
    battery_remaining_percent: Annotated[float, Real(smallest=0.0, largest=100.0)] | None = None
    disk_free_bytes: U64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile(Payload):
    """
    One image tile of the map that the vehicle made or used.

    :param zoom: web map zoom [0..ZOOM_MAX]
    :param x: column from the west [0..2**zoom - 1]
    :param y: row from the north [0..2**zoom - 1]
    :param mime_type: of the data, such as ``image/jpeg``
    :param sha256: SHA-256 of the whole tile's file, in hex
    :param data: the image [at most IMAGE_BYTES_MAX bytes]
    """

    KIND: ClassVar[Kind] = Kind.TILE

    zoom: Annotated[int, Whole(largest=ZOOM_MAX)]
    x: U64
    y: U64
    mime_type: MimeType
    sha256: Sha256Hex
    data: Annotated[bytes, Blob(bytes_max=IMAGE_BYTES_MAX)]

    def _check_together(self) -> None:
        largest = 2**self.zoom - 1
        for name, value in (('x', self.x), ('y', self.y)):
            if value > largest:
                raise PayloadError(name, value=value, bound=f'0..{largest} at zoom {self.zoom}')


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTileThumbnail(Tile):
    """
    A small picture of a tile that could not be used; fields as in :class:`Tile`.

    :param reason: why not, such as ``too few features``
    """

    KIND: ClassVar[Kind] = Kind.FAILED_TILE_THUMBNAIL

    reason: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoofPromotionBlock(Payload):
    """
    A source of position was kept from becoming the one that the vehicle flies by.

    :param blocked_source: which one, such as ``gnss``
    :param active_source: the one that stays in use, such as ``vio``, if there is one
    :param reason: what spoke against it
    :param metrics: the evidence, by name, with the unit at the end of the name [at most 64]
    """

    KIND: ClassVar[Kind] = Kind.SPOOF_PROMOTION_BLOCK

    blocked_source: Name
    active_source: Name | None = None
    reason: Line
    metrics: Metrics = field(default_factory=dict)
