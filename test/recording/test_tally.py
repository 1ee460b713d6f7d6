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
"""The tally: whatever is committed, ended or left, no record is counted twice or not at all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fdr_node.recording import tally as tally_module
from fdr_node.recording.tally import Tally
from fdr_node.schema import OTHERS

if TYPE_CHECKING:
    import pytest


def test_an_ended_segment_has_what_was_put_into_it() -> None:
    """The next one begins empty; the flight has both."""
    tally = Tally()
    tally.add(['a', 'b', 'a'])
    assert tally.end_segment() == {'a': 2, 'b': 1}
    tally.add(['a'])
    assert tally.segment == {'a': 1}
    assert tally.taken == {'a': 3, 'b': 1}


def test_a_segment_that_is_left_keeps_what_is_durable() -> None:
    """The rest goes into the next one, and is counted once."""
    tally = Tally()
    tally.add(['a', 'b'])
    tally.commit()
    tally.add(['b', 'c'])
    assert tally.leave_segment() == {'a': 1, 'b': 1}
    assert tally.segment == {'b': 1, 'c': 1}
    assert tally.taken == {'a': 1, 'b': 2, 'c': 1}
    assert tally.durable == {'a': 1, 'b': 1}


def test_what_is_durable_stays_when_more_is_taken() -> None:
    """It is a count of its own."""
    tally = Tally()
    tally.add(['a'])
    tally.commit()
    tally.add(['a'])
    assert tally.durable == Counter(a=1)


def test_producers_beyond_the_bound_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were known before keep their name."""
    monkeypatch.setattr(tally_module, 'PRODUCERS_MAX', 2)
    tally = Tally()
    tally.add(['a'])
    tally.add(['b', 'c', 'a', 'd', 'c'])
    assert tally.taken == tally.segment == {'a': 2, 'b': 1, OTHERS: 3}
