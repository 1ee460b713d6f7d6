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
"""Records wait for a reader, for it to settle, but not for ever."""

from __future__ import annotations

from fdr_node.producer.hold_back import HoldBack, Match, Pairing, PAIRING_NS, SETTLE_NS
import pytest

SECOND_NS = 1_000_000_000


def test_a_match_is_settled_after_a_while_and_over_with_the_last_reader() -> None:
    """The next reader settles anew."""
    match = Match()

    assert not match.is_settled(readers=1, now_ns=10)
    assert not match.is_settled(readers=2, now_ns=9 + SETTLE_NS)
    assert match.is_settled(readers=1, now_ns=10 + SETTLE_NS)
    assert not match.is_settled(readers=0, now_ns=11 + SETTLE_NS)
    assert not match.is_settled(readers=1, now_ns=12 + SETTLE_NS)


@pytest.mark.parametrize(
    ('first', 'second'),
    [
        pytest.param((0, 1), (1, 1), id='a recorder whose priority reader is found first'),
        pytest.param((1, 0), (1, 1), id='a recorder whose priority reader is found last'),
        pytest.param((2, 1), (2, 2), id='one that takes over from one that was killed'),
    ],
)
def test_two_topics_are_settled_when_whoever_reads_one_reads_both(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    """Until then what is published to one of them alone would be all that is heard."""
    pairing = Pairing()
    if first == (2, 1):
        assert not is_settled(pairing, (1, 1), 0)
        assert is_settled(pairing, (1, 1), SECOND_NS)
    assert not is_settled(pairing, first, 2 * SECOND_NS)
    found_ns = 1 + 2 * SECOND_NS + SETTLE_NS
    assert not is_settled(pairing, first, found_ns - 1)
    assert not is_settled(pairing, second, found_ns)
    assert not is_settled(pairing, second, found_ns + SETTLE_NS - 1)
    assert is_settled(pairing, second, found_ns + SETTLE_NS)


def test_who_reads_all_other_records_alone_takes_no_priority_from_the_rest() -> None:
    """A tool that looks at one topic is not waited for any longer than discovery takes."""
    pairing = Pairing()
    assert not is_settled(pairing, (2, 1), 5)
    assert not is_settled(pairing, (2, 1), 4 + PAIRING_NS)
    assert is_settled(pairing, (2, 1), 5 + PAIRING_NS)
    assert not is_settled(pairing, (1, 0), 6 + PAIRING_NS)
    assert not is_settled(pairing, (1, 0), 7 + 2 * PAIRING_NS)


def is_settled(pairing: Pairing, known: tuple[int, int], now_ns: int) -> bool:
    """Ask with so many readers of the records, and of the priority records."""
    return pairing.is_settled(readers=known[0], priority_readers=known[1], now_ns=now_ns)


def test_it_opens_when_a_reader_has_settled_and_stays_open() -> None:
    """The reader may go later: what is held back once is held back no more."""
    hold_back = HoldBack(started_ns=0, give_up_ns=60 * SECOND_NS)

    assert not hold_back.is_open(readers=0, now_ns=5)
    assert not hold_back.is_open(readers=1, now_ns=10)
    assert not hold_back.is_open(readers=1, now_ns=9 + SETTLE_NS)
    assert not hold_back.is_heard
    assert hold_back.is_open(readers=1, now_ns=10 + SETTLE_NS)
    assert hold_back.is_heard
    assert hold_back.is_open(readers=0, now_ns=11 + SETTLE_NS)


def test_a_reader_that_went_away_settles_anew() -> None:
    """The time counts from the last match."""
    hold_back = HoldBack(started_ns=0, give_up_ns=60 * SECOND_NS)
    hold_back.is_open(readers=1, now_ns=0)
    hold_back.is_open(readers=0, now_ns=1)

    assert not hold_back.is_open(readers=1, now_ns=SETTLE_NS)
    assert hold_back.is_open(readers=1, now_ns=2 * SETTLE_NS)


def test_it_gives_up_waiting_and_says_so() -> None:
    """Opened by time alone, it was not heard."""
    hold_back = HoldBack(started_ns=100, give_up_ns=SECOND_NS)

    assert not hold_back.is_open(readers=0, now_ns=99 + SECOND_NS)
    assert hold_back.is_open(readers=0, now_ns=100 + SECOND_NS)
    assert not hold_back.is_heard
