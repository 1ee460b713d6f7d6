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
Guards a segment that rosbag2's own writer writes, so that a failure is noticed.

The writer tells of no error of the disk. So there has to be space before it is given anything;
what it has written is read back at each commit, with the CRC of every chunk, and all of it again
when the file is closed. What does not come back stays in memory and goes into another segment.
What all of this cannot promise is in docs/operations.md, and why it is done so in docs/adr/0008.
"""

from __future__ import annotations

from contextlib import suppress
import errno
from io import BytesIO
import os
from typing import Final, NoReturn, Protocol, TYPE_CHECKING
import zlib

from fdr_node.recording.ports import PendingRecord, SegmentFacts
from fdr_node.storage import fs, mcap_format
from fdr_node.storage.append_file import end_file
from fdr_node.storage.read_back import read_back, Whole
from fdr_node.storage.segment_bytes import SegmentBytes
from fdr_node.storage.segment_summary import read_at, read_count
from mcap.opcode import Opcode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# The writer ends a chunk when it is full and never when it is asked to. So without compression
# each record is a chunk, and with it the last chunk is this large at most: what a crash may cost
# beside what any crash costs. Larger ones are packed little better (docs/adr/0006).
CHUNK_BYTES: Final = 16 * 1024
_RECORD_CHUNK_BYTES: Final = 1

# Of space: what others may take between the look and the write.
_MARGIN_BYTES: Final = 64 * 1024

# Of the end of the file: schema, channel with its QoS, and a metadata record that lists the topic
# and the counts beside what it had at the beginning.
_END_BYTES: Final = 16 * 1024
_OPEN_END_BYTES: Final = len(mcap_format.open_end(0))

# Of a compression, in a chunk and in its index.
_NAME_BYTES_MAX: Final = 4


class StockWriter(Protocol):
    """Rosbag2's writer, or who stands in for it."""

    def write(self, data: bytes, *, log_time_ns: int, publish_time_ns: int) -> None:
        """Hand a record over. :raises OSError: the writer says that it failed."""

    def flush(self) -> None:
        """Move the bytes of whole chunks from the process to the kernel."""

    def close(self) -> None:
        """Let the writer write the end of the file. :raises OSError: as above."""


class MakeWriter(Protocol):
    """What opens a file for a writer."""

    def __call__(
        self, path: Path, *, custom_data: Mapping[str, str], chunk_bytes: int, compression: str
    ) -> StockWriter:
        """Open a file at a path that must not exist. :raises OSError: nothing is left."""


