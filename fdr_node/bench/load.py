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
"""Makes the records of a load: what is in them and when they are due; it sends nothing."""

from __future__ import annotations

from random import Random
import struct
from typing import Final

from fdr_node.record import encode_cdr, FdrRecord

KIND = 'bench'

_NS_PER_S: Final = 1_000_000_000

# Behind the 4 bytes of encapsulation: stamp, monotonic_ns, session_id, seq.
_FIXED_AT: Final = 4
_pack_fixed_into: Final = struct.Struct('<iIQQQ').pack_into

# {'d': bytes}: the map, its key, and the head of a bin 8 or a bin 16.
_KEY: Final = b'\x81\xa1d'
_BIN_8_BYTES_MAX: Final = 0xFF

# What payloads are cut from: more than any recorder compresses at a time (bytes).
_NOISE_BYTES: Final = 4 << 20


class Template:
    """
    A serialised record in which time, number and payload change from one to the next.

    The payload is noise: whoever compresses shall have nothing of it.

    :param producer_id: name of the producer
    :param payload_bytes: length of the payload [5 .. 65541] (bytes)
    :param session_id: random, one for each load
    """

    def __init__(self, producer_id: str, *, payload_bytes: int, session_id: int) -> None:
        self._session_id = session_id
        self._noise = Random(session_id).randbytes(_NOISE_BYTES)  # noqa: S311  # no secret
        head, self._noise_bytes = head_of(payload_bytes)
        record = FdrRecord(
            stamp_ns=0,
            monotonic_ns=0,
            session_id=session_id,
            seq=0,
            schema_version=1,
            producer_id=producer_id,
            kind=KIND,
            payload=head + bytes(self._noise_bytes),
        )
        self._data = bytearray(encode_cdr(record))

    def record(self, seq: int, *, wall_ns: int, monotonic_ns: int) -> bytes:
        """
        Return a serialised record.

        :param seq: its number
        :param wall_ns: wall clock (ns)
        :param monotonic_ns: monotonic clock (ns)
        """
        sec, nanosec = divmod(wall_ns, _NS_PER_S)
        _pack_fixed_into(self._data, _FIXED_AT, sec, nanosec, monotonic_ns, self._session_id, seq)
        length = self._noise_bytes
        begin = seq * length % (_NOISE_BYTES - length)
        end, payload_at = begin + length, len(self._data) - length
        # A record ends with its payload.
        self._data[payload_at:] = self._noise[begin:end]
        return bytes(self._data)


def head_of(count: int) -> tuple[bytes, int]:
    """
    Return how a MessagePack map of that length begins, and how many bytes follow.

    :param count: length of the map [5 .. 65541] (bytes)
    """
    short = count - len(_KEY) - 2
    if short <= _BIN_8_BYTES_MAX:
        return _KEY + struct.pack('>BB', 0xC4, short), short
    return _KEY + struct.pack('>BH', 0xC5, short - 1), short - 1


def due(elapsed_s: float, *, rate_hz: float, seconds: float) -> int:
    """
    Return how many records should have been sent.

    :param elapsed_s: since the beginning (s)
    :param rate_hz: records/s
    :param seconds: how long the load lasts (s)
    """
    return round(min(elapsed_s, seconds) * rate_hz)
