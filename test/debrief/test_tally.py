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
"""Records are counted by their heads; only the recorder's own ones are read, and none is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from crafted import (
    dropped,
    footer,
    HEADER,
    overrun,
    own,
    OWN_SESSION,
    record,
    records,
    totals,
)
from fdr_node.debrief import tally as tally_module
from fdr_node.debrief.tally import Claim, OTHER_KINDS, SegmentTally, Tally
from fdr_node.record import encode_cdr, ID_BYTES_MAX
from fdr_node.schema import LossCause
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fdr_node.record import FdrRecord


def taken(items: Iterable[FdrRecord], *, recorder: int | None = OWN_SESSION) -> Tally:
    """Return the tally of these records."""
    tally = Tally()
    tally.recorder_session_id = recorder
    tally.take(((0, encode_cdr(item)) for item in items), SegmentTally())
    return tally


def test_records_are_counted_by_session_and_kind() -> None:
    """A restarted producer has two sessions, and one count."""
    tally = taken(
        [*records('imu', [0, 1, 1]), *records('imu', [0, 4], session_id=8), record('gps', 3)]
    )
    assert {
        key: (seq.first_seq, seq.next_seq, seq.missing) for key, seq in tally.sessions.items()
    } == {
        ('imu', 7): (0, 2, 0),
        ('imu', 8): (0, 5, 3),
        ('gps', 7): (3, 4, 0),
    }
    assert tally.recorded() == {'imu': 5, 'gps': 1}
    assert tally.kinds == {('imu', 'imu'): 5, ('gps', 'gps'): 1}


@pytest.mark.parametrize(
    ('times', 'expected'),
    [
        ([], (0, 0, 0, 0)),
        ([5], (1, 5, 5, 0)),
        ([5, 5, 9], (3, 5, 9, 0)),
        ([5, 9, 7, 8], (4, 5, 9, 2)),
        ([5, 3, 9], (3, 3, 9, 1)),
    ],
)
def test_time_of_a_segment(times: list[int], expected: tuple[int, int, int, int]) -> None:
    """A record before its predecessor is counted, and the span is that of all records."""
    segment = SegmentTally()
    for at_ns in times:
        segment.add(at_ns)
    assert (segment.records, segment.start_ns, segment.end_ns, segment.steps_back) == expected


def test_the_recorder_is_believed() -> None:
    """Header, footer, losses and drops come out of the recorder's own records."""
    flight_footer = footer({'fdr': totals(6)}, segment_count=3)
    drop = dropped(0, {'imu': 3}, rolled_off=3)
    tally = taken(
        [
            own(0, HEADER),
            own(1, overrun('imu', 0, 3, LossCause.RING)),
            own(2, overrun('imu', 7, 9, LossCause.RING, count=2)),
            own(3, overrun('imu', 4, 4, LossCause.TRANSPORT)),
            own(4, drop),
            own(5, drop),
            own(6, dropped(1, {'imu': 2, 'gps': 1}, rolled_off=6)),
            own(7, flight_footer),
        ]
    )
    assert (tally.header, tally.footer) == (HEADER, flight_footer)
    assert tally.claims == {
        ('imu', 7): {
            LossCause.RING: [Claim(0, 3, 4), Claim(7, 9, 2)],
            LossCause.TRANSPORT: [Claim(4, 4, 1)],
        }
    }
    assert list(tally.drops) == [0, 1]
    assert tally.drops[0] == replace(drop, producers={})
    assert (tally.rolled_off, tally.records_rolled_off) == ({'imu': 5, 'gps': 1}, 6)
    assert (tally.unread_own, tally.foreign_own) == (0, 0)


def test_nobody_else_is_believed() -> None:
    """A record under the recorder's name, but of another session, is counted and not read."""
    lie = own(0, overrun('imu', 0, 3, LossCause.RING), session_id=1)
    tally = taken([lie, record('imu', 0)._replace(kind='overrun')])
    assert (tally.claims, tally.foreign_own, tally.unread_own) == ({}, 1, 0)
    assert tally.recorded() == {'fdr': 1, 'imu': 1}


def test_the_recorder_is_believed_when_its_session_is_not_known() -> None:
    """Without a header there is nobody to tell it from an impostor."""
    loss = own(0, overrun('imu', 0, 3, LossCause.RING), session_id=1)
    assert len(taken([loss], recorder=None).claims) == 1


