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
"""What a recovery reports, that a plan changes nothing, and what it refuses to touch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from bag_reader import metadata_of, read_bag
from crafted import (
    footer,
    HEADER,
    name_of,
    own,
    records,
    segment,
    Style,
    totals,
    write_flight,
)
from failing_calls import FailingCalls
from fdr_node.config import KIB, MIB
from fdr_node.debrief.flight_files import find_segments
from fdr_node.debrief.info import inspect_flight
from fdr_node.debrief.parts import find_parts
from fdr_node.debrief.recover import recover_flight, RecoveryReport
from fdr_node.errors import FdrConcurrentWriterError, FdrOpenError, StorageError
from fdr_node.schema import PARTS_NAME
from fdr_node.storage.lock import FlightLock, LOCK_NAME
from fdr_node.storage.recovery import Verdict
import mcap_bytes
from on_disk import tree
from project import TESTS
import pytest
from rigs import DiskRig, FLIGHT_ID, TwoDiskRig
from small_disk import make_read_only, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.recording.flight import Flight
    from rigs import Rig

SMALL_CHUNKS = Style(chunk_bytes=200)
TORN_BYTES = 40


def chunks_of(data: bytes) -> list[int]:
    """Return where the chunks of a segment begin."""
    return [item.offset for item in mcap_bytes.records_of(data) if item.opcode == mcap_bytes.CHUNK]


WHOLE = segment([own(0, HEADER), *records('imu', range(6))], style=SMALL_CHUNKS)
*_, LAST_CHUNK = chunks_of(WHOLE)
TORN = WHOLE[: LAST_CHUNK + TORN_BYTES]
FLIP_AT = LAST_CHUNK + 70
DAMAGED = bytes(byte ^ (place == FLIP_AT) for place, byte in enumerate(WHOLE))
EMPTY = WHOLE[: chunks_of(WHOLE)[0]]
# Records in front of the last chunk.
KEPT = 4


def one_of_each(root: Path) -> Path:
    """Leave a flight with segments of every kind; one is missing."""
    segments = {0: WHOLE, 1: DAMAGED, 3: b'garbage', 4: EMPTY, 5: TORN}
    return write_flight(root, segments, listed=[name_of(0)])


def planned(directory: Path) -> RecoveryReport:
    """Return what would be done."""
    return recover_flight(directory, is_applied=False, on_progress=lambda _done, _total: None)


def applied(directory: Path) -> RecoveryReport:
    """Return what was done."""
    return recover_flight(directory, is_applied=True, on_progress=lambda _done, _total: None)


def test_every_kind_of_segment_is_reported(tmp_path: Path) -> None:
    """What each is like, how many of its records can be read, and what is lost."""
    directory = one_of_each(tmp_path)
    report = planned(directory)
    assert [(s.file, s.verdict, s.records, s.cut_bytes) for s in report.segments] == [
        (name_of(0), Verdict.INTACT, 7, 0),
        (name_of(1), Verdict.DAMAGED, KEPT, 0),
        (name_of(3), Verdict.UNREADABLE, 0, 7),
        (name_of(4), Verdict.EMPTY, 0, 0),
        (name_of(5), Verdict.TORN, KEPT, TORN_BYTES),
    ]
    assert report.losses == (
        f'{name_of(1)}: byte {LAST_CHUNK}: a chunk of {7 - KEPT} records is damaged',
        f'{name_of(3)}: nothing in it is whole',
        f'{name_of(5)}: {TORN_BYTES} bytes behind the last whole record',
        'segment 2 is missing',
        'segment 4 is empty',
    )
    assert report.records == 7 + 2 * KEPT
    assert (report.directory, report.was_in_order, report.is_applied) == (directory, False, False)


def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    """Not a byte, not a time, and no lock file comes."""
    directory = one_of_each(tmp_path)
    before = tree(tmp_path)
    times = [path.stat().st_mtime_ns for path in [tmp_path, directory, *directory.iterdir()]]
    planned(directory)
    assert tree(tmp_path) == before
    assert times == [
        path.stat().st_mtime_ns for path in [tmp_path, directory, *directory.iterdir()]
    ]


def test_what_was_planned_is_done_once(tmp_path: Path) -> None:
    """A second recovery finds all of it in order, and leaves every byte as it is."""
    directory = one_of_each(tmp_path)
    plan = planned(directory)
    assert applied(directory) == replace(plan, is_applied=True)
    assert {path.name for path in tmp_path.iterdir()} == {directory.name}
    after = tree(directory)
    assert sorted(after) == [
        *(name_of(index) for index in (0, 1)),
        f'{name_of(1)}.damaged',
        f'{name_of(3)}.unreadable',
        name_of(5),
        'metadata.yaml',
    ]
    assert (after[name_of(0)], after[f'{name_of(1)}.damaged']) == (WHOLE, DAMAGED)
    assert after[f'{name_of(3)}.unreadable'] == b'garbage'
    again = applied(directory)
    assert (again.was_in_order, again.is_applied, again.records) == (True, True, plan.records)
    assert [item.verdict for item in again.segments] == [
        Verdict.INTACT,
        Verdict.INTACT,
        Verdict.INTACT,
    ]
    assert tree(directory) == after


def test_a_recorded_flight_is_whole_afterwards(tmp_path: Path) -> None:
    """As libraries read it that did not repair it."""
    rig = DiskRig(tmp_path)
    rig.open_flight()
    for seq in range(9):
        rig.write([seq], payload_bytes=180 * KIB)
        rig.recorder.commit()
    flight: Flight | None = rig.recorder._flight
    assert flight is not None
    flight.abandon()
    flight.store.close_flight()
    report = applied(rig.directory)
    assert report.losses == ()
    assert len(read_bag(rig.directory).records) == report.records


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    """Of all segments together, never back, and never beyond what there is."""
    directory = one_of_each(tmp_path)
    told: list[tuple[int, int]] = []
    recover_flight(directory, is_applied=False, on_progress=lambda *item: told.append(item))
    total = sum(path.stat().st_size for path in directory.glob('*.mcap'))
    done = [item[0] for item in told]
    assert {item[1] for item in told} == {total}
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] <= total


# --- a flight on two disks


def moved(root: Path) -> TwoDiskRig:
    """Return a flight that has gone on on the second disk, and is not closed there."""
    rig = TwoDiskRig(root, {'flight_bytes_max': 8 << 20})
    rig.open_flight()
    rig.write(range(5), payload_bytes=180 * KIB)
    rig.recorder.commit()
    rig.move()
    rig.write(range(5, 9), payload_bytes=180 * KIB)
    rig.recorder.commit()
    return rig


def crash(rig: Rig) -> None:
    """Do what the system does for a recorder that was killed."""
    flight: Flight | None = rig.recorder._flight
    assert flight is not None
    flight.abandon()
    flight.release()


def custom_data(directory: Path) -> dict[str, str]:
    """Return what the flight has added to its bag."""
    found = metadata_of(directory)['custom_data']
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize('is_closed', [False, True])
def test_what_is_on_the_other_disk_is_not_lost(tmp_path: Path, *, is_closed: bool) -> None:
    """Each directory is put in order by itself, and still names the other."""
    rig = moved(tmp_path)
    if is_closed:
        rig.recorder.close_flight()
    else:
        crash(rig)
    parts = custom_data(rig.spare)[PARTS_NAME]
    assert find_segments(rig.spare)[0].name == f'{FLIGHT_ID}_3.mcap'
    for directory, other in ((rig.first, rig.spare), (rig.spare, rig.first)):
        for report in (planned(directory), applied(directory)):
            assert (report.losses, report.elsewhere) == ((), (str(other),))
        assert custom_data(directory)[PARTS_NAME] == parts
        assert applied(directory).was_in_order
        assert find_parts(directory)[0].directory == rig.first
    info = inspect_flight(rig.first)
    assert (info.is_balanced, info.problems, info.clean_shutdown) == (True, (), is_closed)


def test_what_the_directory_itself_listed_is_lost_when_it_is_gone(tmp_path: Path) -> None:
    """It was nowhere else."""
    rig = moved(tmp_path)
    rig.recorder.close_flight()
    (rig.spare / f'{FLIGHT_ID}_4.mcap').unlink()
    shutil.rmtree(rig.first)
    report = planned(rig.spare)
    assert report.losses == ('segment 4 is missing',)
    assert report.elsewhere == (str(rig.first),)


def test_a_number_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    """Of a footer, of a list, or of a file: damage may say anything."""
    last = 2**63
    flight_footer = footer({'fdr': totals(1)}, segment_count=last)
    data = segment([own(0, HEADER)], flight_footer=flight_footer)
    directory = write_flight(tmp_path, {0: data}, flight_footer=flight_footer)
    assert planned(directory).losses == (f'segments 1 to {last - 1} are missing',)
    (directory / name_of(last + 1)).write_bytes(WHOLE)
    assert planned(directory).losses == (f'segments 1 to {last} are missing',)


def test_a_copy_without_the_damage_names_the_directories_too(tmp_path: Path) -> None:
    """Without its metadata the segment is all that does."""
    rig = moved(tmp_path)
    rig.recorder.close_flight()
    (rig.spare / 'metadata.yaml').unlink()
    path = rig.spare / f'{FLIGHT_ID}_3.mcap'
    data = bytearray(path.read_bytes())
    data[chunks_of(bytes(data))[0] + 100] ^= 1
    path.write_bytes(data)
    report = applied(rig.spare)
    assert report.segments[0].verdict is Verdict.DAMAGED
    (rig.spare / 'metadata.yaml').unlink()
    for other in find_segments(rig.spare)[1:]:
        other.unlink()
    assert [part.directory for part in find_parts(rig.spare)] == [rig.first, rig.spare]


# --- the lock


@contextmanager
def recording(root: Path) -> Iterator[int]:
    """Let another process record. :return: its id."""
    command = [sys.executable, str(TESTS / 'support' / 'endless_flight.py'), str(root), '1']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()
            process.stdout.read()


def test_a_flight_that_is_being_recorded_is_refused(tmp_path: Path) -> None:
    """Whoever leads to it; the holder is named. Once it is gone, so is the lock."""
    root = tmp_path / 'root'
    link = tmp_path / 'link'
    link.symlink_to(root / FLIGHT_ID)
    with recording(root) as process_id:
        for path in (root / FLIGHT_ID, link):
            with pytest.raises(FdrConcurrentWriterError) as caught:
                applied(path)
            assert caught.value.holder.startswith(f'pid {process_id} on ')
            assert caught.value.lock_path == str(root / LOCK_NAME)
        assert planned(root / FLIGHT_ID).records > 0
    report = applied(link)
    assert report.directory == root / FLIGHT_ID
    bag = read_bag(root / FLIGHT_ID)
    assert len(bag.records) == report.records


def test_the_lock_is_given_back_when_the_disk_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the flight can be recovered later."""
    directory = write_flight(tmp_path, {0: TORN})
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail('fdatasync')
        with pytest.raises(OSError, match='Input/output error'):
            applied(directory)
    lock = FlightLock(tmp_path)
    lock.acquire('another')
    lock.undo()
    assert applied(directory).records == KEPT
    assert applied(directory).was_in_order


