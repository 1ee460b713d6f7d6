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
"""The intake: what comes in is in the ring or in the ledger, whatever the bytes are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fdr_node.intake import intake as intake_module
from fdr_node.intake.intake import drain, Intake, STATS_BYTES_MAX
from fdr_node.intake.lanes import Lanes
from fdr_node.intake.ledger import Account, Ledger, Loss
from fdr_node.intake.policy import parse_rules, Policy
from fdr_node.record import encode_cdr, FdrRecord
from fdr_node.schema import encode_payload, Kind, LossCause, OTHERS, ProducerStats, Value
from heads import entry_from, serialised
from hypothesis import given
from hypothesis import strategies as st
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOW_NS = 10**12
RECORD_BYTES_MAX = 300


class Rig:
    """An intake with its ledger and its ring."""

    def __init__(
        self,
        *,
        records_max: int = 100,
        bytes_max: int = 100_000,
        rules: tuple[str, ...] = (),
        priority_kinds: tuple[str, ...] = (),
    ) -> None:
        self.ledger = Ledger(started_ns=0)
        self.ring = Lanes(
            records_max=records_max, bytes_max=bytes_max, priority_kinds=priority_kinds
        )
        policy = Policy(parse_rules(rules), record_bytes_max=RECORD_BYTES_MAX)
        self.intake = Intake(ledger=self.ledger, lanes=self.ring, policy=policy)

    def lost(self) -> dict[LossCause, int]:
        """Return the losses by cause, over all producers."""
        total: Counter[LossCause] = Counter()
        for account in self.ledger.accounts().values():
            total += account.lost
        return total


def test_drain_takes_what_waits_in_its_order() -> None:
    """It stops when nothing waits."""
    waiting: Iterator[tuple[bytes, object]] = iter([(b'a', {}), (b'b', {}), (b'c', {})])
    assert drain(lambda: next(waiting, None), limit=10) == [b'a', b'b', b'c']


def test_drain_takes_no_more_than_its_limit() -> None:
    """A flood cannot keep it for ever, and what it leaves is still there."""
    waiting: Iterator[tuple[bytes, object]] = iter([(b'a', {}), (b'b', {}), (b'c', {})])
    assert drain(lambda: next(waiting, None), limit=2) == [b'a', b'b']
    assert list(waiting) == [(b'c', {})]


def test_records_are_in_the_ring_as_they_came() -> None:
    """The bytes are not touched; head and time of receipt go along."""
    rig = Rig()
    batch = [serialised(seq, payload_bytes=seq) for seq in range(3)]
    assert rig.intake.accept(batch, NOW_NS) == 0
    assert rig.ring.take(10) == [
        entry_from(data, NOW_NS + place) for place, data in enumerate(batch)
    ]
    assert rig.ledger.accounts() == {'imu_1': Account(published=3)}


def test_records_of_two_topics_are_in_the_ring_in_the_order_of_their_numbers() -> None:
    """A batch has what waited on one topic, then what waited on the other one."""
    rig = Rig(priority_kinds=('mavlink_tx',))
    ordinary = [serialised(seq) for seq in range(0, 8, 2)]
    priority = [serialised(seq, kind='mavlink_tx') for seq in range(1, 8, 2)]
    other = serialised(3, 'camera')
    rig.intake.accept([*ordinary, other, *priority], NOW_NS)
    taken = [(entry.head.producer_id, entry.head.seq) for entry in rig.ring.take(10)]
    own = [('imu_1', seq) for seq in range(8)]
    assert taken == [*own[:4], ('camera', 3), *own[4:]]


def test_one_topic_may_be_a_long_way_ahead_of_the_other() -> None:
    """After a stall priority records may come a batch before those between them."""
    rig = Rig(records_max=100_000, bytes_max=10**8)
    batch = [serialised(seq) for seq in range(4000)]
    rig.intake.accept(batch[1::2], NOW_NS)
    rig.intake.accept(batch[::2], NOW_NS + 1)
    assert rig.ledger.accounts() == {'imu_1': Account(published=4000)}


def test_priority_does_not_change_the_order_of_a_batch() -> None:
    """All of a batch is drained at one instant, and its kinds wait in two places."""
    rig = Rig(priority_kinds=('mavlink_tx',))
    kinds = ['imu', 'mavlink_tx', 'mavlink_tx', 'imu', 'imu', 'mavlink_tx', 'imu']
    batch = [serialised(seq, kind=kind) for seq, kind in enumerate(kinds)]
    rig.intake.accept(batch[:4], NOW_NS)
    rig.intake.accept(batch[4:], NOW_NS + 20_000_000)
    taken = rig.ring.take(3)
    rig.intake.give_back(taken)
    assert [entry.head.seq for entry in rig.ring.take(10)] == list(range(7))


@pytest.mark.parametrize(
    'data',
    [
        pytest.param(b'', id='empty'),
        pytest.param(b'\x00\x01\x00\x00', id='an encapsulation alone'),
        pytest.param(serialised(0)[:-1], id='cut'),
        pytest.param(serialised(0)[:20], id='cut in the fixed part'),
        pytest.param(serialised(0) + bytes(4), id='longer than it says'),
        pytest.param(b'\x00\x03' + serialised(0)[2:], id='parameter list encapsulation'),
        pytest.param(serialised(0).replace(b'imu_1', b'imu\xff1'), id='no UTF-8'),
        pytest.param(b'\xff' * 200, id='all ones'),
        pytest.param(bytes(10_000), id='all zeros'),
    ],
)
def test_what_is_no_record_is_counted_and_hurts_nobody(data: bytes) -> None:
    """The records around it come through."""
    rig = Rig()
    assert rig.intake.accept([serialised(0), data, serialised(1)], NOW_NS) == 1
    assert [entry.head.seq for entry in rig.ring.take(10)] == [0, 1]
    assert rig.ledger.malformed == 1
    assert rig.lost() == {LossCause.MALFORMED: 1}


def test_a_record_that_is_too_large_is_lost_by_name() -> None:
    """The bound is on the serialised record; one that just fits is taken."""
    rig = Rig()
    room = RECORD_BYTES_MAX - len(serialised(0))
    batch = [serialised(0, payload_bytes=room), serialised(1, payload_bytes=room + 1)]
    assert rig.intake.accept(batch, NOW_NS) == 1
    assert [entry.data for entry in rig.ring.take(10)] == batch[:1]
    assert rig.ledger.take_losses(NOW_NS, is_final=True) == [
        Loss('imu_1', 1, 1, 1, 1, LossCause.TOO_LARGE)
    ]


def test_what_the_ring_drops_is_lost_by_name() -> None:
    """The oldest go, also those of a producer that sends nothing any more."""
    rig = Rig(records_max=3)
    assert rig.intake.accept([serialised(seq, 'old') for seq in range(2)], NOW_NS) == 0
    assert rig.intake.accept([serialised(seq, 'new') for seq in range(3)], NOW_NS) == 2
    ring = Counter({LossCause.RING: 2})
    assert rig.ledger.accounts() == {
        'old': Account(published=2, lost=ring),
        'new': Account(published=3),
    }


def test_what_is_given_back_may_find_no_room() -> None:
    """Then the oldest of it are lost by name."""
    rig = Rig(records_max=3)
    rig.intake.accept([serialised(seq) for seq in range(3)], NOW_NS)
    taken = rig.ring.take(2)
    rig.intake.accept([serialised(3)], NOW_NS)
    rig.intake.give_back(taken)
    assert [entry.head.seq for entry in rig.ring.take(10)] == [1, 2, 3]
    assert rig.ledger.take_losses(NOW_NS) == [Loss('imu_1', 1, 0, 0, 1, LossCause.RING)]


# Bytes of every sort: noise, records, records with bytes changed, and records that are too large.
NOISE = st.binary(max_size=150)
RECORDS = st.builds(
    serialised,
    st.integers(0, 2**64 - 1) | st.integers(0, 9),
    st.sampled_from(['a', 'b', OTHERS]),
    session_id=st.integers(0, 2),
    payload_bytes=st.sampled_from([0, 20, 400]),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a record with some bytes changed."""
    data = bytearray(draw(RECORDS))
    for place in draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=4)):
        data[place] = draw(st.integers(0, 255))
    return bytes(data)


