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
Says what the sequence numbers in a log prove about each producer.

The numbers are those of the records that can be read, and of those that the recorder's own records
name as lost. No count of the recorder is heard here. Pure: a tally in, proofs out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TYPE_CHECKING

from fdr_node.schema import LossCause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fdr_node.debrief.sequences import Sequence as Numbers
    from fdr_node.debrief.tally import Claim, Tally

# Losses that are called so before the last of it is known.
_TAKEN_BACK: Final = (LossCause.TRANSPORT, LossCause.INTAKE_QUEUE)


@dataclass(slots=True, kw_only=True)
class Proof:
    """
    What is proven of one producer, over its sessions.

    :param published: numbers between the first and the last one known of
    :param reach: numbers up to the last one known of, also those before the flight
    :param ahead: numbers before the first one that was read, without those named as lost; 0 when
        the log has the start of the flight
    :param distinct: numbers that were read
    :param duplicates: records with a number that had been read before
    :param before_flight: numbers before the first one known of; 0 when the log does not have the
        start of the flight
    :param sessions: sessions known of
    :param named: numbers that were not read and that the log names as lost, by cause
    """

    published: int = 0
    reach: int = 0
    ahead: int = 0
    distinct: int = 0
    duplicates: int = 0
    before_flight: int = 0
    sessions: int = 0
    named: Counter[str] = field(default_factory=Counter)

    @property
    def recorded(self) -> int:
        """Return records that were read."""
        return self.distinct + self.duplicates

    @property
    def missing(self) -> int:
        """Numbers that were published and not read."""
        return self.published - self.distinct


def prove(tally: Tally, *, has_start: bool) -> dict[str, Proof]:
    """
    Return what is proven of every producer, by its name.

    :param tally: what was read
    :param has_start: whether the records since the start of the flight should all be there
    """
    proofs: dict[str, Proof] = {}
    for key in tally.sessions.keys() | tally.claims.keys():
        proof = proofs.setdefault(key[0], Proof())
        proof.sessions += 1
        numbers, by_cause = tally.sessions.get(key), tally.claims.get(key, {})
        claims = [claim for claims in by_cause.values() for claim in claims]
        if numbers is None:
            # Nothing of this session is left to be read.
            published = _claimed(claims, session_id=key[1])
            proof.named.update(_capped(by_cause, published))
            proof.published += published
            proof.reach += max(claim.last_seq for claim in claims) + 1
        else:
            published = _add_numbers(proof, numbers, claims, has_start=has_start)
            proof.named.update(_capped(by_cause, published - numbers.distinct))
    return proofs


def _add_numbers(
    proof: Proof, numbers: Numbers, claims: Sequence[Claim], *, has_start: bool
) -> int:
    """Add a session to a proof, and return what it published."""
    first, early = numbers.first_seq, 0
    last = max([numbers.next_seq - 1, *(claim.last_seq for claim in claims)])
    if has_start:
        first = min([first, *(claim.first_seq for claim in claims)])
        proof.before_flight += first
    else:
        # What is before the first number was lost, or rolled off, or was before the flight.
        early = _count([claim for claim in claims if claim.last_seq < first])
        proof.ahead += first - early
    published = last - first + 1 + early
    proof.published += published
    proof.reach += last + 1
    proof.distinct += numbers.distinct
    proof.duplicates += numbers.duplicates
    return published


def _capped(by_cause: Mapping[LossCause, Sequence[Claim]], missing: int) -> dict[str, int]:
    """
    Return the losses that the log names, no more than numbers are missing.

    A record that was reported as lost before it came can still have come; one that was lost later
    on was in the recorder's hands, and its loss is certain.
    """
    named: dict[str, int] = {}
    for cause in sorted(by_cause, key=lambda cause: (cause in _TAKEN_BACK, cause)):
        named[cause] = min(_count(by_cause[cause]), missing)
        missing -= named[cause]
    return named


def _claimed(claims: Sequence[Claim], *, session_id: int) -> int:
    """Return how many numbers were lost: a record that came twice may have been lost twice."""
    if not session_id:
        # The recorder names losses so that are of several sessions; their numbers mean nothing.
        return _count(claims)
    first, last = min(c.first_seq for c in claims), max(c.last_seq for c in claims)
    return min(_count(claims), last - first + 1)


def _count(claims: Sequence[Claim]) -> int:
    return sum(claim.count for claim in claims)
