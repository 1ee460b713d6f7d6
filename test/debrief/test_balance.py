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
Accounts that need more than one witness: damage, drops and a footer that does not name everybody.

Whole flights, each with its account, are in test_info.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crafted import dropped, footer, own, OWN_SESSION, records, totals
from fdr_node.debrief import tally as tally_module
from fdr_node.debrief.balance import Account, check_totals, Evidence, settle
from fdr_node.debrief.tally import SegmentTally, Tally
from fdr_node.record import encode_cdr
from fdr_node.schema import LossCause, OTHERS
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fdr_node.record import FdrRecord
    from fdr_node.schema import FlightFooter

ROLLED = footer({'imu': totals(20)}, segment_count=4, rollover_count=2, rolled_off=10)


def evidence(  # noqa: PLR0913  # all of them are keywords
    items: Iterable[FdrRecord],
    flight_footer: FlightFooter | None,
    *,
    unreadable: Mapping[str, int] | None = None,
    has_start: bool = True,
    has_inner_drops: bool = False,
    is_whole: bool = True,
) -> Evidence:
    """Return what a flight with these records and this footer tells."""
    tally = Tally()
    tally.recorder_session_id = OWN_SESSION
    tally.take(((0, encode_cdr(item)) for item in items), SegmentTally())
    dropped_records = tally.records_rolled_off
    return Evidence(
        tally=tally,
        footer=flight_footer,
        unreadable=unreadable or {},
        records_rolled_off=flight_footer.records_rolled_off if flight_footer else dropped_records,
        rolled_off=tally.rolled_off,
        has_start=has_start,
        has_inner_drops=has_inner_drops,
        is_whole=is_whole,
    )


def lines(found: Evidence) -> list[str]:
    """Return all that does not add up."""
    accounts = settle(found)
    return [
        *(f'{name}: {text}' for name, item in accounts.items() for text in item.contradictions),
        *check_totals(found, accounts),
    ]


@pytest.mark.parametrize(
    ('account', 'is_balanced'),
    [
        (Account(published=4, recorded=3, lost_by={'ring': 1}), True),
        (Account(published=3, recorded=4, duplicates=1), True),
        (Account(published=4, recorded=3), False),
        (Account(published=4, recorded=4, contradictions=('what it says',)), False),
    ],
)
def test_balance_of_an_account(account: Account, *, is_balanced: bool) -> None:
    """It adds up, and nobody contradicts it."""
    assert account.is_balanced is is_balanced


def test_drops_are_what_is_written_and_not_there() -> None:
    """With a footer, what is absent is what was dropped, if the totals fit."""
    found = evidence(records('imu', range(10, 20)), ROLLED, has_start=False)
    assert settle(found) == {
        'imu': Account(published=20, recorded=10, lost_by={'rolled_off': 10}, sessions=1)
    }
    assert lines(found) == []


@pytest.mark.parametrize(
    ('seqs', 'unreadable'),
    [
        pytest.param([10, 11, 15, 16, 17, 18, 19], {'imu': 3}, id='its segment tells'),
        pytest.param([10, 11, 15, 16, 17, 18, 19], {}, id='the numbers tell: a hole'),
        pytest.param(list(range(10, 17)), {}, id='the numbers tell: the end'),
    ],
)
def test_damage_and_drops_are_told_apart(seqs: list[int], unreadable: dict[str, int]) -> None:
    """The footer knows the total of both, and the damage tells its part."""
    found = evidence(records('imu', seqs), ROLLED, unreadable=unreadable, has_start=False)
    account = Account(
        published=20,
        recorded=7,
        lost_by={'rolled_off': 10, 'unreadable': 3},
        sessions=1,
        contradictions=('records that were written and cannot be read: 3',),
    )
    assert settle(found) == {'imu': account}


