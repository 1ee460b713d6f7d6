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
The contract of a flight store, for the twin in memory and for the directory; then the directory.

What stands in ``metadata.yaml`` is tested with bag_format, what stands in a segment with
mcap_segment.
"""

from __future__ import annotations

import errno
from functools import partial
import os
from typing import Protocol, TYPE_CHECKING

from bag_reader import metadata_of, read_torn
from failing_calls import FailingCalls
from fdr_node.config import KIB
from fdr_node.errors import FdrConcurrentWriterError, FdrOpenError
from fdr_node.record import encode_cdr
from fdr_node.storage.flight_directory import FlightDirectory
from fdr_node.storage.lock import FlightLock, LOCK_NAME
from fdr_node.storage.mcap_segment import McapSegment
from memory_store import MemoryDisk, MemoryStore
from on_disk import open_descriptors, tree
import pytest
from rigs import FLIGHT_ID, OTHER_FLIGHT_ID, record_of
from small_disk import make_read_only, small_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fdr_node.recording.ports import FlightStore, Segment

TEXTS = {'fdr_flight_header': '{"flight_id": "grün"}'}
SIZE_MAX = 512 * KIB


class Root(Protocol):
    """Where flights are stored."""

    def store(self, flight_id: str = FLIGHT_ID) -> FlightStore:
        """Return the place of a flight."""

    def segments(self) -> set[str]:
        """Return the names of the segments of the flight that are there."""

    def listed(self) -> tuple[list[str], dict[str, str]]:
        """Return which segments its metadata lists, and what the flight added to it."""

    def flights(self) -> set[str]:
        """Return the flights that are there."""


class MemoryRoot:
    """For the twin."""

    def __init__(self) -> None:
        self._disk = MemoryDisk()

    def store(self, flight_id: str = FLIGHT_ID) -> MemoryStore:
        """Return the place of a flight."""
        return MemoryStore(self._disk, flight_id=flight_id, segment_bytes_max=SIZE_MAX)

    def segments(self) -> set[str]:
        """Return the names of the segments of the flight."""
        return set(self._disk.flights[FLIGHT_ID].segments)

    def listed(self) -> tuple[list[str], dict[str, str]]:
        """Return what its metadata says."""
        flight = self._disk.flights[FLIGHT_ID]
        return [facts.name for facts in flight.listed], flight.custom_data

    def flights(self) -> set[str]:
        """Return the flights."""
        return set(self._disk.flights)


class DiskRoot:
    """For the directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: Exception | None = None

    def store(self, flight_id: str = FLIGHT_ID) -> FlightDirectory:
        """Return the place of a flight."""
        return FlightDirectory(
            self.path,
            flight_id=flight_id,
            segment_bytes_max=SIZE_MAX,
            make_segment=partial(McapSegment, library='test'),
            prepare=self.prepare,
        )

    def prepare(self, flight_root: Path) -> None:
        """Put the root in order, or fail as a test wants it; the lock is held meanwhile."""
        assert flight_root == self.path
        assert not is_free(flight_root)
        if self.fault is not None:
            raise self.fault

    def segments(self) -> set[str]:
        """Return the names of the segments of the flight."""
        return {path.name for path in (self.path / FLIGHT_ID).glob('*.mcap')}

    def listed(self) -> tuple[list[str], dict[str, str]]:
        """Return what its metadata says."""
        metadata = metadata_of(self.path / FLIGHT_ID)
        names, custom_data = metadata['relative_file_paths'], metadata['custom_data']
        assert isinstance(names, list)
        assert isinstance(custom_data, dict)
        return names, custom_data

    def flights(self) -> set[str]:
        """Return the flights."""
        found = self.path.iterdir() if self.path.exists() else []
        return {path.name for path in found if path.is_dir()}


def is_free(root: Path) -> bool:
    """Return whether the lock of a root can be taken."""
    lock = FlightLock(root)
    try:
        lock.acquire(OTHER_FLIGHT_ID)
    except FdrConcurrentWriterError:
        return False
    lock.undo()
    return True


@pytest.fixture(params=['memory', 'directory'])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Root:
    """Return a flight root of either kind."""
    return MemoryRoot() if request.param == 'memory' else DiskRoot(tmp_path / 'root')