@given(st.lists(st.lists(NOISE | RECORDS | damaged(), max_size=8), max_size=6))
def test_every_message_is_in_the_ring_or_in_an_account(batches: list[list[bytes]]) -> None:
    """Nothing that can be published makes it raise, and nothing is lost unsaid."""
    rig = Rig(records_max=5, bytes_max=1000)
    lost = 0
    for batch in batches:
        lost += rig.intake.accept(batch, NOW_NS)
        assert len(rig.ring) <= 5
        assert rig.ring.fill <= 1.0
    told = rig.lost()
    told.pop(LossCause.TRANSPORT, None)
    assert sum(told.values()) == lost
    assert lost + len(rig.ring) == sum(len(batch) for batch in batches)


def test_what_the_policy_refuses_is_lost_by_name() -> None:
    """It was published and it came, so the account shows it."""
    rig = Rig(rules=('frame deny', 'thumbnail rate_hz=0.1 burst=1'))
    heads = [('frame', 0), ('thumbnail', 1), ('thumbnail', 2), ('imu', 3)]
    batch = [serialised(seq, kind=kind) for kind, seq in heads]
    assert rig.intake.accept(batch, NOW_NS) == 2
    assert [entry.head.seq for entry in rig.ring.take(10)] == [1, 3]
    assert rig.lost() == {LossCause.POLICY: 2}


