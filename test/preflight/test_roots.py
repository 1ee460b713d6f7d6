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
"""What is found of a flight root, with real disks; afterwards it is as it was."""

from __future__ import annotations

from itertools import count
import json
import os
from typing import TYPE_CHECKING

from fdr_node.config import MIB
from fdr_node.preflight.roots import lock_holder, look_at, RootFacts, SYNC_COUNT
from fdr_node.storage.lock import FlightLock, LOCK_NAME
from on_disk import tree
import pytest
from rigs import DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID
from small_disk import make_read_only, small_disk

if TYPE_CHECKING:
    from pathlib import Path


def test_a_root_that_is_not_there_is_looked_at_by_its_parent(tmp_path: Path) -> None:
    """It can be made, and is not."""
    facts = look_at(tmp_path / 'root', now_ns=count(step=7).__next__)
    assert facts == RootFacts(
        root=str(tmp_path / 'root'),
        device=tmp_path.stat().st_dev,
        free_bytes=facts.free_bytes,
        sync_ns=(7,) * SYNC_COUNT,
    )
    assert facts.free_bytes > MIB
    assert list(tmp_path.iterdir()) == []


def test_the_flights_of_a_root_are_counted(tmp_path: Path) -> None:
    """One is closed, the other was interrupted; nothing is changed, the lock file neither."""
    rig = DiskRig(tmp_path / 'root')
    rig.open_flight()
    rig.write(range(5))
    assert rig.recorder.close_flight().clean_shutdown
    closed_bytes = sum(path.stat().st_size for path in rig.directory.iterdir())
    rig.open_flight(OTHER_FLIGHT_ID)
    rig.write(range(5))
    assert rig.recorder.commit()
    before = tree(tmp_path)
    facts = look_at(tmp_path / 'root')
    assert tree(tmp_path) == before
    assert (facts.is_there, facts.error) == (True, '')
    assert (facts.unclosed, facts.unclosed_count) == ((OTHER_FLIGHT_ID,), 1)
    assert (facts.flights_bytes > closed_bytes, facts.closed_bytes) == (True, closed_bytes)
    assert facts.holder.startswith(f'pid {os.getpid()} on ')
    assert facts.holder.endswith(f'flight {OTHER_FLIGHT_ID}')
    assert rig.recorder.close_flight().clean_shutdown
    assert look_at(tmp_path / 'root').holder == ''


def test_a_lock_without_a_note_is_held_by_somebody(tmp_path: Path) -> None:
    """The kernel knows that it is held, only the file knows by whom."""
    lock = FlightLock(tmp_path)
    lock.acquire(FLIGHT_ID)
    (tmp_path / LOCK_NAME).write_text('scribble')
    assert lock_holder(tmp_path) == 'another recorder'
    lock.release()
    assert lock_holder(tmp_path) == ''
    assert (tmp_path / LOCK_NAME).read_text() == 'scribble'


@pytest.mark.parametrize(
    ('root', 'error'),
    [
        ('missing/root', 'ENOENT: No such file or directory'),
        ('file', 'ENOTDIR: Not a directory'),
        ('file/root', 'ENOTDIR: Not a directory'),
        ('loop', 'ENOTDIR: Not a directory'),
    ],
)
def test_a_root_that_cannot_be(tmp_path: Path, root: str, error: str) -> None:
    """The reason is that of the system."""
    (tmp_path / 'file').touch()
    (tmp_path / 'loop').symlink_to('loop')
    assert look_at(tmp_path / root).error == error


@pytest.mark.fault
def test_a_full_disk_and_one_that_is_read_only(tmp_path: Path) -> None:
    """Nothing is left on a full disk: the next look finds it as the first one did."""
    with small_disk(tmp_path / 'disk', size_bytes=4 * MIB) as disk:
        for _ in range(2):
            facts = look_at(disk)
            assert (facts.error, facts.free_bytes) == (
                'ENOSPC: No space left on device',
                4 * MIB,
            )
        make_read_only(disk)
        assert look_at(disk / 'root').error == 'EROFS: Read-only file system'


def test_facts_survive_json() -> None:
    """They come from another process."""
    facts = RootFacts(root='/r', is_there=True, unclosed=('a',), sync_ns=(1, 2))
    values = {name: getattr(facts, name) for name in RootFacts.__slots__}
    assert RootFacts.from_json(json.loads(json.dumps(values))) == facts
