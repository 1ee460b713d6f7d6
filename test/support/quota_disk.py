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
A Btrfs file system in a file, with a subvolume whose quota can be set: it holds for root, too.

Of the other file systems with quotas, ext4 and XFS need options of the kernel that many are built
without, and their quotas of users do not hold for root.
"""

from __future__ import annotations

from contextlib import contextmanager
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE_BYTES = 160 << 20
_FIRST_SUBVOLUME = '0/256'
_SECONDS_MAX = 10


@contextmanager
def quota_disk(folder: Path) -> Iterator[Path]:
    """Yield a subvolume without a limit; the test is skipped where that is not possible."""
    image, place = folder / 'quota.img', folder / 'quota'
    with image.open('wb') as file:
        file.truncate(IMAGE_BYTES)
    place.mkdir()
    _run('mkfs.btrfs', '-q', str(image))
    _run('mount', '-o', 'loop', str(image), str(place))
    try:
        _run('btrfs', 'quota', 'enable', str(place))
        _run('btrfs', 'subvolume', 'create', str(place / 'user'))
        yield place / 'user'
    finally:
        # Lazy, so that a descriptor that a failed test left open does not keep the mount.
        _run('umount', '-l', str(place))


def limit(place: Path, size_bytes: int | None) -> None:
    """Let a subvolume hold no more than that, or what the disk has room for (None)."""
    size = 'none' if size_bytes is None else str(size_bytes)
    # By way of the whole: to one that has used up its quota even this order is refused.
    _run('btrfs', 'qgroup', 'limit', size, _FIRST_SUBVOLUME, str(place.parent))


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_SECONDS_MAX
        )
    except FileNotFoundError:
        pytest.skip(f'needs {command[0]} (Debian: btrfs-progs)')
    if done.returncode:
        pytest.skip(f'needs loop devices and Btrfs with quotas: {done.stderr.strip()}')