def test_only_named_drops_count_when_damage_cannot_be_placed() -> None:
    """The first segment that is left is gone as well: its records cannot be told from dropped."""
    flight_footer = footer(
        {'fdr': totals(1), 'imu': totals(20)}, segment_count=4, rollover_count=2, rolled_off=10
    )
    items = [*records('imu', range(13, 20)), own(0, dropped(1, {'imu': 4}, rolled_off=10))]
    found = evidence(items, flight_footer, has_start=False)
    assert settle(found)['imu'].lost_by == {'rolled_off': 4, 'unreadable': 9}


def test_a_restart_that_rolled_off_is_no_contradiction() -> None:
    """A whole session can have been dropped, so the numbers that are left may be fewer."""
    found = evidence(records('imu', range(10)), ROLLED, has_start=False)
    assert lines(found) == []


def test_numbers_beyond_those_of_the_footer_contradict_it() -> None:
    """The footer counts 20; the numbers go further."""
    found = evidence(records('imu', range(90, 100)), ROLLED, has_start=False)
    assert lines(found) == ['imu: its numbers reach 100, those of the footer 20']


def test_a_hole_that_the_footer_does_not_name_contradicts_it() -> None:
    """Without the start, the published ones cannot be counted, but the holes can."""
    flight_footer = footer(
        {'imu': totals(22, recorded=20)}, segment_count=4, rollover_count=2, rolled_off=10
    )
    seqs = [*range(10, 15), *range(17, 22)]
    found = evidence(records('imu', seqs), flight_footer, has_start=False)
    assert settle(found)['imu'].lost_by == {'rolled_off': 10, 'unknown': 2}
    assert lines(found) == ['imu: missing records whose loss nothing names: 2']


def test_more_records_than_the_footer_counts_contradict_it() -> None:
    """Somebody put records in after the close."""
    found = evidence(records('imu', range(5)), footer({'imu': totals(3)}, segment_count=1))
    assert lines(found) == [
        'imu: its numbers show 5 published records, the footer 3',
        'imu: records that can be read: 5, by the footer: 3',
        'records that can be read beyond those that the footer counts: 2',
    ]


def test_a_producer_that_the_footer_does_not_name_contradicts_it() -> None:
    """The footer names everybody unless it says how many it leaves out."""
    items = [*records('imu', range(3)), *records('gps', [0, 2])]
    flight_footer = replace(footer({'imu': totals(3)}, segment_count=1), records_written=5)
    assert lines(evidence(items, flight_footer)) == ['gps: the footer does not name it']
    some_left_out = replace(flight_footer, producers_omitted=1)
    found = evidence(items, some_left_out)
    assert settle(found)['gps'] == Account(
        published=3, recorded=2, lost_by={'unknown': 1}, sessions=1
    )
    assert lines(found) == []


def test_records_of_unknown_producers_are_missed() -> None:
    """What is written and not there may be of a producer that the footer leaves out."""
    flight_footer = replace(
        footer({'imu': totals(3)}, segment_count=1), records_written=7, producers_omitted=1
    )
    found = evidence(records('imu', range(3)), flight_footer)
    assert lines(found) == [
        'records that were written and cannot be read, of unknown producers: 4'
    ]


def test_drops_without_a_footer_are_those_that_are_named() -> None:
    """The numbers ahead do not add up to what was dropped: some were before the flight."""
    items = [own(0, dropped(1, {'imu': 4}, rolled_off=10)), *records('imu', range(90, 95))]
    found = evidence(items, None, has_start=False)
    assert settle(found)['imu'] == Account(
        published=9, recorded=5, lost_by={'rolled_off': 4}, before_flight=None, sessions=1
    )
    assert lines(found) == ['records in dropped segments, of unknown producers: 6']


def test_drops_of_those_that_the_footer_leaves_out() -> None:
    """Their numbers tell, when they add up to what the others leave of the dropped records."""
    named = footer({'imu': totals(20)}, segment_count=4, rollover_count=2, rolled_off=14)
    flight_footer = replace(named, records_written=26, producers_omitted=1)
    items = [*records('imu', range(10, 20)), *records('gps', range(4, 6))]
    found = evidence(items, flight_footer, has_start=False)
    assert settle(found) == {
        'gps': Account(
            published=6, recorded=2, lost_by={'rolled_off': 4}, before_flight=None, sessions=1
        ),
        'imu': Account(published=20, recorded=10, lost_by={'rolled_off': 10}, sessions=1),
    }
    assert lines(found) == []


