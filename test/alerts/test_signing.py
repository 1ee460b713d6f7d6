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
"""A key is read or refused, and the signing time never runs backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node import mavlink
from fdr_node.alerts.signing import read_key, Signer
from fdr_node.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st
import pytest

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(200, 232))
OTHER_KEY = bytes(32)
GROUND_STATION = mavlink.Address(system_id=255, component_id=190)
WALL_NS = 1_800_000_000_000_000_000
WALL_TICKS = mavlink.signing_ticks(WALL_NS)


def frame(ticks: int, key: bytes = KEY) -> bytes:
    """Return what somebody else on the link sends."""
    signature = mavlink.Signature(key=key, ticks=ticks)
    return mavlink.heartbeat().frame(3, GROUND_STATION, signature)


@pytest.mark.parametrize(
    'data',
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b'\n',
        KEY.hex().encode() + b'\r\n',
    ],
)
def test_a_key_is_read(tmp_path: Path, data: bytes) -> None:
    """As bytes, or as digits with or without the end of the line."""
    path = tmp_path / 'key'
    path.write_bytes(data)
    assert read_key(str(path)) == KEY


@pytest.mark.parametrize(
    'data',
    [b'', KEY[:-1], KEY + b'\n', KEY.hex().encode()[:-1], b'g' * 64, b'\xff' * 64, b'0' * 999],
)
def test_what_is_no_key_is_refused(tmp_path: Path, data: bytes) -> None:
    """The error names the parameter and the file, and shows nothing of what is in it."""
    path = tmp_path / 'key'
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_key(str(path))
    error = caught.value
    assert (error.name, error.value) == ('mavlink_signing_key_path', str(path))
    assert error.bound == 'a file with 32 bytes or 64 hexadecimal digits'


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """With the reason of the system."""
    with pytest.raises(ConfigError) as caught:
        read_key(str(tmp_path))
    assert caught.value.bound.endswith('(Is a directory)')


def test_every_signature_is_later_than_the_one_before() -> None:
    """Also within one tick, and when the wall clock is set back."""
    signer = Signer(KEY)
    ticks = [signer.signature(wall_ns).ticks for wall_ns in (WALL_NS, WALL_NS, 0, WALL_NS + 10**9)]
    assert ticks == [WALL_TICKS, WALL_TICKS + 1, WALL_TICKS + 2, WALL_TICKS + 100_000]


def test_time_is_learnt_from_who_has_the_key() -> None:
    """A computer without a clock signs with the time of its ground station."""
    signer = Signer(KEY)
    assert signer.signature(0).ticks == 1
    signer.hear(frame(WALL_TICKS))
    assert signer.signature(0) == mavlink.Signature(key=KEY, ticks=WALL_TICKS + 1)
    signer.hear(frame(5))
    assert signer.signature(0).ticks == WALL_TICKS + 2


def test_time_is_learnt_byte_by_byte() -> None:
    """As a serial device gives them."""
    signer = Signer(KEY)
    for byte in b'\xfd' + frame(WALL_TICKS) + bytes(300):
        signer.hear(bytes([byte]))
    assert signer.signature(0).ticks == WALL_TICKS + 1


def forged() -> bytes:
    """Return a frame whose time was changed after it was signed."""
    data = bytearray(frame(5))
    data[-8] ^= 0x40
    return bytes(data)


@pytest.mark.parametrize(
    'data',
    [
        frame(WALL_TICKS, OTHER_KEY),
        forged(),
        mavlink.heartbeat().frame(0, GROUND_STATION),
        frame(WALL_TICKS)[:-1],
        b'',
    ],
)
def test_time_is_learnt_from_nobody_else(data: bytes) -> None:
    """Another key, a forged or cut frame, none at all."""
    signer = Signer(KEY)
    signer.hear(data)
    assert signer.signature(0).ticks == 1


@given(
    before=st.binary(max_size=300),
    after=st.binary(max_size=20),
    cut=st.integers(min_value=0, max_value=400),
)
def test_frames_are_found_in_any_noise(before: bytes, after: bytes, cut: int) -> None:
    """Wherever the bytes are cut; noise is not kept for longer than a frame may be."""
    signer = Signer(KEY)
    data = before + frame(WALL_TICKS) + after
    signer.hear(data[:cut])
    signer.hear(data[cut:])
    # What looks like the beginning of a frame waits for the rest of it.
    signer.hear(bytes(300))
    assert signer.signature(0).ticks == WALL_TICKS + 1
    assert len(signer._unread) <= 10 + 255 + 2 + 13
