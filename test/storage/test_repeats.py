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
"""Chunks of one segment that begin the next one, and others that only look like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.storage import mcap_format
from fdr_node.storage.census import index_entries
from fdr_node.storage.repeats import is_repeated
import pytest
from wrecks import chunk_places, flipped, killed_flight, name_of

if TYPE_CHECKING:
    from pathlib import Path

DATA = killed_flight()[name_of(2)]
PLACES = chunk_places(DATA)
BEGINNING = DATA[: PLACES[0].whole.start]


def data_of(number: int) -> bytes:
    """Return what is in a chunk."""
    start, end = PLACES[number].data
    return DATA[start:end]


def chunk_of(data: bytes, compression: str = '') -> bytes:
    """Return a chunk with its index."""
    entries = index_entries(data)
    return mcap_format.chunk([data], entries=entries, offset=0, compression=compression).data


FIRST, SECOND = data_of(0), data_of(1)
FOLLOWING = {
    'the same': (BEGINNING + chunk_of(FIRST), True),
    'the same, and more in the chunk': (BEGINNING + chunk_of(FIRST + SECOND), True),
    'the same, compressed with more': (BEGINNING + chunk_of(FIRST + SECOND, 'zstd'), True),
    'the same, and another chunk': (BEGINNING + chunk_of(FIRST) + chunk_of(SECOND), True),
    'another one in front of it': (BEGINNING + chunk_of(SECOND) + chunk_of(FIRST), False),
    'another one': (BEGINNING + chunk_of(SECOND), False),
    'the same with another number': (
        BEGINNING + chunk_of(flipped(FIRST, 12)),
        False,
    ),
    'less': (BEGINNING + chunk_of(FIRST[: len(FIRST) // 4]), False),
    'damaged': (flipped(BEGINNING + chunk_of(FIRST), len(BEGINNING) + 60), False),
    'no chunk': (BEGINNING, False),
    'cut in the beginning': (BEGINNING[:40], False),
    'nothing': (b'', False),
    'garbage': (b'garbage' * 99, False),
}


@pytest.mark.parametrize('label', FOLLOWING)
def test_a_chunk_is_repeated_when_the_next_segment_begins_with_it(
    label: str, tmp_path: Path
) -> None:
    """With all of it, byte by byte, and nothing in front."""
    content, expected = FOLLOWING[label]
    path, following = tmp_path / 'path', tmp_path / 'following'
    path.write_bytes(DATA)
    following.write_bytes(content)
    assert is_repeated(path, PLACES[0].whole.start, following=following) == expected


def test_a_chunk_that_is_not_whole_is_not_repeated(tmp_path: Path) -> None:
    """Nothing is known of it."""
    (tmp_path / 'path').write_bytes(flipped(DATA, PLACES[0].data.start))
    (tmp_path / 'following').write_bytes(DATA)
    at = PLACES[0].whole.start
    assert not is_repeated(tmp_path / 'path', at, following=tmp_path / 'following')