class Rosbag2Segment:
    """
    A new segment, open for records.

    :param path: must not exist.
    :param index: number of the segment in its flight.
    :param size_max: bytes that the file may have at most, its end included.
    :param metadata: name and text of what stands at its beginning.
    :param make_writer: opens the file.
    :param sync: when its bytes are made durable: ``commit``, ``segment`` or ``never``.
    :param compression: of its chunks, one of ``compression.NAMES``.
    :raises OSError: nothing is left behind.
    """

    def __init__(  # noqa: PLR0913  # all of them are keywords
        self,
        path: Path,
        *,
        index: int,
        size_max: int,
        metadata: Mapping[str, str],
        make_writer: MakeWriter,
        sync: str = 'commit',
        compression: str = '',
    ) -> None:
        self._path = path
        self._index = index
        self._size_max = size_max
        self._sync = sync
        self._chunk_bytes = CHUNK_BYTES if compression else _RECORD_CHUNK_BYTES
        # Not known to be in the file; of the first ones the writer has been told.
        self._records: list[PendingRecord] = []
        self._records_bytes = 0
        self._told = 0
        self._start_ns = 0
        self._end_ns = 0
        self._is_suspect = False
        self._is_mended = True
        self._beginning = self._whole = Whole(0, 0, 0, 0)
        # Of the file with the end that the writer has written.
        self._ended_bytes = 0
        self._writer: StockWriter | None = make_writer(
            path,
            custom_data={name: text for name, text in metadata.items() if name != 'rosbag2'},
            chunk_bytes=self._chunk_bytes,
            compression=compression,
        )
        self._descriptor: int | None = None
        try:
            self._begin()
        except OSError:
            self.abort()
            raise

    def _begin(self) -> None:
        self._descriptor = fs.open_existing(self._path)
        writer, descriptor = self._opened()
        self._is_reserved = fs.reserve(descriptor, self._size_max)
        self._check_space(_MARGIN_BYTES)
        writer.flush()
        with self._path.open('rb') as stream:
            beginning = stream.read()
        if not _is_beginning(beginning):
            self._refuse('the beginning of the file is not there')
        self._beginning = Whole(len(beginning), 0, 0, zlib.crc32(beginning))
        self._whole = self._beginning
        _put_end(descriptor, self._whole)
        fs.sync_directory(self._path.parent)

    @property
    def facts(self) -> SegmentFacts:
        """Return what is durably in it."""
        return SegmentFacts(
            index=self._index,
            name=self._path.name,
            size_bytes=self._size_bytes,
            records=self._whole.records,
            start_ns=self._start_ns,
            end_ns=self._end_ns,
        )

    @property
    def _is_ended(self) -> bool:
        """Whether the writer has written the end, and it was read back."""
        return bool(self._ended_bytes)

    @property
    def _size_bytes(self) -> int:
        return self._ended_bytes or self._whole.end + _OPEN_END_BYTES

    @property
    def pending_bytes(self) -> int:
        """Bytes of the records that are not known to be in the file."""
        return self._records_bytes

    @property
    def is_suspect(self) -> bool:
        """Whether something that was written did not come back: it takes nothing more."""
        return self._is_suspect

    def fits(self, size: int) -> bool:
        """Return whether one more record of this many bytes keeps the file within its size."""
        if self._is_ended or self._is_suspect:
            return False
        return self._size_at_most(size) <= self._size_max

    def add(self, data: bytes, *, sequence: int, log_time_ns: int, publish_time_ns: int) -> None:
        """Take a record that fits; it is in memory until the next commit."""
        self._records.append(PendingRecord(data, sequence, log_time_ns, publish_time_ns))
        self._records_bytes += mcap_format.MESSAGE_OVERHEAD_BYTES + len(data)

    def take_pending(self) -> list[PendingRecord]:
        """Give up the records that are not known to be in the file, in their order."""
        records, self._records = self._records, []
        self._records_bytes = self._told = 0
        return records

    def commit(self) -> None:
        """
        Hand over every record that was added, and make those durable that come back.

        With compression the last ones may wait in the chunk that the writer has not ended.

        :raises OSError: ENOSPC when there is no space for them, and they are offered again at the
            next commit; otherwise it is suspect.
        """
        if self._told == len(self._records):
            return
        writer, descriptor = self._opened()
        self._check_space(self._size_at_most(0) - self._whole.end)
        try:
            self._tell(writer)
            writer.flush()
            whole = self._read_back(is_ended=False)
            _put_end(descriptor, whole)
            if self._sync == 'commit':
                fs.sync_data(descriptor)
        except OSError:
            self._is_suspect = True
            raise
        self._count(whole)

    def size_if_closed(self, record_bytes: int, metadata: Mapping[str, str]) -> int:
        """
        Return the size that the file would have at most with one more record, closed.

        The writer says nothing of the end that it will write, so it is an upper bound.
        """
        del metadata  # what stands at the end of a segment is in metadata.yaml alone
        return self._size_at_most(record_bytes)

    def close(self, metadata: Mapping[str, str]) -> SegmentFacts:
        """
        Commit, let the writer end the file, read all of it back, give back what was reserved.

        :param metadata: is not written: the writer has no way for it.
        :raises OSError: call it again, unless it is suspect; nothing that was committed is lost.
        """
        del metadata
        if not self._is_ended:
            self.commit()
            self._end()
        self._close_file()
        return self.facts

    def abandon(self) -> None:
        """Let go of the file when it cannot be closed; what was committed stays. Never raises."""
        writer, self._writer = self._writer, None
        if writer is not None:
            # It ends the file as it sees it; that goes.
            with suppress(OSError):
                writer.close()
        if self._descriptor is not None and not self._is_ended:
            self._is_mended = False
            with suppress(OSError):
                self._restore(self._descriptor)
        with suppress(OSError):
            self._close_file()

    def mend(self) -> None:
        """Give back what was reserved, where an abandonment could not."""
        if not self._is_mended:
            end_file(self._path, self._restore)

    def _restore(self, descriptor: int) -> None:
        fs.truncate(descriptor, self._whole.end)
        _put_end(descriptor, self._whole)
        self._is_mended = True

    def abort(self) -> None:
        """Remove the file, for an opening that is undone; never raises."""
        self.abandon()
        fs.remove_if_there(self._path)

    def _tell(self, writer: StockWriter) -> None:
        first = self._told
        for record in self._records[first:]:
            writer.write(
                record.data,
                log_time_ns=record.log_time_ns,
                publish_time_ns=record.publish_time_ns,
            )
            self._told += 1

    def _read_back(self, *, is_ended: bool) -> Whole:
        """
        Find out what of that which the writer was told is in the file now.

        :param is_ended: nothing may wait in a chunk any more.
        """
        with self._path.open('rb') as stream:
            whole = read_back(stream, self._whole)
        count, told = whole.records - self._whole.records, self._told
        waiting = self._records[count:told]
        is_too_much = is_ended or _bytes_of(waiting) >= self._chunk_bytes
        if count > told or (waiting and is_too_much):
            self._refuse(f'{count} of {told} records came back')
        return whole

    def _count(self, whole: Whole) -> None:
        """Take the records that came back for committed."""
        count = whole.records - self._whole.records
        if count:
            self._start_ns = self._start_ns or self._records[0].log_time_ns
            self._end_ns = self._records[count - 1].log_time_ns
        self._whole = whole
        self._records = self._records[count:]
        self._told -= count
        self._records_bytes = _bytes_of(self._records)

    def _end(self) -> None:
        # Without space the writer would end the file all the same, and there is no second time.
        self._check_space(self._size_at_most(0) - self._whole.end)
        writer, _ = self._opened()
        self._writer = None
        try:
            writer.close()
            self._check_all(self._read_back(is_ended=True))
        except OSError:
            self._is_suspect = True
            raise

    def _check_all(self, whole: Whole) -> None:
        """Read the whole file back, and see that its end tells of it."""
        size = fs.size_of(self._path)
        with self._path.open('rb') as stream:
            again = read_back(stream, self._beginning)
            end = read_count(stream, size_bytes=size)
            if again != whole:
                self._refuse(f'{again.records} of {whole.records} records came back')
            if end is None or not end.has_summary or end.records != whole.records:
                self._refuse('the end of the file is not there')
            rest = read_at(stream, whole.end, end.data_end_at - whole.end)
            # The writer's CRC is of what it wrote, ours of what came back.
            data_end = mcap_format.data_end(zlib.crc32(rest, whole.crc))
            if stream.read(len(data_end)) != data_end:
                self._refuse('the CRC of the data is wrong')
        self._count(whole)
        self._ended_bytes = size

    def _close_file(self) -> None:
        descriptor = self._descriptor
        if descriptor is None:
            return
        fs.truncate(descriptor, self._size_bytes)
        if self._sync != 'never':
            fs.sync_data(descriptor)
        self._descriptor = None
        fs.close(descriptor)

    def _size_at_most(self, record_bytes: int) -> int:
        """Return the size of the file closed with all records and one more, or more than it."""
        data_bytes = self._records_bytes + mcap_format.MESSAGE_OVERHEAD_BYTES + record_bytes
        records = len(self._records) + 1
        chunks = records if self._chunk_bytes == 1 else data_bytes // self._chunk_bytes + 1
        chunk_bytes = mcap_format.CHUNK_OVERHEAD_BYTES + mcap_format.message_index_bytes(0)
        return (
            self._whole.end
            + data_bytes
            + mcap_format.MESSAGE_INDEX_ENTRY_BYTES * records
            + (chunk_bytes + _NAME_BYTES_MAX) * chunks
            + (mcap_format.CHUNK_INDEX_BYTES + _NAME_BYTES_MAX) * (self._whole.chunks + chunks)
            + self._beginning.end
            + _END_BYTES
        )

    def _check_space(self, size: int) -> None:
        """Look for space before something is written. :raises OSError: there is not enough."""
        if self._is_reserved:
            return
        if fs.free_bytes(self._path.parent) < size + _MARGIN_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _refuse(self, text: str) -> NoReturn:
        """Raise the error for something that was written and is not there."""
        is_full = fs.free_bytes(self._path.parent) < _MARGIN_BYTES
        raise OSError(errno.ENOSPC if is_full else errno.EIO, text, str(self._path))

    def _opened(self) -> tuple[StockWriter, int]:
        """Return the writer, and a descriptor of the same file."""
        if self._writer is None or self._descriptor is None:
            message = f'{self._path} is closed: a closed segment is never written again'
            raise ValueError(message)
        return self._writer, self._descriptor


def _put_end(descriptor: int, whole: Whole) -> None:
    """Put an end behind what is whole; the writer's next chunk is written over it."""
    fs.write_at(descriptor, mcap_format.open_end(whole.crc), whole.end)


def _bytes_of(records: Sequence[PendingRecord]) -> int:
    """Return what records take in a chunk."""
    return sum(mcap_format.MESSAGE_OVERHEAD_BYTES + len(record.data) for record in records)


def _is_beginning(data: bytes) -> bool:
    """Return whether it is magic, a header, and the metadata record of a bag."""
    header_at = len(mcap_format.MAGIC)
    file = SegmentBytes(BytesIO(data), size_bytes=len(data))
    header = file.record(header_at)
    metadata = file.record(header.end) if header else None
    return (
        data.startswith(mcap_format.MAGIC)
        and metadata is not None
        and metadata.opcode == Opcode.METADATA
        and metadata.end == len(data)
    )
