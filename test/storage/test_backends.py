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
Whole flights on disk: what the recorder and its store leave there, read back by others.

The recorder's decisions are tested in test/recording; here it is files, and what happens to them
when the disk is full or fails, or the process is killed.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
import errno
import json
from pathlib import Path
import random
import shutil
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING

from bag_reader import metadata_of, read_bag, read_files, read_torn, rosbags_records
from failing_calls import FailingCalls
from fdr_node.clock import NS_PER_S
from fdr_node.config import KIB, MIB
from fdr_node.debrief.info import inspect_flight
from fdr_node.errors import FdrConcurrentWriterError, FdrOpenError
from fdr_node.record import encode_cdr, peek
from fdr_node.recording.identity import new_flight_id
from fdr_node.schema import FOOTER_NAME, HEADER_NAME, SEGMENT_FOOTER_NAME
from fdr_node.storage import fs
from fdr_node.storage.backends import open_store, STOCK_WRITER
from fdr_node.storage.definition import FDR_RECORD_MSG, TIME_MSG, TYPE_HASH
from fdr_node.storage.lock import FlightLock, LOCK_NAME
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap_bytes import MAGIC
from on_disk import disk_bytes, open_descriptors, tree
import pytest
from rigs import config_of, DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID, payload_of, record_of
from small_disk import make_read_only, small_disk
from stock_writer import Disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fdr_node.events import Event
    from fdr_node.record import FdrRecord
    from fdr_node.recording.flight import Flight
    from fdr_node.schema import FlightFooter

SUPPORT = Path(__file__).parent.parent / 'support'
LARGE_BYTES = 180 * KIB
FIRST = 'flight_header'


def of_producers(records: list[FdrRecord]) -> list[FdrRecord]:
    """Return the records that are not the recorder's own."""
    return [record for record in records if record.producer_id != 'fdr']


def is_free(root: Path) -> bool:
    """Return whether the lock of a root can be taken."""
    lock = FlightLock(root)
    try:
        lock.acquire(OTHER_FLIGHT_ID)
    except FdrConcurrentWriterError:
        return False
    lock.undo()
    return True


# --- where


def test_a_root_may_begin_with_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made there before the flight is opened."""
    monkeypatch.setenv('HOME', str(tmp_path))
    store = open_store(config_of('~/fdr'), flight_id=FLIGHT_ID)
    assert store.directory == tmp_path / 'fdr' / FLIGHT_ID
    assert tree(tmp_path) == {}


def test_a_home_directory_that_is_not_known() -> None:
    """Such as that of a user who is not there."""
    with pytest.raises(FdrOpenError, match='home directory') as caught:
        open_store(config_of('~nobody-of-that-name/fdr'), flight_id=FLIGHT_ID)
    assert caught.value.path == '~nobody-of-that-name/fdr'


def test_a_root_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To where the process was started, wherever it goes later."""
    monkeypatch.chdir(tmp_path)
    store = open_store(config_of('fdr'), flight_id=FLIGHT_ID)
    assert store.directory == tmp_path / 'fdr' / FLIGHT_ID


def test_a_store_needs_nobody_to_tell(tmp_path: Path) -> None:
    """An interrupted flight is put in order without a word."""
    rig = DiskRig(tmp_path / 'root')
    rig.open_flight()
    rig.write([0])
    rig.recorder.commit()
    flight: Flight | None = rig.recorder._flight
    assert flight is not None
    flight.abandon()
    flight.store.close_flight()
    store = open_store(rig.config, flight_id=OTHER_FLIGHT_ID)
    store.open_flight()
    store.close_flight(discard=True)
    assert len(read_bag(rig.directory).records) == 2


