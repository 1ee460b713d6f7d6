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
"""The file that grows by all or by nothing: its end state after every failure."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from typing import NamedTuple, TYPE_CHECKING

from failing_calls import FailingCalls
from fdr_node.storage.append_file import AppendFile
from on_disk import disk_bytes, open_descriptors
import pytest
from small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESERVE_BYTES = 1 << 20
PAGE = 4096


class State(NamedTuple):
    """All that there is to see of a file."""

    content: bytes
    size_bytes: int
    is_reserved: bool


def state_of(file: AppendFile) -> State:
    """Return what is on disk, and what the object says of it."""
    status = file.path.stat()
    is_reserved = status.st_blocks * 512 >= RESERVE_BYTES
    return State(file.path.read_bytes(), file.size_bytes, is_reserved)


def new_file(directory: Path, *, reserve_bytes: int = RESERVE_BYTES) -> AppendFile:
    """Return a file with a first good piece in it."""
    file = AppendFile(directory / 'a_0.mcap', reserve_bytes=reserve_bytes)
    file.append(b'good')
    return file


def test_what_is_appended_is_written_and_synced(tmp_path: Path) -> None:
    """Piece by piece, behind each other."""
    file = new_file(tmp_path)
    file.append(b'')
    file.append(b' and more')
    assert state_of(file) == State(b'good and more', 13, is_reserved=True)
    assert file.is_reserved
    file.close()


def test_it_is_durable_when_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name first, then each piece: written, then synced."""
    calls = FailingCalls(monkeypatch)
    new_file(tmp_path).close()
    opened = ['open', 'fallocate', 'open', 'fsync', 'close']
    assert calls.made == [*opened, 'pwrite', 'fdatasync', 'ftruncate', 'fdatasync', 'close']


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    """A closed segment is never opened for writing again."""
    (tmp_path / 'a_0.mcap').write_bytes(b'closed')
    with pytest.raises(FileExistsError):
        AppendFile(tmp_path / 'a_0.mcap', reserve_bytes=RESERVE_BYTES)
    assert (tmp_path / 'a_0.mcap').read_bytes() == b'closed'


