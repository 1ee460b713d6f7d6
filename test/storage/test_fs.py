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
"""The durable file steps: what they leave behind, also when a call of the system fails in them."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

from failing_calls import FailingCalls
from fdr_node.storage import fs
from on_disk import tree
import pytest
from small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCKS = 512  # what st_blocks counts in


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> FailingCalls:
    """Return the system calls of the test."""
    return FailingCalls(monkeypatch)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """Return a new file, open."""
    descriptor = fs.create_file(tmp_path / 'file')
    yield descriptor
    os.close(descriptor)


def error_number(error: pytest.ExceptionInfo[OSError]) -> int | None:
    """Return the error number that was raised."""
    return error.value.errno


def test_create_file_makes_a_new_file_only(tmp_path: Path) -> None:
    """What is there is neither opened nor emptied."""
    path = tmp_path / 'file'
    path.write_bytes(b'closed segment')
    with pytest.raises(FileExistsError):
        fs.create_file(path)
    assert tree(tmp_path) == {'file': b'closed segment'}


def test_a_created_file_can_be_written_and_read(descriptor: int, tmp_path: Path) -> None:
    """Readable for everybody, writable for its owner, and not inherited by a child process."""
    fs.write_at(descriptor, b'abc', 0)
    assert os.pread(descriptor, 10, 0) == b'abc'
    assert (tmp_path / 'file').stat().st_mode & 0o133 == 0
    assert not os.get_inheritable(descriptor)


def test_open_existing_keeps_the_content(tmp_path: Path) -> None:
    """It writes over it, and does not make a file."""
    path = tmp_path / 'file'
    path.write_bytes(b'abcdef')
    descriptor = fs.open_existing(path)
    fs.write_at(descriptor, b'X', 2)
    fs.close(descriptor)
    assert tree(tmp_path) == {'file': b'abXdef'}
    with pytest.raises(FileNotFoundError):
        fs.open_existing(tmp_path / 'other')


@pytest.mark.parametrize('size', [0, 1, 2, 1000])
def test_write_at_writes_all_however_short_the_writes_are(
    size: int, descriptor: int, calls: FailingCalls
) -> None:
    """The first call takes half of what it is given."""
    data = os.urandom(size)
    calls.tear_writes()
    fs.write_at(descriptor, data, 10)
    assert os.pread(descriptor, size + 1, 10) == data
    assert calls.count('pwrite') == min(size, 2)


def test_write_at_gives_up_when_nothing_is_written(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that writes nothing and reports nothing would be repeated for ever."""
    monkeypatch.setattr(os, 'pwrite', lambda *_: 0)
    with pytest.raises(OSError, match='No space left') as caught:
        fs.write_at(descriptor, b'abc', 0)
    assert error_number(caught) == errno.ENOSPC


def test_write_at_to_a_full_device() -> None:
    """The error of the system leaves as it came."""
    descriptor = os.open('/dev/full', os.O_WRONLY)
    with pytest.raises(OSError, match='No space left') as caught:
        fs.write_at(descriptor, b'abc', 0)
    os.close(descriptor)
    assert error_number(caught) == errno.ENOSPC


def test_reserve_takes_blocks_and_leaves_the_size(descriptor: int) -> None:
    """And truncate to the same size gives them back."""
    fs.write_at(descriptor, b'abc', 0)
    assert fs.reserve(descriptor, 1 << 20)
    status = os.fstat(descriptor)
    assert (status.st_size, status.st_blocks * BLOCKS >= 1 << 20) == (3, True)
    fs.truncate(descriptor, 3)
    status = os.fstat(descriptor)
    assert (status.st_size, status.st_blocks * BLOCKS <= 4096) == (3, True)


@pytest.mark.parametrize('number', [errno.EOPNOTSUPP, errno.ENOSYS])
def test_reserve_says_when_the_file_system_cannot(
    number: int, descriptor: int, calls: FailingCalls
) -> None:
    """That is no failure."""
    calls.fail('fallocate', number=number)
    assert not fs.reserve(descriptor, 4096)


def test_reserve_reports_every_other_failure(descriptor: int, calls: FailingCalls) -> None:
    """A full disk shows here."""
    calls.fail('fallocate', number=errno.ENOSPC)
    with pytest.raises(OSError, match='No space left') as caught:
        fs.reserve(descriptor, 4096)
    assert error_number(caught) == errno.ENOSPC


def test_reserve_is_repeated_after_a_signal(descriptor: int, calls: FailingCalls) -> None:
    """Python repeats its own calls; this one is made past it."""
    calls.fail('fallocate', nth=1, number=errno.EINTR)
    calls.fail('fallocate', nth=2, number=errno.EINTR)
    assert fs.reserve(descriptor, 8192)
    assert os.fstat(descriptor).st_blocks * BLOCKS >= 8192


