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
"""Frames are MAVLink 2 to a receiver that checks checksum and signature."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fdr_node.demo.mavlink import COMPONENT_ID, Frame, SYSTEM_ID
from fdr_node.demo.sortie import Sortie
import pytest

if TYPE_CHECKING:
    from fdr_node.schema import MavlinkTx

KEY = bytes(range(32))
WALL_NS = 1_800_000_000_123_456_789
MOTION = Sortie(duration_s=20.0).motion(8.0)

# Message ids and CRC_EXTRA from the dialect's XML.
HEARTBEAT, LOCAL_POSITION_NED, ATTITUDE_QUATERNION, STATUSTEXT = 0, 32, 31, 253
CRC_EXTRA = {HEARTBEAT: 50, LOCAL_POSITION_NED: 185, ATTITUDE_QUATERNION: 246, STATUSTEXT: 83}


def frame(number: int = 300) -> Frame:
    """Return a frame without its message."""
    return Frame(link='udp:14550', number=number, key=KEY, wall_ns=WALL_NS, boot_ns=8_000_000_000)


def crc_x25(data: bytes) -> int:
    """Return the checksum of MAVLink, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


@pytest.mark.parametrize(
    ('sent', 'msgid'),
    [
        (frame().heartbeat(), HEARTBEAT),
        (frame().position(MOTION), LOCAL_POSITION_NED),
        (frame().attitude(MOTION), ATTITUDE_QUATERNION),
        (frame().warning('GNSS not trusted'), STATUSTEXT),
    ],
)
def test_a_frame_is_what_the_protocol_says(sent: MavlinkTx, msgid: int) -> None:
    """Head, checksum, link, signing time and signature, each computed here by itself."""
    data = sent.frame
    size = data[1]

    assert (sent.msgid, sent.sysid, sent.compid, sent.signed) == (
        msgid,
        SYSTEM_ID,
        COMPONENT_ID,
        True,
    )
    assert data[:10] == bytes(
        [0xFD, size, 1, 0, 300 & 0xFF, SYSTEM_ID, COMPONENT_ID, *msgid.to_bytes(3, 'little')]
    )
    assert len(data) == 10 + size + 2 + 13
    covered, tail = data[1:-15], data[-15:]
    checksum = int.from_bytes(tail[:2], 'little')
    assert checksum == crc_x25(covered + bytes([CRC_EXTRA[msgid]]))
    link, ticks = tail[2], int.from_bytes(tail[3:9], 'little')
    assert (link, ticks) == (0, (WALL_NS - 1_420_070_400 * 10**9) // 10_000)
    assert data[-6:] == hashlib.sha256(KEY + data[:-6]).digest()[:6]


def test_a_text_is_cut_to_one_frame() -> None:
    """50 bytes, the severity before them."""
    data = frame().warning('x' * 60).frame

    assert data[10:61] == bytes([4]) + b'x' * 50
