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
Writes a file with rosbag2's own writer; the only module that knows ``rosbag2_py``.

A bag of rosbag2 is a directory, and its writer neither syncs nor tells of a failure. So a bag is
opened for each segment, its one file is given the name of the segment at once, and the directory
goes. Whether the bytes arrive is for the caller to find out (rosbag2_segment).
"""

from __future__ import annotations

from contextlib import suppress
import ctypes
import errno
import os
from typing import Final, TYPE_CHECKING

from fdr_node.record import TOPIC, TYPE_NAME
from fdr_node.storage import fs
from fdr_node.storage.definition import TYPE_HASH
import rosbag2_py

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STORAGE_ID: Final = 'mcap'

# In the flight root while a segment is opened, because the writer makes a directory. What a crash
# leaves of it is removed with the next one.
STAGING_NAME: Final = '.rosbag2'

_CONFIG_SUFFIX: Final = '.yaml'

# Names of the storage plugin's configuration. zstd's "Default" is level 1.
_COMPRESSIONS: Final = {
    '': ('None', 'Fastest'),
    'lz4': ('Lz4', 'Fastest'),
    'zstd': ('Zstd', 'Default'),
}

_libc = ctypes.CDLL(None, use_errno=True)


def has_mcap() -> bool:
    """Return whether rosbag2 can write MCAP here: its storage plugin is a package of its own."""
    return STORAGE_ID in rosbag2_py.get_registered_writers()


class Rosbag2Writer:
    """
    A new file with rosbag2's writer behind it.

    :param path: must not exist.
    :param custom_data: for the ``rosbag2`` metadata record at its beginning.
    :param chunk_bytes: a chunk is written when it holds this much; with 1 each record is one.
    :param compression: one of ``compression.NAMES``.
    :raises OSError: nothing is left behind.
    """

    def __init__(
        self, path: Path, *, custom_data: Mapping[str, str], chunk_bytes: int, compression: str
    ) -> None:
        self._path = path
        self._writer: rosbag2_py.SequentialWriter | None = None
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        staging = path.parent.parent / STAGING_NAME
        config = staging.with_name(STAGING_NAME + _CONFIG_SUFFIX)
        _clear(staging, config)
        try:
            fs.replace_file(config, _storage_config(chunk_bytes, compression))
            self._writer = _open(staging, config, custom_data)
            # The writer keeps the file open and does not need its name again.
            fs.rename(staging / f'{STAGING_NAME}_0.mcap', path)
        except (OSError, RuntimeError, TypeError) as error:
            with suppress(OSError):
                self.close()
            raise _as_os_error(error, path) from error
        finally:
            _clear(staging, config)

    def write(self, data: bytes, *, log_time_ns: int, publish_time_ns: int) -> None:
        """
        Hand a record over; it may be in the file, in a buffer, or in a chunk that is not full.

        :raises OSError: the writer says that it failed, which it does not always.
        """
        try:
            self._open_writer().write(TOPIC, data, log_time_ns, max(0, publish_time_ns))
        except RuntimeError as error:
            raise _as_os_error(error, self._path) from error

    def flush(self) -> None:
        """
        Move the bytes of whole chunks from the process to the kernel.

        It flushes every output stream of the C library, because that of the writer cannot be
        reached. So what it says is not of this file alone, and is not asked for.
        """
        self._open_writer()
        _libc.fflush(None)

    def close(self) -> None:
        """
        Let the writer write the end of the file and go; a second call does nothing.

        :raises OSError: the writer says that it failed.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        except RuntimeError as error:
            raise _as_os_error(error, self._path) from error

    def _open_writer(self) -> rosbag2_py.SequentialWriter:
        if self._writer is None:
            message = f'{self._path} is closed: a closed segment is never written again'
            raise ValueError(message)
        return self._writer


def _open(
    staging: Path, config: Path, custom_data: Mapping[str, str]
) -> rosbag2_py.SequentialWriter:
    writer = rosbag2_py.SequentialWriter()
    writer.open(
        rosbag2_py.StorageOptions(
            uri=str(staging),
            storage_id=STORAGE_ID,
            # Records would wait in a cache that drops them without a word.
            max_cache_size=0,
            storage_config_uri=str(config),
            custom_data=dict(custom_data),
        ),
        rosbag2_py.ConverterOptions('', ''),
    )
    # What ``ros2 bag play`` goes by stands in metadata.yaml, which is ours.
    qos = rosbag2_py._storage.QoS(1).best_effort().durability_volatile()  # noqa: SLF001
    writer.create_topic(
        rosbag2_py.TopicMetadata(
            id=0,
            name=TOPIC,
            type=TYPE_NAME,
            serialization_format='cdr',
            offered_qos_profiles=[qos],
            type_description_hash=TYPE_HASH,
        )
    )
    return writer


def _storage_config(chunk_bytes: int, compression: str) -> bytes:
    name, level = _COMPRESSIONS[compression]
    return (
        f'noChunkCRC: false\nenableDataCRC: true\nchunkSize: {chunk_bytes}\n'
        f'compression: {name}\ncompressionLevel: {level}\n'
    ).encode()


def _clear(staging: Path, config: Path) -> None:
    """Remove what is only there while a segment is opened; a failure shows at the next one."""
    with suppress(OSError):
        fs.remove_tree(staging)
    fs.remove_if_there(config)


def _as_os_error(error: OSError | RuntimeError | TypeError, path: Path) -> OSError:
    """Return the error as one of the system; a TypeError comes from a rosbag2 of before Jazzy."""
    if isinstance(error, OSError):
        return error
    return OSError(errno.EIO, str(error), str(path))
