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
"""What sequence numbers and named losses prove together, with and without the flight's start."""

from __future__ import annotations

from collections import Counter

from fdr_node.debrief.proof import Proof, prove
from fdr_node.debrief.sequences import Sequence
from fdr_node.debrief.tally import Claim, Tally
from fdr_node.schema import LossCause
import pytest

RING, TRANSPORT = LossCause.RING, LossCause.TRANSPORT

Claims = dict[LossCause, list[Claim]]


def proof_of(
    sessions: dict[int, list[int]], claims: dict[int, Claims], *, has_start: bool
) -> Proof:
    """Return what is proven of one producer with these numbers and losses by session."""
    tally = Tally()
    for session_id, numbers in sessions.items():
        sequence = Sequence(numbers[0])
        for number in numbers:
            sequence.observe(number)
        tally.sessions['imu', session_id] = sequence
    for session_id, by_cause in claims.items():
        tally.claims['imu', session_id] = by_cause
    proofs = prove(tally, has_start=has_start)
    assert list(proofs) == ['imu']
    return proofs['imu']


@pytest.mark.parametrize(
    ('numbers', 'claims', 'expected'),
    [
        pytest.param(
            [0, 1, 2],
            {},
            Proof(published=3, reach=3, distinct=3, sessions=1),
            id='without loss',
        ),
        pytest.param(
            [3, 4, 4],
            {},
            Proof(published=2, reach=5, distinct=2, duplicates=1, before_flight=3, sessions=1),
            id='before the flight, and twice',
        ),
        pytest.param(
            [3, 4],
            {TRANSPORT: [Claim(1, 2, 2)]},
            Proof(
                published=4,
                reach=5,
                distinct=2,
                before_flight=1,
                sessions=1,
                named=Counter({TRANSPORT: 2}),
            ),
            id='lost before the first',
        ),
        pytest.param(
            [0, 1],
            {RING: [Claim(1, 5, 3)]},
            Proof(published=6, reach=6, distinct=2, sessions=1, named=Counter({RING: 3})),
            id='lost behind the last',
        ),
        pytest.param(
            [0, 3],
            {TRANSPORT: [Claim(1, 2, 2)], RING: [Claim(1, 1, 1)]},
            Proof(
                published=4,
                reach=4,
                distinct=2,
                sessions=1,
                named=Counter({RING: 1, TRANSPORT: 1}),
            ),
            id='one that was called lost in transport came late and was lost in the ring',
        ),
    ],
)
def test_one_session_from_the_start(numbers: list[int], claims: Claims, expected: Proof) -> None:
    """The first number is the first one read or named as lost."""
    assert proof_of({7: numbers}, {7: claims}, has_start=True) == expected


@pytest.mark.parametrize(
    ('numbers', 'claims', 'expected'),
    [
        pytest.param(
            [5, 6],
            {},
            Proof(published=2, reach=7, ahead=5, distinct=2, sessions=1),
            id='without loss',
        ),
        pytest.param(
            [5, 6],
            {RING: [Claim(1, 3, 2)]},
            Proof(published=4, reach=7, ahead=3, distinct=2, sessions=1, named=Counter({RING: 2})),
            id='lost before the first',
        ),
        pytest.param(
            [5, 8],
            {RING: [Claim(4, 7, 3)]},
            Proof(published=4, reach=9, ahead=5, distinct=2, sessions=1, named=Counter({RING: 2})),
            id='lost on both sides of the first',
        ),
    ],
)
def test_one_session_without_the_start(
    numbers: list[int], claims: Claims, expected: Proof
) -> None:
    """What is ahead of the first number may have rolled off, unless the log names its loss."""
    assert proof_of({7: numbers}, {7: claims}, has_start=False) == expected


@pytest.mark.parametrize('has_start', [True, False])
def test_a_session_of_which_nothing_is_left(*, has_start: bool) -> None:
    """What the log names as lost was published."""
    claims: dict[int, Claims] = {7: {RING: [Claim(2, 9, 3)], TRANSPORT: [Claim(10, 11, 2)]}}
    expected = Proof(published=5, reach=12, sessions=1, named=Counter({RING: 3, TRANSPORT: 2}))
    assert proof_of({}, claims, has_start=has_start) == expected


def test_sessions_add_up() -> None:
    """Every start of a producer counts from 0."""
    claims: dict[int, Claims] = {8: {RING: [Claim(1, 1, 1)]}, 9: {RING: [Claim(0, 0, 1)]}}
    proof = proof_of({7: [0, 1, 1], 8: [0, 2]}, claims, has_start=True)
    assert proof == Proof(
        published=6, reach=6, distinct=4, duplicates=1, sessions=3, named=Counter({RING: 2})
    )
    assert (proof.recorded, proof.missing) == (5, 2)


def test_a_number_that_was_lost_twice_was_published_once() -> None:
    """It came twice and the ring could hold neither; nothing of the session is left."""
    claims = {RING: [Claim(2, 4, 3), Claim(3, 4, 2)], TRANSPORT: [Claim(0, 1, 2)]}
    expected = Proof(published=5, reach=5, sessions=1, named=Counter({RING: 5}))
    assert proof_of({}, {7: claims}, has_start=True) == expected


def test_losses_of_several_sessions_have_no_span() -> None:
    """The recorder names them under session 0, each time from number 0 on."""
    claims = {LossCause.MALFORMED: [Claim(0, 2, 3), Claim(0, 4, 5)]}
    proof = proof_of({}, {0: claims}, has_start=True)
    assert (proof.published, proof.named) == (8, Counter({LossCause.MALFORMED: 8}))
