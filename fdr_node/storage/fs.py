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
Does every durable file step of the recorder, one system call or one short idiom each.

Nothing else in the package opens, writes, syncs, renames or removes a file of a flight. It
decides nothing: an ``OSError`` of the system leaves as it came. EINTR is repeated, by Python
itself (PEP 475) but for the one call that is made past it.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from typing import Final, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# linux/falloc.h: allocate blocks without moving the end of the file. os.posix_fallocate would
# move it, and readers would find zeros behind the last record.
_FALLOC_FL_KEEP_SIZE = 1

# A file that is about to replace another one.
TEMPORARY_SUFFIX: Final = '.tmp'

_PIECE_BYTES: Final = 1 << 20

# A signal seldom comes once, let alone at every try; a file system that says so for ever must not
# keep the recorder in this loop.
_RESERVE_TRIES_MAX: Final = 100

_libc = ctypes.CDLL(None, use_errno=True)


def create_file(path: Path) -> int:
    """
    Create a file that must not exist yet and return its descriptor, for reading and writing.

    :raises FileExistsError: there is one: a closed segment is never opened for writing again.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.open(path, flags, 0o644)


def open_existing(path: Path) -> int:
    """Open an existing file for writing and return its descriptor; its content stays."""
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC)


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """
    Write all the bytes at an offset, however many calls that takes.

    :raises OSError: some of them may then be in the file; the caller cuts it back.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        if written == 0:
            # POSIX allows it for a full device; without this the loop would spin for ever.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]
        offset += written


def truncate(descriptor: int, length: int) -> None:
    """Cut an open file to a length in bytes; blocks that were reserved behind it are freed."""
    os.ftruncate(descriptor, length)


def give_back(path: Path) -> None:
    """Free the blocks that were reserved behind the end of a file; its content stays."""
    descriptor = open_existing(path)
    try:
        truncate(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def sync_data(descriptor: int) -> None:
    """Make the bytes of an open file durable, and what is needed to find them (fdatasync)."""
    os.fdatasync(descriptor)


def close(descriptor: int) -> None:
    """Close a descriptor; a failure is the last word about data that was not synced."""
    os.close(descriptor)


def reserve(descriptor: int, length: int) -> bool:
    """
    Reserve blocks for the first ``length`` bytes of a file without changing its size.

    :return: False where the file system cannot (fallocate(2): EOPNOTSUPP); the caller goes on
        without a reservation.
    :raises OSError: ENOSPC and whatever else is wrong with the disk; EINTR after so many signals
        that there must be another reason.
    """
    code = errno.EINTR
    for _ in range(_RESERVE_TRIES_MAX):
        code = _fallocate(descriptor, length)
        if code != errno.EINTR:
            break
    if code in {errno.EOPNOTSUPP, errno.ENOSYS}:
        return False
    if code:
        raise OSError(code, os.strerror(code))
    return True


def _fallocate(descriptor: int, length: int) -> int:
    """Make the call once. :return: the error number, or 0."""
    result: int = _libc.fallocate(
        ctypes.c_int(descriptor),
        ctypes.c_int(_FALLOC_FL_KEEP_SIZE),
        ctypes.c_int64(0),
        ctypes.c_int64(length),
    )
    return ctypes.get_errno() if result else 0


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable; POSIX promises nothing for them without this."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """
    Replace a file's content durably: a reader sees the old bytes or the new ones, never a mix.

    :raises OSError: the old file is as it was, unless only its new name could not be synced; the
        temporary one is gone where that was possible.
    """
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644)
    try:
        try:
            write_at(descriptor, data, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        remove_if_there(temporary)
        raise
    sync_directory(path.parent)


def copy_tail(path: Path, *, offset: int, target: Path) -> None:
    """
    Copy a file from an offset on into another one, durably: the target is whole or not there.

    :raises OSError: the target is not there.
    """
    temporary = target.with_name(target.name + TEMPORARY_SUFFIX)
    remove_if_there(temporary)
    descriptor = create_file(temporary)
    try:
        try:
            _copy_bytes(path, offset, descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    except OSError:
        remove_if_there(temporary)
        raise
    sync_directory(target.parent)


def _copy_bytes(path: Path, offset: int, descriptor: int) -> None:
    copied = 0
    with path.open('rb') as source:
        source.seek(offset)
        while piece := source.read(_PIECE_BYTES):
            write_at(descriptor, piece, copied)
            copied += len(piece)


def rename(path: Path, target: Path) -> None:
    """Give a file another name in its directory and make that durable; a file there goes."""
    path.replace(target)
    sync_directory(target.parent)


def make_directory(path: Path) -> bool:
    """
    Create one directory and make its name durable.

    :return: False when it was there already.
    :raises OSError: the parent is missing, not writable, or not a directory; none was made.
    """
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise
        return False
    try:
        sync_directory(path.parent)
    except OSError:
        remove_directory_if_empty(path)
        raise
    return True


def remove_file(path: Path) -> None:
    """Remove a file and make that durable."""
    path.unlink()
    sync_directory(path.parent)


def remove_if_there(path: Path) -> None:
    """Remove a file that may be gone; a failure is ignored, as it is already being undone."""
    try:
        path.unlink()
    except OSError:
        return


def remove_tree(path: Path) -> None:
    """
    Remove a directory and the files in it; make that durable.

    The files go first in the order of their names, the list of a bag (metadata.yaml) last.

    :raises OSError: ENOTEMPTY when there is a directory in it, and then nothing was removed.
    """
    with os.scandir(path) as entries:
        is_directory = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    if any(is_directory.values()):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(path))
    for name in sorted(is_directory):
        (path / name).unlink()
    path.rmdir()
    sync_directory(path.parent)


def remove_directory_if_empty(path: Path) -> None:
    """Remove a directory unless something is in it; a failure is ignored, as above."""
    try:
        path.rmdir()
    except OSError:
        return


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, as the file system says."""
    return path.stat().st_size


def identity_of(path: Path) -> tuple[int, int]:
    """Return what tells a file from another one of the same name: device and inode."""
    status = path.stat()
    return status.st_dev, status.st_ino


def device_of(path: Path) -> int:
    """Return the number of the file system that a path is on."""
    return path.stat().st_dev


def free_bytes(path: Path) -> int:
    """Return the bytes that this process may still write to the file system of a path."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def read_file(path: Path, size_max: int) -> bytes:
    """
    Read a whole small file.

    :raises OSError: it cannot be read, or (EFBIG) it is larger than ``size_max`` bytes.
    """
    data = bytearray()
    with path.open('rb') as file:
        # Piece by piece: a single read would take memory for the most that there may be.
        while len(data) <= size_max and (piece := file.read(_PIECE_BYTES)):
            data += piece
    if len(data) > size_max:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return bytes(data)


def file_names(path: Path) -> Iterator[str]:
    """Return the names in a directory, in no order."""
    return (entry.name for entry in os.scandir(path))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal, read in bounded pieces."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
