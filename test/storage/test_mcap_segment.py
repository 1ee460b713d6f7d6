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
The contract of a segment, for the twin in memory and for the MCAP file; then the file itself.

The bytes of the file are read by hand and with the mcap library, which did not write them.
"""

from __future__ import annotations

import errno
import importlib
from io import BytesIO
import json
from typing import Protocol, TYPE_CHECKING

from bag_reader import read_segment, read_torn
from failing_calls import FailingCalls
from fdr_node.config import KIB, MIB
from fdr_node.record import encode_cdr, peek
from fdr_node.recording.ports import SegmentFacts
from fdr_node.storage.compression import NAMES
from fdr_node.storage.mcap_segment import EPILOGUE_METADATA_BYTES_MAX, McapSegment
from fdr_node.storage.rosbag2_segment import Rosbag2Segment
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
from mcap import records
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
import mcap_bytes
from memory_store import MemoryFlight, MemorySegment, Message
from on_disk import disk_bytes, open_descriptors, tree
import pytest
from rigs import record_of
from seeds import numbers
from stock_writer import Disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from fdr_node.recording.ports import Segment
    from fdr_node.storage.rosbag2_segment import MakeWriter

BEGIN = {'fdr_flight_header': json.dumps({'flight_id': 'grün'}), 'rosbag2': 'version: 9\n'}
NO_ROSBAG2 = 'rosbag2_py is not installed; there are no wheels of it'
NOISE = numbers('noise').randbytes(200 * 9000)
END = {'fdr_segment_footer': '{"records":3}'}
_HALF = 'x' * ((EPILOGUE_METADATA_BYTES_MAX - 200) // 2)
LONGEST_END = {'fdr_segment_footer': _HALF, 'fdr_flight_footer': _HALF}
NAME = 'flight_4.mcap'
# All examples of a property use one place, where the file before is removed first. No deadline:
# the computers that test may be slow.
ONE_PATH = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FEWER = settings(ONE_PATH, max_examples=12)


class Shelf(Protocol):
    """Where segments are made, and where what they hold is read back."""

    is_size_exact: bool

    def make(self, *, size_max: int = MIB) -> Segment:
        """Return a new segment."""

    def messages(self) -> list[Message]:
        """Return what is durably in it."""

    def is_there(self) -> bool:
        """Return whether there is anything of it."""


class MemoryShelf:
    """For the twin."""

    is_size_exact = True

    def __init__(self) -> None:
        self._flight = MemoryFlight()

    def make(self, *, size_max: int = MIB) -> MemorySegment:
        """Return a new segment."""
        return MemorySegment(self._flight, NAME, index=4, size_max=size_max, texts=BEGIN)

    def messages(self) -> list[Message]:
        """Return what is durably in it."""
        return self._flight.segments[NAME].messages

    def is_there(self) -> bool:
        """Return whether there is anything of it."""
        return bool(self._flight.segments)


class DiskShelf:
    """For the MCAP file."""

    is_size_exact = True

    def __init__(self, directory: Path, compression: str = '') -> None:
        self.path = directory / NAME
        self.compression = compression

    def make(self, *, size_max: int = MIB) -> Segment:
        """Return a new segment."""
        self.path.unlink(missing_ok=True)
        return McapSegment(
            self.path,
            index=4,
            size_max=size_max,
            library='test',
            metadata=BEGIN,
            compression=self.compression,
        )

    def messages(self) -> list[Message]:
        """Return what is durably in it."""
        return [
            Message(item.data, item.sequence, item.log_time_ns, item.publish_time_ns)
            for item in read_torn(self.path).stored
        ]

    def is_there(self) -> bool:
        """Return whether there is anything of it."""
        return self.path.exists()


class StockShelf(DiskShelf):
    """For the file that rosbag2 writes, or who stands in for it."""

    is_size_exact = False

    def __init__(self, directory: Path, make_writer: MakeWriter) -> None:
        super().__init__(directory)
        self._make_writer = make_writer

    def make(self, *, size_max: int = MIB) -> Segment:
        """Return a new segment."""
        self.path.unlink(missing_ok=True)
        return Rosbag2Segment(
            self.path, index=4, size_max=size_max, metadata=BEGIN, make_writer=self._make_writer
        )

    def messages(self) -> list[Message]:
        """Return what is durably in it; rosbag2 leaves the number of a message out."""
        with self.path.open('rb') as stream:
            return [
                Message(item.data, peek(item.data).seq, item.log_time, item.publish_time)
                for item in StreamReader(stream, validate_crcs=True).records
                if isinstance(item, records.Message)
            ]


BACKENDS = ['memory', 'mcap', 'mcap lz4', 'mcap zstd', 'rosbag2', 'imitated']


@pytest.fixture(params=BACKENDS)
def shelf(request: pytest.FixtureRequest, quick_path: Path) -> Shelf:
    """Return a place for segments of each kind."""
    backend, _, compression = request.param.partition(' ')
    # The recorder's flights are in a directory of their own, and so is what the writer stages.
    directory = quick_path / 'flight'
    directory.mkdir()
    if backend == 'memory':
        return MemoryShelf()
    if backend == 'rosbag2':
        pytest.importorskip('rosbag2_py', reason=NO_ROSBAG2)
        writer = importlib.import_module('fdr_node.storage.rosbag2_writer')
        return StockShelf(directory, writer.Rosbag2Writer)
    if backend == 'imitated':
        return StockShelf(directory, Disk().open_writer)
    return DiskShelf(directory, compression)


def message(seq: int, payload_bytes: int = 100) -> Message:
    """Return a record as a segment takes it; every number in it is another one."""
    data = encode_cdr(record_of(seq, payload_bytes=payload_bytes))
    return Message(data, seq, 1_000_000 + seq, 2_000_000 + seq)


def add(segment: Segment, messages: Iterable[Message]) -> None:
    """Add records."""
    for item in messages:
        segment.add(
            item.data,
            sequence=item.sequence,
            log_time_ns=item.log_time_ns,
            publish_time_ns=item.publish_time_ns,
        )


# --- the contract


def test_a_new_segment_holds_nothing(shelf: Shelf) -> None:
    """But it has a size: its header is durable."""
    segment = shelf.make()
    size = segment.facts.size_bytes
    assert segment.facts == SegmentFacts(
        index=4, name=NAME, size_bytes=size, records=0, start_ns=0, end_ns=0
    )
    assert (size > 0, segment.pending_bytes, shelf.messages()) == (True, 0, [])


def test_what_is_added_is_not_durable(shelf: Shelf) -> None:
    """It is pending, and in no number."""
    segment = shelf.make()
    before = segment.facts
    add(segment, [message(1), message(2)])
    assert (segment.facts, shelf.messages()) == (before, [])
    assert segment.pending_bytes >= sum(len(message(seq).data) for seq in (1, 2))


def test_what_is_committed_is_durable(shelf: Shelf) -> None:
    """In the order in which it was added, every field as it was given."""
    segment = shelf.make()
    before = segment.facts
    given_messages = [message(seq) for seq in (5, 6, 2**32 - 1)]
    add(segment, given_messages[:2])
    segment.commit()
    add(segment, given_messages[2:])
    segment.commit()
    facts = segment.facts
    assert (shelf.messages(), segment.pending_bytes) == (given_messages, 0)
    assert facts == SegmentFacts(
        index=4,
        name=NAME,
        size_bytes=facts.size_bytes,
        records=3,
        start_ns=1_000_005,
        end_ns=1_000_000 + 2**32 - 1,
    )
    assert facts.size_bytes > before.size_bytes


def test_a_commit_of_nothing_does_nothing(shelf: Shelf) -> None:
    """So that it can be called at any time."""
    segment = shelf.make()
    add(segment, [message(1)])
    segment.commit()
    before = segment.facts
    segment.commit()
    assert segment.facts == before


def test_close_commits_first(shelf: Shelf) -> None:
    """And tells what is in the segment for good."""
    segment = shelf.make()
    add(segment, [message(1)])
    facts = segment.close(END)
    assert shelf.messages() == [message(1)]
    assert (facts, facts.records) == (segment.facts, 1)


def test_a_second_close_changes_nothing(shelf: Shelf) -> None:
    """It is how a close that failed half way is continued."""
    segment = shelf.make()
    add(segment, [message(1)])
    assert segment.close(END) == segment.close(END)


def test_nothing_fits_into_a_closed_segment(shelf: Shelf) -> None:
    """Not even an empty record."""
    segment = shelf.make()
    assert segment.fits(0)
    segment.close(END)
    assert not segment.fits(0)


def test_a_closed_segment_takes_no_commit(shelf: Shelf) -> None:
    """Bytes behind its end would spoil it."""
    segment = shelf.make()
    segment.close(END)
    add(segment, [message(1)])
    with pytest.raises(ValueError, match='closed'):
        segment.commit()
    assert shelf.messages() == []


def test_an_aborted_segment_is_gone(shelf: Shelf) -> None:
    """With all that was in it."""
    segment = shelf.make()
    add(segment, [message(1)])
    segment.commit()
    segment.abort()
    assert not shelf.is_there()


def test_an_abandoned_segment_keeps_what_was_committed(shelf: Shelf) -> None:
    """What was not, is lost."""
    segment = shelf.make()
    add(segment, [message(1)])
    segment.commit()
    add(segment, [message(2)])
    segment.abandon()
    assert shelf.messages() == [message(1)]


SIZES = st.lists(st.lists(st.integers(0, 3000), min_size=1, max_size=4), max_size=4)


@ONE_PATH
@given(SIZES, st.integers(0, 60_000), st.integers(0, 5000))
def test_the_size_at_the_close_is_known_before(
    shelf: Shelf, chunks: list[list[int]], payload_bytes: int, text_bytes: int
) -> None:
    """To the byte, as the footer counts itself; of rosbag2 only an upper bound can be known."""
    segment = shelf.make()
    for sizes in chunks:
        add(segment, [message(seq, size) for seq, size in enumerate(sizes)])
        segment.commit()
    end = {'fdr_segment_footer': 'x' * text_bytes, 'fdr_flight_footer': 'ü' * text_bytes}
    last = message(77, payload_bytes)
    told = segment.size_if_closed(len(last.data), end)
    add(segment, [last])
    size = segment.close(end).size_bytes
    assert size == told if shelf.is_size_exact else size <= told


@FEWER
@given(
    st.integers(512 * KIB, 600 * KIB),
    st.lists(st.integers(0, 120_000), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_a_segment_never_passes_its_size(
    shelf: Shelf, size_max: int, sizes: list[int], chunk_records: int
) -> None:
    """Filled with all that fits, and with the largest end that there may be."""
    segment = shelf.make(size_max=size_max)
    for seq in range(200):
        item = message(seq, sizes[seq % len(sizes)])
        if not segment.fits(len(item.data)):
            break
        add(segment, [item])
        if seq % chunk_records == 0:
            segment.commit()
    assert segment.close(LONGEST_END).size_bytes <= size_max


@FEWER
@given(st.integers(512 * KIB, 600 * KIB), st.lists(st.booleans(), min_size=1, max_size=9))
def test_neither_noise_nor_zeros_pass_the_size(
    shelf: Shelf, size_max: int, are_zeros: list[bool]
) -> None:
    """However well what it is given can be compressed, chunk by chunk."""
    segment = shelf.make(size_max=size_max)
    for seq in range(200):
        is_zero = are_zeros[seq // 3 % len(are_zeros)]
        at, end = seq * 9000, (seq + 1) * 9000
        payload = bytes(9000) if is_zero else NOISE[at:end]
        data = encode_cdr(record_of(seq)._replace(payload=payload))
        if not segment.fits(len(data)):
            break
        add(segment, [message(seq)._replace(data=data)])
        if seq % 3 == 2:
            segment.commit()
    assert segment.close(LONGEST_END).size_bytes <= size_max


def test_a_full_segment_is_full(shelf: Shelf) -> None:
    """
    What is kept free for the end is less than a quarter of the smallest segment.

    rosbag2 makes a chunk of each record, and that takes space, too.
    """
    segment = shelf.make(size_max=512 * KIB)
    while segment.fits(len(message(0).data)):
        add(segment, [message(0)])
    assert segment.pending_bytes > (384 if shelf.is_size_exact else 256) * KIB


# --- the file


@pytest.fixture(params=NAMES, ids=lambda name: name or 'none')
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> DiskShelf:
    """Return a place for files."""
    return DiskShelf(tmp_path, request.param)


def closed(disk: DiskShelf, chunks: Iterable[Iterable[int]], end: Mapping[str, str]) -> None:
    """Write a whole file of small records."""
    segment = disk.make()
    for seqs in chunks:
        add(segment, [message(seq) for seq in seqs])
        segment.commit()
    segment.close(end)


@pytest.mark.parametrize('chunks', [[], [[1]], [[1, 2, 3], [4], [5, 6]]])
def test_a_closed_file_is_whole(disk: DiskShelf, chunks: list[list[int]]) -> None:
    """Every checksum, index and count is right, also of a file without records."""
    closed(disk, chunks, END)
    content = read_segment(disk.path)
    assert [item.record for item in content.stored] == [
        record_of(seq) for seqs in chunks for seq in seqs
    ]
    assert content.metadata == {**BEGIN, **END}


def test_the_file_is_laid_out_as_the_format_says(disk: DiskShelf) -> None:
    """Schema and channel outside the chunks, in the data section and again in the summary."""
    closed(disk, [[1, 2], [3]], END)
    names = {
        value: name
        for name, value in vars(mcap_bytes).items()
        if name.isupper() and isinstance(value, int)
    }
    assert [names[item.opcode] for item in mcap_bytes.records_of(disk.path.read_bytes())] == [
        'HEADER',
        *('SCHEMA', 'CHANNEL', 'METADATA', 'METADATA'),
        *('CHUNK', 'MESSAGE_INDEX', 'CHUNK', 'MESSAGE_INDEX'),
        *('METADATA', 'DATA_END', 'SCHEMA', 'CHANNEL', 'STATISTICS'),
        *('CHUNK_INDEX', 'CHUNK_INDEX', 'METADATA_INDEX', 'METADATA_INDEX', 'METADATA_INDEX'),
        *('SUMMARY_OFFSET',) * 5,
        'FOOTER',
    ]


def test_the_header_names_profile_and_library(disk: DiskShelf) -> None:
    """``ros2 bag`` looks for the profile."""
    closed(disk, [], {})
    head = mcap_bytes.Cursor(mcap_bytes.records_of(disk.path.read_bytes())[0].body)
    assert (head.text(), head.text()) == ('ros2', 'test')


def test_an_open_file_is_read_up_to_its_last_commit(disk: DiskShelf) -> None:
    """Space is reserved for the rest, without zeros that a reader would stumble over."""
    segment = disk.make()
    add(segment, [message(1)])
    segment.commit()
    add(segment, [message(2)])
    assert disk.messages() == [message(1)]
    assert disk.path.stat().st_size == segment.facts.size_bytes
    assert disk_bytes(disk.path.parent) >= MIB
    segment.close(END)
    assert disk_bytes(disk.path.parent) <= 16 * KIB


def test_an_open_file_is_whole_to_every_reader(disk: DiskShelf) -> None:
    """After each commit, and before the first: all that is missing is the index."""
    segment = disk.make()
    for seq in range(4):
        data = disk.path.read_bytes()
        kinds = [item.opcode for item in mcap_bytes.records_of(data)]
        assert kinds[-2:] == [mcap_bytes.DATA_END, mcap_bytes.FOOTER]
        reader = make_reader(BytesIO(data), validate_crcs=True)
        assert [m.sequence for _, _, m in reader.iter_messages()] == list(range(seq))
        add(segment, [message(seq)])
        segment.commit()


def test_a_chunk_is_compressed_when_that_makes_it_smaller(disk: DiskShelf) -> None:
    """And when it holds more than one record: the size of a single one must be known before."""
    segment = disk.make()
    for texts in ([bytes(5000), bytes(5000)], [NOISE[:3], NOISE[3:9000]], [bytes(5000)]):
        add(segment, [message(0)._replace(data=data) for data in texts])
        segment.commit()
    segment.close(END)
    data = disk.path.read_bytes()
    mcap_bytes.check(data)
    chunks = [
        mcap_bytes.chunk_content(item)
        for item in mcap_bytes.records_of(data)
        if item.opcode == mcap_bytes.CHUNK
    ]
    assert [name for name, _, _ in chunks] == [disk.compression, '', '']
    assert (len(chunks[0][1]) < 500) == bool(disk.compression)


OPENING = range(1, 8)


@pytest.mark.parametrize('nth', OPENING)
def test_a_segment_that_cannot_be_begun_leaves_nothing(
    nth: int, disk: DiskShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the calls fails."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    calls.tear_writes()
    calls.fail('', nth=nth + 1, number=errno.ENOSPC)  # the first is of the test itself
    with pytest.raises(OSError, match='No space left'):
        disk.make()
    calls.mend()
    assert (tree(disk.path.parent), open_descriptors()) == ({}, before)


def fail_once_each(
    disk: DiskShelf, monkeypatch: pytest.MonkeyPatch, step: Callable[[Segment], object]
) -> list[str]:
    """
    Do a step as often as it makes calls; each time another call fails, and it is done again.

    :return: the calls that failed.
    """
    failed = []
    for nth in range(1, 100):
        with monkeypatch.context() as patch:
            segment = disk.make()
            add(segment, [message(1), message(2)])
            segment.commit()
            add(segment, [message(3)])
            calls = FailingCalls(patch)
            calls.fail('', nth=nth)
            try:
                step(segment)
            except OSError:
                failed.append(calls.made[-1] if nth == len(calls.made) else calls.made[nth - 1])
                step(segment)
            is_done = len(calls.made) < nth
        segment.close(END)
        content = read_segment(disk.path)
        assert [item.record.seq for item in content.stored] == [1, 2, 3]
        assert content.metadata == {**BEGIN, **END}
        assert disk_bytes(disk.path.parent) <= 16 * KIB
        if is_done:
            return failed
    raise AssertionError


def test_a_commit_that_fails_is_repeated(disk: DiskShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """At whichever call: the file is whole in the end, and has every record once."""
    calls = fail_once_each(disk, monkeypatch, lambda segment: segment.commit())
    assert calls == ['pwrite', 'fdatasync']


def test_a_close_that_fails_is_continued(disk: DiskShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """At whichever call: it has one end, and no record behind it."""
    calls = fail_once_each(disk, monkeypatch, lambda segment: segment.close(END))
    assert calls == ['pwrite', 'fdatasync', 'ftruncate', 'fdatasync', 'close']


def test_a_close_whose_last_sync_fails_is_no_doubt_about_what_was_written(
    disk: DiskShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes were synced before, records and end together; only space is given back."""
    segment = disk.make()
    add(segment, [message(1)])
    calls = FailingCalls(monkeypatch)
    calls.fail('fdatasync', nth=2)
    with pytest.raises(OSError, match='Input/output'):
        segment.close(END)
    assert (segment.is_suspect, segment.facts.records) == (False, 1)
    segment.close(END)
    assert read_segment(disk.path).metadata == {**BEGIN, **END}


