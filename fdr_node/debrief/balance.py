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

from fdr_node.debrief.proof import Proof, prove
from fdr_node.schema import LossCause, OTHERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.debrief.tally import Tally
    from fdr_node.schema import FlightFooter, ProducerTotals

# Causes of a loss that only show after the flight, beside those of LossCause: the record went
# with a segment that was dropped, or it was written and cannot be read now, or it was written to
# a directory of the flight that is not here.
ROLLED_OFF: Final = 'rolled_off'
UNREADABLE: Final = 'unreadable'
ELSEWHERE: Final = 'elsewhere'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    What became of the records of one producer.

    :param published: records that it published in the flight
    :param recorded: those that can be read, duplicates included
    :param lost_by: those that cannot, by cause; no cause has 0
    :param duplicates: records that came with a number that had come before
    :param before_flight: records that it had published before the flight; None when nothing is
        left to tell
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
        """Return records that are not in the log, over all causes."""
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
    :param records_rolled_off: records in dropped segments
    :param rolled_off: those of them that the log still names, by producer
    :param has_start: whether the records since the start of the flight should all be there
    :param has_inner_drops: some of the dropped segments were behind one that is there
    :param is_whole: every directory of the flight is here
    """

    tally: Tally
    footer: FlightFooter | None
    unreadable: Mapping[str, int]
    records_rolled_off: int
    rolled_off: Mapping[str, int]
    has_start: bool
    has_inner_drops: bool = False
    is_whole: bool = True


def settle(evidence: Evidence) -> dict[str, Account]:
    """Return the account of every producer, by its name, in the order of the names."""
    footer = evidence.footer
    proof = prove(evidence.tally, has_start=evidence.has_start)
    names = proof.keys() | evidence.rolled_off.keys() | evidence.unreadable.keys()
    totals = footer.producers if footer else {}
    is_complete = footer is not None and not footer.producers_omitted
    unreadable = _find_unreadable(evidence, proof)
    accounts: dict[str, Account] = {}
    for name, total in totals.items():
        if name == OTHERS and counts_together(footer):
            continue
        known = proof.get(name, Proof())
        gone = _gone(evidence, name, max(0, total.recorded - known.recorded), unreadable)
        accounts[name] = _by_footer(evidence, total, known, gone)
    others = {name: proof.get(name, Proof()) for name in names - totals.keys()}
    if counts_together(footer):
        accounts[OTHERS] = _together(evidence, totals[OTHERS], others, proof.get(OTHERS, Proof()))
        others = {}
    rolled_off = _find_rolled_off(evidence, others, accounts)
    for name, known in others.items():
        accounts[name] = _by_sequence(
            evidence, name, known, rolled_off=rolled_off.get(name, 0), is_unknown=is_complete
        )
    return dict(sorted(accounts.items()))


def counts_together(footer: FlightFooter | None) -> bool:
    """Return whether all producers that the footer does not name are in one account there."""
    return (
        footer is not None
        and OTHERS in footer.producers
        and (footer.producers[OTHERS].recorded > 0)
    )


def check_totals(evidence: Evidence, accounts: Mapping[str, Account]) -> list[str]:
    """
    Hold the totals of the footer against the records of all producers together.

    :return: what does not add up and is not in an account already, in words
    """
    found: list[str] = []
    missing = _missing_written(evidence)
    unreadable = sum(account.lost_by.get(UNREADABLE, 0) for account in accounts.values())
    if missing < 0:
        found.append(f'records that can be read beyond those that the footer counts: {-missing}')
    if missing > unreadable and evidence.is_whole:
        count = missing - unreadable
        found.append(
            f'records that were written and cannot be read, of unknown producers: {count}'
        )
    footer, count = evidence.footer, evidence.records_rolled_off - _rolled_off(accounts)
    is_named = footer is not None and not footer.producers_omitted
    if count > 0 and evidence.is_whole and not is_named:
        found.append(f'records in dropped segments, of unknown producers: {count}')
    if evidence.tally.untracked and not counts_together(footer):
        found.append(f'records of more sessions than are followed: {evidence.tally.untracked}')
    return found


def _together(
    evidence: Evidence, totals: ProducerTotals, others: Mapping[str, Proof], own: Proof
) -> Account:
    """Settle the account of all that the footer counts together; their numbers prove nothing."""
    proofs = [own, *others.values()]
    recorded = sum(proof.recorded for proof in proofs) + evidence.tally.untracked
    unreadable = {OTHERS: sum(evidence.unreadable.get(name, 0) for name in (OTHERS, *others))}
    gone = _gone(evidence, OTHERS, max(0, totals.recorded - recorded), unreadable)
    lost_by = Counter({str(cause): count for cause, count in totals.lost.items()})
    lost_by.update(gone)
    together = Proof(distinct=recorded)
    unnamed = totals.published + totals.duplicates - recorded - lost_by.total()
    lost_by[LossCause.UNKNOWN] += max(0, unnamed)
    return Account(
        published=totals.published,
        recorded=recorded,
        lost_by=_positive(lost_by),
        duplicates=totals.duplicates,
        before_flight=totals.before_flight,
        sessions=sum(proof.sessions for proof in proofs),
        contradictions=tuple(_of_counts(evidence, totals, together, gone, unnamed)),
    )


def _missing_written(evidence: Evidence) -> int:
    """Return the records that the footer counts as written and that no drop explains."""
    tally, footer = evidence.tally, evidence.footer
    if footer is None:
        return 0
    recorded = tally.recorded().total() + tally.untracked
    return footer.records_written - footer.records_rolled_off - recorded


def _find_rolled_off(
    evidence: Evidence, others: Mapping[str, Proof], accounts: Mapping[str, Account]
) -> Mapping[str, int]:
    """
    Return the records in dropped segments, by producer, of those that no footer counts.

    What the log says of the first ones that were dropped is dropped itself in time. The numbers
    before the first ones that are left tell as much, if they add up to all that was dropped.

    :param others: what is proven of them
    :param accounts: of the producers that the footer counts
    """
    ahead = {name: known.ahead for name, known in others.items()}
    is_exact = sum(ahead.values()) == evidence.records_rolled_off - _rolled_off(accounts)
    return ahead if is_exact and evidence.is_whole else evidence.rolled_off


def _rolled_off(accounts: Mapping[str, Account]) -> int:
    return sum(account.lost_by.get(ROLLED_OFF, 0) for account in accounts.values())


def _by_sequence(
    evidence: Evidence, name: str, proof: Proof, *, rolled_off: int, is_unknown: bool
) -> Account:
    """Settle the account from the records alone."""
    unreadable = evidence.unreadable.get(name, 0)
    unnamed = proof.missing - proof.named.total()
    # Unreadable ones at either end of a session are no holes: they come on top.
    ends = max(0, unreadable - unnamed)
    holes = max(0, unnamed - unreadable)
    # So are dropped ones, unless a dropped segment was between others.
    inside = min(holes, rolled_off) if evidence.has_inner_drops else 0
    lost_by = Counter(proof.named)
    lost_by[ROLLED_OFF] = rolled_off
    lost_by[UNREADABLE] = unreadable
    lost_by[LossCause.UNKNOWN] += holes - inside
    return Account(
        published=proof.published + ends + rolled_off - inside,
        recorded=proof.recorded,
        lost_by=_positive(lost_by),
        duplicates=proof.duplicates,
        # Numbers ahead of the first one may then be of the flight or of the time before.
        before_flight=None if ends or not evidence.has_start else proof.before_flight,
        sessions=proof.sessions,
        contradictions=('the footer does not name it',) if is_unknown else (),
    )


def _find_unreadable(evidence: Evidence, proof: Mapping[str, Proof]) -> Mapping[str, int] | None:
    """
    Return which of the records that were written cannot be read, by producer.

    The total is known from the footer. Who they are from is told by the footers of damaged
    segments, or, when a whole segment is gone, by the numbers that are missing.

    :return: None when neither fits the total
    """
    missing = _missing_written(evidence)
    if sum(evidence.unreadable.values()) == missing or not evidence.is_whole:
        return evidence.unreadable
    totals = evidence.footer.producers if evidence.footer else {}
    numbers: dict[str, int] = {}
    for name, total in totals.items():
        if name == OTHERS:
            continue
        known = proof.get(name, Proof())
        tail = total.published + total.before_flight - known.reach
        numbers[name] = max(0, known.missing - known.named.total()) + max(0, tail)
    return numbers if sum(numbers.values()) == missing else None


def _gone(
    evidence: Evidence, name: str, absent: int, unreadable: Mapping[str, int] | None
) -> dict[str, int]:
    """
    Say why records of a producer were written and are not there.

    :param absent: how many
    :param unreadable: which cannot be read, by producer, as far as that is known
    """
    rolled_off = 0
    if evidence.footer is None or not evidence.footer.rollover_count:
        pass
    elif unreadable is not None and evidence.is_whole:
        rolled_off = absent - min(absent, unreadable.get(name, 0))
    else:
        # Only what the log itself still calls dropped is known to have been dropped.
        rolled_off = min(absent, evidence.rolled_off.get(name, 0))
    left = absent - rolled_off
    damaged = left if evidence.is_whole else min(left, (unreadable or {}).get(name, 0))
    return {ROLLED_OFF: rolled_off, UNREADABLE: damaged, ELSEWHERE: left - damaged}


def _by_footer(
    evidence: Evidence, totals: ProducerTotals, proof: Proof, gone: Mapping[str, int]
) -> Account:
    """Settle the account from the footer, and hold the sequence numbers against it."""
    lost_by = Counter({str(cause): count for cause, count in totals.lost.items()})
    lost_by.update(gone)
    published = max(totals.published, proof.published)
    unnamed = published + totals.duplicates - proof.recorded - lost_by.total()
    lost_by[LossCause.UNKNOWN] += max(0, unnamed)
    return Account(
        published=published,
        recorded=proof.recorded,
        lost_by=_positive(lost_by),
        duplicates=totals.duplicates,
        before_flight=totals.before_flight,
        sessions=proof.sessions,
        contradictions=(
            *_of_numbers(evidence, totals, proof, gone[UNREADABLE]),
            *_of_counts(evidence, totals, proof, gone, unnamed),
        ),
    )


def _of_numbers(
    evidence: Evidence, totals: ProducerTotals, proof: Proof, unreadable: int
) -> list[str]:
    """Return where the sequence numbers contradict the footer."""
    if not evidence.has_start:
        # Whole sessions may have rolled off, so more can have been published than is seen here.
        claimed = totals.published + totals.before_flight
        is_wrong = proof.reach > claimed
        return [f'its numbers reach {proof.reach}, those of the footer {claimed}'] * is_wrong
    if totals.published - unreadable <= proof.published <= totals.published:
        return []
    return [f'its numbers show {proof.published} published records, the footer {totals.published}']


def _of_counts(
    evidence: Evidence,
    totals: ProducerTotals,
    proof: Proof,
    gone: Mapping[str, int],
    unnamed: int,
) -> list[str]:
    """Return where what was read contradicts what the footer counts."""
    found: list[str] = []
    unreadable = gone[UNREADABLE]
    if proof.recorded > totals.recorded:
        found.append(
            f'records that can be read: {proof.recorded}, by the footer: {totals.recorded}'
        )
    if unreadable:
        found.append(f'records that were written and cannot be read: {unreadable}')
    # What was lost before the first record that is left is no hole.
    in_holes = unreadable + gone[ELSEWHERE] + gone[ROLLED_OFF] * evidence.has_inner_drops
    holes = proof.missing - sum(totals.lost.values()) - in_holes
    if max(unnamed, holes) > 0:
        found.append(f'missing records whose loss nothing names: {max(unnamed, holes)}')
    if unnamed < 0:
        found.append(
            f'records that are recorded or named as lost beyond those published: {-unnamed}'
        )
    return found


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {str(cause): count for cause, count in sorted(counts.items()) if count > 0}
