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
What the guard notices of a writer that tells of nothing, and what is left then.

The contract of a segment is tested with the other segments (test_mcap_segment), over rosbag2
itself where it is installed. Here somebody stands in for it, so that its failures can be chosen.
"""

from __future__ import annotations

import errno
from io import BytesIO
from typing import TYPE_CHECKING

from failing_calls import FailingCalls
from fdr_node.config import KIB, MIB
from fdr_node.record import encode_cdr, peek
from fdr_node.storage import fs
from fdr_node.storage.rosbag2_segment import CHUNK_BYTES, Rosbag2Segment
from fdr_node.storage.salvage import salvage, summarise
from mcap.reader import make_reader
import mcap_bytes
from on_disk import open_descriptors, tree
import pytest
from rigs import record_of
from stock_writer import Disk
from wrecks import flipped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fdr_node.recording.ports import PendingRecord

BEGIN = {'fdr_flight_header': '{"flight_id": "grün"}', 'rosbag2': 'version: 9\n'}
RECORD_BYTES = len(encode_cdr(record_of(0)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a segment is made."""
    directory = tmp_path / 'flight'
    directory.mkdir()
    return directory / 'flight_3.mcap'


@pytest.fixture
def disk() -> Disk:
    """Return where the bytes of the writer go."""
    return Disk()


def make(path: Path, disk: Disk, *, compression: str = '', sync: str = 'commit') -> Rosbag2Segment:
    """Begin a segment."""
    return Rosbag2Segment(
        path,
        index=3,
        size_max=MIB,
        metadata=BEGIN,
        make_writer=disk.open_writer,
        sync=sync,
        compression=compression,
    )


def add(segment: Rosbag2Segment, seqs: Iterable[int]) -> None:
    """Add small records."""
    for seq in seqs:
        data = encode_cdr(record_of(seq))
        segment.add(data, sequence=seq, log_time_ns=1000 + seq, publish_time_ns=2000 + seq)


def seqs_of(records: Iterable[PendingRecord]) -> list[int]:
    """Return the numbers of records, which are given back as they were taken."""
    found = []
    for data, seq, log_time_ns, publish_time_ns in records:
        assert (data, log_time_ns) == (encode_cdr(record_of(seq)), 1000 + seq)
        assert publish_time_ns == 2000 + seq
        found.append(seq)
    return found


def seqs_in(path: Path) -> list[int]:
    """Return the records in a file that has an end, as others read it."""
    reader = make_reader(BytesIO(path.read_bytes()), validate_crcs=True)
    return [peek(message.data).seq for _, _, message in reader.iter_messages()]


def check_left(segment: Rosbag2Segment, path: Path, *, kept: list[int], given: list[int]) -> None:
    """Check a segment that is left: what was committed is in it, the rest is given back."""
    assert segment.is_suspect
    assert not segment.fits(0)
    facts = segment.facts
    assert seqs_of(segment.take_pending()) == given
    assert (segment.pending_bytes, facts.records) == (0, len(kept))
    segment.abandon()
    assert (path.stat().st_size, segment.facts.size_bytes) == (facts.size_bytes, facts.size_bytes)
    assert (mcap_bytes.is_open(path), seqs_in(path)) == (True, kept)
    found = salvage(
        BytesIO(path.read_bytes()), size_bytes=facts.size_bytes, progress=lambda _: None
    )
    assert (found.records, found.is_sound) == (len(kept), True)


# --- what goes well


@pytest.mark.parametrize('compression', ['', 'lz4', 'zstd'])
def test_a_closed_file_is_whole_and_as_the_writer_made_it(
    compression: str, path: Path, disk: Disk
) -> None:
    """The guard changes nothing in it."""
    segment = make(path, disk, compression=compression)
    for first in range(0, 300, 100):
        add(segment, range(first, first + 100))
        segment.commit()
    facts = segment.close({'fdr_segment_footer': '{}'})
    data = path.read_bytes()
    assert seqs_in(path) == list(range(300))
    assert (facts.records, facts.size_bytes) == (300, len(data))
    assert (facts.start_ns, facts.end_ns) == (1000, 1299)
    found = salvage(BytesIO(data), size_bytes=len(data), progress=lambda _: None)
    assert (found.is_closed, found.is_sound, found.records) == (True, True, 300)
    names = {mcap_bytes.Cursor(item.body).text() for item in metadata_of(data)}
    assert names == {'rosbag2'}


def test_a_closed_file_is_taken_at_its_word(path: Path, disk: Disk) -> None:
    """A recovery need not go through it; what it says is what is found in it."""
    segment = make(path, disk, compression='zstd')
    add(segment, range(100))
    size_bytes = segment.close({}).size_bytes
    data = path.read_bytes()
    told = summarise(BytesIO(data), size_bytes=size_bytes)
    found = salvage(BytesIO(data), size_bytes=size_bytes, progress=lambda _: None)
    assert told is not None
    for name in ('records', 'start_ns', 'end_ns', 'record_bytes', 'channel'):
        assert getattr(told, name) == getattr(found, name), name
    name = 'fdr_flight_header'
    assert told.texts[name] == found.texts[name] == BEGIN[name]