def stats_record(
    seq: int,
    payload: Mapping[str, Value] | bytes,
    *,
    producer_id: str = 'imu_1',
    schema_version: int = 1,
) -> bytes:
    """Return a record of the kind in which producers speak of themselves."""
    return encode_cdr(
        FdrRecord(
            stamp_ns=1,
            monotonic_ns=1,
            session_id=1,
            seq=seq,
            schema_version=schema_version,
            producer_id=producer_id,
            kind=Kind.PRODUCER_STATS,
            payload=payload if isinstance(payload, bytes) else encode_payload(payload),
        )
    )


def said(dropped: int, *, session_id: int = 1) -> dict[str, Value]:
    """Return what a producer says of its session."""
    stats = ProducerStats(session_id=session_id, published=2**64 - 1, dropped=dropped)
    return dict(stats.to_payload())


def test_a_producer_names_what_its_own_queue_dropped() -> None:
    """Also where the policy keeps what it says out of the flight."""
    rig = Rig(rules=('producer_stats deny',))
    rig.intake.accept([serialised(0), serialised(4), stats_record(6, said(3))], NOW_NS)
    assert rig.lost() == {
        LossCause.PRODUCER_QUEUE: 3,
        LossCause.TRANSPORT: 1,
        LossCause.POLICY: 1,
    }
    assert rig.ledger.take_losses(NOW_NS, is_final=True) == [
        Loss('imu_1', 1, 6, 6, 1, LossCause.POLICY),
        Loss('imu_1', 1, 1, 3, 3, LossCause.PRODUCER_QUEUE),
        Loss('imu_1', 1, 5, 5, 1, LossCause.TRANSPORT),
    ]


@pytest.mark.parametrize(
    'data',
    [
        pytest.param(stats_record(4, b'\xc1'), id='no MessagePack'),
        pytest.param(stats_record(4, b'\xdf\xff\xff\xff\xff'), id='a map that lies'),
        pytest.param(stats_record(4, {}), id='fields missing'),
        pytest.param(stats_record(4, {**said(3), 'dropped': -3}), id='a negative count'),
        pytest.param(stats_record(4, said(3, session_id=2)), id='of another session'),
        pytest.param(stats_record(4, said(3), schema_version=9), id='a newer version'),
        pytest.param(
            stats_record(4, {**said(3), 'more': bytes(STATS_BYTES_MAX)}), id='too large to be one'
        ),
    ],
)
def test_what_nobody_can_understand_of_a_producer_is_not_believed(data: bytes) -> None:
    """It is recorded as it came, and the holes keep their name."""
    rig = Rig()
    rig.intake.accept([serialised(0), data[:]], NOW_NS)
    lost = rig.lost()
    assert (lost[LossCause.TRANSPORT], LossCause.PRODUCER_QUEUE in lost) == (3, False)
    assert len(rig.ring) + lost.get(LossCause.TOO_LARGE, 0) == 2


def test_of_each_session_one_record_is_read_at_a_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of them costs no more than their heads."""
    read: list[bytes] = []
    monkeypatch.setattr(intake_module, '_read_stats', lambda entry: read.append(entry.data))
    batch = [stats_record(seq, said(0), producer_id='ab'[seq % 2]) for seq in range(100)]
    Rig().intake.accept(batch, NOW_NS)
    assert read == batch[-2:]


def test_the_last_word_of_a_session_is_the_one_with_the_largest_number() -> None:
    """Also when it was overtaken on the way."""
    rig = Rig()
    rig.intake.accept([serialised(0), stats_record(9, said(5)), stats_record(6, said(2))], NOW_NS)
    assert rig.lost() == {LossCause.PRODUCER_QUEUE: 5, LossCause.TRANSPORT: 2}
