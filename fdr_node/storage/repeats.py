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
Finds what stands at the end of a segment and at the beginning of the next one as well.

After a failed sync the recorder cuts a segment back to its last good commit and puts what was
pending into a new one. On a disk that refuses to cut, it stands in both. It reads, and changes
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.storage import mcap_format
from fdr_node.storage.segment_bytes import SegmentBytes
from mcap.opcode import Opcode

if TYPE_CHECKING:
    from pathlib import Path


def is_repeated(path: Path, chunk_at: int, *, following: Path) -> bool:
    """
    Return whether the records of a chunk are the first ones of the next segment, too.

    They are the same byte by byte, with number and log time, so they are not two of a kind.

    :param chunk_at: where the chunk begins.
    :param following: the next segment that holds anything.
    :raises OSError: the disk refuses to read.
    """
    data = _chunk_data(path, chunk_at)
    first = _chunk_data(following, None)
    return data is not None and first is not None and first.startswith(data)


def _chunk_data(path: Path, chunk_at: int | None) -> bytes | None:
    """Return the data of a chunk, or of the first one; None when it is not whole."""
    with path.open('rb') as stream:
        file = SegmentBytes(stream, size_bytes=path.stat().st_size)
        if chunk_at is None:
            chunk_at = _first_chunk_at(file)
        return None if chunk_at is None else file.chunk_data(chunk_at)


def _first_chunk_at(file: SegmentBytes) -> int | None:
    record = file.record(len(mcap_format.MAGIC))
    while record is not None and record.opcode != Opcode.CHUNK:
        record = file.record(record.end)
    return record.offset if record is not None else None
