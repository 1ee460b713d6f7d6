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
"""The count of one session against a plain set of numbers, and its bounds."""

from __future__ import annotations

from fdr_node.intake import sessions
from fdr_node.intake.sessions import DUE_MAX, HOLES_MAX, Missing, Room, ROOM_SHARE_MAX, Session
from hypothesis import given
from hypothesis import strategies as st
import pytest

U64_MAX = 2**64 - 1
NOW_NS = 10**9


def whole(session: Session) -> dict[str, object]:
    """Return all that a session knows."""
    return {
        'published': session.published,
        'received': session.received,
        'missing': session.missing,
        'duplicates': session.duplicates,
        'holes': [(hole.first, hole.last) for hole in session.holes],
    }


def observed(first_seq: int, *seqs: int) -> Session:
    """Return a session that has seen these numbers in turn, one nanosecond after the other."""
    session = Session(first_seq)
    for now_ns, seq in enumerate(seqs):
        session.observe(seq, now_ns)
    return session


@pytest.mark.parametrize(
    ('first_seq', 'seqs', 'state'),
    [
        pytest.param(0, [], (0, 0, 0, 0, []), id='nothing yet'),
        pytest.param(0, [0, 1, 2], (3, 3, 0, 0, []), id='in order'),
        pytest.param(0, [0, 3], (4, 2, 2, 0, [(1, 2)]), id='a hole'),
        pytest.param(0, [2], (3, 1, 2, 0, [(0, 1)]), id='a hole at the start'),
        pytest.param(5, [5, 7], (3, 2, 1, 0, [(6, 6)]), id='joined later'),
        pytest.param(5, [5, 4], (2, 2, 0, 0, []), id='overtaken by the first one'),
        pytest.param(5, [5, 2, 3], (4, 3, 1, 0, [(4, 4)]), id='overtaken by far'),
        pytest.param(5, [5, 4, 4], (2, 2, 0, 1, []), id='overtaken, and twice'),
        pytest.param(0, [0, 1, 1], (2, 2, 0, 1, []), id='twice'),
        pytest.param(0, [0, 4, 1], (5, 3, 2, 0, [(2, 3)]), id='late: first of a hole'),
        pytest.param(0, [0, 4, 3], (5, 3, 2, 0, [(1, 2)]), id='late: last of a hole'),
        pytest.param(0, [0, 4, 2], (5, 3, 2, 0, [(1, 1), (3, 3)]), id='late: middle of a hole'),
        pytest.param(0, [0, 2, 1, 1], (3, 3, 0, 1, []), id='late and twice'),
        pytest.param(0, [1, 3, 2, 0], (4, 4, 0, 0, []), id='all of it the wrong way round'),
        pytest.param(
            0, [2**63], (2**63 + 1, 1, 2**63, 0, [(0, 2**63 - 1)]), id='a jump of half the range'
        ),
        pytest.param(
            0,
            [0, U64_MAX, 0],
            (2**64, 2, U64_MAX - 1, 1, [(1, U64_MAX - 1)]),
            id='to the end of the range and back to 0',
        ),
    ],
)
def test_state_after(
    first_seq: int, seqs: list[int], state: tuple[int, int, int, int, list[tuple[int, int]]]
) -> None:
    """Every number is once in one of the counts."""
    keys = ('published', 'received', 'missing', 'duplicates', 'holes')
    assert whole(observed(first_seq, *seqs)) == dict(zip(keys, state, strict=True))


def test_a_hole_is_handed_out_once_and_only_when_it_is_old_enough() -> None:
    """A hole counts from the moment a later number was seen; a late record shortens it."""
    session = Session(0)
    session.observe(0, 10)
    session.observe(4, 20)
    session.observe(6, 30)
    assert session.due(19) == []
    assert session.due(20) == [Missing(1, 3, 3)]
    session.observe(2, 40)
    assert session.due(29) == []
    assert session.due(30) == [Missing(5, 5, 1)]
    assert session.due(1000) == []
    assert whole(session)['holes'] == [(1, 1), (3, 3), (5, 5)]


def test_the_oldest_hole_is_closed_for_good_beyond_the_bound() -> None:
    """It stays counted and is handed out at once; what fills it later is a duplicate."""
    session = observed(0, *range(0, 2 * HOLES_MAX + 3, 2))
    assert len(session.holes) == HOLES_MAX
    assert (session.holes[0].first, session.missing) == (3, HOLES_MAX + 1)
    assert session.due(-1) == [Missing(1, 1, 1)]
    session.observe(1, 0)
    assert (session.missing, session.duplicates) == (HOLES_MAX + 1, 1)


