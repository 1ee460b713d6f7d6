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
"""Heads of records and ring entries, with what a test does not name filled in."""

from __future__ import annotations

from fdr_node.intake.ring import Entry
from fdr_node.record import encode_cdr, FdrRecord, peek, RecordHead


def head_of(seq: int, producer_id: str = 'imu_1', *, session_id: int = 1) -> RecordHead:
    """Return the head of a record."""
    return RecordHead(
        stamp_ns=1_000_000_000 + seq % 1000,
        monotonic_ns=5_000_000,
        session_id=session_id,
        seq=seq,
        schema_version=1,
        producer_id=producer_id,
        kind='imu',
        payload_bytes=0,
    )


def serialised(
    seq: int,
    producer_id: str = 'imu_1',
    *,
    session_id: int = 1,
    payload_bytes: int = 0,
    kind: str = 'imu',
) -> bytes:
    """Return the bytes of a record."""
    return encode_cdr(
        FdrRecord(
            stamp_ns=1_000_000_007,
            monotonic_ns=5_000_000,
            session_id=session_id,
            seq=seq,
            schema_version=1,
            producer_id=producer_id,
            kind=kind,
            payload=bytes(payload_bytes),
        )
    )


def entry_of(seq: int, *, size: int) -> Entry:
    """Return a ring entry of a size; its bytes are no record, the ring does not look at them."""
    return Entry(data=bytes(size), head=head_of(seq), received_ns=seq)


def entry_from(data: bytes, received_ns: int = 0) -> Entry:
    """Return the ring entry of a serialised record."""
    return Entry(data=data, head=peek(data), received_ns=received_ns)
