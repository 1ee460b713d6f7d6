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
Packs the data of a chunk, and unpacks it within bounds: lz4 (frame format) and zstd.

The names are those that MCAP has for them, and an empty one means "as it is". Packing never makes
anything larger. What is unpacked comes from a file of which nothing is sure, so the memory that it
takes is bounded by the size that the caller asks for, whatever the data says of itself.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import lz4.frame
import zstandard

LZ4: Final = 'lz4'
ZSTD: Final = 'zstd'
# Names in a chunk; what is not compressed has an empty one.
NAMES: Final = ('', LZ4, ZSTD)

# The first bytes of what is packed (RFC 8878, section 3.1.1; lz4_Frame_format.md).
MAGIC: Final = {LZ4: b'\x04\x22\x4d\x18', ZSTD: b'\x28\xb5\x2f\xfd'}

# The fastest of those that zstd calls standard; docs/adr/0006 has what it costs.
_ZSTD_LEVEL: Final = 1

# The name stands in the chunk and in its index: less than this is nothing saved.
_NAME_PLACES: Final = 2


class Packed(NamedTuple):
    """The data of a chunk as it stands in a file, and how it is compressed."""

    data: bytes
    compression: str


def pack(data: bytes, compression: str) -> Packed:
    """
    Return data as it takes least, compressed or not.

    :param compression: one of :data:`NAMES`.
    """
    if compression == LZ4:
        packed: bytes = lz4.frame.compress(data)
    elif compression == ZSTD:
        packed = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(data)
    else:
        return Packed(data, '')
    is_smaller = len(packed) + _NAME_PLACES * len(compression) < len(data)
    return Packed(packed, compression) if is_smaller else Packed(data, '')


def unpack(data: bytes, compression: str, *, size: int) -> bytes | None:
    """
    Return what was packed.

    :param compression: its name; one that is not known here cannot be unpacked.
    :param size: bytes that it must have; no more memory than that is taken for it.
    :return: None when it is anything else.
    """
    if compression == LZ4:
        found = _unpack_lz4(data, size)
    elif compression == ZSTD:
        found = _unpack_zstd(data, size)
    else:
        found = None if compression else data
    return found if found is not None and len(found) == size else None


def told_size(data: bytes, compression: str) -> int:
    """Return how many bytes packed data says that it holds; 0 when it does not."""
    try:
        if compression == LZ4:
            size: int = lz4.frame.get_frame_info(data)['content_size']
            return size
        return max(0, zstandard.frame_content_size(data)) if compression else len(data)
    except (RuntimeError, zstandard.ZstdError):
        return 0


def _unpack_lz4(data: bytes, size: int) -> bytes | None:
    frame = lz4.frame.LZ4FrameDecompressor()
    try:
        # One more than there may be: it is then not at its end, and refused.
        found: bytes = frame.decompress(data, max_length=size + 1)
    except (RuntimeError, EOFError):
        return None
    return found if frame.eof and not frame.unused_data else None


def _unpack_zstd(data: bytes, size: int) -> bytes | None:
    try:
        # The library takes as much memory as the data says, when it says anything.
        if zstandard.frame_content_size(data) not in {-1, size}:
            return None
        return zstandard.ZstdDecompressor().decompress(
            data, max_output_size=max(1, size), allow_extra_data=False
        )
    except zstandard.ZstdError:
        return None
