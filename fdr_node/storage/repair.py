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
Gives a segment that was not closed its end, where it lies.

Nothing that was whole is moved or copied, so it takes no space but for the torn tail, and no time
but for reading. What is cut off is kept beside the segment until the repair has been read back.
Every step can be interrupted and done again.
"""

from __future__ import annotations

import errno
from typing import Final, TYPE_CHECKING
import zlib

from fdr_node.errors import StorageError
from fdr_node.storage import bag_format, fs, mcap_format
from fdr_node.storage.salvage import Salvage, salvage, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# Neither name matches what rosbag2 takes for a segment (see bag_format.segment_index).
TORN_SUFFIX: Final = '.torn'
UNREADABLE_SUFFIX: Final = '.unreadable'

_PIECE_BYTES: Final = 1 << 20


def examine(path: Path, progress: Callable[[int], None]) -> Salvage:
    """
    Find what is whole in a segment.

    :param progress: is told how many bytes have been gone through.
    :raises OSError: the disk refuses to read.
    """
    with path.open('rb') as stream:
        return salvage(stream, size_bytes=path.stat().st_size, progress=progress)


def glance(path: Path) -> Salvage | None:
    """Return what a closed segment says of itself, in no time; None when it is not closed."""
    with path.open('rb') as stream:
        return summarise(stream, size_bytes=path.stat().st_size)


def torn_path(path: Path) -> Path:
    """Return where the torn tail of a segment is kept until its repair has been read back."""
    return path.with_name(path.name + TORN_SUFFIX)


def close_segment(path: Path, found: Salvage, metadata: Mapping[str, str]) -> int:
    """
    Cut a segment behind its last whole record and write its end.

    :param found: what :func:`examine` found in it.
    :param metadata: name and text of records for its end; a name that it has already is left out.
    :return: its size in bytes.
    :raises StorageError: the repair could not be read back; the torn tail is still beside it.
    :raises OSError: the disk refuses; do it again.
    """
    torn = torn_path(path)
    if path.stat().st_size > found.good_bytes and not torn.exists():
        fs.copy_tail(path, offset=found.good_bytes, target=torn)
    missing = {name: text for name, text in metadata.items() if name not in found.texts}
    end = _end(path, found, missing)
    descriptor = fs.open_existing(path)
    try:
        fs.truncate(descriptor, found.good_bytes)
        fs.write_at(descriptor, end, found.good_bytes)
        fs.sync_data(descriptor)
    finally:
        fs.close(descriptor)
    again = examine(path, _no_progress)
    if not again.is_closed or again.records != found.records:
        reason = f'{again.records} of {found.records} records can be read back'
        raise StorageError(operation='repair', path=path, errno=errno.EIO, reason=reason)
    fs.remove_if_there(torn)
    fs.sync_directory(path.parent)
    return path.stat().st_size


def set_aside(path: Path) -> None:
    """Give a file in which nothing is whole a name that rosbag2 ignores; it is never deleted."""
    path.rename(path.with_name(path.name + UNREADABLE_SUFFIX))
    fs.sync_directory(path.parent)


def _end(path: Path, found: Salvage, metadata: Mapping[str, str]) -> bytes:
    """Return what belongs behind the whole records; points their index at what it adds."""
    channel = bag_format.channel_spec()
    data = b''
    for number, message_index in found.lost_indexes.items():
        place = found.good_bytes + len(data)
        found.chunks[number].message_index_offsets[mcap_format.CHANNEL_ID] = place
        data += message_index
    records, index = mcap_format.metadata_records(metadata, offset=found.good_bytes + len(data))
    data += records
    data += mcap_format.data_end(zlib.crc32(data, _crc_of(path, found.good_bytes)))
    return data + mcap_format.summary(
        offset=found.good_bytes + len(data),
        channel=channel,
        chunks=found.chunks,
        metadata=[*found.metadata, *index],
        message_count=found.records,
    )


def _crc_of(path: Path, length: int) -> int:
    crc = 0
    with path.open('rb') as stream:
        while length > 0:
            piece = stream.read(min(_PIECE_BYTES, length))
            if not piece:
                break
            crc = zlib.crc32(piece, crc)
            length -= len(piece)
    return crc


def _no_progress(done: int) -> None:
    del done
