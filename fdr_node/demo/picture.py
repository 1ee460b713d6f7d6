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
"""Makes small grey PNG files, for the image tiles of the demo; no more of PNG than that."""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b'\x89PNG\r\n\x1a\n'

# Header fields behind width and height: 8 bits, grey, deflate, no filter method, no interlace.
_GREY_8_BIT = (8, 0, 0, 0, 0)
_NO_FILTER = b'\0'


def grey_png(rows: list[bytes]) -> bytes:
    """
    Return a PNG file.

    :param rows: one byte for each pixel, from the top; all rows of the same length [1..]
    """
    header = struct.pack('>IIBBBBB', len(rows[0]), len(rows), *_GREY_8_BIT)
    pixels = zlib.compress(b''.join(_NO_FILTER + row for row in rows))
    chunks = ((b'IHDR', header), (b'IDAT', pixels), (b'IEND', b''))
    return _SIGNATURE + b''.join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(name + data)
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', crc)