@pytest.fixture
def without_rosbag2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rosbag2_py not be installed."""
    monkeypatch.delitem(sys.modules, 'fdr_node.storage.rosbag2_writer', raising=False)
    monkeypatch.delattr('fdr_node.storage.rosbag2_writer', raising=False)
    monkeypatch.setitem(sys.modules, 'rosbag2_py', None)


@pytest.mark.usefixtures('without_rosbag2')
def test_a_backend_that_is_not_installed(tmp_path: Path) -> None:
    """The start says what to install."""
    config = config_of(tmp_path / 'root', {'storage_backend': 'rosbag2'})
    with pytest.raises(FdrOpenError, match='rosbag2_py') as caught:
        open_store(config, flight_id=FLIGHT_ID)
    for package in ('ros-jazzy-rosbag2-py', 'ros-jazzy-rosbag2-storage-mcap'):
        assert package in str(caught.value)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize('is_there', [True, False])
def test_a_backend_whose_plugin_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    """rosbag2 writes SQLite without it; with it, one WARN says that it is the stock writer."""
    name = 'fdr_node.storage.rosbag2_writer'
    writer = SimpleNamespace(has_mcap=lambda: is_there, Rosbag2Writer=Disk().open_writer)
    monkeypatch.setitem(sys.modules, name, writer)
    monkeypatch.setattr(name, writer, raising=False)
    config = config_of(tmp_path / 'root', {'storage_backend': 'rosbag2'})
    if not is_there:
        with pytest.raises(FdrOpenError, match='install ros-jazzy-rosbag2-storage-mcap'):
            open_store(config, flight_id=FLIGHT_ID)
        return
    told: list[Event] = []
    for is_fallback in (False, True):
        root = str(tmp_path / 'other')
        store = open_store(
            replace(config, fallback_root=root),
            flight_id=FLIGHT_ID,
            report=told.append,
            is_fallback=is_fallback,
        )
        store.open_flight()
        store.open_segment(0, {}).close({})
        store.drop_segment(f'{FLIGHT_ID}_0.mcap')
        store.close_flight(discard=True)
    assert told == [STOCK_WRITER]


# --- what is there


def test_a_flight_is_a_bag_that_others_read(tmp_path: Path) -> None:
    """With mcap, rosbags, and by hand: every record, field by field, in every segment."""
    rig = DiskRig(tmp_path / 'root')
    header = rig.open_flight()
    rig.write(range(2**32 - 2, 2**32 + 2), payload_bytes=LARGE_BYTES)
    rig.write([2**64 - 1, 7])
    footer = rig.recorder.close_flight()
    bag = read_bag(rig.directory)
    seqs = [2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, 2**64 - 1, 7]
    sizes = [LARGE_BYTES] * 4 + [100] * 2
    sent = [record_of(seq, payload_bytes=size) for seq, size in zip(seqs, sizes, strict=True)]
    assert of_producers(bag.records) == sent
    assert [item.sequence for item in bag.stored if item.record.kind == 'imu'] == [
        2**32 - 2,
        2**32 - 1,
        0,
        1,
        2**32 - 1,
        7,
    ]
    assert all(item.publish_time_ns == item.record.stamp_ns for item in bag.stored)
    assert all(
        item.data == encode_cdr(record)
        for item, record in zip(bag.stored, bag.records, strict=True)
    )
    assert [payload_of(bag.records[place]) for place in (0, -1)] == [
        json.loads(header.to_json()),
        json.loads(footer.to_json()),
    ]
    assert bag.custom_data == {HEADER_NAME: header.to_json(), FOOTER_NAME: footer.to_json()}
    assert len(bag.segments) == 2


def test_every_segment_explains_itself(tmp_path: Path) -> None:
    """Header, type and QoS in each, what was in it at its end, the flight footer in the last."""
    rig = DiskRig(tmp_path / 'root')
    header = rig.open_flight()
    rig.write(range(5), payload_bytes=LARGE_BYTES)
    footer = rig.recorder.close_flight()
    segments = read_bag(rig.directory).segments
    definition = f'{FDR_RECORD_MSG}{"=" * 80}\nMSG: builtin_interfaces/Time\n{TIME_MSG}'
    for segment in segments.values():
        assert segment.profile == 'ros2'
        schema, channel = segment.schema, segment.channel
        assert (schema.name, schema.encoding) == ('fdr_node/msg/FdrRecord', 'ros2msg')
        assert schema.data.decode() == definition
        assert (channel.topic, channel.message_encoding) == ('/fdr/records', 'cdr')
        assert channel.metadata['topic_type_hash'] == TYPE_HASH
        assert segment.metadata[HEADER_NAME] == header.to_json()
        told = json.loads(segment.metadata[SEGMENT_FOOTER_NAME])
        assert told['records'] == len(segment.stored) == sum(told['producers'].values())
    *others, last = segments.values()
    assert last.metadata[FOOTER_NAME] == footer.to_json()
    assert not any(FOOTER_NAME in segment.metadata for segment in others)


def test_reserved_space_is_given_back(tmp_path: Path) -> None:
    """A closed flight takes what its files hold, in whole blocks."""
    rig = DiskRig(tmp_path / 'root')
    rig.open_flight()
    assert disk_bytes(rig.directory) >= 512 * KIB
    rig.write(range(3), payload_bytes=LARGE_BYTES)
    rig.recorder.close_flight()
    sizes = [path.stat().st_size for path in rig.directory.iterdir()]
    assert disk_bytes(rig.directory) <= sum(-(-size // 4096) * 4096 for size in sizes)


def test_log_time_never_runs_backwards(tmp_path: Path) -> None:
    """Through steps of the wall clock and cuts for age."""
    rig = DiskRig(tmp_path / 'root', {'segment_duration_max_s': 10.0})
    rig.open_flight()
    for seq, step_s in enumerate((0, -1e6, 5, 2e6, -3, -1e6, 0, 86400)):
        rig.clock.step_wall(step_s)
        rig.write([seq])
        rig.clock.advance(4)
        rig.recorder.tick()
    rig.recorder.close_flight()
    bag = read_bag(rig.directory)  # which checks the order
    assert len(bag.segments) == 3
    start_ns = bag.stored[0].log_time_ns
    times = [item.log_time_ns - start_ns for item in bag.stored if item.record.kind == 'imu']
    assert times == [4_000_000_000 * seq for seq in range(8)]


def test_a_flight_that_begins_in_1970_is_a_flight(tmp_path: Path) -> None:
    """GNSS time comes after 3 s: the bag is read, its times go on, and it sorts before others."""
    rig = DiskRig(tmp_path / 'root')
    rig.clock.step_wall(-(rig.clock.wall_ns() // NS_PER_S))
    flight_id = new_flight_id(rig.clock.wall_ns())
    header = rig.open_flight(flight_id)
    for seq in range(6):
        rig.clock.advance(1)
        rig.write([seq])
        rig.recorder.tick()
        if seq == 2:
            rig.clock.step_wall(1_769_860_800)
    rig.recorder.close_flight()
    later_id = new_flight_id(rig.clock.wall_ns())
    assert flight_id < later_id
    bag = read_bag(tmp_path / 'root' / flight_id)
    assert header.start_wall_ns == 0
    imu = [item for item in bag.stored if item.record.kind == 'imu']
    assert [item.log_time_ns for item in imu] == [NS_PER_S * (1 + seq) for seq in range(6)]
    (step,) = [payload_of(record) for record in bag.records if record.kind == 'clock_step']
    assert (step['wall_before_ns'], step['wall_after_ns'], step['monotonic_ns']) == (
        4 * NS_PER_S,
        1_769_860_804 * NS_PER_S,
        header.start_monotonic_ns + 4 * NS_PER_S,
    )
    info = inspect_flight(tmp_path / 'root' / flight_id)
    assert (info.start_ns, info.duration_ns, info.problems) == (0, 6 * NS_PER_S, ())


# --- when it is durable


@pytest.mark.parametrize(
    ('sync', 'of_commits', 'of_close'),
    [('commit', 1, 2), ('segment', 0, 1), ('never', 0, 0)],
)
def test_each_commit_is_in_the_file(
    sync: str, of_commits: int, of_close: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the policy; it says when the disk is asked to keep it, in every segment."""
    rig = DiskRig(tmp_path / 'root', {'sync': sync})
    rig.open_flight()
    (segment,) = rig.directory.glob('*.mcap')
    calls = FailingCalls(monkeypatch)
    for seq in range(4):
        before = calls.count('fdatasync')
        rig.write([seq])
        rig.recorder.commit()
        assert calls.count('fdatasync') - before == of_commits
        stored = [item.record for item in read_torn(segment).stored]
        assert stored[-1] == record_of(seq)
    before = calls.count('fdatasync')
    rig.recorder.close_flight()
    # The footer and the end of the file are one commit; then the space behind is given back.
    assert calls.count('fdatasync') - before == of_close
    assert len(read_bag(rig.directory).records) == 6