def filled(store: FlightStore, index: int) -> Segment:
    """Begin a segment with one committed record."""
    segment = store.open_segment(index, TEXTS)
    data = encode_cdr(record_of(index))
    segment.add(data, sequence=index, log_time_ns=index, publish_time_ns=index)
    segment.commit()
    return segment


# --- the contract


def test_nothing_is_touched_before_it_is_opened(root: Root) -> None:
    """A store can be made for a flight that is never opened."""
    store = root.store()
    assert (store.directory.name, root.flights()) == (FLIGHT_ID, set())


def test_one_flight_at_a_time(root: Root) -> None:
    """The root belongs to the first, until it gives it back; a refusal changes nothing."""
    first, second = root.store(), root.store(OTHER_FLIGHT_ID)
    first.open_flight()
    with pytest.raises(FdrConcurrentWriterError) as caught:
        second.open_flight()
    assert (FLIGHT_ID in caught.value.holder, root.flights()) == (True, {FLIGHT_ID})
    first.close_flight()
    second.open_flight()
    second.close_flight()
    assert root.flights() == {FLIGHT_ID, OTHER_FLIGHT_ID}


def test_a_flight_id_is_used_once(root: Root) -> None:
    """Nothing of the flight that has it is touched, and the root is free again."""
    store = root.store()
    store.open_flight()
    filled(store, 0).close({})
    store.close_flight()
    with pytest.raises(FdrOpenError, match='exists already'):
        root.store().open_flight()
    assert root.segments() == {f'{FLIGHT_ID}_0.mcap'}
    other = root.store(OTHER_FLIGHT_ID)
    other.open_flight()
    other.close_flight()


def test_a_second_disk_that_has_the_flight_already_is_not_claimed(root: Root) -> None:
    """An id that is set by hand may be there of a flight before; that one stays as it is."""
    store = root.store()
    store.open_flight()
    filled(store, 0).close({})
    store.close_flight()
    with pytest.raises(FdrOpenError, match='exists already'):
        root.store().claim()
    assert root.segments() == {f'{FLIGHT_ID}_0.mcap'}
    other = root.store(OTHER_FLIGHT_ID)
    other.open_flight()
    other.close_flight()


def test_segments_are_named_after_the_flight(root: Root) -> None:
    """As rosbag2 wants it, with the number that orders them."""
    store = root.store()
    store.open_flight()
    facts = [filled(store, index).close({}) for index in (0, 1, 12)]
    names = [f'{FLIGHT_ID}_{index}.mcap' for index in (0, 1, 12)]
    assert [(item.index, item.name) for item in facts] == list(zip((0, 1, 12), names, strict=True))
    assert root.segments() == set(names)
    store.close_flight()


def test_a_segment_is_never_opened_again(root: Root) -> None:
    """Its number is taken."""
    store = root.store()
    store.open_flight()
    filled(store, 0).close({})
    with pytest.raises(FileExistsError):
        store.open_segment(0, TEXTS)
    assert root.segments() == {f'{FLIGHT_ID}_0.mcap'}
    store.close_flight()


def test_what_is_published_replaces_what_was(root: Root) -> None:
    """In the order given."""
    store = root.store()
    store.open_flight()
    facts = [filled(store, index).close({}) for index in (0, 1, 2)]
    size = store.publish(facts, TEXTS)
    assert root.listed() == ([item.name for item in facts], TEXTS)
    less = store.publish(facts[1:], {'fdr_flight_footer': '{}'})
    assert root.listed() == ([facts[1].name, facts[2].name], {'fdr_flight_footer': '{}'})
    assert 0 < less < size
    store.close_flight()


def test_a_dropped_segment_is_gone(root: Root) -> None:
    """Also when somebody else has removed it before."""
    store = root.store()
    store.open_flight()
    facts = [filled(store, index).close({}) for index in (0, 1)]
    store.drop_segment(facts[0].name)
    store.drop_segment(facts[0].name)
    assert root.segments() == {facts[1].name}
    store.close_flight()


