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
"""Ticks of a period, in stretches that may be cut anywhere."""

from __future__ import annotations

from itertools import pairwise

from fdr_node.demo.script import ticks
from hypothesis import given
from hypothesis import strategies as st


def test_ticks_lie_at_the_offset_and_every_period_from_there() -> None:
    """The beginning of the stretch is in it, the end is not."""
    found = list(ticks(period_ns=10, offset_ns=3, from_ns=13, until_ns=33))

    assert found == [(1, 13), (2, 23)]


@given(
    period_ns=st.integers(1, 50),
    offset_ns=st.integers(0, 200),
    cuts=st.lists(st.integers(0, 500), min_size=2, max_size=8).map(sorted),
)
def test_stretches_join_without_a_gap_or_a_double(
    period_ns: int, offset_ns: int, cuts: list[int]
) -> None:
    """However time is cut, the ticks are those of the whole."""
    pieces = [
        tick
        for begin, end in pairwise(cuts)
        for tick in ticks(period_ns=period_ns, offset_ns=offset_ns, from_ns=begin, until_ns=end)
    ]
    expected = [
        (index, offset_ns + index * period_ns)
        for index in range(501)
        if cuts[0] <= offset_ns + index * period_ns < cuts[-1]
    ]

    assert pieces == expected
