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
Knows for every producer what it published, what came, and what was lost where.

It is told of every record that came and of every one that was given up afterwards; numbers that
are missing in between were lost before they came. It writes nothing: the losses it hands out
become ``overrun`` records elsewhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.intake.sessions import Room, Session
from fdr_node.schema import LossCause, OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fdr_node.intake.ring import Entry
    from fdr_node.intake.sessions import Missing
    from fdr_node.record import RecordHead
    from fdr_node.schema import ProducerStats

# Sessions that are followed one by one; a further one is counted in total only. A hostile
# publisher can invent producers, and memory must not follow it.
SESSIONS_MAX = 1024

# Open holes of all sessions together, beyond those which each may have anyway.
ROOM_HOLES = 65_536

# A missing number is not called lost before this time: a record may overtake another one.
REORDERING_NS = NS_PER_S // 10

# Discovery takes up to 3 s. A session first heard of within this time of the start may have begun
# before the flight, so its earlier numbers are not this flight's.
JOINING_NS = 3 * NS_PER_S


class Loss(NamedTuple):
    """
    Records of one producer session that are not in the flight.

    :param first_seq: number of the first.
    :param last_seq: number of the last, included.
    :param records: how many, at most ``last_seq - first_seq + 1``.
    """

    producer_id: str
    session_id: int
    first_seq: int
    last_seq: int
    records: int
    cause: LossCause


@dataclass(slots=True)
class Account:
    """
    What is known of one producer over all its sessions.

    :param published: records it published in the flight, as far as can be seen.
    :param duplicates: records that came with a number that had come before.
    :param before_flight: records it had published before the flight began.
    :param lost: records lost, by cause.
    """

    published: int = 0
    duplicates: int = 0
    before_flight: int = 0
    lost: Counter[LossCause] = field(default_factory=Counter)

    @property
    def lost_total(self) -> int:
        """Return the records lost, over all causes."""
        return self.lost.total()


