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
Says for every producer what it published, what is in the log, and what became of the rest.

Two witnesses are heard: the sequence numbers of the records that can be read now, and the footer
that the recorder wrote from its own counts. The numbers are settled so that published plus
duplicates is recorded plus lost wherever that can be; where the witnesses contradict each other,
it says so. Pure: counts in, accounts out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TYPE_CHECKING

from fdr_node.schema import LossCause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.debrief.tally import Claim, Tally
    from fdr_node.schema import FlightFooter, ProducerTotals

# Causes of a loss that only show after the flight, beside those of LossCause: the record went
# with a segment that was dropped to keep the cap, or it was written and cannot be read now.
ROLLED_OFF: Final = 'rolled_off'
UNREADABLE: Final = 'unreadable'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    What became of the records of one producer.

    :param published: records that it published in the flight
    :param recorded: those that can be read, duplicates included
    :param lost_by: those that cannot, by cause; no cause has 0
    :param duplicates: records that came with a number that had come before
    :param before_flight: records that it had published before the flight; None when the start
        of the flight is no longer there to tell
    :param sessions: starts of the producer that are known of
    :param contradictions: what does not add up, in words
    """

    published: int = 0
    recorded: int = 0
    lost_by: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    before_flight: int | None = 0
    sessions: int = 0
    contradictions: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """Records that are not in the log, over all causes."""
        return sum(self.lost_by.values())

    @property
    def is_balanced(self) -> bool:
        """Whether it adds up and the witnesses agree."""
        adds_up = self.published + self.duplicates == self.recorded + self.lost
        return adds_up and not self.contradictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    All that is known of a flight's records.

    :param tally: what was read
    :param footer: what the recorder counted; None when the flight was not closed, or when only
        a part of it is looked at
    :param unreadable: records that cannot be read, by producer, in segments whose own footer
        counts them
    :param rolled_off: records in dropped segments that the log still names, by producer
    :param has_start: whether the records since the start of the flight should all be there
    """

    tally: Tally
    footer: FlightFooter | None
    unreadable: Mapping[str, int]
    rolled_off: Mapping[str, int]
    has_start: bool


def settle(evidence: Evidence) -> dict[str, Account]:
    """Return the account of every producer, by its name."""
    tally, footer = evidence.tally, evidence.footer
    seen: dict[str, _Seen] = {}
    for key in tally.sessions.keys() | tally.claims.keys():
        _add_session(seen.setdefault(key[0], _Seen()), evidence, key)
    names = seen.keys() | evidence.rolled_off.keys() | evidence.unreadable.keys()
    totals = footer.producers if footer else {}
    is_complete = footer is not None and not footer.producers_omitted
    accounts: dict[str, Account] = {}
    for name in sorted(names | totals.keys()):
        known = seen.get(name, _Seen())
        if name in totals:
            gone = _gone(evidence, name, totals[name].recorded - known.recorded)
            accounts[name] = _by_footer(evidence, totals[name], known, gone)
        else:
            accounts[name] = _by_sequence(evidence, name, known, is_unknown=is_complete)
    return accounts


def check_totals(evidence: Evidence, accounts: Mapping[str, Account]) -> list[str]:
    """
    Hold the totals of the footer against the records of all producers together.

    :return: what does not add up and is not in an account already, in words
    """
    found: list[str] = []
    missing = _missing_written(evidence)
    unreadable = sum(account.lost_by.get(UNREADABLE, 0) for account in accounts.values())
    if missing < 0:
        found.append(f'{-missing} records more can be read than the footer counts as written')
    if missing > unreadable:
        found.append(f'{missing - unreadable} records more were written than can be read')
    if evidence.tally.untracked:
        found.append(f'{evidence.tally.untracked} records are of too many sessions to be followed')
    return found


def _missing_written(evidence: Evidence) -> int:
    """Return the records that the footer counts as written and that no drop explains."""
    tally, footer = evidence.tally, evidence.footer
    if footer is None:
        return 0
    recorded = tally.recorded().total() + tally.untracked
    return footer.records_written - footer.records_rolled_off - recorded


@dataclass(slots=True, kw_only=True)
class _Seen:
    """
    What the sequence numbers of one producer prove, over its sessions.

    :param published: numbers between the first and the last one known of
    :param reach: numbers up to the last one known of, also those before the flight
    :param distinct: those that were read
    :param named: those that were not read and that the log names as lost, by cause
    """

    published: int = 0
    reach: int = 0
    distinct: int = 0
    duplicates: int = 0
    before_flight: int = 0
    sessions: int = 0
    named: Counter[str] = field(default_factory=Counter)

    @property
    def recorded(self) -> int:
        """Records that were read."""
        return self.distinct + self.duplicates

    @property
    def missing(self) -> int:
        """Numbers that were not read."""
        return self.published - self.distinct