def test_an_urgent_record_is_durable_when_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With those before it, which were not; another reader finds them in the file."""
    rig = DiskRig(tmp_path / 'root')
    rig.open_flight()
    (segment,) = rig.directory.glob('*.mcap')
    calls = FailingCalls(monkeypatch)
    rig.write([0, 1])
    assert calls.made == []
    rig.recorder.write_record(record_of(2)._replace(kind='spoof_promotion_block'))
    assert calls.made.count('fdatasync') == 1
    durable = [item.record.seq for item in read_torn(segment).stored if item.record.kind != FIRST]
    assert durable == [0, 1, 2]
    made = list(calls.made)
    rig.write([3])
    assert calls.made == made
    rig.recorder.close_flight()


# --- how large

SAMPLER = """
import os, sys

def sample(path):
    names = sorted(os.listdir(path))
    total = 0
    for name in names:
        status = os.stat(os.path.join(path, name))
        total += status.st_blocks * 512
    # A file that came or went while the others were looked at would count twice or not at all.
    return total if sorted(os.listdir(path)) == names else None

largest, samples = 0, 0
print('ready', flush=True)
os.set_blocking(0, False)
while True:
    try:
        os.read(0, 1)  # nothing is ever sent; the end is that there is no sender any more
        break
    except BlockingIOError:
        pass
    try:
        total = sample(sys.argv[1])
    except FileNotFoundError:
        continue
    if total is not None:
        largest, samples = max(largest, total), samples + 1