@pytest.mark.parametrize(
    'odd',
    [
        own(0, HEADER)._replace(payload=b'\xc1'),
        own(0, HEADER)._replace(schema_version=9),
        own(0, HEADER)._replace(kind='overrun'),
    ],
    ids=['no payload', 'newer version', 'fields of another kind'],
)
def test_a_record_of_the_recorder_that_cannot_be_read_is_counted(odd: FdrRecord) -> None:
    """It is recorded all the same."""
    tally = taken([odd])
    assert (tally.unread_own, tally.recorded()) == (1, {'fdr': 1})


def test_other_kinds_of_the_recorder_are_not_read() -> None:
    """What else the recorder says does not count losses."""
    tally = taken([own(0, HEADER)._replace(kind='clock_step', payload=b'\xc1')])
    assert tally.unread_own == 0


def test_what_is_no_record_is_counted() -> None:
    """It belongs to nobody and is no record of the segment."""
    tally, segment = Tally(), SegmentTally()
    tally.take([(1, b'junk'), (2, encode_cdr(record('imu', 0)))], segment)
    assert (tally.malformed, segment.records, tally.recorded()) == (1, 1, {'imu': 1})


def test_what_came_before_a_failure_is_counted() -> None:
    """A source that breaks off does not take along what it gave."""

    def broken() -> Iterator[tuple[int, bytes]]:
        yield 1, encode_cdr(record('imu', 0))
        message = 'not whole'
        raise ValueError(message)

    tally, segment = Tally(), SegmentTally()
    with pytest.raises(ValueError, match='not whole'):
        tally.take(broken(), segment)
    assert (segment.records, tally.recorded()) == (1, {'imu': 1})


def test_memory_does_not_follow_invented_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions, kinds and losses beyond a bound are counted together."""
    for name in ('SESSIONS_MAX', 'KINDS_MAX', 'CLAIMS_MAX'):
        monkeypatch.setattr(tally_module, name, 2)
    tally = taken(
        [
            *(record('imu', seq)._replace(kind=f'kind {seq}') for seq in range(4)),
            *(own(seq, overrun('imu', seq, seq, LossCause.RING)) for seq in range(4)),
            *(own(4, overrun(f'producer {seq}', 0, 0, LossCause.RING)) for seq in range(4)),
            record('one too many', 0),
        ]
    )
    assert tally.untracked == 1
    assert Counter(tally.kinds) == {
        ('imu', 'kind 0'): 1,
        ('imu', 'kind 1'): 1,
        ('imu', OTHER_KINDS): 2,
        ('fdr', OTHER_KINDS): 8,
    }
    assert tally.claims[('imu', 7)] == {LossCause.RING: [Claim(0, 2, 3), Claim(3, 3, 1)]}
    assert (len(tally.claims), tally.unread_own) == (2, 3)


def test_no_kind_can_be_called_like_the_rest() -> None:
    """The name that stands for further kinds is longer than a kind may be."""
    assert len(OTHER_KINDS.encode()) > ID_BYTES_MAX


def test_the_last_drop_tells_of_all_that_were_before() -> None:
    """Also when what was said of those has been dropped itself, and whatever comes first."""
    second = dropped(1, {'imu': 2}, rolled_off=5, by_producer={'imu': 4, 'gps': 1})
    third = dropped(2, {'imu': 1}, rolled_off=6, by_producer={'imu': 5, 'gps': 1})
    for order in ([second, third], [third, second], [third, second, second]):
        tally = taken([own(place, drop) for place, drop in enumerate(order)])
        assert (tally.rolled_off, tally.records_rolled_off) == ({'imu': 5, 'gps': 1}, 6)
        assert sorted(tally.drops) == [1, 2]


def test_who_did_not_say_a_last_word() -> None:
    """Of those that speak of themselves; a producer that never does has none to say."""
    said = [record('a', seq)._replace(kind='producer_stats') for seq in (1, 3)]
    assert taken([record('a', 0), *said, record('a', 2), record('b', 0)]).open_ends() == ()
    assert taken([*said, record('a', 4), record('b', 0)]).open_ends() == ('a',)