def test_reserve_is_not_repeated_for_ever(descriptor: int, calls: FailingCalls) -> None:
    """A file system that always says EINTR is one that fails."""
    calls.fail_always('fallocate', errno.EINTR)
    with pytest.raises(InterruptedError):
        fs.reserve(descriptor, 4096)
    assert calls.count('fallocate') == fs._RESERVE_TRIES_MAX


@pytest.mark.fault
def test_reserve_on_a_file_system_that_is_too_small(tmp_path: Path) -> None:
    """The real thing."""
    with small_disk(tmp_path / 'disk', size_bytes=64 << 10) as disk:
        descriptor = fs.create_file(disk / 'file')
        with pytest.raises(OSError, match='No space left') as caught:
            fs.reserve(descriptor, 1 << 20)
        os.close(descriptor)
    assert error_number(caught) == errno.ENOSPC


def test_replace_file_syncs_before_it_renames(tmp_path: Path, calls: FailingCalls) -> None:
    """The name must not point to bytes that a power cut takes; then the name itself is synced."""
    fs.replace_file(tmp_path / 'metadata.yaml', b'new')
    assert tree(tmp_path) == {'metadata.yaml': b'new'}
    assert calls.made == ['open', 'pwrite', 'fsync', 'close', 'replace', 'open', 'fsync', 'close']


def test_replace_file_overwrites_what_a_crash_left(tmp_path: Path) -> None:
    """A temporary file of before, longer than the new content."""
    (tmp_path / 'metadata.yaml').write_bytes(b'old')
    (tmp_path / 'metadata.yaml.tmp').write_bytes(b'a longer one that was never renamed')
    fs.replace_file(tmp_path / 'metadata.yaml', b'new')
    assert tree(tmp_path) == {'metadata.yaml': b'new'}


@pytest.mark.parametrize('nth', range(1, 6))
def test_replace_file_that_fails_leaves_the_old_one(
    nth: int, tmp_path: Path, calls: FailingCalls
) -> None:
    """Whichever call fails up to the rename, and no temporary file."""
    (tmp_path / 'metadata.yaml').write_bytes(b'old')
    calls.tear_writes()
    calls.fail('', nth=nth, number=errno.ENOSPC)
    with pytest.raises(OSError, match='No space left'):
        fs.replace_file(tmp_path / 'metadata.yaml', b'n')
    calls.mend()
    assert tree(tmp_path) == {'metadata.yaml': b'old'}


@pytest.mark.parametrize('nth', range(6, 9))
def test_replace_file_whose_name_is_not_synced_reports_it(
    nth: int, tmp_path: Path, calls: FailingCalls
) -> None:
    """The new one is there; whether it stays there, the caller must not rely on."""
    (tmp_path / 'metadata.yaml').write_bytes(b'old')
    calls.fail('', nth=nth)
    with pytest.raises(OSError, match='Input/output error'):
        fs.replace_file(tmp_path / 'metadata.yaml', b'new')
    assert tree(tmp_path) == {'metadata.yaml': b'new'}


def test_make_directory_says_whether_it_was_made(tmp_path: Path, calls: FailingCalls) -> None:
    """And syncs its name when it was."""
    assert fs.make_directory(tmp_path / 'root')
    assert calls.made == ['mkdir', 'open', 'fsync', 'close']
    assert not fs.make_directory(tmp_path / 'root')
    assert tree(tmp_path) == {'root': b''}


def test_make_directory_takes_a_link_to_a_directory_for_one(tmp_path: Path) -> None:
    """A root may be a symbolic link; one that leads nowhere is refused."""
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'root').symlink_to('disk')
    assert not fs.make_directory(tmp_path / 'root')
    (tmp_path / 'broken').symlink_to('nowhere')
    with pytest.raises(FileExistsError):
        fs.make_directory(tmp_path / 'broken')


def test_make_directory_refuses_a_file_and_a_missing_parent(tmp_path: Path) -> None:
    """Both as the system says it."""
    (tmp_path / 'file').write_bytes(b'x')
    with pytest.raises(FileExistsError):
        fs.make_directory(tmp_path / 'file')
    with pytest.raises(FileNotFoundError):
        fs.make_directory(tmp_path / 'a' / 'b')
    with pytest.raises(NotADirectoryError):
        fs.make_directory(tmp_path / 'file' / 'b')
    assert tree(tmp_path) == {'file': b'x'}


@pytest.mark.parametrize('nth', range(1, 5))
def test_make_directory_that_fails_leaves_none(
    nth: int, tmp_path: Path, calls: FailingCalls
) -> None:
    """A directory whose name could not be synced is taken back."""
    calls.fail('', nth=nth)
    with pytest.raises(OSError, match='Input/output error'):
        fs.make_directory(tmp_path / 'root')
    assert tree(tmp_path) == {}


