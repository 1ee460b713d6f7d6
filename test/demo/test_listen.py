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
"""What was heard is said in a line, and counted, whoever sent it."""

from __future__ import annotations

import json
from math import inf, nan
from typing import TYPE_CHECKING

from fdr_node.demo import listen
from fdr_node.demo.listen import Count, read, Tally
from fdr_node.record import encode_cdr, FdrRecord
from fdr_node.schema import encode_payload, OTHERS
from manual_clock import WALL_NS
from rigs import record_of

if TYPE_CHECKING:
    from fdr_node.schema import Value
    import pytest


def serialised(**payload: Value) -> bytes:
    """Return a record with that payload."""
    record = record_of(7)._replace(stamp_ns=WALL_NS, payload=encode_payload(payload))
    return encode_cdr(record)


def test_a_line_for_a_person() -> None:
    """When it was made, by whom, what, its number, and the payload without its pictures."""
    data = serialised(speed_m_s=4.5, unknown=nan, far=[inf, 1], image=bytes(5), of={'a': None})
    assert read(data).line() == (
        '2026-01-31T12:00:00.000000Z imu_1 imu 7 {"speed_m_s": 4.5, "unknown": null, '
        '"far": [null, 1], "image": "(5 bytes)", "of": {"a": null}}'
    )


def test_a_long_payload_is_cut() -> None:
    """A record stays a line."""
    line = read(serialised(text='x' * 10_000)).line()
    assert line.endswith('xxx...')
    assert len(line) == 40 + listen._PAYLOAD_CHARACTERS_MAX


def test_all_of_it_as_json() -> None:
    """Bytes in base64; what is not known is null."""
    record = record_of(7)
    payload = encode_payload({'image': b'\x00\xff', 'unknown': nan, 'grün': [1, True]})
    found = read(encode_cdr(record._replace(payload=payload))).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        'event': 'record',
        'stamp_ns': record.stamp_ns,
        'monotonic_ns': record.monotonic_ns,
        'producer_id': 'imu_1',
        'session_id': record.session_id,
        'seq': 7,
        'kind': 'imu',
        'schema_version': 3,
        'payload': {'image': 'AP8=', 'unknown': None, 'grün': [1, True]},
    }


def test_a_payload_that_is_no_map() -> None:
    """The record stands, with what is wrong."""
    heard = read(encode_cdr(record_of(7)._replace(payload=b'\xc1\xc1')))
    assert heard.line().startswith('2026-01-31T12:00:00.000000Z imu_1 imu 7 2 bytes: payload is ')
    found = heard.to_json()
    assert (found['payload'], found['fault']) == (None, heard.fault)


def test_what_is_no_record() -> None:
    """It is said and counted."""
    heard = read(b'\x00\x01\x00\x00garbage')
    assert heard.line().startswith('11 bytes that are no record: record is ')
    assert heard.to_json() == {'event': 'malformed', 'size_bytes': 11, 'fault': heard.fault}
    tally = Tally()
    tally.add(heard)
    assert tally.lines() == ['0 records of 0 producers, and 1 messages that are no record']
    assert tally.to_json() == {
        'event': 'summary',
        'records': 0,
        'malformed': 1,
        'producers': {},
    }


def tally_of(*records: FdrRecord) -> Tally:
    """Count some records."""
    tally = Tally()
    for record in records:
        tally.add(read(encode_cdr(record)))
    return tally


def test_what_was_heard_of_each_producer() -> None:
    """From the first number on that came; each session has its own numbers."""
    seqs = [5, 6, 9, 10, 5, 6]
    other = record_of(0, producer_id='camera')
    tally = tally_of(
        *map(record_of, seqs), other, other._replace(session_id=1, seq=4), other._replace(seq=1)
    )
    assert tally.counts == {
        'imu_1': Count(records=6, missing=2, repeated=1),
        'camera': Count(records=3),
    }
    assert tally.lines() == [
        'camera: 3 records, 0 missing between them, 0 again',
        'imu_1: 6 records, 2 missing between them, 1 again',
        '9 records of 2 producers',
    ]
    assert tally.to_json()['producers'] == {
        'camera': {'records': 3, 'missing': 0, 'repeated': 0},
        'imu_1': {'records': 6, 'missing': 2, 'repeated': 1},
    }


def test_invented_producers_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound they are counted together; those that are followed stay so."""
    monkeypatch.setattr(listen, 'SESSIONS_MAX', 2)
    names = ['a', 'b', 'c', 'd', 'a', 'c']
    tally = tally_of(*(record_of(seq, producer_id=name) for seq, name in enumerate(names)))
    assert {name: count.records for name, count in tally.counts.items()} == {
        'a': 2,
        'b': 1,
        OTHERS: 3,
    }
    assert tally.records == 6
