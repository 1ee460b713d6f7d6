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
"""A real PX4 log is read whole, and files that are none are refused by name."""

from __future__ import annotations

from importlib.util import find_spec
import sys
from typing import TYPE_CHECKING

from fdr_node.demo.ulog import read_topics, Topic
from fdr_node.errors import ConfigError
import pytest

if TYPE_CHECKING:
    from pathlib import Path

needs_pyulog = pytest.mark.skipif(
    find_spec('pyulog') is None, reason='pyulog is not installed; rosdep has no key for it'
)


def test_every_message_of_a_real_log_is_there(px4_log: Path) -> None:
    """Topics with their instances, in order; as many messages as the log is known to hold."""
    topics = read_topics(px4_log)

    names = [(topic.name, topic.instance) for topic in topics]
    assert names == sorted(set(names))
    assert sum(len(topic.times_us) for topic in topics) == 14607
    counts = {(topic.name, topic.instance): len(topic.times_us) for topic in topics}
    assert counts['sensor_combined', 0] == counts['vehicle_attitude', 0] == 1298
    assert counts['battery_status', 0] == counts['battery_status', 1] == 21


def test_messages_are_plain_values_and_arrays_are_lists(px4_log: Path) -> None:
    """No type of numpy gets through."""
    topics = {topic.name: topic for topic in read_topics(px4_log)}

    row = topics['vehicle_attitude'].row(0)
    assert row['q'] == pytest.approx([0.99262822, 0.009468006, 0.00018696938, 0.1208285])
    assert type(row['quat_reset_counter']) is int
    assert topics['vehicle_attitude'].times_us[0] == 20326716
    texts = topics['logged_message']
    assert texts.row(0) == {'level': 'INFO', 'text': '[commander] Takeoff detected'}
    assert list(texts.times_us) == sorted(texts.times_us)


def test_a_row_keeps_scalars_and_arrays_apart() -> None:
    """Names as PX4 flattens them."""
    topic = Topic(
        name='t',
        instance=0,
        times_us=[1, 2],
        columns={'a': [3, 4], 'b[0]': [5, 6], 'b[1]': [7, 8]},
    )

    assert topic.row(1) == {'a': 4, 'b': [6, 8]}


@needs_pyulog
@pytest.mark.parametrize('content', [b'', b'no log at all' * 10])
def test_a_file_that_is_no_log_is_named(tmp_path: Path, content: bytes) -> None:
    """Too short, or other bytes."""
    path = tmp_path / 'x.ulg'
    path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        read_topics(path)

    assert (caught.value.name, caught.value.value) == ('ulog', str(path))


@needs_pyulog
def test_a_log_without_a_message_is_empty(tmp_path: Path) -> None:
    """Nothing but its head."""
    path = tmp_path / 'x.ulg'
    path.write_bytes(b'ULog\x01\x12\x35\x01' + bytes(8))

    assert read_topics(path) == []


@needs_pyulog
def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    """As the system says it."""
    with pytest.raises(FileNotFoundError):
        read_topics(tmp_path / 'none.ulg')


def test_without_the_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else of the package needs it."""
    monkeypatch.setitem(sys.modules, 'pyulog', None)

    with pytest.raises(ConfigError, match='pip install pyulog'):
        read_topics(tmp_path / 'none.ulg')
