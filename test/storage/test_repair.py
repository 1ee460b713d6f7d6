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
One segment that is given its end, or a copy in its place: what is there before, after and between.

Which segment needs what is tested with recovery, and so is what an interruption leaves.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from bag_reader import read_segment
from failing_calls import FailingCalls
from fdr_node.config import MIB
from fdr_node.errors import StorageError
from fdr_node.storage import fs, repair
import mcap_bytes
from on_disk import disk_bytes, open_descriptors, tree
import pytest
from wrecks import (
    chunk_places,
    closed_flight,
    flipped,
    killed_flight,
    last_commit_bytes,
    name_of,
    OPEN_END_BYTES,
    seqs_in,
    torn_flight,
)

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.storage.salvage import Salvage

OPEN = killed_flight()[name_of(2)]
CLOSED = closed_flight()[name_of(1)]
SECOND = chunk_places(CLOSED)[1]
DAMAGED = flipped(CLOSED, SECOND.data.start)
END = {'fdr_segment_footer': '{"records":12}', 'fdr_flight_footer': '{"a":"grün"}'}
BLOCK_BYTES = 4096
BEGINNING = {'fdr_flight_header': '{"b":1}', 'rosbag2': 'version: 9'}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a segment is put."""
    return tmp_path / name_of(1)


def examined(path: Path) -> Salvage:
    """Look at a segment."""
    return repair.examine(path, lambda _: None)


def close(path: Path) -> None:
    """Give a segment its end."""
    repair.close_segment(path, examined(path), END)


def copy(path: Path) -> None:
    """Put a sound copy in the place of a segment."""
    repair.copy_segment(path, examined(path), beginning=BEGINNING, end=END)


def lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk write zeros behind the first byte of a file, and say nothing."""
    write_at = fs.write_at

    def lying(descriptor: int, data: bytes, offset: int) -> None:
        write_at(descriptor, bytes(len(data)) if offset else data, offset)

    monkeypatch.setattr(fs, 'write_at', lying)


# --- an end


def test_an_open_segment_is_given_its_end(path: Path) -> None:
    """Where it lies: not a byte of its records is moved."""
    path.write_bytes(OPEN)
    close(path)
    data = path.read_bytes()
    assert data.startswith(OPEN[:-OPEN_END_BYTES])
    assert seqs_in(data) == seqs_in(OPEN)
    content = read_segment(path)
    assert {name: content.metadata[name] for name in END} == END
    assert tree(path.parent) == {path.name: data}


@pytest.mark.parametrize('written_bytes', range(0, last_commit_bytes() + 1, 19))
def test_a_torn_segment_is_cut_and_given_its_end(written_bytes: int, path: Path) -> None:
    """Wherever it is torn; all checksums, indexes and counts are right then."""
    torn = torn_flight(written_bytes)[name_of(2)]
    path.write_bytes(torn)
    records = examined(path).records
    close(path)
    assert len(read_segment(path).stored) == records
    assert tree(path.parent).keys() == {path.name}


def test_nothing_is_left_open(path: Path) -> None:
    """Whatever is done with a segment."""
    before = open_descriptors()
    for data, mend in ((OPEN, close), (DAMAGED, copy)):
        path.write_bytes(data)
        mend(path)
        assert open_descriptors() == before


def test_what_is_cut_off_stays_until_the_repair_was_read_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that lies is caught, and a later try does without what it has spoilt."""
    torn = torn_flight(200)[name_of(2)]
    path.write_bytes(torn)
    good_bytes = examined(path).good_bytes
    beside = path.with_name(path.name + '.torn')
    with monkeypatch.context() as patch:
        lie(patch)
        with pytest.raises(StorageError, match='12 of 12 records can be read back') as caught:
            close(path)
    assert caught.value.errno == errno.EIO
    assert beside.read_bytes() == torn[good_bytes:]
    close(path)
    assert not beside.exists()
    assert path.read_bytes()[:good_bytes] == torn[:good_bytes]
    assert len(read_segment(path).stored) == 12


def test_a_segment_that_cannot_be_copied_aside_is_not_cut(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without space for what would be cut off, nothing is."""
    path.write_bytes(OPEN)
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail_always('pwrite', errno.ENOSPC)
        with pytest.raises(OSError, match='No space left'):
            close(path)
    assert tree(path.parent) == {path.name: OPEN}


# --- a copy


def test_a_damaged_segment_is_copied_without_the_damage(path: Path) -> None:
    """And stays beside the copy, as it was."""
    path.write_bytes(DAMAGED)
    copy(path)
    content = read_segment(path)
    assert seqs_in(path.read_bytes()) == [seq for seq in seqs_in(CLOSED) if seq not in SECOND.seqs]
    assert content.metadata == {**BEGINNING, **END}
    assert tree(path.parent) == {
        path.name: path.read_bytes(),
        path.name + '.damaged': DAMAGED,
    }


def test_texts_of_others_are_copied(path: Path) -> None:
    """Those that stand neither at the beginning nor at the end, in their places."""
    path.write_bytes(flipped(CLOSED, 3))
    repair.copy_segment(path, examined(path), beginning={}, end=END)
    records = mcap_bytes.records_of(path.read_bytes())
    names = [mcap_bytes.Cursor(r.body).text() for r in records if r.opcode == mcap_bytes.METADATA]
    assert names == ['fdr_flight_header', 'rosbag2', *END]
    assert read_segment(path).metadata['fdr_flight_header'] != ''