@pytest.mark.parametrize('count', [0, 1])
def test_a_file_of_somebody_else_has_no_word(count: int, path: Path, disk: Disk) -> None:
    """Without a flight header in it, or without a record."""
    segment = make(path, disk)
    if count:
        segment.abort()
        segment = Rosbag2Segment(
            path, index=3, size_max=MIB, metadata={}, make_writer=disk.open_writer
        )
    add(segment, range(count))
    size_bytes = segment.close({}).size_bytes
    assert summarise(BytesIO(path.read_bytes()), size_bytes=size_bytes) is None


def metadata_of(data: bytes) -> list[mcap_bytes.Raw]:
    """Return the metadata records of a file."""
    return [item for item in mcap_bytes.records_of(data) if item.opcode == mcap_bytes.METADATA]


def test_an_open_file_is_whole_to_every_reader(path: Path, disk: Disk) -> None:
    """After each commit, and before the first; a process that is killed leaves it so."""
    segment = make(path, disk)
    assert mcap_bytes.is_open(path)
    for seq in range(4):
        add(segment, [seq])
        segment.commit()
        assert (mcap_bytes.is_open(path), seqs_in(path)) == (True, list(range(seq + 1)))


@pytest.mark.parametrize('compression', ['lz4', 'zstd'])
def test_a_chunk_that_is_not_full_waits(compression: str, path: Path, disk: Disk) -> None:
    """Its records are pending: in no number, and given back when the segment is left."""
    segment = make(path, disk, compression=compression)
    largest_bytes = durable = 0
    for seq in range(120):
        add(segment, [seq])
        segment.commit()
        assert segment.pending_bytes < CHUNK_BYTES + RECORD_BYTES + 31
        largest_bytes = max(largest_bytes, segment.pending_bytes)
        durable = segment.facts.records
        if durable:
            assert seqs_in(path) == list(range(durable))
    assert (largest_bytes > CHUNK_BYTES // 2, 0 < durable < 120) == (True, True)
    disk.fault = OSError(errno.EIO, 'a rosbag2 that says so')
    add(segment, [120])
    with pytest.raises(OSError, match='says so'):
        segment.commit()
    check_left(segment, path, kept=list(range(durable)), given=list(range(durable, 121)))


@pytest.mark.parametrize(('sync', 'syncs'), [('commit', (1, 2)), ('never', (0, 0))])
def test_it_is_synced_as_any_other(
    sync: str, syncs: tuple[int, int], path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer does not."""
    segment = make(path, disk, sync=sync)
    calls = FailingCalls(monkeypatch)
    add(segment, [0])
    segment.commit()
    of_commit = calls.count('fdatasync')
    segment.close({})
    assert (of_commit, calls.count('fdatasync')) == syncs


# --- a disk that is full


def test_without_space_nothing_is_written(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where space cannot be reserved it is looked for; the same records are offered again."""
    FailingCalls(monkeypatch).fail_always('fallocate', errno.EOPNOTSUPP)
    segment = make(path, disk)
    add(segment, [0])
    segment.commit()
    before = path.read_bytes()
    add(segment, [1, 2])
    with monkeypatch.context() as patch:
        patch.setattr(fs, 'free_bytes', lambda _: 64 * KIB)
        for _ in range(2):
            with pytest.raises(OSError, match='No space left') as caught:
                segment.commit()
            assert caught.value.errno == errno.ENOSPC
            with pytest.raises(OSError, match='No space left'):
                segment.close({})
        assert (path.read_bytes(), segment.is_suspect) == (before, False)
    segment.commit()
    with monkeypatch.context() as patch:
        # Not even for the end, which can be written once only.
        patch.setattr(fs, 'free_bytes', lambda _: 64 * KIB)
        with pytest.raises(OSError, match='No space left'):
            segment.close({})
        assert not segment.is_suspect
    segment.close({})
    assert seqs_in(path) == [0, 1, 2]


def test_a_segment_that_cannot_be_reserved_is_not_begun(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the default backend, a full disk shows at the cut."""
    calls = FailingCalls(monkeypatch)
    calls.fail('fallocate', number=errno.ENOSPC)
    before = open_descriptors()
    with pytest.raises(OSError, match='No space left'):
        make(path, disk)
    assert (tree(path.parent), open_descriptors()) == ({}, before)


@pytest.mark.parametrize('room_bytes', range(0, 1400, 97))
def test_bytes_that_do_not_arrive_are_noticed(room_bytes: int, path: Path, disk: Disk) -> None:
    """However many of them do."""
    segment = make(path, disk)
    add(segment, [0, 1])
    segment.commit()
    disk.room_bytes = room_bytes
    add(segment, [2, 3, 4, 5, 6])
    with pytest.raises(OSError, match='records came back') as caught:
        segment.commit()
    assert caught.value.errno == errno.EIO
    check_left(segment, path, kept=[0, 1], given=[2, 3, 4, 5, 6])


def test_bytes_that_do_not_arrive_on_a_full_disk(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told what is wrong with it."""
    segment = make(path, disk)
    disk.room_bytes = 0
    add(segment, [0])
    monkeypatch.setattr(fs, 'free_bytes', lambda _: 0)
    with pytest.raises(OSError, match='0 of 1 records') as caught:
        segment.commit()
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize('room_bytes', [0, 50, 500, 2000, 2700])
def test_an_end_that_does_not_arrive_is_noticed(room_bytes: int, path: Path, disk: Disk) -> None:
    """What was committed is there, and the file gets an end like that of an open one."""
    segment = make(path, disk)
    add(segment, [0, 1])
    segment.commit()
    disk.room_bytes = room_bytes
    with pytest.raises(OSError, match='end of the file'):
        segment.close({})
    check_left(segment, path, kept=[0, 1], given=[])


def test_a_beginning_that_does_not_arrive_is_noticed(path: Path, disk: Disk) -> None:
    """Nothing is left of it."""
    before = open_descriptors()
    for room_bytes in (0, 8, 60):
        disk.room_bytes = room_bytes
        with pytest.raises(OSError, match='beginning of the file'):
            make(path, disk)
        assert (tree(path.parent), open_descriptors()) == ({}, before)


# --- a disk that writes something else


@pytest.mark.parametrize('compression', ['', 'zstd'])
@pytest.mark.parametrize('place', range(0, 2600, 211))
def test_bytes_that_arrive_as_others_are_noticed(
    place: int, compression: str, path: Path, disk: Disk
) -> None:
    """At the commit or, those that no chunk's CRC covers, when the file is closed."""
    segment = make(path, disk, compression=compression)
    add(segment, range(100))
    disk.spoil = place
    with pytest.raises(OSError, match=r'came back|is not there|CRC') as caught:  # noqa: PT012
        segment.commit()
        disk.spoil = None
        segment.close({})
    assert caught.value.errno == errno.EIO
    kept = segment.facts.records
    given = seqs_of(segment.take_pending())
    assert (segment.is_suspect, [*range(kept), *given]) == (True, list(range(100)))
    segment.abandon()
    reader = make_reader(BytesIO(path.read_bytes()))
    assert len(list(reader.iter_messages())) == kept


def test_a_chunk_that_turns_bad_later_is_noticed_at_the_close(path: Path, disk: Disk) -> None:
    """All of the file is read once more."""
    segment = make(path, disk)
    add(segment, range(10))
    segment.commit()
    data = path.read_bytes()
    (chunk, *_) = [item for item in mcap_bytes.records_of(data) if item.opcode == mcap_bytes.CHUNK]
    path.write_bytes(flipped(data, chunk.offset + chunk.size - 1))
    with pytest.raises(OSError, match='0 of 10 records came back'):
        segment.close({})
    assert segment.is_suspect


# --- other failures


def test_a_sync_that_fails_leaves_the_segment(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the default backend: what was not durable is given back."""
    segment = make(path, disk)
    add(segment, [0])
    segment.commit()
    add(segment, [1, 2])
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail('fdatasync', number=errno.EIO)
        with pytest.raises(OSError, match='Input/output error'):
            segment.commit()
    check_left(segment, path, kept=[0], given=[1, 2])


CLOSING = ['ftruncate', 'fdatasync']


@pytest.mark.parametrize('name', CLOSING)
def test_a_close_that_fails_is_continued(
    name: str, path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the writer has written the end."""
    segment = make(path, disk)
    add(segment, [0])
    segment.commit()
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail(name, number=errno.EIO)
        with pytest.raises(OSError, match='Input/output error'):
            segment.close({})
    size_bytes = path.stat().st_size
    segment.close({})
    assert (path.stat().st_size, seqs_in(path)) == (size_bytes, [0])


def test_a_close_that_cannot_be_continued_keeps_the_end(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written, and read back."""
    segment = make(path, disk)
    add(segment, [0])
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail_always('ftruncate', errno.EIO)
        with pytest.raises(OSError, match='Input/output error'):
            segment.close({})
        segment.abandon()
    assert (mcap_bytes.is_open(path), seqs_in(path)) == (False, [0])


@pytest.mark.parametrize('nth', range(1, 5))
def test_a_segment_that_cannot_be_begun_leaves_nothing(
    nth: int, path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the calls fails."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    calls.fail('', nth=nth, number=errno.ENOSPC)
    with pytest.raises(OSError, match='No space left'):
        make(path, disk)
    calls.mend()
    assert (tree(path.parent), open_descriptors()) == ({}, before)
