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
rosbag2 itself reads what the recorder wrote, with either backend, where it is installed.

And what its writer tells of a full disk, by itself and behind the guard.
"""

from __future__ import annotations

from contextlib import suppress
import errno
from pathlib import Path
import shutil
import subprocess
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING

from bag_reader import metadata_of
from failing_calls import FailingCalls
from fdr_node.config import COMPRESSIONS
from fdr_node.debrief.info import inspect_flight
from fdr_node.record import encode_cdr, peek
from fdr_node.storage.recovery import Verdict
from mcap.exceptions import McapError
from mcap.records import Message
from mcap.stream_reader import StreamReader
import pytest
from rigs import DiskRig, FLIGHT_ID, record_of
from seeds import numbers
from small_disk import small_disk
from wrecks import recover_flight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.config import Setting

rosbag2_py = pytest.importorskip(
    'rosbag2_py', reason='rosbag2_py is not installed; there are no wheels of it'
)

SUPPORT = Path(__file__).parent.parent / 'support'
SIZES = {'segment_bytes_max': 1 << 19, 'flight_bytes_max': 1 << 21, 'record_bytes_max': 1 << 16}
WRITERS = [
    pytest.param({'storage_backend': backend, 'compression': compression}, id=name)
    for backend in ('mcap', 'rosbag2')
    for compression in ('none', 'lz4', 'zstd')
    for name in [f'{backend} {compression}']
]
NOISE = numbers('noise').randbytes(1 << 20)


def fly(
    root: Path,
    *,
    records: int,
    is_closed: bool,
    writer: Mapping[str, Setting] = MappingProxyType({}),
) -> DiskRig:
    """
    Record a flight whose oldest segments are dropped; it may be left open, as by a crash.

    As long as somebody holds what is returned: rosbag2's writer ends its file when it goes.
    """
    rig = DiskRig(root, {**SIZES, **writer})
    rig.open_flight()
    for seq in range(records):
        # Half of it cannot be compressed.
        at = 2000 * seq % (len(NOISE) - 2000)
        end = at + 2000
        noise = NOISE[at:end]
        data = encode_cdr(record_of(seq)._replace(payload=noise + bytes(2000)))
        assert rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns())
        rig.clock.advance(0.1)
        rig.recorder.tick()
    if is_closed:
        rig.recorder.close_flight()
    return rig


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


@pytest.mark.parametrize('writer', WRITERS)
@pytest.mark.parametrize('is_closed', [True, False], ids=['closed', 'left open'])
def test_rosbag2_reads_every_message_to_the_byte(
    writer: Mapping[str, Setting], tmp_path: Path, *, is_closed: bool
) -> None:
    """Also with the oldest segments dropped, and of a flight that nobody closed."""
    rig = fly(tmp_path / 'root', records=1200, is_closed=is_closed, writer=writer)
    directory = rig.directory
    messages = messages_of(directory)
    assert len(messages) > 100
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    assert not names[0].endswith('_0.mcap')
    assert read_with_rosbag2(directory) == messages
    if not is_closed:
        # An open end is whole to a recovery, too.
        plan = recover_flight(directory)
        assert [item.verdict for item in plan.segments][-1] is Verdict.TORN
        assert read_with_rosbag2(directory) == messages
    assert inspect_flight(directory).problems == ()


@pytest.mark.parametrize('writer', WRITERS)
def test_every_record_of_a_closed_flight_is_in_it(
    writer: Mapping[str, Setting], tmp_path: Path
) -> None:
    """None waits in a chunk any more, and the last one is the footer."""
    directory = fly(tmp_path / 'root', records=50, is_closed=True, writer=writer).directory
    heads = [peek(data) for _, data in read_with_rosbag2(directory)]
    assert [head.kind for head in heads] == ['flight_header', *['imu'] * 50, 'flight_footer']
    assert [head.seq for head in heads if head.kind == 'imu'] == list(range(50))


@pytest.mark.parametrize('writer', WRITERS)
def test_few_records_are_no_failure(writer: Mapping[str, Setting], tmp_path: Path) -> None:
    """Although it takes minutes to fill a chunk, and the file does not grow meanwhile."""
    rig = DiskRig(tmp_path / 'root', {**SIZES, **writer})
    rig.open_flight()
    for seq in range(120):
        rig.write([seq])
        rig.clock.advance(1)
        rig.recorder.tick()
    footer = rig.recorder.close_flight()
    assert 'storage_failed' not in rig.told()
    assert footer.clean_shutdown
    assert len(read_with_rosbag2(rig.directory)) == footer.records_written == 122


# --- a process that is killed


@pytest.mark.parametrize('seed', range(6))
def test_a_recorder_that_is_killed_leaves_what_it_had_committed(seed: int, tmp_path: Path) -> None:
    """With compression but for what waited in the last chunk; rosbag2 reads it at once."""
    command = [
        sys.executable,
        str(SUPPORT / 'endless_flight.py'),
        str(tmp_path),
        str(seed),
        'rosbag2',
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(50 + 40 * seed)]
        process.kill()
        rest, _ = process.communicate()
    # The last line may have been cut by the kill.
    durable = max([*told, *(int(line) for line in rest.split('\n')[:-1])])
    directory = tmp_path / FLIGHT_ID
    before = read_with_rosbag2(directory)
    plan = recover_flight(directory)
    assert plan.losses == []
    messages = read_with_rosbag2(directory)
    assert messages[: len(before)] == before
    heads = [peek(data) for _, data in messages]
    seqs = [head.seq for head in heads if head.producer_id != 'fdr']
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    # Records of 4 kB on average, 8 kB at most: so many may wait in a chunk of 16 KiB.
    waiting = 0 if COMPRESSIONS[seed % len(COMPRESSIONS)] == 'none' else 20
    assert seqs[-1] >= durable - waiting


# --- a full disk


def test_rosbag2_alone_says_nothing_of_a_full_disk(tmp_path: Path) -> None:
    """What the guard is for: every call returns, and records are missing."""
    with small_disk(tmp_path / 'disk', size_bytes=2 << 20) as disk:
        writer = rosbag2_py.SequentialWriter()
        writer.open(
            rosbag2_py.StorageOptions(uri=str(disk / 'bag'), storage_id='mcap'),
            rosbag2_py.ConverterOptions('', ''),
        )
        writer.create_topic(
            rosbag2_py.TopicMetadata(
                id=0,
                name='/fdr/records',
                type='fdr_node/msg/FdrRecord',
                serialization_format='cdr',
            )
        )
        data = encode_cdr(record_of(0, payload_bytes=300))
        for at_ns in range(20_000):
            writer.write('/fdr/records', data, at_ns)
        writer.close()
        assert len(written_to(disk / 'bag' / 'bag_0.mcap')) < 20_000
        assert (disk / 'bag' / 'metadata.yaml').read_bytes() == b''


@pytest.mark.parametrize('is_reserved', [True, False])
def test_the_guard_tells_of_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_reserved: bool
) -> None:
    """And nothing that was taken is missing once there is space again."""
    if not is_reserved:
        FailingCalls(monkeypatch).fail_always('fallocate', errno.EOPNOTSUPP)
    with small_disk(tmp_path / 'disk', size_bytes=3 << 20) as disk:
        rig = DiskRig(disk / 'root', {**SIZES, 'storage_backend': 'rosbag2'})
        rig.open_flight()
        (disk / 'other').write_bytes(bytes(2_300_000 if is_reserved else 2_700_000))
        taken = []
        for seq in range(300):
            data = encode_cdr(record_of(seq, payload_bytes=4000))
            while not rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns()):
                (disk / 'other').unlink(missing_ok=True)
                rig.clock.advance(3)
                rig.recorder.tick()
            taken.append(seq)
            rig.clock.advance(0.5)
            rig.recorder.tick()
        footer = rig.recorder.close_flight()
        (failed, *_) = [event for event in rig.events if event.name == 'storage_failed']
        assert failed.facts['errno'] == 'ENOSPC'
        assert 'recovered' in rig.told()
        assert footer.clean_shutdown
        kept = [peek(data).seq for _, data in read_with_rosbag2(rig.directory)]
        assert set(taken) - set(kept) == set(range(min(set(kept) & set(taken))))


def written_to(path: Path) -> list[Message]:
    """Return the messages in a file, up to where it ends."""
    found = []
    with path.open('rb') as stream, suppress(McapError):
        for item in StreamReader(stream).records:
            if isinstance(item, Message):
                found.append(item)  # noqa: PERF401 - those before an error count
    return found


# --- the command


@pytest.mark.parametrize('writer', WRITERS)
def test_ros2_bag_info_tells_the_count(writer: Mapping[str, Setting], tmp_path: Path) -> None:
    """As an operator asks for it, without a reindex."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        pytest.skip('ros2 is not installed')
    directory = fly(tmp_path / 'root', records=300, is_closed=True, writer=writer).directory
    told = subprocess.run(
        [ros2, 'bag', 'info', str(directory)], check=True, capture_output=True, text=True
    ).stdout
    assert f'Messages:          {len(messages_of(directory))}\n' in told
    assert 'Type: fdr_node/msg/FdrRecord' in told