def test_a_discarded_flight_was_never_there(root: Root) -> None:
    """Its id can be used again, the root is free."""
    store = root.store()
    store.open_flight()
    segment = filled(store, 0)
    store.publish([segment.facts], TEXTS)
    segment.abort()
    store.close_flight(discard=True)
    assert root.flights() == set()
    again = root.store()
    again.open_flight()
    again.close_flight()
    again.close_flight()
    assert root.flights() == {FLIGHT_ID}


# --- the directory


@pytest.fixture
def disk(tmp_path: Path) -> DiskRoot:
    """Return a root that is not there yet."""
    return DiskRoot(tmp_path / 'root')


def test_the_root_is_made_when_it_is_missing(disk: DiskRoot) -> None:
    """With the lock file in it; a closed flight leaves both."""
    store = disk.store()
    store.open_flight()
    assert not is_free(disk.path)
    store.close_flight()
    assert tree(disk.path).keys() == {FLIGHT_ID, LOCK_NAME}
    assert is_free(disk.path)


def test_each_segment_says_what_the_bag_is(disk: DiskRoot) -> None:
    """So that a segment alone can be played, and a bag without metadata be made again."""
    store = disk.store()
    store.open_flight()
    facts = filled(store, 3).close({})
    metadata = read_torn(disk.path / FLIGHT_ID / facts.name).metadata
    assert sorted(metadata) == ['fdr_flight_header', 'rosbag2']
    assert metadata['fdr_flight_header'] == TEXTS['fdr_flight_header']
    assert f'- {facts.name}' in metadata['rosbag2']
    store.close_flight()


def test_the_size_of_the_metadata_is_that_of_its_file(disk: DiskRoot) -> None:
    """In bytes, not in letters."""
    store = disk.store()
    store.open_flight()
    size = store.publish([filled(store, 0).close({})], TEXTS)
    assert (disk.path / FLIGHT_ID / 'metadata.yaml').stat().st_size == size
    store.close_flight()


