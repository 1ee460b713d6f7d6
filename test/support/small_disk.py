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
"""File systems for tests: one that is soon full, one that cannot be written."""

from __future__ import annotations

from contextlib import contextmanager
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOUNT_SECONDS_MAX = 10


@contextmanager
def small_disk(place: Path, *, size_bytes: int) -> Iterator[Path]:
    """
    Mount a file system in memory at a new directory; it takes whole pages of 4 KiB.

    The test is skipped where this process may not mount.
    """
    place.mkdir()
    _mount('-t', 'tmpfs', '-o', f'size={size_bytes},mode=755', 'tmpfs', str(place))
    try:
        yield place
    finally:
        # Lazy, so that a descriptor that a failed test left open does not keep the mount.
        command = ['umount', '-l', str(place)]
        subprocess.run(command, check=True, timeout=MOUNT_SECONDS_MAX)


def make_read_only(place: Path) -> None:
    """Let a mounted file system refuse every change from now on."""
    _mount('-o', 'remount,ro', str(place))


def make_writable(place: Path) -> None:
    """Undo :func:`make_read_only`."""
    _mount('-o', 'remount,rw', str(place))


def fill(place: Path) -> Path:
    """Let another process fill a disk to the last byte. :return: the file that takes the room."""
    file = place / 'other'
    command = ['dd', 'if=/dev/zero', f'of={file}', 'bs=64K']
    done = subprocess.run(command, check=False, capture_output=True, timeout=MOUNT_SECONDS_MAX)
    assert b'No space left' in done.stderr
    return file


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ['mount', *arguments],  # noqa: S607 - as the system has it
            check=False,
            capture_output=True,
            text=True,
            timeout=MOUNT_SECONDS_MAX,
        )
    except FileNotFoundError:
        pytest.skip('needs the mount command')
    if done.returncode:
        pytest.skip(f'needs the right to mount a file system: {done.stderr.strip()}')