@pytest.mark.parametrize('part', ['magic', 'topic', 'head', 'index'])
def test_what_is_wrong_without_a_loss_is_right_in_the_copy(part: str, path: Path) -> None:
    """Every record is in it, and the topic as it was."""
    offset = {
        'magic': 2,
        'topic': mcap_bytes.records_of(CLOSED)[2].offset + 30,
        'head': SECOND.whole.start + 9,
        'index': SECOND.message_index.start + 20,
    }[part]
    path.write_bytes(flipped(CLOSED, offset))
    copy(path)
    content = read_segment(path)
    assert len(content.stored) == 12
    assert (content.channel.topic, content.schema.name) == (
        '/fdr/records',
        'fdr_node/msg/FdrRecord',
    )


@pytest.mark.parametrize('compression', ['lz4', 'zstd'])
def test_a_copy_is_compressed_as_the_segment_was(compression: str, path: Path) -> None:
    """What it holds is what was whole."""
    data = closed_flight(compression)[name_of(1)]
    places = chunk_places(data)
    path.write_bytes(flipped(data, places[1].data.start))
    copy(path)
    content = read_segment(path)
    assert [item.record.seq for item in content.stored] == [*places[0].seqs, *places[2].seqs]
    chunks = [item for item in mcap_bytes.records_of(path.read_bytes()) if item.opcode == 0x06]
    assert [mcap_bytes.chunk_content(item)[0] for item in chunks] == [compression] * 2


def test_a_disk_that_reads_something_else_the_second_time(path: Path) -> None:
    """The copy is not made, and can be tried again."""
    data = closed_flight('zstd')[name_of(1)]
    path.write_bytes(data)
    found = examined(path)
    path.write_bytes(flipped(data, chunk_places(data)[1].data.start))
    with pytest.raises(OSError, match='Input/output error'):
        repair.copy_segment(path, found, beginning=BEGINNING, end=END)
    copy(path)
    assert len(read_segment(path).stored) == found.records - len(SECOND.seqs)


def test_a_copy_that_cannot_be_read_back_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment stays in its place; the next try begins anew."""
    path.write_bytes(DAMAGED)
    with monkeypatch.context() as patch:
        lie(patch)
        with pytest.raises(StorageError, match='0 of 8 records can be read back'):
            copy(path)
    assert path.read_bytes() == DAMAGED
    assert tree(path.parent).keys() == {path.name, path.name + '.copy'}
    copy(path)
    assert tree(path.parent).keys() == {path.name, path.name + '.damaged'}
    assert len(read_segment(path).stored) == 8


# --- names


def test_nothing_is_set_aside_over_something_else(path: Path) -> None:
    """A name that is taken gets a number."""
    for content in (b'a', b'b', b'c'):
        path.write_bytes(content)
        repair.set_aside(path, '.unreadable')
    assert tree(path.parent) == {
        f'{path.name}.unreadable': b'a',
        f'{path.name}.unreadable2': b'b',
        f'{path.name}.unreadable3': b'c',
    }


def test_what_was_reserved_for_it_is_given_back(path: Path) -> None:
    """Nobody would know of it any more."""
    descriptor = fs.create_file(path)
    fs.write_at(descriptor, b'garbage', 0)
    assert fs.reserve(descriptor, MIB)
    fs.close(descriptor)
    assert disk_bytes(path.parent) >= MIB
    repair.set_aside(path, '.unreadable')
    assert tree(path.parent) == {f'{path.name}.unreadable': b'garbage'}
    assert disk_bytes(path.parent) <= BLOCK_BYTES


def test_a_file_that_is_not_to_be_written_is_set_aside_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what counts."""
    path.write_bytes(b'garbage')
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail_always('ftruncate')
        repair.set_aside(path, '.unreadable')
    assert tree(path.parent) == {f'{path.name}.unreadable': b'garbage'}


def test_what_an_interruption_leaves_is_cleared(path: Path) -> None:
    """And nothing else."""
    for suffix in ('', '.torn', '.torn.tmp', '.copy', '.damaged', '.unreadable'):
        path.with_name(path.name + suffix).write_bytes(b'?')
    left = {item.name.removeprefix(path.name) for item in repair.leftovers(path)}
    assert left == {'.torn', '.torn.tmp', '.copy'}
    repair.clear(path)
    kept = {name.removeprefix(path.name) for name in tree(path.parent)}
    assert kept == {'', '.damaged', '.unreadable'}
    assert repair.leftovers(path) == []


def test_a_glance_is_enough_for_what_was_closed(path: Path) -> None:
    """By the recorder; what was repaired is read again."""
    path.write_bytes(CLOSED)
    glimpse = repair.glance(path)
    assert glimpse is not None
    assert (glimpse.records, glimpse.is_closed) == (12, True)
    path.write_bytes(OPEN)
    assert repair.glance(path) is None
    repair.close_segment(path, examined(path), {})
    assert repair.glance(path) is None