def test_metadata_that_cannot_be_replaced_stays(
    disk: DiskRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no temporary file with it."""
    store = disk.store()
    store.open_flight()
    facts = filled(store, 0).close({})
    store.publish([facts], TEXTS)
    before = tree(disk.path)
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail('replace', number=errno.ENOSPC)
        with pytest.raises(OSError, match='No space left'):
            store.publish([facts], {})
    assert tree(disk.path) == before
    store.close_flight()


# How a root can be wrong: what is at its place, and the words for it.
def _missing_parent(path: Path) -> str:
    path.parent.rmdir()
    return 'No such file or directory'


def _a_file(path: Path) -> str:
    path.write_bytes(b'x')
    return 'File exists'


def _below_a_file(path: Path) -> str:
    path.parent.rmdir()
    path.parent.write_bytes(b'x')
    return 'Not a directory'


def _a_link_to_nowhere(path: Path) -> str:
    path.symlink_to('nowhere')
    return 'File exists'


def _a_file_where_the_flight_goes(path: Path) -> str:
    path.mkdir()
    (path / FLIGHT_ID).write_bytes(b'x')
    return 'File exists'


def _a_directory_where_the_lock_goes(path: Path) -> str:
    path.mkdir()
    (path / LOCK_NAME).mkdir()
    return 'directory'


@pytest.mark.parametrize(
    'spoil',
    [
        _missing_parent,
        _a_file,
        _below_a_file,
        _a_link_to_nowhere,
        _a_file_where_the_flight_goes,
        _a_directory_where_the_lock_goes,
    ],
)
def test_a_root_that_is_no_place_for_flights_stays_as_it_is(
    spoil: Callable[[Path], str], tmp_path: Path
) -> None:
    """The error names the path and says why."""
    (tmp_path / 'mount').mkdir()
    disk = DiskRoot(tmp_path / 'mount' / 'root')
    words = spoil(disk.path)
    before, descriptors = tree(tmp_path), open_descriptors()
    with pytest.raises(FdrOpenError, match=words) as caught:
        disk.store().open_flight()
    assert caught.value.path.startswith(str(disk.path))
    assert (tree(tmp_path), open_descriptors()) == (before, descriptors)


def test_a_root_may_be_a_link(disk: DiskRoot) -> None:
    """To a directory on another disk, for example."""
    (disk.path.parent / 'disk').mkdir()
    disk.path.symlink_to('disk')
    store = disk.store()
    store.open_flight()
    store.close_flight()
    assert tree(disk.path.parent / 'disk').keys() == {FLIGHT_ID, LOCK_NAME}


@pytest.mark.fault
def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """The root there is left alone, one that is missing is not made."""
    with small_disk(tmp_path / 'disk', size_bytes=64 << 10) as place:
        (place / 'root').mkdir()
        make_read_only(place)
        for path in (place / 'root', place / 'new'):
            with pytest.raises(FdrOpenError, match='Read-only file system'):
                DiskRoot(path).store().open_flight()
        assert tree(place) == {'root': b''}


@pytest.mark.fault
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """Not even the note in the lock file fits: nothing is made."""
    with small_disk(tmp_path / 'disk', size_bytes=8192) as place:
        (place / 'other').write_bytes(bytes(8192))
        with pytest.raises(FdrOpenError, match='No space left'):
            DiskRoot(place / 'root').store().open_flight()
        assert tree(place).keys() == {'other'}


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_root_of_somebody_else(tmp_path: Path) -> None:
    """Without the right to write."""
    disk = DiskRoot(tmp_path / 'root')
    disk.path.mkdir(mode=0o555)
    with pytest.raises(FdrOpenError, match='Permission denied'):
        disk.store().open_flight()
    assert tree(disk.path) == {}


@pytest.mark.parametrize('is_new', [False, True])
def test_an_opening_that_fails_at_any_call_leaves_nothing(
    disk: DiskRoot, monkeypatch: pytest.MonkeyPatch, *, is_new: bool
) -> None:
    """Neither a directory nor a lock, whether the root was there or not."""
    if not is_new:
        disk.path.mkdir()
    before, descriptors = tree(disk.path.parent), open_descriptors()
    failed = 0
    for nth in range(1, 50):
        store = disk.store()
        with monkeypatch.context() as patch:
            calls = FailingCalls(patch)
            calls.fail('', nth=nth)
            try:
                store.open_flight()
            except FdrOpenError:
                failed += 1
        if len(calls.made) < nth:
            break
        store.close_flight(discard=True)
        assert (tree(disk.path.parent), open_descriptors()) == (before, descriptors)
    store.close_flight(discard=True)
    assert (tree(disk.path.parent), open_descriptors()) == (before, descriptors)
    assert failed >= 10


def test_a_root_that_cannot_be_put_in_order(disk: DiskRoot) -> None:
    """Whatever went wrong: nothing is made, and the lock is free."""
    disk.path.mkdir()
    disk.fault = PermissionError(errno.EACCES, 'Permission denied')
    with pytest.raises(FdrOpenError, match='Permission denied'):
        disk.store().open_flight()
    disk.fault = ZeroDivisionError('an error of the program')
    with pytest.raises(ZeroDivisionError):
        disk.store().open_flight()
    assert tree(disk.path) == {}
    assert is_free(disk.path)


def test_a_second_disk_whose_directory_cannot_be_looked_at(disk: DiskRoot) -> None:
    """It is not claimed."""
    disk.path.mkdir()
    (disk.path / FLIGHT_ID).symlink_to(FLIGHT_ID)
    with pytest.raises(FdrOpenError, match='symbolic links') as caught:
        disk.store().claim()
    assert caught.value.errno == errno.ELOOP
    assert is_free(disk.path)


def test_a_lock_that_cannot_be_taken_again_says_why(disk: DiskRoot) -> None:
    """The error of the system decides what is done about it."""
    store = disk.store()
    store.open_flight()
    (disk.path / LOCK_NAME).unlink()
    (disk.path / LOCK_NAME).mkdir()
    with pytest.raises(OSError, match='no lock can be taken') as caught:
        store.open_segment(0, TEXTS)
    assert caught.value.errno == errno.EISDIR
    (disk.path / LOCK_NAME).rmdir()
    other = FlightLock(disk.path)
    other.acquire(OTHER_FLIGHT_ID)
    with pytest.raises(OSError, match='holds the lock') as caught:
        store.open_segment(0, TEXTS)
    assert caught.value.errno == errno.EBUSY
    other.undo()
    store.open_segment(0, TEXTS).close({})
