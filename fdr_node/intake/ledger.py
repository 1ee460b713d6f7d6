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
from fdr_node.intake.sessions import Session
from fdr_node.schema import LossCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fdr_node.record import RecordHead

# Sessions that are followed one by one; a further one is counted in total only. A hostile
# publisher can invent producers, and memory must not follow it.
SESSIONS_MAX = 1024

# The name under which the losses of those are reported.
OTHERS = '(others)'

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
        """Records lost, over all causes."""
        return self.lost.total()


class Ledger:
    """
    The account of one flight; safe to use from the intake and the writer thread.

    :param started_ns: CLOCK_MONOTONIC when the subscription was made.
    """

    def __init__(self, *, started_ns: int) -> None:
        self._started_ns = started_ns
        self._sessions: dict[tuple[str, int], Session] = {}
        self._given_up: dict[tuple[str, int], Counter[LossCause]] = {}
        self._reports: dict[tuple[str, int, LossCause], Loss] = {}
        self._malformed = 0
        self._untracked = 0
        self._lock = Lock()

    @property
    def malformed(self) -> int:
        """Messages that were no FdrRecord; no producer can be named for them."""
        return self._malformed

    @property
    def untracked(self) -> int:
        """Records of producers beyond the bound; they are recorded, their losses not seen."""
        return self._untracked

    def observe(self, heads: Iterable[RecordHead], now_ns: int) -> None:
        """
        Count records that came, in the order in which they came.

        :param now_ns: CLOCK_MONOTONIC now.
        """
        sessions = self._sessions
        with self._lock:
            for head in heads:
                session = sessions.get((head.producer_id, head.session_id))
                if session is None:
                    session = self._begin(head, now_ns)
                if session is not None:
                    session.observe(head.seq, now_ns)

    def give_up(self, heads: Iterable[RecordHead], cause: LossCause) -> None:
        """Count records that came and were lost afterwards."""
        with self._lock:
            for head in heads:
                key = (head.producer_id, head.session_id)
                if key in self._sessions:
                    self._given_up.setdefault(key, Counter())[cause] += 1
                self._report(head, cause)

    def note_malformed(self, count: int) -> None:
        """Count messages that were no FdrRecord."""
        with self._lock:
            self._malformed += count

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
                losses += [
                    Loss(
                        producer_id,
                        session_id,
                        *missing,
                        LossCause.TRANSPORT,
                    )
                    for missing in session.due(before_ns)
                ]
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
                if session.missing:
                    account.lost[LossCause.TRANSPORT] += session.missing
                account.lost += self._given_up.get(key, Counter())
            return accounts

    def _begin(self, head: RecordHead, now_ns: int) -> Session | None:
        if len(self._sessions) >= SESSIONS_MAX:
            self._untracked += 1
            return None
        joined = now_ns - self._started_ns <= JOINING_NS
        session = Session(head.seq if joined else 0)
        self._sessions[head.producer_id, head.session_id] = session
        return session

    def _report(self, head: RecordHead, cause: LossCause) -> None:
        # One report per session and cause: memory stays bounded while the writer is stalled.
        key = (head.producer_id, head.session_id, cause)
        if key[:2] not in self._sessions:
            key = (OTHERS, 0, cause)
        report = self._reports.get(key) or Loss(*key[:2], head.seq, head.seq, 0, cause)
        self._reports[key] = report._replace(
            first_seq=min(report.first_seq, head.seq),
            last_seq=max(report.last_seq, head.seq),
            records=report.records + 1,
        )
