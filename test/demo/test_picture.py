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
"""A PNG file, taken apart by hand."""

from __future__ import annotations

import struct
import zlib

from fdr_node.demo.picture import grey_png


def test_the_chunks_of_a_picture_are_those_of_png() -> None:
    """Signature, header, pixels, end; every chunk with the CRC of its name and its data."""
    rows = [b'\x00\x80\xff', b'\x01\x02\x03']

    data = grey_png(rows)

    assert data.startswith(b'\x89PNG\r\n\x1a\n')
    chunks, rest = [], data[8:]
    while rest:
        size, name = struct.unpack_from('>I4s', rest)
        body, rest = rest[8:][:size], rest[8:][size:]
        (crc,), rest = struct.unpack('>I', rest[:4]), rest[4:]
        assert crc == zlib.crc32(name + body)
        chunks.append((name, body))
    assert [name for name, _ in chunks] == [b'IHDR', b'IDAT', b'IEND']
    assert chunks[0][1] == bytes.fromhex('00000003 00000002 08 00 00 00 00')
    assert zlib.decompress(chunks[1][1]) == b'\0' + rows[0] + b'\0' + rows[1]
