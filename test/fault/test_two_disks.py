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
A flight whose first disk really fails goes on on the second: what is found of it after landing.

The first disk is a FUSE file system that fails as it is told; files are removed as a person does.
"""

from __future__ import annotations

from contextlib import contextmanager
import errno
import os
import shutil
from typing import TYPE_CHECKING

from bag_reader import read_torn
from fdr_node.config import KIB
from fdr_node.debrief.info import inspect_flight
from fdr_node.debrief.recover import recover_flight
from fdr_node.schema import DropReason
from fdr_node.storage.lock import LOCK_NAME
from fuse_disk import CHANGES, FuseDisk
import mcap_bytes
import pytest
from rigs import DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID, payload_of, TwoDiskRig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.debrief.flight_info import FlightInfo
    from fdr_node.recording.flight import Flight

pytestmark = [pytest.mark.fault, pytest.mark.slow]

LARGE_BYTES = 180 * KIB
TICK_S = 0.1


@contextmanager
def flying(folder: Path) -> Iterator[tuple[TwoDiskRig, FuseDisk]]:
    """Return a recorder in flight, three records behind its start, and its first disk."""
    disk = FuseDisk(folder / 'store', folder / 'first')
    try:
        disk.insert()
        rig = TwoDiskRig(folder, {'flight_bytes_max': 8 << 20})
        rig.open_flight()
        rig.write(range(3), payload_bytes=LARGE_BYTES)
        rig.recorder.commit()
        rig.write([3])
        yield rig, disk
    finally:
        disk.close()


def wait_for(rig: TwoDiskRig, directory: Path) -> None:
    """Let time pass until the flight goes on in a directory."""
    for _ in range(100):
        rig.clock.advance(TICK_S)
        rig.recorder.tick()
        if rig.recorder.status().directory == directory:
            break
    assert rig.recorder.status().degraded_reason == ''
    assert rig.recorder.status().directory == directory


def published(info: FlightInfo) -> tuple[int, dict[str, int]]:
    """Return what the producer published, and what was lost of it."""
    account = info.producers['imu_1'].account
    return account.published, dict(account.lost_by)


def check_whole(rig: TwoDiskRig, count: int) -> None:
    """Check that all is there, from whichever directory one begins."""
    for asked in (rig.first, rig.spare):
        info = inspect_flight(asked)
        assert (info.is_balanced, info.problems, info.is_whole) == (True, (), True)
        assert (info.clean_shutdown, published(info)) == (True, (count, {}))
        assert info.outage_count == 1
        assert str(rig.spare) in info.outages[0].detail


@pytest.mark.parametrize('is_told', [False, True])
def test_a_disk_that_takes_nothing_more(tmp_path: Path, *, is_told: bool) -> None:
    """Whether or not it works again before the end, and so is told of it."""
    with flying(tmp_path) as (rig, disk):
        disk.fail(errno.EIO, *CHANGES)
        rig.recorder.commit()
        wait_for(rig, rig.spare)
        rig.write(range(4, 8), payload_bytes=LARGE_BYTES)
        if is_told:
            disk.mend()
        rig.recorder.close_flight()
        disk.mend()
        check_whole(rig, 8)


def test_a_disk_that_is_pulled(tmp_path: Path) -> None:
    """While it is away that is said, and nothing is called missing; put back it is all there."""
    with flying(tmp_path) as (rig, disk):
        disk.pull()
        rig.recorder.commit()
        wait_for(rig, rig.spare)
        rig.write(range(4, 8), payload_bytes=LARGE_BYTES)
        rig.recorder.close_flight()
        info = inspect_flight(rig.spare)
        assert (info.is_balanced, info.is_whole, info.has_findings) == (None, False, True)
        assert info.problems == (
            f'continued from {rig.first}, which is not here',
            'segments 0 to 1 are not here',
        )
        assert published(info) == (8, {'elsewhere': 3})
        disk.put_back()
        check_whole(rig, 8)


def test_a_commit_that_a_failed_sync_has_left_on_the_first_disk(tmp_path: Path) -> None:
    """It could not be cut off, and stands on the second one too; it counts once."""
    with flying(tmp_path) as (rig, disk):
        disk.fail(errno.EIO, *(step for step in CHANGES if step != 'write'))
        rig.recorder.commit()
        wait_for(rig, rig.spare)
        rig.write(range(4, 8), payload_bytes=LARGE_BYTES)
        rig.recorder.close_flight()
        disk.mend()
        left = read_torn(rig.first / f'{FLIGHT_ID}_1.mcap').stored[-1]
        again = read_torn(rig.spare / f'{FLIGHT_ID}_2.mcap').stored[0]
        assert (left.record.seq, again) == (3, left)
        check_whole(rig, 8)


def test_a_crash_on_the_second_disk(tmp_path: Path) -> None:
    """No footer tells of the whole; put in order, each directory has one of its own."""
    with flying(tmp_path) as (rig, disk):
        disk.pull()
        rig.recorder.commit()
        wait_for(rig, rig.spare)
        rig.write(range(4, 8), payload_bytes=LARGE_BYTES)
        rig.recorder.commit()
        flight: Flight | None = rig.recorder._flight
        assert flight is not None
        flight.abandon()
        flight.release()
        disk.put_back()
        for is_applied in (False, True):
            if is_applied:
                for path in (rig.spare, rig.first):
                    recover_flight(path, is_applied=True, on_progress=lambda _done, _total: None)
            info = inspect_flight(rig.spare)
            assert (info.is_balanced, info.clean_shutdown) == (True, False)
            assert published(info) == (8, {})
            assert (len(info.problems), info.rollover_count) == (0 if is_applied else 2, 0)


@pytest.mark.parametrize('is_closed', [False, True])
def test_a_segment_that_somebody_removes_in_flight(tmp_path: Path, *, is_closed: bool) -> None:
    """It is a hole in the flight, and the log says whose records were in it."""
    rig = TwoDiskRig(tmp_path, {'flight_bytes_max': 8 << 20})
    rig.open_flight()
    rig.write(range(6), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    (rig.first / f'{FLIGHT_ID}_1.mcap').unlink()
    assert rig.recorder.split()
    rig.write(range(6, 8), payload_bytes=LARGE_BYTES)
    if is_closed:
        rig.recorder.close_flight()
    else:
        rig.recorder.commit()
    info = inspect_flight(rig.first)
    assert info.is_balanced
    assert len(info.problems) == (0 if is_closed else 1)
    assert published(info) == (8, {'rolled_off': 2})
    assert [(drop.index, drop.reason) for drop in info.dropped_segments] == [
        (1, DropReason.MISSING)
    ]
    assert (info.rollover_count, info.records_rolled_off) == (1, 2)
    rig.recorder.close_flight()


def test_each_disk_gives_its_own_oldest_segments(tmp_path: Path) -> None:
    """So what is gone lies between what is there, and is no hole that nobody knows of."""
    rig = TwoDiskRig(tmp_path)
    rig.open_flight()
    rig.write(range(4), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    rig.write([4])
    rig.move()
    for seq in range(5, 25):
        rig.write([seq], payload_bytes=LARGE_BYTES)
        rig.recorder.commit()
    rig.recorder.close_flight()
    info = inspect_flight(rig.spare)
    assert (info.is_balanced, info.problems) == (True, ())
    assert info.rollover_count >= 5
    assert {drop.reason for drop in info.dropped_segments} == {DropReason.CAP}
    kept = [segment.directory for segment in info.segments]
    assert kept == [str(rig.first)] * 2 + [str(rig.spare)] * (len(kept) - 2)
    count, lost_by = published(info)
    assert (count, list(lost_by)) == (25, ['rolled_off'])
    shutil.rmtree(rig.spare)
    rest = inspect_flight(rig.first)
    assert rest.problems[0] == f'continued in {rig.spare}, which is not here'
    count, lost_by = published(rest)
    assert (count, list(lost_by), rest.is_balanced) == (25, ['elsewhere'], None)


@pytest.mark.parametrize('chunks', [0, 1])
@pytest.mark.parametrize('is_back', [False, True])
def test_what_a_failed_opening_has_left_is_no_second_segment(
    tmp_path: Path, *, chunks: int, is_back: bool
) -> None:
    """Its number is used again on the other disk, and so is a commit that is in it."""
    rig = TwoDiskRig(tmp_path, {'flight_bytes_max': 8 << 20})
    rig.open_flight()
    directories = [rig.first, rig.spare]
    for seq in range(3 if is_back else 2):
        if seq:
            rig.move()
        rig.write([3 * seq, 3 * seq + 1], payload_bytes=LARGE_BYTES)
        rig.recorder.commit()
        rig.write([3 * seq + 2])
    rig.recorder.close_flight()
    before = inspect_flight(rig.first)
    last, other = directories[not is_back], directories[is_back]
    path = last / f'{FLIGHT_ID}_{2 if is_back else 1}.mcap'
    data = path.read_bytes()
    raws = [raw for raw in mcap_bytes.records_of(data) if raw.opcode == mcap_bytes.CHUNK]
    (other / path.name).write_bytes(data[: raws[chunks].offset])
    for asked in directories:
        info = inspect_flight(asked)
        assert (info.is_balanced, info.problems, info.is_whole) == (True, (), True)
        assert published(info) == published(before)
        assert len(info.segments) == len(before.segments) + 1


def test_a_root_that_another_recorder_has_taken(tmp_path: Path) -> None:
    """Somebody removed the lock file: the flight goes on on the second disk, and says why."""
    rig = TwoDiskRig(tmp_path, {'flight_bytes_max': 8 << 20})
    rig.open_flight()
    rig.write(range(3), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    (rig.first.parent / LOCK_NAME).unlink()
    other = DiskRig(rig.first.parent)
    other.open_flight(OTHER_FLIGHT_ID)
    rig.write([3], payload_bytes=LARGE_BYTES)
    assert not rig.recorder.split()
    assert f'EBUSY: pid {os.getpid()} on ' in rig.recorder.degraded_reason
    assert f'flight {OTHER_FLIGHT_ID} holds the lock' in rig.recorder.degraded_reason
    wait_for(rig, rig.spare)
    rig.write(range(4, 8), payload_bytes=LARGE_BYTES)
    assert rig.recorder.close_flight().clean_shutdown
    assert other.recorder.close_flight().clean_shutdown
    stored = [
        r.record for path in sorted(rig.spare.glob('*.mcap')) for r in read_torn(path).stored
    ]
    assert [record.seq for record in stored if record.producer_id == 'imu_1'] == [*range(4, 8)]
    (degraded,) = [payload_of(record) for record in stored if record.kind == 'degraded']
    assert str(degraded['detail']).startswith('cut: EBUSY: pid ')
