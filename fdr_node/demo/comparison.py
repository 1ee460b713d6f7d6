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
Compares what the producers say they published with what the flight says it holds.

It reads nothing: both sides are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fdr_node.demo.fleet import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What became of the records of one producer.

    :param claim: what it says that it published
    :param recorded: what the flight holds of it (records)
    :param lost: what the flight names as lost (records)
    """

    claim: Claim
    recorded: int
    lost: int

    @property
    def is_complete(self) -> bool:
        """Whether every record that it published is in the flight."""
        return self.claim.published == self.recorded and self.lost == 0

    def __str__(self) -> str:
        """Return it in a line."""
        claim = self.claim
        return (
            f'{claim.producer_id}: published {claim.published:,}, of these dropped '
            f'{claim.dropped:,} by itself, recorded {self.recorded:,}, lost {self.lost:,}'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    What became of the records of all producers.

    :param outcomes: one for each
    """

    outcomes: Sequence[Outcome]

    @property
    def published(self) -> int:
        """Return records that they say they published."""
        return sum(outcome.claim.published for outcome in self.outcomes)

    @property
    def recorded(self) -> int:
        """Return records of them that the flight holds."""
        return sum(outcome.recorded for outcome in self.outcomes)

    @property
    def lost(self) -> int:
        """Return records that the flight names as lost."""
        return sum(outcome.lost for outcome in self.outcomes)

    @property
    def incomplete(self) -> list[Outcome]:
        """Those of whom a record is missing or one too many."""
        return [outcome for outcome in self.outcomes if not outcome.is_complete]

    def __str__(self) -> str:
        """Return the sum in a line, and a line for each that is not complete."""
        total = (
            f'published {self.published:,}, recorded {self.recorded:,}, lost {self.lost:,} '
            f'over {len(self.outcomes)} producers'
        )
        return '\n'.join([total, *map(str, self.incomplete)])
