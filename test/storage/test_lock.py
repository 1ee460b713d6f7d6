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
"""The lock of a flight root: between objects, between processes, and where it cannot be taken."""

from __future__ import annotations

from contextlib import contextmanager
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from failing_calls import FailingCalls
from fdr_node.errors import FdrConcurrentWriterError, FdrOpenError
from fdr_node.storage import lock as lock_module
from fdr_node.storage.lock import FlightLock, LOCK_NAME
from filelock import Timeout
from on_disk import open_descriptors, tree
import pytest
from rigs import FLIGHT_ID, OTHER_FLIGHT_ID
from small_disk import make_read_only, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from fdr_node.storage.lock import FlightLock

lock = FlightLock(Path(sys.argv[1]))
lock.acquire(sys.argv[2])
print('held', flush=True)
sys.stdin.read()
lock.release()
"""


@contextmanager
def holder_process(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lock of a root until it is told to end."""
    with subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(root), OTHER_FLIGHT_ID],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'held\n'
        yield process


def take(root: Path) -> FlightLock:
    """Take the lock of a root."""
    lock = FlightLock(root)
    lock.acquire(FLIGHT_ID)
    return lock


def test_the_holder_leaves_a_note(tmp_path: Path) -> None:
    """One line of JSON, which stays when the lock is given back."""
    take(tmp_path).release()
    assert json.loads((tmp_path / LOCK_NAME).read_text()) == {
        'pid': os.getpid(),
        'host': socket.gethostname(),
        'flight_id': FLIGHT_ID,
    }


def test_a_shorter_note_replaces_a_longer_one(tmp_path: Path) -> None:
    """What a holder of before wrote does not show behind it."""
    (tmp_path / LOCK_NAME).write_text('x' * 2000)
    take(tmp_path).release()
    assert json.loads((tmp_path / LOCK_NAME).read_text())['flight_id'] == FLIGHT_ID


def test_the_second_learns_who_the_first_is(tmp_path: Path) -> None:
    """In one process too, as two recorders may run in one."""
    first = take(tmp_path)
    before = open_descriptors()
    with pytest.raises(FdrConcurrentWriterError) as caught:
        take(tmp_path)
    error = caught.value
    who = f'pid {os.getpid()} on {socket.gethostname()}, flight {FLIGHT_ID}'
    assert (error.lock_path, error.holder) == (str(tmp_path / LOCK_NAME), who)
    assert open_descriptors() == before
    first.release()
    take(tmp_path).release()