def test_remove_file_syncs_the_directory(tmp_path: Path, calls: FailingCalls) -> None:
    """A removed segment must not come back after a power cut."""
    (tmp_path / 'file').write_bytes(b'x')
    fs.remove_file(tmp_path / 'file')
    assert (tree(tmp_path), calls.made) == ({}, ['unlink', 'open', 'fsync', 'close'])
    with pytest.raises(FileNotFoundError):
        fs.remove_file(tmp_path / 'file')


def test_remove_tree_removes_a_flight(tmp_path: Path, calls: FailingCalls) -> None:
    """Its list last, and the directory's name for good."""
    flight = tmp_path / 'flight'
    flight.mkdir()
    for name in ('metadata.yaml', 'a_0.mcap', 'a_1.mcap'):
        (flight / name).write_bytes(b'x')
    made = len(calls.made)
    fs.remove_tree(flight)
    assert tree(tmp_path) == {}
    expected = ['unlink', 'unlink', 'unlink', 'rmdir', 'open', 'fsync', 'close']
    assert calls.made[made:] == expected


def test_remove_tree_that_fails_keeps_the_list(tmp_path: Path, calls: FailingCalls) -> None:
    """What is left can be seen, and removed later."""
    flight = tmp_path / 'flight'
    flight.mkdir()
    for name in ('metadata.yaml', 'a_0.mcap', 'a_1.mcap'):
        (flight / name).write_bytes(b'x')
    calls.fail('unlink', nth=2)
    with pytest.raises(OSError, match='Input/output'):
        fs.remove_tree(flight)
    assert tree(flight) == {'metadata.yaml': b'x', 'a_1.mcap': b'x'}
    fs.remove_tree(flight)
    assert tree(tmp_path) == {}


def test_remove_tree_goes_no_deeper(tmp_path: Path) -> None:
    """A directory that somebody has put into a flight keeps all of it."""
    flight = tmp_path / 'flight'
    (flight / 'analysis').mkdir(parents=True)
    (flight / 'a_0.mcap').write_bytes(b'x')
    with pytest.raises(OSError, match='Directory not empty'):
        fs.remove_tree(flight)
    assert tree(flight) == {'analysis': b'', 'a_0.mcap': b'x'}


def test_remove_tree_does_not_follow_links(tmp_path: Path) -> None:
    """What lies elsewhere stays."""
    flight, elsewhere = tmp_path / 'flight', tmp_path / 'elsewhere'
    for directory in (flight, elsewhere):
        directory.mkdir()
    (elsewhere / 'file').write_bytes(b'x')
    (flight / 'link').symlink_to(elsewhere)
    fs.remove_tree(flight)
    assert tree(tmp_path) == {'elsewhere': b'', 'elsewhere/file': b'x'}


def test_what_undoes_never_raises(tmp_path: Path, calls: FailingCalls) -> None:
    """Nothing there, something in it, or a call that fails."""
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'file').write_bytes(b'x')
    (tmp_path / 'empty').mkdir()
    fs.remove_if_there(tmp_path / 'nothing')
    fs.remove_directory_if_empty(tmp_path / 'nothing')
    fs.remove_directory_if_empty(tmp_path / 'full')
    calls.fail_always('unlink', errno.EROFS)
    calls.fail_always('rmdir', errno.EROFS)
    fs.remove_if_there(tmp_path / 'full' / 'file')
    fs.remove_directory_if_empty(tmp_path / 'empty')
    assert tree(tmp_path) == {'full': b'', 'full/file': b'x', 'empty': b''}
    calls.mend()
    fs.remove_if_there(tmp_path / 'full' / 'file')
    fs.remove_directory_if_empty(tmp_path / 'empty')
    assert tree(tmp_path) == {'full': b''}


@pytest.mark.fault
def test_free_bytes_is_what_is_left(tmp_path: Path) -> None:
    """Of the file system that the path is on."""
    with small_disk(tmp_path / 'disk', size_bytes=64 << 10) as disk:
        assert fs.free_bytes(disk) == 64 << 10
        (disk / 'file').write_bytes(bytes(4097))
        assert fs.free_bytes(disk) == 56 << 10


def test_read_file_is_bounded(tmp_path: Path) -> None:
    """One byte more than allowed is refused with the name of the file."""
    path = tmp_path / 'file'
    path.write_bytes(b'abc')
    assert fs.read_file(path, 3) == b'abc'
    with pytest.raises(OSError, match='too large') as caught:
        fs.read_file(path, 2)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))


def test_file_names_are_those_in_the_directory(tmp_path: Path) -> None:
    """Directories too, and in no order."""
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').write_bytes(b'')
    assert sorted(fs.file_names(tmp_path)) == ['a', 'b']


def test_sha256_of_a_file(tmp_path: Path) -> None:
    """As hashlib makes it of the whole content."""
    content = os.urandom(300_000)
    (tmp_path / 'file').write_bytes(content)
    assert fs.sha256_of(tmp_path / 'file') == hashlib.sha256(content).hexdigest()