class Ledger:
    """
    The account of one flight; safe to use from the intake and the writer thread.

    :param started_ns: CLOCK_MONOTONIC when the subscription was made.
    """

    def __init__(self, *, started_ns: int) -> None:
        self._started_ns = started_ns
        self._sessions: dict[tuple[str, int], Session] = {}
        self._room = Room(ROOM_HOLES)
        # Records of further sessions, by producer as far as the producer is followed.
        self._untracked: Counter[str] = Counter()
        self._producers: set[str] = {OTHERS}
        self._given_up: dict[tuple[str, int], Counter[LossCause]] = {}
        self._reports: dict[tuple[str, int, LossCause], Loss] = {}
        self._malformed = 0
        self._lock = Lock()

    @property
    def malformed(self) -> int:
        """Messages that were no FdrRecord; no producer can be named for them."""
        return self._malformed

    @property
    def untracked(self) -> int:
        """Return the records of sessions beyond the bound, of which no hole is seen."""
        return self._untracked.total()

    def listen(self, now_ns: int) -> None:
        """
        Say that the subscription was made now; until then nothing could come.

        :param now_ns: CLOCK_MONOTONIC now.
        """
        with self._lock:
            self._started_ns = now_ns

    def observe(self, heads: Iterable[RecordHead], now_ns: int, *, is_full: bool = False) -> None:
        """
        Count records that came, in the order in which they came.

        :param now_ns: CLOCK_MONOTONIC now.
        :param is_full: whether the history that they waited in was full.
        """
        sessions = self._sessions
        with self._lock:
            for head in heads:
                _, _, session_id, seq, _, producer_id, _, _ = head
                session = sessions.get((producer_id, session_id))
                if session is None:
                    session = self._begin(head, now_ns)
                    if session is None:
                        continue
                if seq == session.next_seq:
                    # As observe() would; nearly every record comes in its turn.
                    session.next_seq = seq + 1
                    session.received += 1
                else:
                    session.observe(seq, now_ns, is_full=is_full)

    def follows(self, head: RecordHead) -> bool:
        """Return whether the session of a record is followed by itself."""
        return (head.producer_id, head.session_id) in self._sessions

    def account_of(self, producer_id: str) -> str:
        """Return under which name a producer's records are counted: its own, or OTHERS."""
        return producer_id if producer_id in self._producers else OTHERS

    def by_account(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the records with the name under which each is counted for its producer."""
        if self._producers.issuperset([entry.head.producer_id for entry in entries]):
            return entries
        return [entry._replace(head=self._by_account(entry.head)) for entry in entries]

    def _by_account(self, head: RecordHead) -> RecordHead:
        return head._replace(producer_id=self.account_of(head.producer_id))

    def note_stats(self, head: RecordHead, stats: ProducerStats) -> None:
        """
        Hear what a producer says about its session; of another session it has nothing to say.

        :param head: of the record that says so, which was observed.
        """
        with self._lock:
            session = self._sessions.get((head.producer_id, head.session_id))
            if session is not None and stats.session_id == head.session_id:
                session.note_dropped(head.seq, stats.dropped)

    def give_up(self, heads: Iterable[RecordHead], cause: LossCause) -> None:
        """Count records that came and were lost afterwards."""
        with self._lock:
            for head in heads:
                key = (head.producer_id, head.session_id)
                if key in self._sessions:
                    self._lose(key, cause, seq=head.seq)
                else:
                    self._lose((self.account_of(head.producer_id), 0), cause)

    def note_malformed(self, count: int) -> None:
        """Count messages that were no FdrRecord."""
        with self._lock:
            self._malformed += count
            self._lose((OTHERS, 0), LossCause.MALFORMED, records=count)

    def take_losses(self, now_ns: int, *, is_final: bool = False) -> list[Loss]:
        """
        Hand out the losses that were not handed out before.

        :param now_ns: CLOCK_MONOTONIC now.
        :param is_final: the flight ends: nothing that is missing can come any more.
        """
        before_ns = now_ns if is_final else now_ns - REORDERING_NS
        with self._lock:
            losses = list(self._reports.values())
            self._reports.clear()
            for (producer_id, session_id), session in self._sessions.items():
                for missing in session.due(before_ns):
                    losses += _losses(producer_id, session_id, missing)
            return losses

    def accounts(self) -> dict[str, Account]:
        """Return the account of every producer as it stands."""
        with self._lock:
            accounts: dict[str, Account] = {}
            for key, session in self._sessions.items():
                account = accounts.setdefault(key[0], Account())
                account.published += session.published
                account.duplicates += session.duplicates
                account.before_flight += session.first_seq
                account.lost += Counter(
                    _by_cause(session.missing, session.queued, session.overwritten)
                )
            for name, count in (*self._untracked.items(), (OTHERS, self._malformed)):
                if count:
                    accounts.setdefault(name, Account()).published += count
            for key, lost in self._given_up.items():
                account = accounts.setdefault(key[0], Account())
                account.lost += lost
            return accounts

    def _begin(self, head: RecordHead, now_ns: int) -> Session | None:
        if len(self._sessions) >= SESSIONS_MAX:
            self._untracked[self.account_of(head.producer_id)] += 1
            return None
        joined = now_ns - self._started_ns <= JOINING_NS
        session = Session(head.seq if joined else 0, self._room)
        self._sessions[head.producer_id, head.session_id] = session
        self._producers.add(head.producer_id)
        return session

    def _lose(
        self, key: tuple[str, int], cause: LossCause, *, records: int = 1, seq: int | None = None
    ) -> None:
        self._given_up.setdefault(key, Counter())[cause] += records
        # One report per session and cause: memory stays bounded while the writer is stalled.
        report = self._reports.get((*key, cause))
        if report is not None:
            records += report.records
        # Numbers of several sessions make no span, so theirs is as long as they are many.
        first_seq, last_seq = (0, records - 1) if seq is None else (seq, seq)
        if report is not None and seq is not None:
            first_seq, last_seq = min(report.first_seq, seq), max(report.last_seq, seq)
        self._reports[*key, cause] = Loss(*key, first_seq, last_seq, records, cause)


def _losses(producer_id: str, session_id: int, missing: Missing) -> list[Loss]:
    """Return the losses of one span, by cause."""
    counts = _by_cause(missing.records, missing.queued, missing.overwritten)
    return [
        Loss(producer_id, session_id, missing.first, missing.last, count, cause)
        for cause, count in counts.items()
        if count
    ]


def _by_cause(records: int, queued: int, overwritten: int) -> dict[LossCause, int]:
    """Return what became of missing records: dropped by the producer, overwritten, or gone."""
    return {
        LossCause.PRODUCER_QUEUE: queued,
        LossCause.INTAKE_QUEUE: overwritten,
        LossCause.TRANSPORT: records - queued - overwritten,
    }
