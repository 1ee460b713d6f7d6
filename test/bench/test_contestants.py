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
"""Tests of how contestants are started; test_course.py starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench.contestants import contestants, DrainOnly, Recorder, Rosbag2

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_they_take_turns_in_this_order() -> None:
    """Ours is first, the floor last; each has a name of its own."""
    names = [contestant.name for contestant in contestants('ros2')]
    assert names == ['fdr_node', 'callback', 'ros2 bag', 'drain only']


def test_ros2_bag_is_missing_without_ros2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says why, and finds a ros2 that a command line leads to."""
    monkeypatch.setenv('PATH', str(tmp_path))
    bag = Rosbag2("env A='b c' ros2")
    assert bag.missing() == 'ros2 is not on the PATH'
    (tmp_path / 'ros2').write_text('#!/bin/sh\n')
    (tmp_path / 'ros2').chmod(0o755)
    assert bag.missing() == ''
    command = bag.command(tmp_path)
    assert command[:5] == ['env', 'A=b c', 'ros2', 'bag', 'record']
    assert command[-1] == '/fdr/records'


def test_flight_root_is_quoted_for_ros(tmp_path: Path) -> None:
    """A path with a quote or a space is one parameter."""
    command = Recorder().command(tmp_path / "it's here")
    assert command[-1] == f"flight_root:='{tmp_path}/it''s here/flights'"


def test_floor_counts_what_it_took(tmp_path: Path) -> None:
    """It has no bag, but a number."""
    (tmp_path / 'taken.txt').write_text('42\n')
    assert DrainOnly().recorded(tmp_path) == 42
