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
"""rosbag2 itself reads what the recorder wrote, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from bag_reader import metadata_of
from mcap.records import Message
from mcap.stream_reader import StreamReader
import pytest
from rigs import DiskRig

if TYPE_CHECKING:
    from pathlib import Path

rosbag2_py = pytest.importorskip(
    'rosbag2_py', reason='rosbag2_py is not installed; there are no wheels of it'
)

SETTINGS = {'segment_bytes_max': 1 << 19, 'flight_bytes_max': 1 << 21, 'record_bytes_max': 1 << 16}


def fly(root: Path, *, records: int, is_closed: bool) -> Path:
    """Record a flight whose oldest segments are dropped; it may be left open, as by a crash."""
    rig = DiskRig(root, SETTINGS)
    rig.open_flight()
    for seq in range(records):
        rig.write([seq], payload_bytes=4000)
        rig.clock.advance(0.1)
        rig.recorder.tick()
    if is_closed:
        rig.recorder.close_flight()
    return rig.directory


def messages_of(directory: Path) -> list[tuple[int, bytes]]:
    """Return log time and bytes of each message in the listed files, read with mcap."""
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    messages = []
    for name in names:
        with (directory / name).open('rb') as file:
            messages += [
                (record.log_time, record.data)
                for record in StreamReader(file).records
                if isinstance(record, Message)
            ]
    return messages


def read_with_rosbag2(directory: Path) -> list[tuple[int, bytes]]:
    """Return log time and bytes of each message, read with rosbag2's own reader."""
    reader = rosbag2_py.SequentialReader()
    reader.open(
        rosbag2_py.StorageOptions(uri=str(directory), storage_id='mcap'),
        rosbag2_py.ConverterOptions('', ''),
    )
    messages = []
    while reader.has_next():
        topic, data, log_time_ns = reader.read_next()
        assert topic == '/fdr/records'
        messages.append((log_time_ns, data))
    return messages


@pytest.mark.parametrize('is_closed', [True, False], ids=['closed', 'left open'])
def test_rosbag2_reads_every_message_to_the_byte(tmp_path: Path, *, is_closed: bool) -> None:
    """Also with the oldest segments dropped, and of a flight that nobody closed."""
    directory = fly(tmp_path, records=1000, is_closed=is_closed)
    messages = messages_of(directory)
    assert len(messages) > 100
    assert read_with_rosbag2(directory) == messages


def test_ros2_bag_info_tells_the_count(tmp_path: Path) -> None:
    """As an operator asks for it, without a reindex."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        pytest.skip('ros2 is not installed')
    directory = fly(tmp_path, records=300, is_closed=True)
    told = subprocess.run(
        [ros2, 'bag', 'info', str(directory)], check=True, capture_output=True, text=True
    ).stdout
    assert f'Messages:          {len(messages_of(directory))}\n' in told
    assert 'Type: fdr_node/msg/FdrRecord' in told