def test_records_and_the_end_are_there_together_or_not_at_all(
    disk: DiskShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A footer whose segment has no end would tell a wrong size."""
    segment = disk.make()
    add(segment, [message(1)])
    calls = FailingCalls(monkeypatch)
    calls.fail('fdatasync')
    with pytest.raises(OSError, match='Input/output'):
        segment.close(END)
    assert (segment.is_suspect, segment.facts.records) == (True, 0)
    assert [record.data for record in segment.take_pending()] == [message(1).data]
    segment.abandon()
    assert disk.messages() == []


def test_no_record_follows_an_end_that_was_written(
    disk: DiskShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is on disk, its closing failed: the next record needs another segment."""
    segment = disk.make()
    calls = FailingCalls(monkeypatch)
    calls.fail('ftruncate')
    with pytest.raises(OSError, match='Input/output'):
        segment.close(END)
    assert not segment.fits(10)
    segment.commit()
    segment.close(END)
    assert read_segment(disk.path).metadata == {**BEGIN, **END}


def test_a_commit_that_fails_counts_nothing(
    disk: DiskShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the segment says of itself is what is on disk."""
    segment = disk.make()
    add(segment, [message(1)])
    before = segment.facts
    FailingCalls(monkeypatch).fail('fdatasync')
    with pytest.raises(OSError, match='Input/output'):
        segment.commit()
    assert (segment.facts, disk.messages()) == (before, [])
    assert segment.pending_bytes > len(message(1).data)
    segment.abort()