def test_a_lock_file_that_was_there_stays(tmp_path: Path) -> None:
    """Of a root that a recorder uses."""
    directory = write_flight(tmp_path, {0: TORN})
    (tmp_path / LOCK_NAME).write_bytes(b'')
    applied(directory)
    assert (tmp_path / LOCK_NAME).exists()


@pytest.mark.fault
def test_a_card_that_cannot_be_written_is_planned_for(tmp_path: Path) -> None:
    """It may be all that is left of a vehicle; doing it takes a copy."""
    with small_disk(tmp_path / 'disk', size_bytes=MIB) as disk:
        directory = write_flight(disk, {0: TORN})
        make_read_only(disk)
        assert planned(directory).records == KEPT
        with pytest.raises(FdrOpenError, match='Read-only file system'):
            applied(directory)


# --- what is no flight


@pytest.mark.parametrize('is_applied', [False, True])
def test_what_is_no_flight_is_refused(tmp_path: Path, *, is_applied: bool) -> None:
    """Nothing there, a file, a flight root, an empty directory; nothing is made or changed."""
    root = tmp_path / 'root'
    root.mkdir()
    write_flight(root, {0: TORN})
    (root / 'file').write_bytes(b'x')
    (root / 'empty').mkdir()
    before = tree(tmp_path)
    for path in (root / 'nothing', root / 'file', root / 'empty', root):
        with pytest.raises(StorageError) as caught:
            recover_flight(path, is_applied=is_applied, on_progress=lambda _done, _total: None)
        assert caught.value.path == str(path)
    assert tree(tmp_path) == before


def test_a_bag_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A recovery would write a list of it that forgets its topics."""
    other = segment(records('imu', range(3)), header=None, style=Style(topic='/camera'))
    directory = write_flight(tmp_path, {0: other[:-60]})
    before = tree(tmp_path)
    with pytest.raises(StorageError, match='it is a bag without a flight header'):
        applied(directory)
    assert tree(tmp_path) == before


def test_a_flight_whose_header_is_damaged_is_known_by_its_name(tmp_path: Path) -> None:
    """The first sector is gone, and the records behind it are not."""
    directory = write_flight(tmp_path, {0: bytes(512) + WHOLE[512:]}, flight_id=FLIGHT_ID)
    report = applied(directory)
    assert report.losses != ()
    assert report.records > 0
