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
Keeps one file that only grows, and grows by all of what it is given or by nothing.

Behind what was appended stands an end, which the next append replaces. It knows nothing of MCAP or
of segments, and it does not retry: what could not be appended stays with the caller, to be offered
again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fdr_node.storage import fs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class AppendFile:
    """
    A new file, open for appending.

    :param path: must not exist.
    :param reserve_bytes: space to reserve, so that a full disk shows here and not in mid-flight.
    :param sync: when its bytes are made durable: ``commit``, ``segment`` or ``never``.
    :raises OSError: nothing is left behind.
    """

    def __init__(self, path: Path, *, reserve_bytes: int, sync: str = 'commit') -> None:
        self._path = path
        self._sync = sync
        self._size = 0
        self._end = b''
        self._is_suspect = False
        self._is_mended = True
        self._descriptor: int | None = fs.create_file(path)
        try:
            self._is_reserved = fs.reserve(self._descriptor, reserve_bytes)
            # The name must not outlive the file's bytes nor be missing when they are durable.
            fs.sync_directory(path.parent)
        except OSError:
            self.abort()
            raise

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @property
    def appended_bytes(self) -> int:
        """Bytes that were appended whole: where the next append begins."""
        return self._size

    @property
    def size_bytes(self) -> int:
        """Bytes that were appended whole, and the end behind them."""
        return self._size + len(self._end)

    @property
    def is_reserved(self) -> bool:
        """Whether the file system could reserve the space."""
        return self._is_reserved

    @property
    def is_suspect(self) -> bool:
        """
        Whether a sync has failed: nothing more may be written here.

        The kernel may have dropped the pages that it could not write and call the next sync a
        success (fsync(2), and PostgreSQL's "fsyncgate" of 2018).
        """
        return self._is_suspect

    def append(self, data: bytes, *, end: bytes = b'') -> None:
        """
        Append all the bytes and make them durable (``sync``), or leave the file as it was.

        :param end: stands behind them until the next append, which is written over it.
        :raises OSError: none of the bytes count; the caller still has them.
        """
        descriptor = self._open_descriptor()
        try:
            fs.write_at(descriptor, data + end, self._size)
            if self._sync == 'commit':
                self._sync_data(descriptor)
        except OSError:
            # What is in the file behind the last good byte would be read as torn records. When
            # even this fails, the next append overwrites them, as it starts at the same offset.
            with suppress(OSError):
                self._restore(descriptor)
            raise
        self._size += len(data)
        self._end = end

    def close(self) -> None:
        """
        Give back the reserved space and close; a second call does nothing.

        :raises OSError: call it again; it goes on where it stopped.
        """
        if self._descriptor is None:
            return
        fs.truncate(self._descriptor, self.size_bytes)
        if self._sync == 'commit':
            # What was appended is durable; this is for the space, and can be done again.
            fs.sync_data(self._descriptor)
        elif self._sync == 'segment':
            self._sync_data(self._descriptor)
        descriptor, self._descriptor = self._descriptor, None
        fs.close(descriptor)

    def abandon(self) -> None:
        """Give back what can be given back, when it cannot be closed; never raises."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        self._is_mended = False
        with suppress(OSError):
            self._restore(descriptor)
            self._is_mended = True
        with suppress(OSError):
            fs.close(descriptor)

    def mend(self) -> None:
        """
        Do what :meth:`abandon` could not: cut off what counts for nothing, reserved space too.

        :raises OSError: call it again; a file that is gone is none.
        """
        if not self._is_mended:
            end_file(self._path, self._restore)
            self._is_mended = True

    def abort(self) -> None:
        """Close and remove the file, for an opening that is undone; never raises."""
        self.abandon()
        fs.remove_if_there(self._path)

    def _sync_data(self, descriptor: int) -> None:
        try:
            fs.sync_data(descriptor)
        except OSError:
            self._is_suspect = True
            raise

    def _restore(self, descriptor: int) -> None:
        """Cut off what an append that failed has left, and put the end back where it was."""
        fs.truncate(descriptor, self._size)
        fs.write_at(descriptor, self._end, self._size)

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            message = f'{self._path} is closed: a closed segment is never written again'
            raise ValueError(message)
        return self._descriptor


def end_file(path: Path, restore: Callable[[int], None]) -> None:
    """
    Restore a file that nobody has open; one that is gone is none.

    :param restore: is called with its descriptor.
    :raises OSError: it may be restored in part.
    """
    with suppress(FileNotFoundError):
        descriptor = fs.open_existing(path)
        try:
            restore(descriptor)
        finally:
            fs.close(descriptor)
