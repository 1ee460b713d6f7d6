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
"""Tests of the watch over a bag that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench import growth
from fdr_node.bench.growth import bag_bytes, GrowthWatch
import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_size_is_of_segments_alone(tmp_path: Path) -> None:
    """Segments of every folder below count, other files do not."""
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / '0.mcap').write_bytes(bytes(7))
    (tmp_path / '1.mcap').write_bytes(bytes(5))
    (tmp_path / 'metadata.yaml').write_bytes(bytes(100))
    assert bag_bytes(tmp_path) == 12
    assert bag_bytes(tmp_path / 'missing') == 0


@pytest.mark.parametrize(
    ('looks', 'age_s'),
    [
        # (time, size): the first is the beginning, the last the end.
        ([(0.0, 0), (1.0, 5), (3.0, 5), (4.0, 9), (5.0, 9)], 3.0),
        ([(0.0, 0), (1.0, 5), (2.0, 5), (9.0, 5)], 8.0),
        ([(0.0, 7), (6.0, 7)], 6.0),
    ],
)
def test_age_is_the_longest_time_without_growth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: list[tuple[float, int]], age_s: float
) -> None:
    """From the beginning on, and the time to the end counts."""
    times, sizes = iter([t for t, _ in looks]), iter([size for _, size in looks])
    watch = GrowthWatch(tmp_path)
    answers = iter([False] * (len(looks) - 2) + [True])
    monkeypatch.setattr('fdr_node.bench.growth.time.monotonic', lambda: next(times))
    monkeypatch.setattr(growth, 'bag_bytes', lambda _: next(sizes))
    monkeypatch.setattr(watch._stop, 'wait', lambda _: next(answers))
    watch._watch()
    assert watch.age_max_s == age_s


def test_watch_ends_with_its_context(tmp_path: Path) -> None:
    """No thread is left behind."""
    with GrowthWatch(tmp_path) as watch:
        assert watch._thread.is_alive()
    assert not watch._thread.is_alive()