print(largest, samples)
"""


@contextmanager
def sampled(directory: Path) -> Iterator[list[int]]:
    """Let another process look at a directory in a tight loop. :return: largest size, samples."""
    result: list[int] = []
    with subprocess.Popen(
        [sys.executable, '-c', SAMPLER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'ready\n'
        yield result
        output, _ = process.communicate()
    result += [int(word) for word in output.split()]


def test_ten_mebibytes_below_a_cap_of_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cap holds after every system call, and whenever another process looks."""
    cap = 4 * MIB
    rig = DiskRig(tmp_path / 'root', {'flight_bytes_max': cap, 'segment_bytes_max': MIB})
    rig.open_flight()
    largest = 0

    def watch() -> None:
        nonlocal largest
        largest = max(largest, disk_bytes(rig.directory))

    with sampled(rig.directory) as seen, monkeypatch.context() as patch:
        FailingCalls(patch, watch)
        rig.write(range(2560), payload_bytes=4 * KIB)
        footer = rig.recorder.close_flight()
    assert 3 * MIB < largest <= cap
    assert MIB <= seen[0] <= largest
    assert seen[1] > 20
    bag = read_bag(rig.directory)
    assert max(path.stat().st_size for path in rig.directory.glob('*.mcap')) <= MIB
    assert footer.rollover_count == rig.told().count('segment_dropped') >= 7
    assert footer.records_written == len(bag.records) + footer.records_rolled_off
    readable = [record.seq for record in of_producers(bag.records)]
    assert readable == list(range(2560 - len(readable), 2560))
    drops = [payload_of(record) for record in bag.records if record.kind == 'segment_dropped']
    # The first notes went with the segments that held them.
    assert [drop['index'] for drop in drops] == list(
        range(footer.rollover_count - len(drops), footer.rollover_count)
    )
    assert drops[-1]['records_rolled_off'] == footer.records_rolled_off


