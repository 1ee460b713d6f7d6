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
Stands in for rosbag2's writer, and behaves as badly: it tells of nothing that goes wrong.

It writes MCAP with the mcap library in the way of rosbag2's plugin: schema and channel in the
first chunk, a chunk ended when it is full, a ``rosbag2`` metadata record at both ends, and bytes
that stay in the process until they are flushed.
"""

from __future__ import annotations

from io import BytesIO
import json
import os
from typing import TYPE_CHECKING

from fdr_node.record import TOPIC, TYPE_NAME
from fdr_node.storage.bag_format import channel_spec
from mcap.writer import CompressionType, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMPRESSIONS = {
    '': CompressionType.NONE,
    'lz4': CompressionType.LZ4,
    'zstd': CompressionType.ZSTD,
}


class Disk:
    """
    Where the bytes of all writers go, as far as they do.

    :ivar room_bytes: what is still taken; the rest of what is written is lost without a word.
    :ivar spoil: a byte in each flush, counted from its start, that arrives as another one.
    :ivar fault: is raised by each write, as the writer does now and then.
    """

    def __init__(self) -> None:
        self.room_bytes = 1 << 40
        self.spoil: int | None = None
        self.fault: OSError | None = None

    def take(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write what there is room for."""
        data = data[: self.room_bytes]
        self.room_bytes -= len(data)
        if self.spoil is not None and data:
            spoilt = bytearray(data)
            spoilt[self.spoil % len(data)] ^= 1
            data = bytes(spoilt)
        os.pwrite(descriptor, data, offset)

    def open_writer(
        self, path: Path, *, custom_data: Mapping[str, str], chunk_bytes: int, compression: str
    ) -> ImitatedWriter:
        """Open a file."""
        return ImitatedWriter(self, path, custom_data, chunk_bytes, compression)


class ImitatedWriter:
    """One file."""

    def __init__(
        self,
        disk: Disk,
        path: Path,
        custom_data: Mapping[str, str],
        chunk_bytes: int,
        compression: str,
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor: int | None = os.open(path, flags, 0o644)
        self._disk = disk
        self._buffer = BytesIO()
        self._flushed_bytes = 0
        self._custom_data = dict(custom_data)
        self._count = 0
        # The library ends a chunk that holds more, rosbag2 one that holds as much.
        self._writer = Writer(
            self._buffer,
            chunk_size=chunk_bytes - 1,
            compression=COMPRESSIONS[compression],
            enable_data_crcs=True,
        )
        self._writer.start('ros2', 'imitated')
        self._add_bag()
        spec = channel_spec()
        schema = self._writer.register_schema(TYPE_NAME, 'ros2msg', spec.definition.encode())
        metadata = {
            'offered_qos_profiles': spec.offered_qos_profiles,
            'topic_type_hash': spec.type_hash,
        }
        self._channel = self._writer.register_channel(TOPIC, 'cdr', schema, metadata)

    def write(self, data: bytes, *, log_time_ns: int, publish_time_ns: int) -> None:
        """Take a record."""
        if self._disk.fault is not None:
            raise self._disk.fault
        self._writer.add_message(self._channel, log_time_ns, data, publish_time_ns)
        self._count += 1

    def flush(self) -> None:
        """Write what is buffered, as far as the disk takes it."""
        at = self._flushed_bytes
        data = self._buffer.getvalue()[at:]
        if self._descriptor is not None:
            self._disk.take(self._descriptor, data, at)
        self._flushed_bytes += len(data)

    def close(self) -> None:
        """End the file."""
        if self._descriptor is not None:
            # The library ends a chunk for the end of the file, not for metadata.
            self._writer.flush()  # type: ignore[no-untyped-call]  # mcap is typed in part
            self._add_bag()
            self._writer.finish()  # type: ignore[no-untyped-call]  # as above
            self.flush()
            os.close(self._descriptor)
            self._descriptor = None

    def _add_bag(self) -> None:
        bag = {'message_count': self._count, 'custom_data': self._custom_data}
        self._writer.add_metadata('rosbag2', {'serialized_metadata': json.dumps(bag)})