def test_a_recovered_flight_has_a_footer_that_names_nobody() -> None:
    """It counts as if there were none."""
    recovered = replace(ROLLED, records_written=20, producers={}, producers_omitted=1)
    found = evidence(records('imu', range(10, 20)), recovered, has_start=False)
    assert settle(found) == {
        'imu': Account(
            published=20, recorded=10, lost_by={'rolled_off': 10}, before_flight=None, sessions=1
        )
    }
    assert lines(found) == []


def test_damage_in_a_hole_without_a_footer() -> None:
    """Unreadable records come first in the holes; the rest of a hole has no name."""
    found = evidence(records('imu', [0, 1, 7]), None, unreadable={'imu': 3})
    assert settle(found)['imu'] == Account(
        published=8, recorded=3, lost_by={'unknown': 2, 'unreadable': 3}, sessions=1
    )


def test_a_producer_that_is_only_in_damage() -> None:
    """A segment's footer names producers of which nothing is left."""
    found = evidence([], None, unreadable={'gps': 2})
    assert settle(found) == {
        'gps': Account(published=2, lost_by={'unreadable': 2}, before_flight=None, sessions=0)
    }


def test_a_loss_that_came_all_the_same() -> None:
    """A record reported as lost in transport that came late counts as recorded."""
    flight_footer = footer({'imu': totals(4)}, segment_count=1)
    assert settle(evidence(records('imu', [0, 1, 3, 2]), flight_footer)) == {
        'imu': Account(published=4, recorded=4, sessions=1)
    }
    with_loss = footer({'imu': totals(4, lost={LossCause.TRANSPORT: 1})}, segment_count=1)
    text = 'imu: records that are recorded or named as lost beyond those published: 1'
    assert lines(evidence(records('imu', range(4)), with_loss)) == [text]


def test_records_of_too_many_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not followed is said, with and without a footer."""
    monkeypatch.setattr('fdr_node.debrief.tally.SESSIONS_MAX', 1)
    items = [*records('imu', range(3)), *records('gps', range(2))]
    assert lines(evidence(items, None)) == ['records of more sessions than are followed: 2']


CROWD = footer(
    {
        'imu': totals(3),
        OTHERS: totals(9, recorded=6, lost={LossCause.RING: 1, LossCause.MALFORMED: 2}),
    },
    segment_count=1,
)
CROWD_RECORDS = [item for name in ('a', 'b', OTHERS) for item in records(name, range(0, 4, 2))]


def test_producers_that_the_recorder_counted_together_have_one_account() -> None:
    """Their numbers prove nothing, as it did not follow them; the sum does."""
    found = evidence([*records('imu', range(3)), *CROWD_RECORDS], CROWD)
    assert settle(found) == {
        OTHERS: Account(published=9, recorded=6, lost_by={'malformed': 2, 'ring': 1}, sessions=3),
        'imu': Account(published=3, recorded=3, sessions=1),
    }
    assert lines(found) == []


def test_a_record_of_theirs_that_is_not_there_is_noticed() -> None:
    """Nobody knows whose it was."""
    found = evidence([*records('imu', range(3)), *CROWD_RECORDS[1:]], CROWD)
    account = settle(found)[OTHERS]
    assert account.lost_by == {'malformed': 2, 'ring': 1, 'unreadable': 1}
    assert lines(found) == [f'{OTHERS}: records that were written and cannot be read: 1']


def test_more_sessions_than_are_followed_here_are_among_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are counted without a name."""
    monkeypatch.setattr(tally_module, 'SESSIONS_MAX', 2)
    found = evidence([*records('imu', range(3)), *CROWD_RECORDS], CROWD)
    assert settle(found)[OTHERS].recorded == 6
    assert lines(found) == []


# --- a dropped segment between others

INNER = [*range(5), *range(8, 20)]


