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
Keeps a second writer out of a flight root, and tells it who the first one is.

The lock is ``flock`` through ``filelock``: the kernel gives it back when its holder dies, so a
stale file is no obstacle. It is not a lock between computers: where the file system has no
``flock`` it refuses instead of falling back to a file that a crash would leave behind.
"""

from __future__ import annotations

from contextlib import suppress
from errno import ENOSYS
from inspect import signature
import json
import os
import socket
from typing import TYPE_CHECKING

from fdr_node.errors import FdrConcurrentWriterError, FdrOpenError
from fdr_node.storage import fs
from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock

LOCK_NAME = '.fdr.lock'

# Version 3.13, which Ubuntu 24.04 has, never falls back, and does not know the word.
_CAN_FALL_BACK = 'fallback_to_soft' in signature(FileLock.__init__).parameters

# A holder's note is one line of JSON; more than this is not ours.
_NOTE_BYTES_MAX = 1024


class FlightLock:
    """
    The right to write below a flight root.

    :param flight_root: an existing directory.
    """

    def __init__(self, flight_root: Path) -> None:
        self.path = flight_root / LOCK_NAME
        # The writer takes it in one thread and may give it back in another.
        self._lock = _file_lock(self.path)
        self._is_new = False
        self._identity = (0, 0)

    def acquire(self, flight_id: str) -> None:
        """
        Take the lock, and leave a note for whoever comes second.

        :raises FdrConcurrentWriterError: another process or object holds it.
        :raises FdrOpenError: the lock file cannot be made, locked or written here; the lock is
            not held, and no file is left that was not there.
        """
        self._is_new = False
        note = _bytes_of(self.path)
        try:
            self._is_new = not self.path.exists()
            self._lock.acquire()
            self._leave_note(flight_id)
            self._identity = fs.identity_of(self.path)
        except Timeout as error:
            if not _bytes_of(self.path):
                # filelock 3.13 empties the file also of a lock that it does not get.
                with suppress(OSError):
                    self._write_note(note)
            raise FdrConcurrentWriterError(self.path, holder=_read_note(self.path)) from error
        except (OSError, NotImplementedError) as error:
            self._remove_if_new()
            self.release()
            cause = error if isinstance(error, OSError) else OSError(ENOSYS, os.strerror(ENOSYS))
            reason = f'no lock can be taken: {cause.strerror or cause}'
            raise FdrOpenError(self.path, reason=reason, errno=cause.errno) from error

    def is_in_place(self) -> bool:
        """Return whether it is held, and its file still has its name: others look there."""
        try:
            # Of a file that nobody holds open another one may have the number by now.
            return self._lock.is_locked and fs.identity_of(self.path) == self._identity
        except OSError:
            return False

    def is_noted(self, flight_id: str) -> bool:
        """Return whether the note in the file is of this flight, whoever holds the lock."""
        note = _note_in(self.path)
        return isinstance(note, dict) and note.get('flight_id') == flight_id

    def release(self) -> None:
        """Give the lock back; a second call does nothing. Never raises."""
        try:
            self._lock.release()
        except OSError:
            # It is held as before. What cannot be given back now either goes with the process.
            with suppress(OSError):
                self._lock.release()

    def undo(self) -> None:
        """Give the lock back, and remove its file when this object made it."""
        if self._lock.is_locked:
            self._remove_if_new()
        self.release()

    def _remove_if_new(self) -> None:
        # Before the lock is given back: filelock takes no lock on a file that has lost its name.
        if self._is_new:
            fs.remove_if_there(self.path)

    def _leave_note(self, flight_id: str) -> None:
        holder = {'pid': os.getpid(), 'host': socket.gethostname(), 'flight_id': flight_id}
        self._write_note(json.dumps(holder).encode()[:_NOTE_BYTES_MAX])

    def _write_note(self, note: bytes) -> None:
        descriptor = fs.open_existing(self.path)
        try:
            fs.write_at(descriptor, note, 0)
            fs.truncate(descriptor, len(note))
        finally:
            fs.close(descriptor)


def _file_lock(path: Path) -> BaseFileLock:
    if _CAN_FALL_BACK:
        return FileLock(path, timeout=0, thread_local=False, fallback_to_soft=False)
    return FileLock(path, timeout=0, thread_local=False)


def _bytes_of(path: Path) -> bytes:
    """Return the note as it stands in the file; nothing when it cannot be read."""
    try:
        return fs.read_file(path, _NOTE_BYTES_MAX)
    except OSError:
        return b''


def _note_in(path: Path) -> object:
    """Return the note; None when it cannot be understood."""
    try:
        return json.loads(_bytes_of(path))
    except (ValueError, RecursionError):
        return None


def _read_note(path: Path) -> str:
    """Return who holds the lock in words; empty when the note cannot be read."""
    note = _note_in(path)
    if not isinstance(note, dict):
        return ''
    try:
        return f'pid {note["pid"]} on {note["host"]}, flight {note["flight_id"]}'
    except KeyError:
        return ''
