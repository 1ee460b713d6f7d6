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
Mounts an ext4 file system in a file, which is copied to get what a power cut leaves of it.

What the file system has not written to its device is not in the copy, and mounting the copy
replays its journal, as it is done after a power cut.
"""

from __future__ import annotations

from contextlib import contextmanager
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE_BYTES = 24 << 20
_SECONDS_MAX = 10


def make_image(path: Path) -> None:
    """Make a file with an empty file system; the test is skipped where that is not possible."""
    with path.open('wb') as file:
        file.truncate(IMAGE_BYTES)
    _run('mkfs.ext4', '-q', '-F', str(path))


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """Mount an image at a new directory; the test is skipped where this process may not."""
    place.mkdir()
    _run('mount', '-o', 'loop', str(image), str(place))
    try:
        yield place
    finally:
        # Lazy, so that a descriptor that a failed test left open does not keep the mount.
        command = ['umount', '-l', str(place)]
        subprocess.run(command, check=True, timeout=_SECONDS_MAX)


@contextmanager
def mounted_anew(image: Path, place: Path) -> Iterator[Path]:
    """
    Mount an image again whose file system has given up and is still in use.

    It gets a loop device of its own: of the first one the kernel would give the same dead file
    system again.
    """
    device = _run('losetup', '--find', '--show', str(image))
    try:
        _run('mount', device, str(place))
        try:
            yield place
        finally:
            command = ['umount', '-l', str(place)]
            subprocess.run(command, check=True, timeout=_SECONDS_MAX)
    finally:
        # It goes with the last who uses it.
        _run('losetup', '--detach', device)


def make_read_only(place: Path) -> None:
    """Let a mounted file system give up, as it does at an error: it takes no change any more."""
    _run('mount', '-o', 'remount,abort', str(place))


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_SECONDS_MAX
        )
    except FileNotFoundError:
        pytest.skip(f'needs {command[0]}')
    if done.returncode:
        pytest.skip(f'needs loop devices and ext4: {done.stderr.strip()}')
    return done.stdout.strip()
