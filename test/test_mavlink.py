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
"""Frames are MAVLink 2, byte by byte, and to a parser that did not make them."""

from __future__ import annotations

import hashlib

from fdr_node import mavlink
import pytest

ADDRESS = mavlink.Address(system_id=7, component_id=mavlink.COMPONENT_ID_ONBOARD_COMPUTER)
KEY = bytes(range(32))
# CRC_EXTRA of STATUSTEXT, from the dialect's XML.
CRC_EXTRA = 83


def crc_x25(data: bytes) -> int:
    """Return the checksum of MAVLink, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


def test_a_text_is_what_the_protocol_says() -> None:
    """Head, severity, text, checksum; zeros at the end are not sent, and nothing is signed."""
    frame = mavlink.statustext(3, 'FDR: disk full').frame(258, ADDRESS)

    content = bytes([3]) + b'FDR: disk full'
    head = bytes([len(content), 0, 0, 2, 7, 191, 253, 0, 0])
    checksum = crc_x25(head + content + bytes([CRC_EXTRA])).to_bytes(2, 'little')
    assert frame == bytes([mavlink.MAGIC]) + head + content + checksum


def test_a_signed_frame_carries_its_time() -> None:
    """Flag, link number, time and digest."""
    signature = mavlink.Signature(key=KEY, ticks=0x0102030405)
    frame = mavlink.heartbeat().frame(0, ADDRESS, signature)

    signed, digest = frame[:-6], frame[-6:]
    assert frame[2] == mavlink.SIGNED_FLAG
    assert signed[-7:] == bytes([0, 5, 4, 3, 2, 1, 0])
    assert digest == hashlib.sha256(KEY + signed).digest()[:6]


def test_a_heartbeat_is_that_of_an_onboard_computer() -> None:
    """Type 18, no autopilot (8), active (4), MAVLink 2 (3)."""
    content = mavlink.heartbeat().frame(0, ADDRESS)[10:-2]

    assert content == bytes([0, 0, 0, 0, 18, 8, 0, 4, 3])


@pytest.mark.parametrize(
    ('wall_ns', 'ticks'),
    [
        (0, 0),
        (1_420_070_400_000_000_000, 0),
        (1_420_070_400_000_020_000, 2),
        (1_420_070_401_000_000_000, 100_000),
    ],
)
def test_signing_time_counts_from_2015(wall_ns: int, ticks: int) -> None:
    """In units of 10 us; a clock that was never set gives 0."""
    assert mavlink.signing_ticks(wall_ns) == ticks
