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
"""The disk that fails on demand is a disk until then, and fails as it is told."""

from __future__ import annotations

import errno
import os
from threading import Thread
from typing import TYPE_CHECKING

from fdr_node.storage import fs
from fuse_disk import CHANGES, fuse_disk
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.fault, pytest.mark.slow]


def number_of(call: Callable[[], object]) -> int:
    """Return the error number with which a call fails; 0 when it does not."""
    try:
        call()
    except OSError as error:
        return error.errno or -1
    return 0


def test_every_step_of_the_recorder_works_and_fails(tmp_path: Path) -> None:
    """Files, names, space and syncs; then each with the number that was ordered."""
    with fuse_disk(tmp_path) as disk:
        folder = disk.place / 'folder'
        assert fs.make_directory(folder)
        descriptor = fs.create_file(folder / 'a')
        assert fs.reserve(descriptor, 1 << 20)
        fs.write_at(descriptor, b'x' * 300_000, 0)
        fs.truncate(descriptor, 200_000)
        fs.sync_data(descriptor)
        fs.replace_file(folder / 'b', b'new')
        fs.rename(folder / 'b', folder / 'c')
        assert (folder / 'a').read_bytes() == b'x' * 200_000
        assert (folder / 'c').read_bytes() == b'new'
        assert sorted(fs.file_names(folder)) == ['a', 'c']
        assert fs.free_bytes(folder) == fs.free_bytes(tmp_path)

        changes = {
            'create': lambda: fs.create_file(folder / 'd'),
            'fallocate': lambda: fs.reserve(descriptor, 1 << 21),
            'fsync': lambda: fs.sync_data(descriptor),
            'mkdir': lambda: fs.make_directory(folder / 'e'),
            'rename': lambda: fs.rename(folder / 'a', folder / 'f'),
            'truncate': lambda: fs.truncate(descriptor, 7),
            'unlink': lambda: fs.remove_file(folder / 'a'),
            'write': lambda: fs.write_at(descriptor, b'y', 0),
        }
        assert changes.keys() == set(CHANGES)
        for place, step in enumerate(CHANGES):
            disk.fail(errno.EIO + place, step)
        assert [number_of(changes[step]) for step in CHANGES] == [
            errno.EIO + place for place in range(len(CHANGES))
        ]
        disk.mend()
        fs.close(descriptor)
        assert sorted(fs.file_names(folder)) == ['a', 'c']
        assert (folder / 'a').read_bytes() == b'x' * 200_000


def test_a_call_that_hangs_goes_on_once_it_is_mended(tmp_path: Path) -> None:
    """Others are answered meanwhile."""
    with fuse_disk(tmp_path) as disk:
        descriptor = fs.create_file(disk.place / 'a')
        disk.hang('fsync')
        sync = Thread(target=fs.sync_data, args=(descriptor,))
        sync.start()
        (disk.place / 'b').write_bytes(b'xyz')
        assert (disk.place / 'b').read_bytes() == b'xyz'
        assert sync.is_alive()
        disk.mend()
        sync.join()
        fs.close(descriptor)


def test_a_disk_that_was_pulled_and_put_back_has_what_was_on_it(tmp_path: Path) -> None:
    """In between nothing of it is there, and a descriptor from before stays dead."""
    with fuse_disk(tmp_path) as disk:
        descriptor = fs.create_file(disk.place / 'a')
        os.pwrite(descriptor, b'xyz', 0)
        disk.pull()
        gone = errno.ENOTCONN
        assert number_of(lambda: os.pwrite(descriptor, b'abc', 0)) == gone
        assert number_of(lambda: fs.create_file(disk.place / 'b')) == gone
        assert number_of(lambda: fs.free_bytes(disk.place)) == gone
        disk.put_back()
        assert (disk.place / 'a').read_bytes() == b'xyz'
        assert number_of(lambda: os.pwrite(descriptor, b'abc', 0)) == gone
        assert number_of(lambda: fs.close(descriptor)) in {0, gone}
