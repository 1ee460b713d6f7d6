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
"""A log is replayed with its own timing, less its long silences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from fdr_node.demo.replay import Replay, SILENCE_MAX_US, timeline
from fdr_node.demo.ulog import read_topics, Topic
from fdr_node.demo.ulog_records import PRODUCERS
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path


def topic(name: str, *times_us: int) -> Topic:
    """Return a topic whose messages are numbered."""
    return Topic(
        name=name, instance=0, times_us=times_us, columns={'number': range(len(times_us))}
    )


def test_a_long_silence_is_cut_to_a_second() -> None:
    """Before and behind it the times of the log stay."""
    topics = [topic('a', 1_000_000, 1_400_000, 61_400_000), topic('b', 61_900_000, 90_000_000)]
    times = timeline(topics)

    found = [times.at_ns(at_us) // 1_000_000 for item in topics for at_us in item.times_us]
    assert found == [0, 400, 1400, 1900, 2900]
    assert times.silence_us == 59_000_000 + 27_100_000
    assert times.duration_ns == 2_900_000_001


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_times_keep_their_order_and_no_silence_is_longer(times_us: list[int]) -> None:
    """And short ones are as long as in the log."""
    times = timeline([topic('a', *times_us)])
    ordered = sorted(times_us)
    for before_us, after_us in pairwise(ordered):
        gap_ns = times.at_ns(after_us) - times.at_ns(before_us)
        assert gap_ns == min(after_us - before_us, SILENCE_MAX_US) * 1000
    assert times.at_ns(ordered[0]) == 0
    total_us = times.silence_us + (times.duration_ns - 1) // 1000
    assert total_us == ordered[-1] - ordered[0]


def test_a_producer_plays_its_own_topics_in_the_order_of_the_log() -> None:
    """In stretches that join; payloads carry the log's time."""
    topics = [topic('airspeed', 10, 30), topic('mission', 20, 30), topic('cpuload', 5)]
    replay = Replay(topics, 'px4_vehicle')

    found = [*replay.due(0, 20_000), *replay.due(20_000, replay.duration_ns)]
    assert [(entry.at_ns, entry.kind) for entry in found] == [
        (5_000, 'px4_airspeed'),
        (15_000, 'px4_mission'),
        (25_000, 'px4_airspeed'),
        (25_000, 'px4_mission'),
    ]
    assert found[2].payload == {
        'number': 1,
        'px4_topic': 'airspeed',
        'px4_instance': 0,
        'px4_time_us': 30,
    }


def test_all_producers_together_play_a_real_log_once(px4_log: Path) -> None:
    """Every message, in 12 s instead of 20 minutes."""
    topics = read_topics(px4_log)
    replays = [Replay(topics, producer_id) for producer_id in PRODUCERS]

    found = [list(replay.due(0, replay.duration_ns)) for replay in replays]
    assert sum(map(len, found)) == sum(len(item.times_us) for item in topics)
    for entries in found:
        times_ns = [entry.at_ns for entry in entries]
        assert times_ns == sorted(times_ns)
    assert {replay.duration_ns for replay in replays} == {11_690_400_001}
