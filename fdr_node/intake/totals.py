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
"""Puts what the ledger knows into the words of the log: losses, and what became of the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.schema import Overrun, ProducerTotals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.intake.ledger import Account, Loss


def overrun_of(loss: Loss) -> Overrun:
    """Return the record of a loss."""
    # Records of one number that came twice can be lost twice; the span cannot show that.
    span = loss.last_seq - loss.first_seq + 1
    return Overrun(
        producer_id=loss.producer_id,
        session_id=loss.session_id,
        first_seq=loss.first_seq,
        last_seq=loss.last_seq,
        count=min(loss.records, span),
        cause=loss.cause,
    )


def totals_of(accounts: Mapping[str, Account]) -> dict[str, ProducerTotals]:
    """Return what became of each producer's records; how many are on disk is not known here."""
    return {
        producer_id: ProducerTotals(
            published=_u64(account.published),
            recorded=0,
            lost={cause: _u64(count) for cause, count in account.lost.items()},
            duplicates=account.duplicates,
            before_flight=_u64(account.before_flight),
        )
        for producer_id, account in accounts.items()
    }


def _u64(count: int) -> int:
    # A hostile producer can make its own count as large as it likes, not the field.
    return min(count, 2**64 - 1)