def _add_session(seen: _Seen, evidence: Evidence, key: tuple[str, int]) -> None:
    sequence = evidence.tally.sessions.get(key)
    by_cause = evidence.tally.claims.get(key, {})
    claims = [claim for claims in by_cause.values() for claim in claims]
    seen.sessions += 1
    if sequence is None:
        # Nothing of this session is left to be read.
        seen.named.update({str(cause): _count(claims) for cause, claims in by_cause.items()})
        seen.published += _count(claims)
        seen.reach += max(claim.last_seq for claim in claims) + 1
        return
    first, last = sequence.first_seq, sequence.next_seq - 1
    early = 0
    if evidence.has_start:
        first = min([first, *(claim.first_seq for claim in claims)])
        seen.before_flight += first
    else:
        # What is before the first number may have been lost or have rolled off.
        early = _count([claim for claim in claims if claim.last_seq < first])
    last = max([last, *(claim.last_seq for claim in claims)])
    published = last - first + 1 + early
    seen.published += published
    seen.reach += last + 1
    seen.distinct += sequence.distinct
    seen.duplicates += sequence.duplicates
    seen.named.update(_capped(by_cause, published - sequence.distinct))


def _capped(by_cause: Mapping[LossCause, list[Claim]], missing: int) -> dict[str, int]:
    """
    Return the losses that the log names, no more than numbers are missing.

    A record that was reported as lost in transport can still have come; what was lost later on
    was in the recorder's hands and is certain.
    """
    named: dict[str, int] = {}
    for cause in sorted(by_cause, key=lambda cause: cause is LossCause.TRANSPORT):
        named[cause] = min(_count(by_cause[cause]), missing)
        missing -= named[cause]
    return named


def _count(claims: list[Claim]) -> int:
    return sum(claim.count for claim in claims)


def _by_sequence(evidence: Evidence, name: str, seen: _Seen, *, is_unknown: bool) -> Account:
    """Settle the account from the records alone."""
    rolled_off = evidence.rolled_off.get(name, 0)
    unreadable = evidence.unreadable.get(name, 0)
    unnamed = seen.missing - seen.named.total()
    lost_by = Counter(seen.named)
    lost_by[ROLLED_OFF] = rolled_off
    lost_by[UNREADABLE] = unreadable
    # Unreadable ones at either end of a session are no holes: they come on top.
    lost_by[LossCause.UNKNOWN] += max(0, unnamed - unreadable)
    return Account(
        published=seen.published + max(0, unreadable - unnamed) + rolled_off,
        recorded=seen.recorded,
        lost_by=_positive(lost_by),
        duplicates=seen.duplicates,
        before_flight=seen.before_flight if evidence.has_start else None,
        sessions=seen.sessions,
        contradictions=('the footer does not name it',) if is_unknown else (),
    )


def _gone(evidence: Evidence, name: str, absent: int) -> dict[str, int]:
    """
    Say why records of a producer were written and are not there.

    :param absent: how many
    """
    absent = max(0, absent)
    damaged = min(absent, evidence.unreadable.get(name, 0))
    if evidence.has_start:
        rolled_off = 0
    elif _missing_written(evidence) == sum(evidence.unreadable.values()):
        rolled_off = absent - damaged
    else:
        # A segment is gone that was not dropped: only what the log itself calls dropped counts.
        rolled_off = min(absent - damaged, evidence.rolled_off.get(name, 0))
    return {ROLLED_OFF: rolled_off, UNREADABLE: absent - rolled_off}


def _by_footer(
    evidence: Evidence, totals: ProducerTotals, seen: _Seen, gone: Mapping[str, int]
) -> Account:
    """Settle the account from the footer, and hold the sequence numbers against it."""
    lost_by = Counter({str(cause): count for cause, count in totals.lost.items()})
    lost_by.update(gone)
    published = max(totals.published, seen.published)
    unnamed = published + totals.duplicates - seen.recorded - lost_by.total()
    lost_by[LossCause.UNKNOWN] += max(0, unnamed)
    return Account(
        published=published,
        recorded=seen.recorded,
        lost_by=_positive(lost_by),
        duplicates=totals.duplicates,
        before_flight=totals.before_flight,
        sessions=seen.sessions,
        contradictions=(
            *_of_numbers(evidence, totals, seen, gone[UNREADABLE]),
            *_of_counts(totals, seen, gone[UNREADABLE], unnamed),
        ),
    )


def _of_numbers(
    evidence: Evidence, totals: ProducerTotals, seen: _Seen, unreadable: int
) -> list[str]:
    """Return where the sequence numbers contradict the footer."""
    if not evidence.has_start:
        # Whole sessions may have rolled off, so more can have been published than is seen.
        claimed = totals.published + totals.before_flight
        is_wrong = seen.reach > claimed
        return [f'its numbers reach {seen.reach}, those of the footer {claimed}'] * is_wrong
    if totals.published - unreadable <= seen.published <= totals.published:
        return []
    return [f'its numbers show {seen.published} published records, the footer {totals.published}']


def _of_counts(totals: ProducerTotals, seen: _Seen, unreadable: int, unnamed: int) -> list[str]:
    """Return where what was read contradicts what the footer counts."""
    found: list[str] = []
    if seen.recorded > totals.recorded:
        found.append(f'{seen.recorded} records can be read, the footer counts {totals.recorded}')
    if unreadable:
        found.append(f'{unreadable} records were written and cannot be read')
    # What was lost before the first record that is left is no hole.
    holes = seen.missing - sum(totals.lost.values()) - unreadable
    if max(unnamed, holes) > 0:
        found.append(f'{max(unnamed, holes)} records are missing, and nothing names their loss')
    if unnamed < 0:
        found.append(f'{-unnamed} more are recorded or named as lost than were published')
    return found


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {str(cause): count for cause, count in sorted(counts.items()) if count > 0}