def test_a_hole_that_was_handed_out_is_not_so_again_when_it_is_closed() -> None:
    """Closing one that nobody has been told of is what remains to be told."""
    session = observed(0, *range(0, 2 * HOLES_MAX + 1, 2))
    assert sum(missing.records for missing in session.due(1)) == 1
    session.observe(2 * HOLES_MAX + 2, 1000)
    session.observe(2 * HOLES_MAX + 4, 1000)
    assert session.due(-1) == [Missing(3, 3, 1)]


def test_closed_holes_that_nobody_asked_for_become_one() -> None:
    """Memory does not grow with them, and the count of what is missing between stays exact."""
    session = observed(0, *range(0, 2 * HOLES_MAX + 9, 2))
    assert session.due(-1) == [Missing(1, 7, 4)]


def test_filling_the_middle_of_a_hole_again_and_again_keeps_the_bound() -> None:
    """A long hole must not become thousands of short ones."""
    count = 20 * HOLES_MAX
    session = observed(0, 0, 2 * count, *range(2, 2 * count, 2))
    assert len(session.holes) <= HOLES_MAX
    assert session.missing == count
    assert session.received + session.duplicates == count + 1
    assert session.published == session.received + session.missing


def test_room_is_for_all_and_none_of_it_gets_lost() -> None:
    """Who comes late has what every session has; what one needs no more is for others."""
    room = Room(3)
    one, two = Session(0, room), Session(0, room)
    for seq in range(0, 2 * HOLES_MAX + 9, 2):
        one.observe(seq, 0)
    assert (len(one.holes), one.missing, room.left) == (HOLES_MAX + 3, HOLES_MAX + 4, 0)
    for seq in range(0, 2 * HOLES_MAX + 9, 2):
        two.observe(seq, 0)
    assert (len(two.holes), two.missing, room.left) == (HOLES_MAX, HOLES_MAX + 4, 0)
    for hole in list(one.holes)[:5]:
        one.observe(hole.first, 0)
    assert (len(one.holes), one.duplicates, room.left) == (HOLES_MAX - 2, 0, 3)


def test_no_session_takes_all_the_room() -> None:
    """One that has more holes than that is not what the room is for."""
    assert Room(ROOM_SHARE_MAX + 1).exchange(0, ROOM_SHARE_MAX + 1) == ROOM_SHARE_MAX


def test_many_holes_are_handed_out_as_few_losses() -> None:
    """Each becomes a record of the log, and that many would be a load of their own."""
    session = Session(0, Room(ROOM_SHARE_MAX))
    for seq in range(0, 2 * DUE_MAX + 5, 2):
        session.observe(seq, 0)
    due = session.due(0)
    assert (len(due), sum(missing.records for missing in due)) == (DUE_MAX, DUE_MAX + 2)
    assert due[:2] == [Missing(1, 5, 3), Missing(7, 7, 1)]
    assert session.due(0) == []


class Oracle:
    """The same count by sets of numbers, without a thought for memory."""

    def __init__(self, first_seq: int, holes_max: int) -> None:
        self.holes_max = holes_max
        self.first_seq = self.next_seq = first_seq
        self.unseen: set[int] = set()
        self.closed: set[int] = set()
        self.noticed: dict[int, int] = {}
        self.told: set[int] = set()
        self.received = self.duplicates = 0

    def observe(self, seq: int, now_ns: int) -> None:
        """Count a record."""
        if seq >= self.next_seq:
            new = range(self.next_seq, seq)
            self.unseen.update(new)
            self.noticed.update(dict.fromkeys(new, now_ns))
            self.next_seq = seq + 1
            self.received += 1
        elif seq < self.first_seq:
            new = range(seq + 1, self.first_seq)
            self.unseen.update(new)
            self.noticed.update(dict.fromkeys(new, now_ns))
            self.first_seq = seq
            self.received += 1
        elif seq in self.unseen:
            self.unseen.remove(seq)
            self.received += 1
        else:
            self.duplicates += 1
        while len(holes := self.holes()) > self.holes_max:
            first, last = holes[0]
            self.unseen -= set(range(first, last + 1))
            self.closed |= set(range(first, last + 1))

    def holes(self) -> list[tuple[int, int]]:
        """Return the runs of unseen numbers."""
        starts = sorted(seq for seq in self.unseen if seq - 1 not in self.unseen)
        ends = sorted(seq for seq in self.unseen if seq + 1 not in self.unseen)
        return list(zip(starts, ends, strict=True))

    def due(self, before_ns: int) -> int:
        """Return how many numbers are to be told now."""
        ripe = {seq for seq in self.unseen if self.noticed[seq] <= before_ns}
        new = (ripe | self.closed) - self.told
        self.told |= new
        return len(new)


