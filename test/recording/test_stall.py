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
"""Tests of the watch over a writer that does not come back."""

from __future__ import annotations

from pathlib import Path

from fdr_node.events import Level
from fdr_node.recording.stall import stall_event, StallWatch
import pytest

PATIENCE_NS = 2_000


def test_a_writer_that_beats_is_never_stalled() -> None:
    """Up to the last nanosecond of the patience."""
    watch = StallWatch(PATIENCE_NS)
    for now_ns in range(0, 20_000, PATIENCE_NS - 1):
        watch.beat(now_ns)
        assert watch.look(now_ns + PATIENCE_NS - 1) is None
    assert watch.take() is None


def test_a_writer_that_does_not_come_back() -> None:
    """It is noticed, and told how long it has been; the beginning is that of the last beat."""
    watch = StallWatch(PATIENCE_NS)
    watch.beat(100)
    assert watch.look(100 + PATIENCE_NS) == PATIENCE_NS
    assert watch.look(9_100) == 9_000
    assert watch.since_ns == 100
    watch.beat(9_200)
    assert watch.look(9_300) is None
    assert [watch.take(), watch.take()] == [100, None]


def test_nobody_waits_for_a_writer_that_rests() -> None:
    """Before the first beat, and after it was stopped."""
    watch = StallWatch(PATIENCE_NS)
    assert watch.look(10**12) is None
    watch.beat(10**12)
    watch.rest()
    assert watch.look(10**13) is None


@pytest.mark.parametrize('directory', [Path('/data/flights/one'), None])
def test_what_is_told_of_a_stall(directory: Path | None) -> None:
    """How long it has been, and where."""
    event = stall_event(2_500_000_000, directory)
    assert (event.name, event.level) == ('storage_stalled', Level.ERROR)
    path = str(directory) if directory else None
    assert event.facts == {'step': 'write', 'stalled_s': 2.5, 'path': path}
