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
Gives a segment that was not closed its end, and one that is damaged a sound copy in its place.

What only lacks its end gets it where it lies: that takes no space and little time, and what is cut
off is kept beside it until the repair has been read back. What is damaged in between is copied
without the damage, and stays beside the copy. Every step can be interrupted and done again. What
is to be done with which segment is decided elsewhere (recovery).
"""

from __future__ import annotations

from contextlib import suppress
import errno
from operator import itemgetter
import os
from typing import Final, TYPE_CHECKING
import zlib

from fdr_node import __version__
from fdr_node.errors import StorageError
from fdr_node.storage import bag_format, fs, mcap_format
from fdr_node.storage.census import index_entries
from fdr_node.storage.compression import unpack
from fdr_node.storage.salvage import Salvage, salvage, summarise
from fdr_node.storage.segment_bytes import chunk_data_at
from fdr_node.storage.segment_summary import read_at
from mcap.records import MetadataIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from mcap.records import ChunkIndex

# No name of these matches what rosbag2 takes for a segment (see bag_format.segment_index).
TORN_SUFFIX: Final = '.torn'
COPY_SUFFIX: Final = '.copy'
DAMAGED_SUFFIX: Final = '.damaged'
UNREADABLE_SUFFIX: Final = '.unreadable'

_LIBRARY: Final = f'fdr_node {__version__} (repair)'


def examine(
    path: Path, progress: Callable[[int], None], *, size_max: int | None = None
) -> Salvage:
    """
    Find what is whole in a segment.

    :param progress: is told how many bytes have been gone through.
    :param size_max: take it for no longer than that, in bytes.
    :raises OSError: the disk refuses to read.
    """
    size = path.stat().st_size
    size = size if size_max is None else min(size, size_max)
    with path.open('rb') as stream:
        return salvage(stream, size_bytes=size, progress=progress)


def glance(path: Path) -> Salvage | None:
    """Return what a segment says of itself that the recorder has closed, in no time, or None."""
    with path.open('rb') as stream:
        return summarise(stream, size_bytes=path.stat().st_size)


def close_segment(path: Path, found: Salvage, texts: Mapping[str, str]) -> None:
    """
    Cut a segment behind its last whole record and write its end.

    :param found: what :func:`examine` found in it; nothing whole follows what is not.
    :param texts: name and text of the metadata records at its end.
    :raises StorageError: the repair could not be read back; what was cut off is still beside it.
    :raises OSError: the disk refuses; do it again.
    """
    torn = path.with_name(path.name + TORN_SUFFIX)
    if not torn.exists():
        fs.copy_tail(path, offset=found.good_bytes, target=torn)
    end = _end(found, texts)
    descriptor = fs.open_existing(path)
    try:
        fs.truncate(descriptor, found.good_bytes)
        fs.write_at(descriptor, end, found.good_bytes)
        fs.sync_data(descriptor)
    finally:
        fs.close(descriptor)
    _verify(path, found)
    clear(path)


def copy_segment(
    path: Path,
    found: Salvage,
    *,
    beginning: Mapping[str, str],
    end: Mapping[str, str],
) -> None:
    """
    Put a copy of what is whole in a segment in its place, and keep the segment beside it.

    :param found: what :func:`examine` found in it.
    :param beginning: name and text of the metadata records at the beginning of the copy.
    :param end: the same at its end; other metadata records are copied.
    :raises StorageError: the copy could not be read back; the segment is as it was.
    :raises OSError: the disk refuses; do it again.
    """
    copy = path.with_name(path.name + COPY_SUFFIX)
    fs.remove_if_there(copy)
    output = _Output(copy)
    try:
        with path.open('rb') as stream:
            output.fill(stream, found, beginning, end)
    finally:
        output.close()
    _verify(copy, found)
    # The name of the copy has to be durable before the segment gives its own away.
    fs.sync_directory(copy.parent)
    set_aside(path, DAMAGED_SUFFIX)
    fs.rename(copy, path)


def set_aside(path: Path, suffix: str) -> None:
    """Give a file a name that rosbag2 ignores; it is never deleted, nor one of that name."""
    # It may be one that was open: what was reserved for it would be in the count of nobody.
    with suppress(OSError):
        fs.give_back(path)
    target = path.with_name(path.name + suffix)
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f'{path.name}{suffix}{number}')
    fs.rename(path, target)


def leftovers(path: Path) -> list[Path]:
    """Return what an interrupted repair of a segment has left beside it."""
    suffixes = (TORN_SUFFIX, TORN_SUFFIX + fs.TEMPORARY_SUFFIX, COPY_SUFFIX)
    beside = [path.with_name(path.name + suffix) for suffix in suffixes]
    return [item for item in beside if item.exists()]


def clear(path: Path) -> None:
    """Remove what repairs have left beside a segment that is whole."""
    for item in leftovers(path):
        fs.remove_file(item)


class _Output:
    """A copy in the making."""

    def __init__(self, path: Path) -> None:
        self._descriptor = fs.create_file(path)
        self._size = 0
        self._crc = 0
        self._chunks: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []

    def fill(
        self,
        stream: BinaryIO,
        found: Salvage,
        beginning: Mapping[str, str],
        end: Mapping[str, str],
    ) -> None:
        """Write all of it, durably."""
        channel = found.channel or bag_format.channel_spec()
        self._write(mcap_format.prologue(library=_LIBRARY, channel=channel))
        self._write_texts(beginning)
        for _, item in _in_order(found):
            if not isinstance(item, MetadataIndex):
                self._copy_chunk(stream, item)
            elif item.name not in beginning:
                self._copy_metadata(stream, item)
        self._write_texts(end)
        self._write(mcap_format.data_end(self._crc))
        self._write(
            mcap_format.summary(
                offset=self._size,
                channel=channel,
                chunks=self._chunks,
                metadata=self._metadata,
                message_count=found.records,
            )
        )
        fs.sync_data(self._descriptor)

    def close(self) -> None:
        fs.close(self._descriptor)

    def _write_texts(self, texts: Mapping[str, str]) -> None:
        records, index = mcap_format.metadata_records(texts, offset=self._size)
        self._metadata += index
        self._write(records)

    def _copy_chunk(self, stream: BinaryIO, index: ChunkIndex) -> None:
        start = index.chunk_start_offset + chunk_data_at(index.compression)
        packed = read_at(stream, start, index.compressed_size)
        data = unpack(packed, index.compression, size=index.uncompressed_size)
        if data is None:
            # It was whole a moment ago.
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        chunk = mcap_format.chunk(
            [data],
            entries=index_entries(data),
            offset=self._size,
            compression=index.compression,
        )
        self._chunks.append(chunk.index)
        self._write(chunk.data)

    def _copy_metadata(self, stream: BinaryIO, index: MetadataIndex) -> None:
        copied = MetadataIndex(offset=self._size, length=index.length, name=index.name)
        self._metadata.append(copied)
        self._write(read_at(stream, index.offset, index.length))

    def _write(self, data: bytes) -> None:
        fs.write_at(self._descriptor, data, self._size)
        self._size += len(data)
        self._crc = zlib.crc32(data, self._crc)


def _in_order(found: Salvage) -> list[tuple[int, ChunkIndex | MetadataIndex]]:
    """Return what is whole with its place, in the order of the file."""
    places: list[tuple[int, ChunkIndex | MetadataIndex]] = []
    places += [(item.chunk_start_offset, item) for item in found.chunks]
    places += [(item.offset, item) for item in found.metadata]
    return sorted(places, key=itemgetter(0))


def _end(found: Salvage, texts: Mapping[str, str]) -> bytes:
    """Return what belongs behind the whole records."""
    data = found.last_index
    records, index = mcap_format.metadata_records(texts, offset=found.good_bytes + len(data))
    data += records
    data += mcap_format.data_end(zlib.crc32(data, found.good_crc))
    return data + mcap_format.summary(
        offset=found.good_bytes + len(data),
        channel=found.channel or bag_format.channel_spec(),
        chunks=found.chunks,
        metadata=[*found.metadata, *index],
        message_count=found.records,
    )


def _verify(path: Path, found: Salvage) -> None:
    again = examine(path, _no_progress)
    if not (again.is_closed and again.is_sound and again.records == found.records):
        reason = f'{again.records} of {found.records} records can be read back'
        raise StorageError(operation='repair', path=path, errno=errno.EIO, reason=reason)


def _no_progress(done: int) -> None:
    del done
