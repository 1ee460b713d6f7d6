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
Keeps key and time of a signed MAVLink link.

The signing time never runs backwards, and follows what others on the link sign with: a computer
without a clock of its own would be refused as a replay otherwise (MAVLink 2, message signing).
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Final

from fdr_node import mavlink
from fdr_node.errors import ConfigError

_KEY_HEX_DIGITS: Final = 2 * mavlink.KEY_BYTES
_KEY_BOUND: Final = (
    f'a file with {mavlink.KEY_BYTES} bytes or {_KEY_HEX_DIGITS} hexadecimal digits'
)

# A line end after the digits, also that of DOS.
_KEY_FILE_BYTES_MAX: Final = _KEY_HEX_DIGITS + 2

_LENGTH_AT: Final = 1
_FLAGS_AT: Final = 2
_FRAME_BYTES_LEAST: Final = mavlink.HEAD_BYTES + mavlink.CHECKSUM_BYTES
# Of the signature: link number, time, digest (bytes).
_TIME_BYTES: Final = 6
_DIGEST_BYTES: Final = 6


def read_key(path: str) -> bytes:
    """
    Return the signing key in a file.

    :raises ConfigError: it cannot be read, or is no key; the message shows nothing of it.
    """
    try:
        with Path(path).expanduser().open('rb') as file:
            data = file.read(_KEY_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _refused(path, f'{_KEY_BOUND} ({error.strerror})') from error
    if len(data) == mavlink.KEY_BYTES:
        return data
    if len(digits := data.strip()) == _KEY_HEX_DIGITS:
        try:
            return bytes.fromhex(digits.decode('ascii'))
        except ValueError:
            pass
    raise _refused(path, _KEY_BOUND)


def _refused(path: str, bound: str) -> ConfigError:
    return ConfigError(name='mavlink_signing_key_path', value=path, bound=bound)


class Signer:
    """
    Signs what goes out, and learns the time from what comes in.

    :param key: of the link (32 bytes).
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ticks = 0
        self._unread = b''

    def signature(self, wall_ns: int) -> mavlink.Signature:
        """
        Return what the next frame is signed with.

        :param wall_ns: wall clock since the epoch; may have been stepped.
        """
        self._ticks = max(self._ticks + 1, mavlink.signing_ticks(wall_ns))
        return mavlink.Signature(key=self._key, ticks=self._ticks)

    def hear(self, data: bytes) -> None:
        """Take in bytes from the link; of frames signed with the same key the time is kept."""
        data = self._unread + data
        at = data.find(mavlink.MAGIC)
        while at >= 0:
            size = _frame_bytes(data, at)
            if size is None or at + size > len(data):
                break
            end = at + size
            is_ours = self._learn(data[at:end])
            # What is no frame of ours may have the first byte of one inside.
            at = data.find(mavlink.MAGIC, end if is_ours else at + 1)
        self._unread = data[at:] if at >= 0 else b''

    def _learn(self, frame: bytes) -> bool:
        if not frame[_FLAGS_AT] & mavlink.SIGNED_FLAG:
            return False
        signed, digest = frame[:-_DIGEST_BYTES], frame[-_DIGEST_BYTES:]
        wanted = hashlib.sha256(self._key + signed).digest()[:_DIGEST_BYTES]
        if not hmac.compare_digest(digest, wanted):
            return False
        self._ticks = max(self._ticks, int.from_bytes(signed[-_TIME_BYTES:], 'little'))
        return True


def _frame_bytes(data: bytes, at: int) -> int | None:
    """Return the size of the frame that begins there; None when that is not known yet."""
    if at + _FLAGS_AT >= len(data):
        return None
    is_signed = data[at + _FLAGS_AT] & mavlink.SIGNED_FLAG
    tail = mavlink.SIGNATURE_BYTES if is_signed else 0
    return _FRAME_BYTES_LEAST + data[at + _LENGTH_AT] + tail