# A step is a number that comes, or None: somebody asks for what is due.
STEPS = st.lists(st.integers(0, 60) | st.none(), max_size=120)


@given(
    first_seq=st.integers(0, 10), steps=STEPS, lag_ns=st.integers(0, 20), room=st.integers(0, 4)
)
def test_any_order_counts_like_sets_of_numbers(
    first_seq: int, steps: list[int | None], lag_ns: int, room: int
) -> None:
    """Loss, duplicates and any order, with so few holes allowed that they are closed often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, 'HOLES_MAX', 3)
        patch.setattr(sessions, 'DUE_MAX', 2)
        session, oracle = Session(first_seq, Room(room)), Oracle(first_seq, 3 + room)
        # A session begins with the first number that is heard.
        for now_ns, step in enumerate([first_seq, *steps]):
            if step is None:
                told = session.due(now_ns - lag_ns)
                assert sum(missing.records for missing in told) == oracle.due(now_ns - lag_ns)
                assert all(m.first <= m.last and m.records <= m.last - m.first + 1 for m in told)
            else:
                session.observe(step, now_ns)
                oracle.observe(step, now_ns)
            assert whole(session) == {
                'published': oracle.next_seq - oracle.first_seq,
                'received': oracle.received,
                'missing': len(oracle.unseen | oracle.closed),
                'duplicates': oracle.duplicates,
                'holes': oracle.holes(),
            }


@given(st.lists(st.integers(0, U64_MAX), max_size=200))
def test_any_numbers_at_all_keep_the_balance_and_the_bound(seqs: list[int]) -> None:
    """The whole range of the field, as a hostile producer may use it."""
    session = observed(0, *seqs)
    assert session.published == session.received + session.missing == max(seqs, default=-1) + 1
    assert session.received + session.duplicates == len(seqs)
    assert len(session.holes) <= HOLES_MAX
    told = session.due(len(seqs))
    assert sum(missing.records for missing in told) == session.missing


def test_what_the_producer_dropped_itself_is_no_loss_of_the_transport() -> None:
    """It says how many; a hole that was noticed before it spoke counts among them."""
    session = observed(0, 0, 3, 5)
    session.note_dropped(seq=5, dropped=2)
    assert (session.missing, session.queued) == (3, 2)
    assert session.due(NOW_NS) == [Missing(1, 2, 2, queued=2), Missing(4, 4, 1)]
    # Three more, of which one was already handed out without a name.
    session.observe(9, NOW_NS)
    session.note_dropped(seq=9, dropped=5)
    assert session.queued == 5
    assert session.due(NOW_NS) == [Missing(6, 8, 3, queued=3)]


def test_holes_handed_out_before_the_producer_spoke_are_not_named_twice() -> None:
    """What it says about them does not become the name of later holes."""
    session = observed(0, 0, 3)
    assert session.due(NOW_NS) == [Missing(1, 2, 2)]
    session.observe(5, NOW_NS)
    session.note_dropped(seq=5, dropped=2)
    assert session.due(NOW_NS) == [Missing(4, 4, 1)]
    assert session.queued == 2


def test_holes_behind_what_the_producer_said_are_not_its_own() -> None:
    """It speaks of the numbers below its own record only."""
    session = observed(0, 0, 2)
    session.note_dropped(seq=0, dropped=1)
    assert session.due(NOW_NS) == [Missing(1, 1, 1)]


@pytest.mark.parametrize(
    ('told', 'queued'),
    [
        pytest.param([7], 3, id='more than is missing'),
        pytest.param([2**64 - 1, 0], 3, id='less than before'),
        pytest.param([0], 0, id='nothing'),
    ],
)
def test_a_lie_about_drops_names_no_more_than_is_missing(told: list[int], queued: int) -> None:
    """The balance is made of numbers that came and of those that did not."""
    session = observed(0, 0, 4)
    for dropped in told:
        session.note_dropped(seq=4, dropped=dropped)
    assert (session.published, session.received, session.missing) == (5, 2, 3)
    assert session.queued == queued


def test_what_was_dropped_before_the_flight_is_not_of_the_flight() -> None:
    """Of a session that began earlier only what it drops from then on counts."""
    session = observed(100, 100, 103)
    session.note_dropped(seq=103, dropped=60)
    assert session.queued == 0
    session.observe(105, NOW_NS)
    session.note_dropped(seq=105, dropped=61)
    assert session.queued == 1
