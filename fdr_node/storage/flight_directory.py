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
Keeps the directory of one flight: a valid rosbag2 bag from the first commit on.

It decides neither what to drop nor when to publish; it does each step so that a crash between
any two of them leaves a bag that plays.
"""

from __future__ import annotations

from contextlib import ExitStack
import errno
from typing import Protocol, TYPE_CHECKING

from fdr_node.errors import FdrOpenError
from fdr_node.storage import bag_format, fs
from fdr_node.storage.lock import FlightLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fdr_node.recording.ports import Segment, SegmentFacts


class MakeSegment(Protocol):
    """What opens a segment file: one storage backend."""

    def __call__(
        self, path: Path, *, index: int, size_max: int, metadata: Mapping[str, str]
    ) -> Segment:
        """Open a segment at a path that must not exist. :raises OSError: nothing is left."""


def _leave_as_it_is(flight_root: Path) -> None:
    del flight_root


class FlightDirectory:
    """
    ``<flight_root>/<flight_id>/`` with its segments, its metadata and the lock on the root.

    :param flight_root: absolute path; created when missing, its parent is not.
    :param flight_id: UUID of the flight.
    :param segment_bytes_max: size of a segment file at most, in bytes.
    :param make_segment: what opens a segment file.
    :param prepare: puts the root in order once the lock on it is held.
    """

    def __init__(  # all of them are keywords
        self,
        flight_root: Path,
        *,
        flight_id: str,
        segment_bytes_max: int,
        make_segment: MakeSegment,
        prepare: Callable[[Path], None] = _leave_as_it_is,
    ) -> None:
        self._root = flight_root
        self._flight_id = flight_id
        self._segment_bytes_max = segment_bytes_max
        self._make_segment = make_segment
        self._prepare = prepare
        self._lock = FlightLock(flight_root)
        self._made_root = False
        self._device = 0

    @property
    def directory(self) -> Path:
        """Return the bag."""
        return self._root / self._flight_id

    def open_flight(self) -> None:
        """
        Make the directory and take the lock.

        :raises FdrConcurrentWriterError: another writer holds the root.
        :raises FdrOpenError: the root cannot be written, or the flight is there already; nothing
            is left behind.
        """
        self._claim(self._make_directory)

    def claim(self) -> None:
        """
        Take the lock; the directory is made with the first segment.

        :raises FdrConcurrentWriterError: another writer holds the root.
        :raises FdrOpenError: the root cannot be written, or the flight is there already; nothing
            is left behind.
        """
        self._claim(self._leave_directory)

    def _claim(self, then: Callable[[], None]) -> None:
        try:
            self._made_root = fs.make_directory(self._root)
            self._device = fs.device_of(self._root)
        except OSError as error:
            raise FdrOpenError(self._root, reason=_words(error), errno=error.errno) from error
        with ExitStack() as failed:
            failed.callback(self._undo_root)
            self._lock.acquire(self._flight_id)
            then()
            failed.pop_all()

    def _put_root_in_order(self) -> None:
        try:
            self._prepare(self._root)
        except OSError as error:
            raise FdrOpenError(self._root, reason=_words(error), errno=error.errno) from error

    def _make_directory(self) -> None:
        self._put_root_in_order()
        try:
            is_new = fs.make_directory(self.directory)
        except OSError as error:
            raise FdrOpenError(self.directory, reason=_words(error), errno=error.errno) from error
        if not is_new:
            raise self._used_already()

    def _leave_directory(self) -> None:
        self._put_root_in_order()
        # The first segment would take the files in it for what is left of its own.
        try:
            fs.device_of(self.directory)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FdrOpenError(self.directory, reason=_words(error), errno=error.errno) from error
        raise self._used_already()

    def _used_already(self) -> FdrOpenError:
        reason = 'it exists already, and a flight id is used once'
        return FdrOpenError(self.directory, reason=reason)

    def open_segment(self, index: int, metadata: Mapping[str, str]) -> Segment:
        """
        Begin a segment; what somebody removed underneath is made again.

        :raises OSError: nothing is left of it.
        """
        self._put_back()
        name = bag_format.segment_name(self._flight_id, index)
        return self._make_segment(
            self.directory / name,
            index=index,
            size_max=self._segment_bytes_max,
            metadata=bag_format.beginning_texts(name, metadata),
        )

    def _put_back(self) -> None:
        """
        Make the directories again that were removed, and take the lock again that went with them.

        :raises OSError: ENODEV: another file system is there now, such as the system's own below
            a card that was pulled, and this flight must not fill it.
        """
        is_new = fs.make_directory(self._root)
        device = fs.device_of(self._root)
        if device != self._device and not self._has_flight():
            if is_new:
                fs.remove_directory_if_empty(self._root)
            raise OSError(errno.ENODEV, 'the file system of the flight is gone', str(self._root))
        if not self._lock.is_in_place():
            self._lock.release()
            self._take_lock_again()
        self._device = device
        fs.make_directory(self.directory)

    def _has_flight(self) -> bool:
        """Return whether this file system is the flight's, whatever its number is by now."""
        return self.directory.is_dir() or self._lock.is_noted(self._flight_id)

    def _take_lock_again(self) -> None:
        try:
            self._lock.acquire(self._flight_id)
        except FdrOpenError as error:
            # What the system said decides what is done; of another recorder it says nothing.
            raise OSError(error.errno or errno.EBUSY, error.reason) from error

    def segment_names(self) -> set[str]:
        """
        Return the names of the segment files that are there.

        :raises OSError: ENODEV: the file system of the flight is gone, and its files are not.
        """
        try:
            names = list(fs.file_names(self.directory))
        except FileNotFoundError:
            self._put_back()
            return set()
        prefix = f'{self._flight_id}_'
        return {
            name
            for name in names
            if name.startswith(prefix) and bag_format.segment_index(name) is not None
        }

    def size_of(self, name: str) -> int:
        """Return the bytes of a segment file. :raises OSError: ENOENT when it is gone."""
        return fs.size_of(self.directory / name)

    def free_bytes(self) -> int:
        """Return the space that is left."""
        return fs.free_bytes(self._root)

    def publish(self, segments: Sequence[SegmentFacts], custom_data: Mapping[str, str]) -> int:
        """
        Replace ``metadata.yaml``; the one before stays until the new one is durable.

        :param segments: those that hold a durable chunk, oldest first. One without would make
            rosbag2 refuse the whole bag.
        :return: its size in bytes.
        """
        files = [
            bag_format.FileEntry(
                name=item.name,
                message_count=item.records,
                start_ns=item.start_ns,
                end_ns=item.end_ns,
            )
            for item in segments
        ]
        data = bag_format.metadata_yaml(files, custom_data).encode()
        fs.replace_file(self.directory / bag_format.METADATA_NAME, data)
        return len(data)

    def drop_segment(self, name: str) -> None:
        """Remove a segment that ``metadata.yaml`` no longer lists; gone already is no error."""
        try:
            fs.remove_file(self.directory / name)
        except FileNotFoundError:
            return

    def close_flight(self, *, discard: bool = False) -> None:
        """
        Give the lock back.

        :param discard: remove the directory as well, for an opening that is undone.
        """
        if discard:
            fs.remove_if_there(self.directory / bag_format.METADATA_NAME)
            fs.remove_directory_if_empty(self.directory)
            self._undo_root()
        self._lock.release()

    def _undo_root(self) -> None:
        self._lock.undo()
        if self._made_root:
            fs.remove_directory_if_empty(self._root)


def _words(error: OSError) -> str:
    return error.strerror or str(error)
