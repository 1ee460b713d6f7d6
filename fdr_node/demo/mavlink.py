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
Makes the signed MAVLink 2 frames that the simulated vehicle sends, as the records they become.

A frame is a pure function of what goes in. Nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TYPE_CHECKING

from fdr_node import mavlink
from fdr_node.schema import MavlinkTx

if TYPE_CHECKING:
    from fdr_node.demo.sortie import Motion

SYSTEM_ID: Final = 1
COMPONENT_ID: Final = mavlink.COMPONENT_ID_ONBOARD_COMPUTER

_SEVERITY_WARNING: Final = 4


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
        return self._pack(mavlink.heartbeat())

    def attitude(self, motion: Motion) -> MavlinkTx:
        """Say how the vehicle is turned."""
        return self._pack(
            mavlink.attitude(self._boot_ms, motion.attitude_wxyz, motion.turn_rate_rad_s)
        )

    def position(self, motion: Motion) -> MavlinkTx:
        """Say where the vehicle is."""
        return self._pack(mavlink.position(self._boot_ms, motion.position_m, motion.velocity_m_s))

    def warning(self, text: str) -> MavlinkTx:
        """
        Tell the ground station something.

        :param text: ASCII, what is longer than 50 bytes is cut off
        """
        return self._pack(mavlink.statustext(_SEVERITY_WARNING, text))

    @property
    def _boot_ms(self) -> int:
        return self.boot_ns // 1_000_000

    def _pack(self, message: mavlink.Message) -> MavlinkTx:
        ticks = mavlink.signing_ticks(self.wall_ns)
        frame = message.frame(
            self.number,
            mavlink.Address(system_id=SYSTEM_ID, component_id=COMPONENT_ID),
            mavlink.Signature(key=self.key, ticks=ticks),
        )
        return MavlinkTx(
            frame=frame,
            link=self.link,
            msgid=message.msgid,
            sysid=SYSTEM_ID,
            compid=COMPONENT_ID,
            signed=True,
        )
