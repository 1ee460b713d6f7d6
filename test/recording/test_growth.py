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
"""Tests of the watch over a file that must grow while records come."""

from __future__ import annotations

from fdr_node.clock import NS_PER_S
from fdr_node.recording.growth import GrowthWatch
from hypothesis import given
from hypothesis import strategies as st

PATIENCE_NS = 5 * NS_PER_S


def stuck_at(looks: list[tuple[float, str, int, int]]) -> list[float]:
    """Return the seconds at which it was stuck, for looks of second, name, size and records."""
    watch = GrowthWatch(PATIENCE_NS)
    return [
        second
        for second, name, size, records in looks
        if watch.is_stuck(
            name=name, size_bytes=size, records=records, now_ns=int(second * NS_PER_S)
        )
    ]


def test_a_file_that_does_not_grow_while_records_come() -> None:
    """From the first look that saw new records on."""
    looks = [(float(second), 'a', 100, second) for second in range(10)]
    assert stuck_at(looks) == [6.0, 7.0, 8.0, 9.0]


def test_without_records_nothing_has_to_grow() -> None:
    """An aircraft on the ground may wait for hours."""
    assert stuck_at([(float(3600 * hour), 'a', 100, 7) for hour in range(10)]) == []


def test_the_first_records_after_a_long_rest_have_their_time() -> None:
    """The rest does not count."""
    looks = [(0.0, 'a', 100, 7), (3600.0, 'a', 100, 8), (3604.0, 'a', 100, 9)]
    assert stuck_at(looks) == []
    assert stuck_at([*looks, (3605.0, 'a', 100, 9)]) == [3605.0]


def test_a_new_file_is_a_growth() -> None:
    """It may well be smaller than the one before."""
    looks = [(0.0, 'a', 100, 0), (4.0, 'a', 100, 1), (8.0, 'b', 50, 2), (12.0, 'b', 50, 3)]
    assert stuck_at(looks) == []


@given(st.lists(st.integers(min_value=0, max_value=3), max_size=30))
def test_a_file_that_grows_with_its_records_is_never_stuck(counts: list[int]) -> None:
    """However slowly they come."""
    total, looks = 0, []
    for second, count in enumerate(counts):
        total += count
        looks.append((10.0 * second, 'a', 100 * total, total))
    assert stuck_at(looks) == []