def test_a_dropped_segment_between_others_is_a_hole_with_a_name() -> None:
    """Its records are missing in the middle; the footer knows that they were written."""
    flight_footer = footer({'imu': totals(20)}, segment_count=4, rollover_count=1, rolled_off=3)
    found = evidence(records('imu', INNER), flight_footer, has_start=False, has_inner_drops=True)
    assert settle(found) == {
        'imu': Account(published=20, recorded=17, lost_by={'rolled_off': 3}, sessions=1)
    }
    assert lines(found) == []
    as_first = evidence(records('imu', INNER), flight_footer, has_start=False)
    assert lines(as_first) == ['imu: missing records whose loss nothing names: 3']


@pytest.mark.parametrize(
    ('seqs', 'published', 'lost_by'),
    [
        pytest.param(INNER, 20, {'rolled_off': 3}, id='in the middle'),
        pytest.param([*range(5), *range(9, 20)], 20, {'rolled_off': 3, 'unknown': 1}, id='more'),
        pytest.param(range(20), 23, {'rolled_off': 3}, id='of another session'),
    ],
)
def test_without_a_footer_the_log_names_what_was_in_it(
    seqs: Sequence[int], published: int, lost_by: dict[str, int]
) -> None:
    """A hole is filled by that, and what is no hole comes on top."""
    items = [*records('imu', seqs), own(0, dropped(1, {'imu': 3}, rolled_off=3))]
    found = evidence(items, None, has_start=False, has_inner_drops=True)
    account = settle(found)['imu']
    assert (account.published, account.lost_by) == (published, lost_by)
    assert account.is_balanced


# --- a directory that is not here


@pytest.mark.parametrize('seqs', [range(8, 20), range(8), [*range(4), *range(12, 20)]])
def test_what_is_in_a_directory_that_is_not_here(seqs: Sequence[int]) -> None:
    """The footer counts it, wherever in the flight it was."""
    flight_footer = footer(
        {'imu': totals(22, recorded=20, lost={LossCause.RING: 2})}, segment_count=4
    )
    found = evidence(records('imu', seqs), flight_footer, has_start=False, is_whole=False)
    account = settle(found)['imu']
    assert account.lost_by == {'elsewhere': 20 - len(seqs), 'ring': 2}
    assert lines(found) == []


def test_damage_and_drops_of_what_is_here_are_told_apart() -> None:
    """Segments tell what of theirs cannot be read, and the log what was dropped."""
    flight_footer = footer({'imu': totals(20)}, segment_count=4, rollover_count=1, rolled_off=5)
    drop = own(0, dropped(2, {'imu': 5}, rolled_off=5))
    found = evidence(
        [drop, *records('imu', range(12, 18))],
        flight_footer,
        unreadable={'imu': 2},
        has_start=False,
        is_whole=False,
    )
    account = settle(found)['imu']
    assert account.lost_by == {'elsewhere': 7, 'rolled_off': 5, 'unreadable': 2}
    assert account.contradictions == ('records that were written and cannot be read: 2',)


def test_producers_that_are_counted_together_may_be_elsewhere_too() -> None:
    """And what is there beyond the count contradicts it all the same."""
    found = evidence(CROWD_RECORDS[1:], CROWD, has_start=False, is_whole=False)
    accounts = settle(found)
    assert accounts[OTHERS].lost_by == {'elsewhere': 1, 'malformed': 2, 'ring': 1}
    assert accounts['imu'].lost_by == {'elsewhere': 3}
    assert lines(found) == []
    more = evidence(records('imu', range(5)), CROWD, has_start=False, is_whole=False)
    assert 'imu: records that can be read: 5, by the footer: 3' in lines(more)


def test_without_a_footer_a_hole_has_no_name() -> None:
    """Nobody knows whether it is in the directory that is not here, or lost."""
    items = [own(0, dropped(1, {'gps': 3}, rolled_off=9)), *records('imu', [8, 9, 12])]
    found = evidence(items, None, has_start=False, is_whole=False)
    assert settle(found)['imu'].lost_by == {'unknown': 2}
    assert lines(found) == []
