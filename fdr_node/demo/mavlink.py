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
Makes signed MAVLink 2 frames as a vehicle sends them; the only module that knows pymavlink.

A frame is a pure function of what goes in: its sequence number and its signing time are given.
Nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TYPE_CHECKING

from fdr_node.schema import MavlinkTx
from pymavlink.dialects.v20 import common

if TYPE_CHECKING:
    from fdr_node.demo.sortie import Motion

SYSTEM_ID: Final = 1
COMPONENT_ID: Final[int] = common.MAV_COMP_ID_ONBOARD_COMPUTER

# Signing time counts from 2015-01-01 in units of 10 us.
_SIGNING_EPOCH_NS: Final = 1_420_070_400_000_000_000
_SIGNING_TICK_NS: Final = 10_000

# The sequence number of a frame is one byte.
_SEQUENCE_MASK: Final = 0xFF

# One STATUSTEXT frame holds so much (bytes).
_TEXT_BYTES_MAX: Final = 50

_MAVLINK_VERSION: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """
    One frame that is about to be sent; each method gives it its message.

    :param link: where it goes
    :param number: how many frames went out on the link before [0..]
    :param key: the link's signing key (32 bytes)
    :param wall_ns: wall clock since the epoch, not before 2015 (ns)
    :param boot_ns: time since the vehicle was switched on [0..2**32 ms] (ns)
    """

    link: str
    number: int
    key: bytes
    wall_ns: int
    boot_ns: int

    def heartbeat(self) -> MavlinkTx:
        """Say that the onboard computer lives."""
        return self._pack(
            common.MAVLink_heartbeat_message(
                common.MAV_TYPE_ONBOARD_CONTROLLER,
                common.MAV_AUTOPILOT_INVALID,
                0,
                0,
                common.MAV_STATE_ACTIVE,
                _MAVLINK_VERSION,
            )
        )

    def attitude(self, motion: Motion) -> MavlinkTx:
        """Say how the vehicle is turned."""
        return self._pack(
            common.MAVLink_attitude_quaternion_message(
                self._boot_ms, *motion.attitude_wxyz, *motion.turn_rate_rad_s
            )
        )

    def position(self, motion: Motion) -> MavlinkTx:
        """Say where the vehicle is."""
        return self._pack(
            common.MAVLink_local_position_ned_message(
                self._boot_ms, *motion.position_m, *motion.velocity_m_s
            )
        )

    def warning(self, text: str) -> MavlinkTx:
        """
        Tell the ground station something.

        :param text: ASCII, what is longer than 50 bytes is cut off
        """
        return self._pack(
            common.MAVLink_statustext_message(
                common.MAV_SEVERITY_WARNING, text.encode('ascii')[:_TEXT_BYTES_MAX]
            )
        )

    @property
    def _boot_ms(self) -> int:
        return self.boot_ns // 1_000_000

    def _pack(self, message: common.MAVLink_message) -> MavlinkTx:
        mav = common.MAVLink(None, srcSystem=SYSTEM_ID, srcComponent=COMPONENT_ID)
        mav.seq = self.number & _SEQUENCE_MASK
        mav.signing.secret_key = self.key
        mav.signing.timestamp = (self.wall_ns - _SIGNING_EPOCH_NS) // _SIGNING_TICK_NS
        mav.signing.sign_outgoing = True
        return MavlinkTx(
            frame=message.pack(mav),
            link=self.link,
            msgid=message.get_msgId(),
            sysid=SYSTEM_ID,
            compid=COMPONENT_ID,
            signed=True,
        )
