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
Whatever is published on the topic: no crash, no growth, and every message in an account.

Inputs are mutations of what producers send, and each follows from its number alone.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random
import tracemalloc

from fdr_node import record as record_module
from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.intake.intake import Intake
from fdr_node.intake.lanes import Lanes
from fdr_node.intake.ledger import Ledger, ROOM_HOLES, SESSIONS_MAX
from fdr_node.intake.policy import parse_rules, Policy
from fdr_node.intake.sessions import HOLES_MAX
from fdr_node.record import decode_cdr, encode_cdr, FdrRecord, peek
from fdr_node.schema import (
    decode_payload,
    decode_record_payload,
    encode_payload,
    Kind,
    LossCause,
    ProducerStats,
)
from heads import serialised
import pytest

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(60)]

DRAIN_RECORDS = 1000
U64_MAX = 2**64 - 1

# What changes the meaning of MessagePack and CDR most: lengths, maps, ends of ranges.
BYTES = b'\x00\x01\x7f\x80\x81\x8f\x9f\xbf\xc1\xc4\xc6\xc7\xcf\xd9\xdb\xdc\xdd\xde\xdf\xff'


def seeds() -> list[bytes]:
    """Return well-formed records, as large as the field and as small."""
    payloads = [
        encode_payload(ProducerStats(session_id=s, published=9, dropped=d).to_payload())
        for s, d in ((1, 0), (1, 9), (U64_MAX, 3))
    ]
    payloads.append(encode_payload({'a': [{'b': [1.5, None, True, b'x']}] * 3, 'c': 'text'}))
    return [
        encode_cdr(FdrRecord(1, 1, session_id, seq, 1, producer_id, kind, payload))
        for payload in payloads
        for kind in (Kind.PRODUCER_STATS, 'imu')
        for producer_id, session_id, seq in (
            ('a', 1, 0),
            ('fdr', 1, 5),
            ('é' * 30, U64_MAX, 2**63),
        )
    ]


def mutated(random: Random, originals: list[bytes]) -> bytes:
    """Return a record with a few bytes changed, cut, doubled, or joined with another one."""
    data = bytearray(random.choice(originals))
    for _ in range(random.choice((1, 1, 2, 5))):
        place = random.randrange(len(data)) if data else 0
        match random.randrange(6):
            case 0:
                data[place:place] = bytes([random.choice(BYTES)])
            case 1:
                del data[place:]
            case 2:
                end = place + random.randrange(9)
                data[place:end] = random.randbytes(random.randrange(9))
            case 3:
                data += random.choice(originals)[place:]
            case _ if data:
                data[place] = random.choice(BYTES)
            case _:
                data += b'\0'
    return bytes(data)


@pytest.mark.parametrize(
    ('seed', 'inputs'),
    [
        # A minute or so on one core.
        *((seed, 250_000) for seed in range(8)),
        pytest.param(8, 10_000_000, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_mutated_records_hurt_nobody(seed: int, inputs: int) -> None:
    """Each is refused by its type of error, or it came and is in an account."""
    random, originals = Random(seed), seeds()  # noqa: S311  # a number makes it come again
    ledger = Ledger(started_ns=0)
    lanes = Lanes(records_max=100, bytes_max=10**6, priority_kinds=())
    policy = Policy(parse_rules(['tile deny']), record_bytes_max=400)
    intake = Intake(ledger=ledger, lanes=lanes, policy=policy)
    taken = 0
    for now_ns in range(0, inputs, DRAIN_RECORDS):
        batch = [mutated(random, originals) for _ in range(DRAIN_RECORDS)]
        intake.accept(batch, now_ns)
        ledger.take_losses(now_ns)
        taken += len(lanes.take(random.choice((0, 100))))
        for data in batch:
            check_decoders(data)
    accounts = ledger.accounts().values()
    assert all(account.published >= 0 for account in accounts)
    came = sum(a.published + a.duplicates - a.lost_total for a in accounts)
    assert came == taken + len(lanes)
    malformed = sum(account.lost[LossCause.MALFORMED] for account in accounts)
    assert malformed == ledger.malformed > inputs // 10
    assert len(ledger._sessions) <= SESSIONS_MAX
    holes = sum(len(session.holes) for session in ledger._sessions.values())
    assert holes <= HOLES_MAX * len(ledger._sessions) + ROOM_HOLES
    assert len(record_module._names) <= record_module._NAMES_MAX


def check_decoders(data: bytes) -> None:
    """Decode the way an investigator's tools do: all of it, or the error that is documented."""
    with suppress(PayloadError):
        decode_payload(data[60:])
    try:
        head = peek(data)
    except RecordDecodeError:
        return
    whole = decode_cdr(data)
    assert (whole.seq, len(whole.payload)) == (head.seq, head.payload_bytes)
    with suppress(PayloadError):
        decode_record_payload(whole.kind, whole.schema_version, whole.payload)


def crowd(first: int, count: int) -> list[bytes]:
    """Return records of producers that nobody has heard of, each with a hole before it."""
    return [
        serialised(number, f'invented_{number}', session_id=number)
        for number in range(first, first + count)
    ]


def test_memory_does_not_follow_invented_producers() -> None:
    """Of 100,000 the last 20,000 cost nothing that stays."""
    ledger = Ledger(started_ns=0)
    lanes = Lanes(records_max=100, bytes_max=10**6, priority_kinds=())
    policy = Policy({}, record_bytes_max=400)
    intake = Intake(ledger=ledger, lanes=lanes, policy=policy)
    for first in range(0, 80_000, DRAIN_RECORDS):
        intake.accept(crowd(first, DRAIN_RECORDS), 10**12)
        ledger.take_losses(2 * 10**12)
    tracemalloc.start()
    try:
        for first in range(80_000, 100_000, DRAIN_RECORDS):
            intake.accept(crowd(first, DRAIN_RECORDS), 10**12)
            ledger.take_losses(2 * 10**12)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(ledger.accounts()) == SESSIONS_MAX + 1
    assert ledger.untracked == 100_000 - SESSIONS_MAX
    # What waits in the ring and the names seen last are others than before, and no more.
    assert grown < 1024 * 1024