def test_another_process_holds_it(tmp_path: Path) -> None:
    """The message names the lock file and the process; when that ends, the lock is free."""
    with holder_process(tmp_path) as process:
        with pytest.raises(FdrConcurrentWriterError) as caught:
            take(tmp_path)
        process.communicate('')
    for word in (str(tmp_path / LOCK_NAME), f'pid {process.pid}', OTHER_FLIGHT_ID):
        assert word in str(caught.value)
    take(tmp_path).release()


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    """The kernel gives the lock back; the file that stays is no obstacle."""
    with holder_process(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    lock = take(tmp_path)
    assert json.loads((tmp_path / LOCK_NAME).read_text())['pid'] == os.getpid()
    lock.release()


@pytest.mark.parametrize(
    'note', ['', '{', '[]', '7', '{"pid": 1}', '{"pid": 1, "host": "a"}', 'x' * 2000, '\udcff']
)
def test_a_note_that_cannot_be_read_is_no_obstacle(note: str, tmp_path: Path) -> None:
    """The loser is told of the lock file alone."""
    first = take(tmp_path)
    (tmp_path / LOCK_NAME).write_text(note, errors='surrogateescape')
    with pytest.raises(FdrConcurrentWriterError) as caught:
        take(tmp_path)
    assert (caught.value.holder, 'another recorder' in str(caught.value)) == ('', True)
    first.release()


def test_a_second_release_does_nothing(tmp_path: Path) -> None:
    """Also without an acquire."""
    lock = take(tmp_path)
    lock.release()
    other = take(tmp_path)
    lock.release()
    FlightLock(tmp_path).release()
    with pytest.raises(FdrConcurrentWriterError):
        take(tmp_path)
    other.release()


def test_a_lock_that_cannot_be_given_back_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flight is closed by then. It is tried twice, and once more when somebody asks again."""
    lock = take(tmp_path)
    calls = FailingCalls(monkeypatch)
    calls.fail('flock', nth=1)
    lock.release()
    lock = take(tmp_path)
    calls.fail_always('flock')
    lock.release()
    calls.mend()
    with pytest.raises(FdrConcurrentWriterError):
        take(tmp_path)
    lock.release()
    take(tmp_path).release()


def test_undo_removes_the_file_that_it_made(tmp_path: Path) -> None:
    """And lets others in."""
    take(tmp_path).undo()
    assert tree(tmp_path) == {}
    take(tmp_path).release()


def test_undo_keeps_a_file_that_was_there(tmp_path: Path) -> None:
    """It may be the one that another process waits for."""
    take(tmp_path).release()
    inode = (tmp_path / LOCK_NAME).stat().st_ino
    take(tmp_path).undo()
    assert (tmp_path / LOCK_NAME).stat().st_ino == inode
    take(tmp_path).release()


def test_undo_of_the_second_leaves_the_first_alone(tmp_path: Path) -> None:
    """A lock that was not taken is not given back."""
    first = take(tmp_path)
    second = FlightLock(tmp_path)
    with pytest.raises(FdrConcurrentWriterError):
        second.acquire(OTHER_FLIGHT_ID)
    second.undo()
    with pytest.raises(FdrConcurrentWriterError):
        take(tmp_path)
    first.release()


@pytest.mark.parametrize('is_new', [False, True])
@pytest.mark.parametrize('call', ['flock', 'pwrite', 'ftruncate'])
def test_a_lock_that_cannot_be_taken_is_not_held(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_new: bool
) -> None:
    """By nobody, and no file is left that was not there."""
    if not is_new:
        take(tmp_path).release()
    before, descriptors = tree(tmp_path).keys(), open_descriptors()
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail(call, number=errno.EIO)
        with pytest.raises(FdrOpenError, match='Input/output') as caught:
            take(tmp_path)
    assert caught.value.path == str(tmp_path / LOCK_NAME)
    assert (tree(tmp_path).keys(), open_descriptors()) == (before, descriptors)
    with holder_process(tmp_path) as process:
        process.communicate('')
    assert process.returncode == 0


def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not replaced by a file that a crash would leave behind."""
    FailingCalls(monkeypatch).fail_always('flock', errno.ENOSYS)
    with pytest.raises(FdrOpenError, match='no lock can be taken'):
        take(tmp_path)
    assert tree(tmp_path) == {}


class FileLockOfNoble:
    """filelock 3.13.1 of Ubuntu 24.04, as far as it differs: it empties the file of the lock."""

    def __init__(self, path: Path, timeout: float = -1, *, thread_local: bool = True) -> None:
        assert (timeout, thread_local) == (0, False)
        self._path = path
        self._descriptor: int | None = None

    @property
    def is_locked(self) -> bool:
        """Return whether it is held."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno == errno.ENOSYS:
                raise NotImplementedError from error
            raise Timeout(str(self._path)) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


@pytest.fixture
def _noble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, 'FileLock', FileLockOfNoble)
    monkeypatch.setattr(lock_module, '_CAN_FALL_BACK', False)


@pytest.mark.usefixtures('_noble')
def test_the_filelock_of_ubuntu_24_04_is_enough(tmp_path: Path) -> None:
    """The second learns who the first is, again and again; the note survives that."""
    first = take(tmp_path)
    note = (tmp_path / LOCK_NAME).read_text()
    for _ in range(2):
        with pytest.raises(FdrConcurrentWriterError, match=f'pid {os.getpid()} .* {FLIGHT_ID}'):
            take(tmp_path)
        assert (tmp_path / LOCK_NAME).read_text() == note
    assert first.is_noted(FLIGHT_ID)
    first.release()
    take(tmp_path).release()


@pytest.mark.usefixtures('_noble')
def test_the_filelock_of_ubuntu_24_04_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it raises, which is no OSError."""
    FailingCalls(monkeypatch).fail_always('flock', errno.ENOSYS)
    with pytest.raises(FdrOpenError, match='no lock can be taken: Function not implemented'):
        take(tmp_path)
    assert tree(tmp_path) == {}


@pytest.mark.fault
def test_a_disk_without_space_for_the_note(tmp_path: Path) -> None:
    """A flight would find no space either."""
    with small_disk(tmp_path / 'disk', size_bytes=8192) as disk:
        (disk / 'other').write_bytes(bytes(8192))
        with pytest.raises(FdrOpenError, match='No space left'):
            take(disk)
        assert tree(disk).keys() == {'other'}
        (disk / 'other').unlink()
        take(disk).release()


@pytest.mark.fault
def test_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    """Whether there is a lock file of before or not."""
    with small_disk(tmp_path / 'disk', size_bytes=64 << 10) as disk:
        (disk / 'used').mkdir()
        (disk / 'new').mkdir()
        take(disk / 'used').release()
        make_read_only(disk)
        for root in (disk / 'used', disk / 'new'):
            with pytest.raises(FdrOpenError, match='Read-only file system'):
                take(root)
        assert tree(disk).keys() == {'used', f'used/{LOCK_NAME}', 'new'}