def count_removed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that takes the size of every file that is removed from now on."""
    sizes: list[int] = []
    remove = fs.remove_file

    def remove_file(path: Path) -> None:
        sizes.append(path.stat().st_size)
        remove(path)

    monkeypatch.setattr(fs, 'remove_file', remove_file)
    return sizes


@settings(deadline=None, max_examples=25)
@given(
    segment_bytes_max=st.integers(512 * KIB, 700 * KIB),
    room_bytes=st.integers(0, MIB),
    chunk_bytes=st.integers(4 * KIB, 300 * KIB),
    duration_max_s=st.sampled_from([0, 1, 3]),
    sizes=st.lists(st.integers(0, 200 * KIB), max_size=14),
    pause_s=st.sampled_from([0.0, 0.5, 2.0]),
)
def test_the_footer_is_exact(  # noqa: PLR0913 - one for each that is varied
    *,
    segment_bytes_max: int,
    room_bytes: int,
    chunk_bytes: int,
    duration_max_s: int,
    sizes: list[int],
    pause_s: float,
) -> None:
    """Bytes of all segments ever, records readable and rolled off, and the cap holds."""
    cap = 2 * segment_bytes_max + 256 * KIB + room_bytes
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        rig = DiskRig(
            Path(place) / 'root',
            {
                'segment_bytes_max': segment_bytes_max,
                'flight_bytes_max': max(2 * MIB, cap),
                'chunk_bytes': chunk_bytes,
                'segment_duration_max_s': duration_max_s,
            },
        )
        removed = count_removed(patch)
        rig.open_flight()
        for seq, size in enumerate(sizes):
            rig.write([seq], payload_bytes=size)
            rig.clock.advance(pause_s)
            rig.recorder.tick()
            assert disk_bytes(rig.directory) <= rig.config.flight_bytes_max
        footer = rig.recorder.close_flight()
        bag = read_bag(rig.directory)
        kept = [path.stat().st_size for path in rig.directory.glob('*.mcap')]
    assert footer.bytes_written == sum(kept) + sum(removed)
    assert max(kept + removed) <= segment_bytes_max
    assert (footer.rollover_count, footer.segment_count) == (
        len(removed),
        len(kept) + len(removed),
    )
    assert footer.records_written == len(bag.records) + footer.records_rolled_off
    seqs = [record.seq for record in of_producers(bag.records)]
    assert seqs == list(range(len(sizes) - len(seqs), len(sizes)))


# --- opening


@pytest.mark.fault
@pytest.mark.parametrize('is_new', [False, True])
def test_an_opening_without_space_leaves_nothing(tmp_path: Path, *, is_new: bool) -> None:
    """The first segment cannot be reserved; with space the same flight is opened."""
    with small_disk(tmp_path / 'disk', size_bytes=MIB) as disk:
        (disk / 'other').write_bytes(bytes(768 * KIB))
        rig = DiskRig(disk / 'root')
        if not is_new:
            rig.directory.parent.mkdir()
        before, descriptors = tree(disk), open_descriptors()
        with pytest.raises(FdrOpenError, match='ENOSPC: No space left on device'):
            rig.open_flight()
        assert (tree(disk), open_descriptors()) == (before, descriptors)
        (disk / 'other').unlink()
        rig.open_flight()
        rig.write([0])
        rig.recorder.close_flight()
        assert len(read_bag(rig.directory).records) == 3


@pytest.mark.fault
def test_an_opening_on_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """Says so."""
    with small_disk(tmp_path / 'disk', size_bytes=MIB) as disk:
        make_read_only(disk)
        with pytest.raises(FdrOpenError, match='Read-only file system'):
            DiskRig(disk / 'root').open_flight()


# --- a disk that fails


@pytest.mark.fault
def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    """Others take the space of the next segment; when they give it back, recording goes on."""
    with small_disk(tmp_path / 'disk', size_bytes=3 * MIB) as disk:
        rig = DiskRig(disk / 'root')
        rig.open_flight()
        (disk / 'other').write_bytes(bytes(2 * MIB))
        taken = []
        for seq in range(8):
            data = encode_cdr(record_of(seq, payload_bytes=LARGE_BYTES))
            now_ns = rig.clock.monotonic_ns()
            while not rig.recorder.write(data, peek(data), received_ns=now_ns):
                (disk / 'other').unlink(missing_ok=True)
                rig.clock.advance(2)
                rig.recorder.tick()
            taken.append(seq)
        footer = rig.recorder.close_flight()
        bag = read_bag(rig.directory)
    assert rig.told()[:3] == ['flight_opened', 'storage_failed', 'recovered']
    assert footer.clean_shutdown
    assert [record.seq for record in of_producers(bag.records)] == taken
    assert [record.kind for record in bag.records].count('recovered') == 1


def test_a_disk_that_reserves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fallocate is not known the flight is the same."""
    FailingCalls(monkeypatch).fail_always('fallocate', errno.EOPNOTSUPP)
    rig = DiskRig(tmp_path / 'root')
    rig.open_flight()
    rig.write(range(12), payload_bytes=LARGE_BYTES)
    footer = rig.recorder.close_flight()
    assert len(read_bag(rig.directory).records) == (
        footer.records_written - footer.records_rolled_off
    )


def fly(rig: DiskRig) -> FlightFooter:
    """Fly a short flight with a commit, cuts, and a drop; offer again what was refused."""
    rig.open_flight()
    for seq in range(9):
        data = encode_cdr(record_of(seq, payload_bytes=LARGE_BYTES))
        for _ in range(4):
            if rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns()):
                break
            rig.clock.advance(3)
            rig.recorder.tick()
        else:
            raise AssertionError
        rig.clock.advance(0.5)
        rig.recorder.tick()
    return rig.recorder.close_flight()


def check_closed(rig: DiskRig, footer: FlightFooter) -> None:
    """Check that a flight is whole although a step failed on the way."""
    bag = read_files(rig.directory, may_be_left=True)
    seqs = [record.seq for record in of_producers(bag.records)]
    assert seqs == list(range(9 - len(seqs), 9))
    assert footer.records_written == len(bag.records) + footer.records_rolled_off
    assert disk_bytes(rig.directory) <= sum(
        path.stat().st_size + 4096 for path in rig.directory.iterdir()
    )


