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
Makes MAVLink 2 frames; the only module that knows pymavlink, and only as a codec.

A frame is a pure function of what goes in: its sequence number and its signing time are given.
Nothing is sent; why not by pymavlink either says docs/adr/0010.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from pymavlink.dialects.v20 import common

COMPONENT_ID_ONBOARD_COMPUTER: Final[int] = common.MAV_COMP_ID_ONBOARD_COMPUTER

# The first byte of a frame, the flag of a signed one, and the sizes of its parts (bytes).
MAGIC: Final = 0xFD
SIGNED_FLAG: Final[int] = common.MAVLINK_IFLAG_SIGNED
HEAD_BYTES: Final = 10
CHECKSUM_BYTES: Final = 2
SIGNATURE_BYTES: Final[int] = common.MAVLINK_SIGNATURE_BLOCK_LEN
KEY_BYTES: Final = 32

# One STATUSTEXT frame holds so much (bytes).
STATUSTEXT_BYTES_MAX: Final = 50

# Signing time counts from 2015-01-01 in units of 10 us.
_SIGNING_EPOCH_NS: Final = 1_420_070_400_000_000_000
_SIGNING_TICK_NS: Final = 10_000

# The sequence number of a frame is one byte.
_SEQUENCE_MASK: Final = 0xFF
_MAVLINK_VERSION: Final = 3

Three: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """
    Who sends.

    :param system_id: the vehicle [1..255].
    :param component_id: the part of it [1..255].
    """

    system_id: int
    component_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """
    What a frame is signed with, on link 0.

    :param key: the link's signing key (32 bytes).
    :param ticks: signing time, larger than that of the frame before.
    """

    key: bytes
    ticks: int


def signing_ticks(wall_ns: int) -> int:
    """
    Return the signing time of an instant; 0 before 2015.

    :param wall_ns: nanoseconds since the UNIX epoch.
    """
    return max(0, wall_ns - _SIGNING_EPOCH_NS) // _SIGNING_TICK_NS


class Message:
    """
    What a frame says; made by the functions below.

    :param content: as pymavlink has it.
    """

    def __init__(self, content: common.MAVLink_message) -> None:
        self._content = content

    @property
    def msgid(self) -> int:
        """Return the number of its kind."""
        return int(self._content.get_msgId())

    def frame(self, number: int, address: Address, signature: Signature | None = None) -> bytes:
        """
        Return the bytes to send.

        :param number: how many frames went out on the link before [0..].
        """
        mav = common.MAVLink(None, srcSystem=address.system_id, srcComponent=address.component_id)
        mav.seq = number & _SEQUENCE_MASK
        if signature is not None:
            mav.signing.secret_key = signature.key
            mav.signing.timestamp = signature.ticks
            mav.signing.sign_outgoing = True
        return bytes(self._content.pack(mav))


def heartbeat() -> Message:
    """Say that the onboard computer lives."""
    return Message(
        common.MAVLink_heartbeat_message(
            common.MAV_TYPE_ONBOARD_CONTROLLER,
            common.MAV_AUTOPILOT_INVALID,
            0,
            0,
            common.MAV_STATE_ACTIVE,
            _MAVLINK_VERSION,
        )
    )


def attitude(boot_ms: int, attitude_wxyz: tuple[float, ...], turn_rate_rad_s: Three) -> Message:
    """
    Say how the vehicle is turned.

    :param boot_ms: time since it was switched on [0..2**32] (ms).
    :param attitude_wxyz: unit quaternion that turns body into NED.
    :param turn_rate_rad_s: about forward, right, down (rad/s).
    """
    return Message(
        common.MAVLink_attitude_quaternion_message(boot_ms, *attitude_wxyz, *turn_rate_rad_s)
    )


def position(boot_ms: int, position_m: Three, velocity_m_s: Three) -> Message:
    """
    Say where the vehicle is.

    :param boot_ms: time since it was switched on [0..2**32] (ms).
    :param position_m: north, east, down (m).
    :param velocity_m_s: north, east, down (m/s).
    """
    return Message(common.MAVLink_local_position_ned_message(boot_ms, *position_m, *velocity_m_s))


def statustext(severity: int, text: str) -> Message:
    """
    Tell the operator something.

    :param severity: MAV_SEVERITY [0..7].
    :param text: ASCII; what is longer than 50 bytes is cut off.
    """
    data = text.encode('ascii')[:STATUSTEXT_BYTES_MAX]
    return Message(common.MAVLink_statustext_message(severity, data))