@pytest.mark.parametrize(
    ('sync', 'syncs'), [('commit', [2, 3]), ('segment', [0, 1]), ('never', [0, 0])]
)
def test_data_is_synced_as_the_policy_says(
    sync: str, syncs: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each append and at the close, at the close alone, or not at all; the name always."""
    calls = FailingCalls(monkeypatch)
    file = AppendFile(tmp_path / 'a_0.mcap', reserve_bytes=RESERVE_BYTES, sync=sync)
    file.append(b'a')
    file.append(b'b')
    counts = [calls.count('fdatasync')]
    file.close()
    assert [*counts, calls.count('fdatasync')] == syncs
    assert calls.count('fsync') == 1
    assert file.path.read_bytes() == b'ab'


@pytest.mark.parametrize('nth', range(1, 6))
@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EIO])
def test_an_opening_that_fails_leaves_nothing(
    nth: int, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of its calls fails: no file, no descriptor."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    calls.fail('', nth=nth, number=number)
    with pytest.raises(OSError, match=os.strerror(number)):
        AppendFile(tmp_path / 'a_0.mcap', reserve_bytes=RESERVE_BYTES)
    assert (list(tmp_path.iterdir()), open_descriptors()) == ([], before)


def test_a_file_system_without_reservation_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The space is then taken as it is needed."""
    FailingCalls(monkeypatch).fail('fallocate', number=errno.EOPNOTSUPP)
    file = new_file(tmp_path)
    assert not file.is_reserved
    assert state_of(file) == State(b'good', 4, is_reserved=False)
    file.close()


@pytest.mark.parametrize('call', ['pwrite', 'fdatasync'])
@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EIO])
def test_a_piece_that_fails_is_cut_off_again(
    call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it was written; the same piece can be offered again."""
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    calls.tear_writes()
    calls.fail(call, nth=calls.count(call) + 1, number=number)
    with pytest.raises(OSError, match=os.strerror(number)):
        file.append(b' a piece')
    assert (file.path.read_bytes(), file.size_bytes) == (b'good', 4)
    file.append(b' a piece')
    assert (file.path.read_bytes(), file.size_bytes) == (b'good a piece', 12)
    file.close()


def test_what_an_abandonment_could_not_do_is_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the file takes what was reserved for it; afterwards no more than it holds."""
    calls = FailingCalls(monkeypatch)
    file = AppendFile(tmp_path / 'file', reserve_bytes=1 << 20)
    file.append(b'good', end=b'end')
    calls.fail_always('fdatasync')
    calls.fail_always('ftruncate')
    with pytest.raises(OSError, match='Input/output'):
        file.append(b' torn')
    file.abandon()
    with pytest.raises(OSError, match='Input/output'):
        file.mend()
    assert disk_bytes(tmp_path) >= 1 << 20
    calls.mend()
    file.mend()
    assert (file.path.read_bytes(), disk_bytes(tmp_path)) == (b'goodend', 4096)
    file.path.write_bytes(b'of somebody else by now')
    file.mend()
    assert file.path.read_bytes() == b'of somebody else by now'


def test_a_file_that_is_gone_needs_no_mending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it took is free again."""
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    calls.fail_always('ftruncate')
    file.abandon()
    file.path.unlink()
    file.mend()
    assert not file.path.exists()


def test_a_piece_that_cannot_be_cut_off_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next piece starts where the last good one ended."""
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    calls.fail_always('fdatasync')
    calls.fail_always('ftruncate')
    with pytest.raises(OSError, match='Input/output'):
        file.append(b' torn')
    assert file.size_bytes == 4
    calls.mend()
    file.append(b' whole')
    assert (file.path.read_bytes(), file.size_bytes) == (b'good whole', 10)
    file.close()


def test_close_gives_back_what_was_reserved(tmp_path: Path) -> None:
    """And the descriptor; twice is once."""
    before = open_descriptors()
    file = new_file(tmp_path)
    file.close()
    file.close()
    assert state_of(file) == State(b'good', 4, is_reserved=False)
    assert open_descriptors() == before


@pytest.mark.parametrize('call', ['ftruncate', 'fdatasync', 'close'])
def test_a_close_that_fails_can_be_repeated(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one does what the first left undone."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    calls.fail(call, nth=calls.count(call) + 1)
    with pytest.raises(OSError, match='Input/output'):
        file.close()
    file.close()
    assert state_of(file) == State(b'good', 4, is_reserved=False)
    assert open_descriptors() == before


def test_a_closed_file_is_not_written_again(tmp_path: Path) -> None:
    """That is an error of the program, not of the disk."""
    file = new_file(tmp_path)
    file.close()
    with pytest.raises(ValueError, match='closed segment is never written'):
        file.append(b'more')
    assert file.path.read_bytes() == b'good'


@pytest.mark.parametrize('is_closed', [False, True])
def test_abort_removes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_closed: bool
) -> None:
    """Also when closing it fails, and when it is gone already."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    if is_closed:
        file.close()
    calls.fail_always('close')
    file.abort()
    file.abort()
    calls.mend()
    assert (list(tmp_path.iterdir()), open_descriptors()) == ([], before)


def test_abandon_keeps_what_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it cannot be closed: nothing is reserved any more, no descriptor stays, no error."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    calls.fail_always('fdatasync')
    calls.fail_always('close')
    with pytest.raises(OSError, match='Input/output'):
        file.close()
    file.abandon()
    file.abandon()
    calls.mend()
    assert state_of(file) == State(b'good', 4, is_reserved=False)
    assert open_descriptors() == before


def test_abandon_on_a_dead_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When not even the reservation can be given back, the descriptor is."""
    before = open_descriptors()
    calls = FailingCalls(monkeypatch)
    file = new_file(tmp_path)
    calls.fail_always('ftruncate', errno.EROFS)
    file.abandon()
    calls.mend()
    assert state_of(file) == State(b'good', 4, is_reserved=True)
    assert open_descriptors() == before


def with_end(directory: Path) -> AppendFile:
    """Return a file with a first good piece in it, and an end behind."""
    file = AppendFile(directory / 'a_0.mcap', reserve_bytes=RESERVE_BYTES)
    file.append(b'good', end=b'<end>')
    return file


def test_the_end_is_written_over_by_the_next_piece(tmp_path: Path) -> None:
    """It counts as part of the file, and not as part of what was appended."""
    file = with_end(tmp_path)
    assert state_of(file) == State(b'good<end>', 9, is_reserved=True)
    assert file.appended_bytes == 4
    file.append(b' and more', end=b'<END>')
    assert state_of(file) == State(b'good and more<END>', 18, is_reserved=True)
    file.append(b'!')
    file.close()
    assert state_of(file) == State(b'good and more!', 14, is_reserved=False)


@pytest.mark.parametrize('leave', [AppendFile.close, AppendFile.abandon])
def test_the_last_end_stays(leave: Callable[[AppendFile], None], tmp_path: Path) -> None:
    """However the file is let go."""
    file = with_end(tmp_path)
    leave(file)
    assert state_of(file) == State(b'good<end>', 9, is_reserved=False)


@pytest.mark.parametrize('call', ['pwrite', 'fdatasync'])
def test_a_piece_that_fails_leaves_the_end_where_it_was(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a piece was written over it; the file is whole again for those who read it."""
    calls = FailingCalls(monkeypatch)
    file = with_end(tmp_path)
    calls.tear_writes()
    calls.fail(call, nth=calls.count(call) + 1)
    with pytest.raises(OSError, match='Input/output'):
        file.append(b' and more', end=b'<END>')
    assert (file.path.read_bytes(), file.size_bytes) == (b'good<end>', 9)
    file.append(b' and more', end=b'<END>')
    assert (file.path.read_bytes(), file.size_bytes) == (b'good and more<END>', 18)
    file.close()


@pytest.mark.fault
def test_a_full_disk_in_the_middle_of_a_piece(tmp_path: Path) -> None:
    """Some pages of it fit: they are cut off, and with space again the piece goes in whole."""
    with small_disk(tmp_path / 'disk', size_bytes=16 * PAGE) as disk:
        file = new_file(disk, reserve_bytes=PAGE)
        other = disk / 'other'
        other.write_bytes(bytes(10 * PAGE))
        piece = os.urandom(7 * PAGE)
        with pytest.raises(OSError, match='No space left'):
            file.append(piece)
        assert (file.path.read_bytes(), file.size_bytes) == (b'good', 4)
        assert os.statvfs(disk).f_bfree == 5
        other.unlink()
        file.append(piece)
        file.close()
        assert file.path.read_bytes() == b'good' + piece


@pytest.mark.fault
def test_reserved_space_cannot_be_taken_by_others(tmp_path: Path) -> None:
    """A full disk shows when the segment is opened, not while it is written."""
    with small_disk(tmp_path / 'disk', size_bytes=16 * PAGE) as disk:
        file = new_file(disk, reserve_bytes=12 * PAGE)
        with pytest.raises(OSError, match='No space left'):
            (disk / 'other').write_bytes(bytes(16 * PAGE))
        piece = os.urandom(12 * PAGE - 4)
        file.append(piece)
        file.close()
        assert file.path.read_bytes() == b'good' + piece


LIMITED = """
import resource, signal, sys
from pathlib import Path
from fdr_node.storage.append_file import AppendFile

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = AppendFile(Path(sys.argv[1]), reserve_bytes=1000)
file.append(b'good')
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    file.append(bytes(2000))
except OSError as error:
    print(error.errno, file.path.stat().st_size, file.size_bytes)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.append(bytes(2000))
file.close()
"""


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """The kernel writes up to the limit, then refuses (EFBIG); in a process of its own."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = tmp_path / 'a_0.mcap'
    command = [sys.executable, '-c', LIMITED, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    assert done.stdout.split() == [str(errno.EFBIG), '4', '4']
    assert path.read_bytes() == b'good' + bytes(2000)


def test_after_a_failed_sync_it_is_suspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later sync that succeeds says nothing of the pages that the kernel has given up."""
    file = AppendFile(tmp_path / 'f', reserve_bytes=RESERVE_BYTES)
    file.append(b'good')
    calls = FailingCalls(monkeypatch)
    calls.fail('fdatasync', nth=1, number=errno.EIO)
    with pytest.raises(OSError, match='Input/output error'):
        file.append(b'lost')
    file.append(b' again')
    assert file.is_suspect
    file.close()
    assert (tmp_path / 'f').read_bytes() == b'good again'
