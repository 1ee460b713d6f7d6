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
"""What was said and what was recorded are put side by side."""

from __future__ import annotations

from fdr_node.demo.comparison import Comparison, Outcome
from fdr_node.demo.fleet import Claim


def outcome(name: str, *, published: int, recorded: int, lost: int = 0) -> Outcome:
    """Return what became of a producer's records."""
    claim = Claim(producer_id=name, session_id=1, published=published, dropped=lost)
    return Outcome(claim=claim, recorded=recorded, lost=lost)


def test_everything_recorded_is_one_line() -> None:
    """With the sums."""
    comparison = Comparison(
        outcomes=[
            outcome('a', published=1200, recorded=1200),
            outcome('b', published=3, recorded=3),
        ]
    )

    assert comparison.incomplete == []
    assert str(comparison) == 'published 1,203, recorded 1,203, lost 0 over 2 producers'


def test_whoever_is_not_complete_is_named() -> None:
    """A loss, even with a name, a record that is missing, and one too many."""
    outcomes = [
        outcome('good', published=5, recorded=5),
        outcome('lossy', published=5, recorded=3, lost=2),
        outcome('short', published=5, recorded=4),
        outcome('long', published=5, recorded=6),
    ]
    comparison = Comparison(outcomes=outcomes)

    assert comparison.incomplete == outcomes[1:]
    assert str(comparison).splitlines() == [
        'published 20, recorded 18, lost 2 over 4 producers',
        'lossy: published 5, of these dropped 2 by itself, recorded 3, lost 2',
        'short: published 5, of these dropped 0 by itself, recorded 4, lost 0',
        'long: published 5, of these dropped 0 by itself, recorded 6, lost 0',
    ]