def check_not_closed(rig: DiskRig, footer: FlightFooter) -> None:
    """Check a flight whose close failed: what it lists is there, and no count is too high."""
    names = metadata_of(rig.directory)['relative_file_paths']
    assert isinstance(names, list)
    there = {path.name for path in rig.directory.iterdir()}
    assert there == {'metadata.yaml', *names}
    records = [item.record for name in names for item in read_torn(rig.directory / name).stored]
    assert footer.records_written == len(records) + footer.records_rolled_off
    lost = sum(sum(total.lost.values()) for total in footer.producers.values())
    seqs = [record.seq for record in of_producers(records)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert seqs[-1] >= 8 - lost


# The calls of a flight are shared out among so many tests.
PARTS = 8


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize('part', range(PARTS))
def test_a_flight_survives_the_failure_of_any_system_call(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each one in turn: it is refused, closed, or not closed, and what it says is true."""
    descriptors = open_descriptors()
    outcomes = []
    for nth in range(1 + part, 1000, PARTS):
        root = tmp_path / f'root-{nth}'
        rig = DiskRig(root)
        footer = None
        with monkeypatch.context() as patch:
            calls = FailingCalls(patch)
            if part % 2:
                calls.tear_writes()
            calls.fail('', nth=nth, number=errno.ENOSPC if part % 2 else errno.EIO)
            with suppress(FdrOpenError):
                footer = fly(rig)
        if len(calls.made) < nth:
            break
        outcomes.append(footer and footer.clean_shutdown)
        if footer is None:
            assert not root.exists()
        elif footer.clean_shutdown:
            check_closed(rig, footer)
        else:
            check_not_closed(rig, footer)
        assert open_descriptors() <= descriptors
        assert not root.exists() or is_free(root)
        shutil.rmtree(root, ignore_errors=True)  # all together would fill a small disk
    assert len(outcomes) >= 100 // PARTS
    assert set(outcomes) == {None, False, True}


# --- a process that is killed


@contextmanager
def endless_flight(root: Path, seed: int) -> Iterator[subprocess.Popen[str]]:
    """Let another process record until it is killed."""
    command = [sys.executable, str(SUPPORT / 'endless_flight.py'), str(root), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize('seed', range(10))
def test_a_recorder_that_is_killed_leaves_a_bag(seed: int, tmp_path: Path) -> None:
    """At any moment: what it said was durable is there, and everything that is listed is read."""
    root = tmp_path / 'root'
    commits = random.Random(seed).randrange(1, 400)  # noqa: S311 - repeatable, and no secret
    durable = -1
    with endless_flight(root, seed) as process:
        assert process.stdout is not None
        for _ in range(commits):
            durable = int(process.stdout.readline())
        process.kill()
        said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    # The last line may have been cut by the kill.
    durable = max([durable, *(int(line) for line in said.split('\n')[:-1])])

    metadata = metadata_of(root / FLIGHT_ID)
    names = metadata['relative_file_paths']
    assert isinstance(names, list)
    segments = [read_torn(root / FLIGHT_ID / name) for name in names]
    records = [item.record for segment in segments for item in segment.stored]
    seqs = [record.seq for record in of_producers(records)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert (seqs[-1] >= durable, names[0].endswith('_0.mcap')) == (True, seqs[0] == 0)
    assert all(segment.stored for segment in segments)
    assert all(HEADER_NAME in segment.metadata for segment in segments)
    if (root / FLIGHT_ID / names[-1]).read_bytes().endswith(MAGIC):
        assert [record for _, record in rosbags_records(root / FLIGHT_ID)] == records

    rig = DiskRig(root)
    rig.open_flight(OTHER_FLIGHT_ID)
    rig.write([0])
    assert rig.recorder.close_flight().clean_shutdown


def test_a_second_recorder_is_refused_while_the_first_one_records(tmp_path: Path) -> None:
    """The message names the lock file, the process, and its flight; nothing of it is touched."""
    root = tmp_path / 'root'
    with endless_flight(root, seed=1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(FdrConcurrentWriterError) as caught:
            DiskRig(root).open_flight(OTHER_FLIGHT_ID)
        for word in (str(root / LOCK_NAME), f'pid {process.pid}', FLIGHT_ID):
            assert word in str(caught.value)
        process.kill()
    assert tree(root).keys() >= {LOCK_NAME, FLIGHT_ID}
    assert OTHER_FLIGHT_ID not in tree(root)
