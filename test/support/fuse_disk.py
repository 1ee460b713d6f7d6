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
A disk that fails on demand: with any errno, by hanging, or by going away and coming back.

It is a directory, shown by a FUSE server in a process of its own (``fuse_server``).
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = Path(__file__).with_name('fuse_server.py')
_SECONDS_MAX = 10

# Whatever changes something on the disk.
CHANGES = ('create', 'fallocate', 'fsync', 'mkdir', 'rename', 'truncate', 'unlink', 'write')
# What takes space.
GROWTH = ('create', 'fallocate', 'mkdir', 'write')


class FuseDisk:
    """
    A directory on a disk of its own.

    :param store: a directory that holds what is on the disk; made when it is not there.
    :param place: where it is mounted; made when it is not there.
    :ivar place: the same.
    """

    def __init__(self, store: Path, place: Path) -> None:
        self.place = place
        self._store = store
        self._server: subprocess.Popen[str] | None = None
        store.mkdir(exist_ok=True)
        place.mkdir(exist_ok=True)

    def insert(self) -> None:
        """Mount it; the test is skipped where that is not possible."""
        self._server = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(self._store), str(self.place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = self._read_line()
        if answer != 'mounted':
            self._end_server()
            pytest.skip(f'needs FUSE and the right to mount: {answer}')

    def fail(self, number: int, *steps: str) -> None:
        """Let every such step fail with an error number from now on."""
        self._order(f'fail {number} {" ".join(steps)}')

    def hang(self, *steps: str) -> None:
        """Let every such step wait from now on."""
        self._order(f'hang {" ".join(steps)}')

    def mend(self) -> None:
        """Let nothing fail or wait any more; what waits goes on."""
        self._order('mend')

    def pull(self) -> None:
        """Take it out of a running computer: every call on it fails with ENOTCONN."""
        self._end_server()

    def put_back(self) -> None:
        """Mount it again, with what was on it."""
        self._unmount()
        self.insert()

    def close(self) -> None:
        """Unmount it."""
        self._end_server()
        self._unmount()

    def _order(self, line: str) -> None:
        assert self._server is not None
        assert self._server.stdin is not None
        self._server.stdin.write(f'{line}\n')
        self._server.stdin.flush()
        assert self._read_line() == 'done'

    def _read_line(self) -> str:
        assert self._server is not None
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            # What hangs in a call to it can only end when it is gone.
            server.kill()
            server.wait(_SECONDS_MAX)
            for pipe in (server.stdin, server.stdout):
                if pipe is not None:
                    pipe.close()

    def _unmount(self) -> None:
        # Lazy, as somebody may still have a file open there.
        command = ['umount', '-l', str(self.place)]
        subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS_MAX)


@contextmanager
def fuse_disk(folder: Path) -> Iterator[FuseDisk]:
    """Mount a disk at ``folder/disk``; the test is skipped where that is not possible."""
    disk = FuseDisk(folder / 'disk.store', folder / 'disk')
    try:
        disk.insert()
        yield disk
    finally:
        disk.close()
