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
"""Tests of the records that producers send."""

from __future__ import annotations

import lzma

from fdr_node.bench.load import due, Template
from fdr_node.record import decode_cdr, FdrRecord
from fdr_node.schema import decode_payload
import pytest


@pytest.mark.parametrize('count', [5, 64, 256, 260, 261, 262, 4096, 61440])
def test_payload_is_a_map_of_that_length(count: int) -> None:
    """The load is exactly what the table says, and it can be decoded."""
    template = Template('bench_0', payload_bytes=count, session_id=3)
    for seq in (0, 1, 2**40):
        found = decode_cdr(template.record(seq, wall_ns=1, monotonic_ns=2)).payload
        assert len(found) == count
        assert list(decode_payload(found)) == ['d']


def test_payloads_cannot_be_compressed() -> None:
    """Not those of one producer, nor those of several together."""
    loads = [Template(f'b{i}', payload_bytes=256, session_id=i) for i in range(2)]
    records = [t.record(seq, wall_ns=1, monotonic_ns=2) for seq in range(2000) for t in loads]
    payloads = b''.join(decode_cdr(record).payload[-249:] for record in records)
    assert len(lzma.compress(payloads)) > len(payloads)


def test_time_number_and_payload_change() -> None:
    """Each record decodes to what it was made of; those made before stay as they were."""
    template = Template('bench_0', payload_bytes=64, session_id=2**64 - 2)
    first = template.record(0, wall_ns=1_700_000_000_999_999_999, monotonic_ns=5)
    second = template.record(2**40, wall_ns=1, monotonic_ns=2**63)
    want = FdrRecord(
        stamp_ns=1_700_000_000_999_999_999,
        monotonic_ns=5,
        session_id=2**64 - 2,
        seq=0,
        schema_version=1,
        producer_id='bench_0',
        kind='bench',
        payload=decode_cdr(first).payload,
    )
    assert decode_cdr(first) == want
    other = decode_cdr(second)
    assert other == want._replace(stamp_ns=1, monotonic_ns=2**63, seq=2**40, payload=other.payload)
    assert other.payload != want.payload


@pytest.mark.parametrize(
    ('elapsed_s', 'count'), [(0.0, 0), (0.5, 50), (2.0, 200), (2.5, 200), (0.999, 100)]
)
def test_due_ends_with_the_load(elapsed_s: float, count: int) -> None:
    """After the end no more become due."""
    assert due(elapsed_s, rate_hz=100.0, seconds=2.0) == count
