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
Writes one segment: an MCAP file that grows by whole, durable chunks and never passes its size.

Behind the last chunk stands an end without an index, which the next chunk is written over, so the
file can be read at every moment. It decides neither when to commit nor when to cut. What it knows
of the file is what is durably in it: counts, index and CRC move on only after the bytes are on
disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
import zlib

from fdr_node.recording.ports import PendingRecord, SegmentFacts
from fdr_node.storage import bag_format, mcap_format
from fdr_node.storage.append_file import AppendFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcap.records import ChunkIndex

# What the metadata records at the end of a segment may take; config/limits.py counts on it.
EPILOGUE_METADATA_BYTES_MAX = 72 * 1024

# The summary's index of those records, with room for the longest name in use.
_EPILOGUE_INDEX_BYTES = 512

# Head and data of a record, as they are kept until the commit.
_RECORD_PARTS = 2


class McapSegment:
    """
    A new segment, open for records.

    :param path: must not exist.
    :param index: number of the segment in its flight.
    :param size_max: bytes that the file may have at most, its end included.
    :param library: writer's name and version for the MCAP header.
    :param metadata: name and text of the records at its beginning.
    :param sync: when its bytes are made durable: ``commit``, ``segment`` or ``never``.
    :param compression: of its chunks, one of ``compression.NAMES``. One that holds a single record
        never is: so the size that the file has with its footer is known before.
    :raises OSError: nothing is left behind.
    """

    def __init__(  # noqa: PLR0913  # all of them are keywords
        self,
        path: Path,
        *,
        index: int,
        size_max: int,
        library: str,
        metadata: Mapping[str, str],
        sync: str = 'commit',
        compression: str = '',
    ) -> None:
        self._index = index
        self._size_max = size_max
        self._compression = compression
        self._channel = bag_format.channel_spec()
        self._chunks: list[ChunkIndex] = []
        # Of the records in the summary that say where the chunks are.
        self._chunk_indexes_bytes = 0
        self._records = 0
        self._start_ns = 0
        self._end_ns = 0
        self._crc = 0
        self._has_end = False
        self._clear_pending()
        prologue = mcap_format.prologue(library=library, channel=self._channel)
        records, self._metadata = mcap_format.metadata_records(metadata, offset=len(prologue))
        self._end_bytes_max = (
            len(self._end({})) + EPILOGUE_METADATA_BYTES_MAX + _EPILOGUE_INDEX_BYTES
        )
        self._file = AppendFile(path, reserve_bytes=size_max, sync=sync)
        try:
            self._append(prologue + records)
        except OSError:
            self._file.abort()
            raise

    @property
    def facts(self) -> SegmentFacts:
        """Return what is durably in it."""
        return SegmentFacts(
            index=self._index,
            name=self._file.path.name,
            size_bytes=self._file.size_bytes,
            records=self._records,
            start_ns=self._start_ns,
            end_ns=self._end_ns,
        )

    @property
    def pending_bytes(self) -> int:
        """Bytes of the records that were added and are not committed."""
        return self._pending_bytes

    @property
    def is_suspect(self) -> bool:
        """Whether a sync has failed: it ends at its last good commit, and takes nothing more."""
        return self._file.is_suspect

    def fits(self, size: int) -> bool:
        """Return whether one more record of this many bytes keeps the file within its size."""
        if self._has_end or self.is_suspect:
            return False
        chunk_bytes = self._pending_bytes + mcap_format.MESSAGE_OVERHEAD_BYTES + size
        index_bytes = mcap_format.message_index_bytes(len(self._entries) // 2 + 1)
        # No chunk takes more than it does without compression, its name in the summary included.
        summary_bytes = self._chunk_indexes_bytes + mcap_format.CHUNK_INDEX_BYTES
        total = self._file.appended_bytes + mcap_format.CHUNK_OVERHEAD_BYTES + chunk_bytes
        return total + index_bytes + summary_bytes + self._end_bytes_max <= self._size_max

    def add(self, data: bytes, *, sequence: int, log_time_ns: int, publish_time_ns: int) -> None:
        """Take a record that fits; it is in memory until the next commit."""
        head = mcap_format.message_head(
            sequence=sequence,
            log_time_ns=log_time_ns,
            publish_time_ns=publish_time_ns,
            size=len(data),
        )
        self._entries += (log_time_ns, self._pending_bytes)
        self._parts += (head, data)
        self._pending_bytes += len(head) + len(data)

    def take_pending(self) -> list[PendingRecord]:
        """Give up the records that were added and are not committed, in their order."""
        records = [
            PendingRecord(data, *mcap_format.parse_message_head(head))
            for head, data in zip(self._parts[::2], self._parts[1::2], strict=True)
        ]
        self._clear_pending()
        return records

    def commit(self) -> None:
        """
        Make every record that was added durable; without any it does nothing.

        :raises OSError: none of them is; they stay and are offered again at the next commit.
        """
        chunk = self._chunk()
        if chunk is not None:
            self._append(chunk.data)
            self._count(chunk)

    def _chunk(self) -> mcap_format.EncodedChunk | None:
        """Return a chunk of the records that were added, where it would stand; None without."""
        if not self._entries:
            return None
        return mcap_format.chunk(
            self._parts,
            entries=self._entries,
            offset=self._file.appended_bytes,
            compression=self._compression if len(self._parts) > _RECORD_PARTS else '',
        )

    def _count(self, chunk: mcap_format.EncodedChunk) -> None:
        """Take the records that were added for committed."""
        if not self._chunks:
            self._start_ns = chunk.index.message_start_time
        self._chunks.append(chunk.index)
        self._chunk_indexes_bytes += mcap_format.CHUNK_INDEX_BYTES + len(chunk.index.compression)
        self._records += chunk.message_count
        self._end_ns = chunk.index.message_end_time
        self._clear_pending()

    def size_if_closed(self, record_bytes: int, metadata: Mapping[str, str]) -> int:
        """
        Return the size that the file would have with one more record, closed.

        :param record_bytes: size of that record, a chunk of its own; nothing may be pending.
        :param metadata: name and text of the records at its end.
        """
        head = mcap_format.message_head(
            sequence=0, log_time_ns=0, publish_time_ns=0, size=record_bytes
        )
        chunk = mcap_format.chunk([head, bytes(record_bytes)], entries=[0, 0], offset=0)
        first_chunk_bytes = 0 if self._chunks else mcap_format.FIRST_CHUNK_BYTES
        return (
            self._file.appended_bytes
            + len(chunk.data)
            + len(self._end(metadata))
            + mcap_format.CHUNK_INDEX_BYTES
            + first_chunk_bytes
        )

    def close(self, metadata: Mapping[str, str]) -> SegmentFacts:
        """
        Commit, write the end of the file and give back what was reserved for it.

        :param metadata: name and text of the records at its end, together at most
            ``EPILOGUE_METADATA_BYTES_MAX``.
        :raises OSError: call it again, it goes on where it stopped; nothing that was committed is
            lost, and from the end on no record fits any more.
        """
        if not self._has_end:
            # In one piece: where the last records are the end is too, or neither is.
            chunk = self._chunk()
            data = chunk.data if chunk else b''
            crc, offset = zlib.crc32(data, self._crc), self._file.appended_bytes + len(data)
            self._file.append(data + self._end(metadata, offset=offset, crc=crc, last=chunk))
            if chunk is not None:
                self._count(chunk)
            self._has_end = True
        self._file.close()
        return self.facts

    def abandon(self) -> None:
        """Let go of the file when it cannot be closed; what was committed stays. Never raises."""
        self._file.abandon()

    def mend(self) -> None:
        """Give back what was reserved, where an abandonment could not."""
        self._file.mend()

    def abort(self) -> None:
        """Remove the file, for an opening that is undone; never raises."""
        self._file.abort()

    def _append(self, data: bytes) -> None:
        crc = zlib.crc32(data, self._crc)
        # With it every reader takes the file for whole, also after the process was killed: some,
        # unlike rosbag2, do not read a file that just ends.
        self._file.append(data, end=mcap_format.open_end(crc))
        self._crc = crc

    def _clear_pending(self) -> None:
        self._parts: list[bytes] = []
        # Log time and offset in the chunk of each message, in turn: the message index.
        self._entries: list[int] = []
        self._pending_bytes = 0

    def _end(
        self,
        metadata: Mapping[str, str],
        *,
        offset: int = 0,
        crc: int = 0,
        last: mcap_format.EncodedChunk | None = None,
    ) -> bytes:
        """
        Return all that follows the last chunk; nothing of this object changes.

        :param last: that chunk, when it is not in the file yet.
        """
        indexes = [last.index] if last else []
        records, index = mcap_format.metadata_records(metadata, offset=offset)
        data_end = mcap_format.data_end(zlib.crc32(records, crc))
        summary = mcap_format.summary(
            offset=offset + len(records) + len(data_end),
            channel=self._channel,
            chunks=[*self._chunks, *indexes],
            metadata=[*self._metadata, *index],
            message_count=self._records + (last.message_count if last else 0),
        )
        return records + data_end + summary
