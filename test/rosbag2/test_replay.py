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
``ros2 bag play`` publishes what was recorded, to the byte, and the other verbs take a flight too.

The player starts paused and is resumed by its service once the listener is known to it, so that
what is heard is all that was played. Tried where rosbag2 is installed.
"""

# rclpy is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from contextlib import contextmanager, suppress
import os
import shutil
import signal
import subprocess
from threading import Event
import time
from typing import TYPE_CHECKING

from bag_reader import metadata_of
from fdr_node.clock import NS_PER_S
from fdr_node.listener import Inlet
from fdr_node.producer.hold_back import SETTLE_NS
from fdr_node.producer.own_node import OwnNode
from mcap.reader import make_reader
from own_context import random_domain
from processes import WAIT_S
import pytest
from rigs import DiskRig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

rosbag2_interfaces = pytest.importorskip(
    'rosbag2_interfaces.srv', reason='rosbag2 is not installed; there are no wheels of it'
)

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(120)]

TOPIC = '/fdr/records'
OTHER_TOPIC = '/replay/records'

SETTINGS = {'segment_bytes_max': 1 << 19, 'flight_bytes_max': 1 << 21, 'record_bytes_max': 1 << 16}


def fly(
    root: Path, *, records: int = 300, payload_bytes: int = 100, is_closed: bool = True
) -> Path:
    """Record a flight of a record every 10 ms; it may be left as a crash leaves it."""
    rig = DiskRig(root, SETTINGS)
    rig.open_flight()
    for seq in range(records):
        rig.write([seq], payload_bytes=payload_bytes)
        rig.clock.advance(0.01)
        rig.recorder.tick()
    if is_closed:
        rig.recorder.close_flight()
    else:
        rig.recorder.commit()
    return rig.directory


def whole(root: Path) -> Path:
    """Record a flight that was closed."""
    return fly(root)


def left(root: Path) -> Path:
    """Record a flight that nobody closed: its metadata is that of the first commit."""
    return fly(root, is_closed=False)


def rolled(root: Path) -> Path:
    """Record a flight of which the oldest segments were dropped."""
    directory = fly(root, records=600, payload_bytes=8000)
    assert not directory.joinpath(f'{directory.name}_0.mcap').exists()
    return directory


FLIGHTS = [whole, left, rolled]


def recorded(directory: Path) -> list[bytes]:
    """Return what is in the listed segments, in the order of recording, read with mcap."""
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    messages: list[bytes] = []
    for name in names:
        with (directory / name).open('rb') as file:
            messages += [item[2].data for item in make_reader(file).iter_messages()]
    return messages


def ros2_bag(*arguments: str | Path) -> str:
    """Run a verb of ``ros2 bag``. :return: what it prints."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        pytest.skip('ros2 is not installed')
    return subprocess.run(
        [ros2, 'bag', *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@contextmanager
def player(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start ``ros2 bag play``, paused."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        pytest.skip('ros2 is not installed')
    command = [ros2, 'bag', 'play', '--start-paused', '--disable-keyboard-controls', *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def check_same(messages: list[bytes], wanted: list[bytes]) -> None:
    """Check that the same records came; on the wire each is filled up to a multiple of 4 bytes."""
    # The player ends as soon as it has published the last one, which on a busy computer is lost
    # with it now and then: best effort repeats nothing.
    assert len(wanted) - 1 <= len(messages) <= len(wanted)
    wanted = wanted[: len(messages)]
    sizes = [len(message) for message in wanted]
    assert [data[:size] for data, size in zip(messages, sizes, strict=True)] == wanted
    assert [len(data) for data in messages] == [size + -size % 4 for size in sizes]


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait until something of the graph of ROS is so."""
    until_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until_s
        Event().wait(0.05)


def heard(
    monkeypatch: pytest.MonkeyPatch,
    directory: Path,
    *arguments: str,
    count: int,
    topic: str = TOPIC,
) -> list[bytes]:
    """Play a flight to its end. :return: what a listener to the topic heard, in its order."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    own_node = OwnNode('test_of_the_player')
    resume = own_node.node.create_client(rosbag2_interfaces.Resume, '/rosbag2_player/resume')
    try:
        with Inlet(topic) as inlet, player(directory, *arguments) as process:
            (subscription,) = (
                one for one in inlet._own_node.node.subscriptions if one.topic_name == topic
            )
            wait_until(subscription.get_publisher_count)
            assert resume.wait_for_service(WAIT_S)
            # That the player knows the reader too nobody can ask it; a producer waits as long.
            Event().wait(SETTLE_NS / NS_PER_S)
            resume.call_async(rosbag2_interfaces.Resume.Request())
            assert process.wait(60) == 0
            messages: list[bytes] = []
            # The thread that hears may come to its turn late; what nobody waits for comes at once.
            while (data := inlet.take(2.0 if len(messages) < count else 0.5)) is not None:
                messages.append(data)
            assert inlet.dropped == 0
            return messages
    finally:
        own_node.close()


@pytest.mark.parametrize('make', FLIGHTS, ids=lambda make: str(make.__name__))
def test_a_listener_hears_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path]
) -> None:
    """Each byte of each record, in its order, without a reindex before it."""
    directory = make(tmp_path)
    messages = recorded(directory)
    assert len(messages) > 100
    check_same(heard(monkeypatch, directory, count=len(messages)), messages)


def test_remapped_and_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from a recorder that runs, at twice the speed, with the topic chosen by its name."""
    directory = whole(tmp_path)
    arguments = ('--rate', '2', '--topics', TOPIC, '--remap', f'{TOPIC}:={OTHER_TOPIC}')
    wanted = recorded(directory)
    messages = heard(monkeypatch, directory, *arguments, count=len(wanted), topic=OTHER_TOPIC)
    check_same(messages, wanted)


@pytest.mark.parametrize('make', FLIGHTS, ids=lambda make: str(make.__name__))
def test_a_reindexed_flight_is_told_whole(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """rosbag2 makes the metadata anew from the segments, and no record is missing."""
    directory = make(tmp_path)
    messages = recorded(directory)
    ros2_bag('reindex', directory)
    assert f'Messages:          {len(messages)}\n' in ros2_bag('info', directory)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('make', FLIGHTS, ids=lambda make: str(make.__name__))
def test_a_flight_can_be_converted(
    tmp_path: Path, make: Callable[[Path], Path], storage: str
) -> None:
    """Into one file, for example, or for tools that read the older storage."""
    directory = make(tmp_path)
    options = tmp_path / 'options.yaml'
    target = tmp_path / 'converted'
    options.write_text(f'output_bags:\n- uri: {target}\n  storage_id: {storage}\n  all: true\n')
    ros2_bag('convert', '-i', directory, '-o', options)
    assert f'Messages:          {len(recorded(directory))}\n' in ros2_bag('info', target)
