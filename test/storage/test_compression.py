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
"""What is packed and unpacked, and how much memory a file may make a reader take."""

from __future__ import annotations

from functools import cache
import tracemalloc

from fdr_node.storage.compression import LZ4, MAGIC, NAMES, pack, Packed, told_size, unpack, ZSTD
from hypothesis import given, settings
from hypothesis import strategies as st
import lz4.frame
from mcap.writer import CompressionType
import pytest
from seeds import numbers
import zstandard

COMPRESSIONS = (LZ4, ZSTD)
TEXT = b'record ' * 1000
MIB = 1 << 20


def test_the_names_are_those_of_the_library() -> None:
    """As MCAP registers them."""
    theirs = {item.name.lower() for item in CompressionType} - {'none'}
    assert set(NAMES) == {'', *theirs}


@pytest.mark.parametrize('name', COMPRESSIONS)
def test_what_repeats_gets_smaller(name: str) -> None:
    """Others can unpack it; it begins as its kind does, and says how large it was."""
    packed, compression = pack(TEXT, name)
    others = lz4.frame.decompress if name == LZ4 else zstandard.decompress
    assert (compression, others(packed)) == (name, TEXT)
    assert packed.startswith(MAGIC[name])
    assert (len(packed) < len(TEXT) // 10, told_size(packed, name)) == (True, len(TEXT))


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('size', [0, 1, 30, 100_000])
def test_what_does_not_get_smaller_stays_as_it_is(name: str, size: int) -> None:
    """Noise, and what is too short."""
    noise = numbers('noise').randbytes(size)
    assert pack(noise, name) == Packed(noise, '')


@settings(deadline=None)
@given(st.binary(), st.integers(1, 3000), st.sampled_from(NAMES))
def test_what_is_packed_never_takes_more(data: bytes, repeats: int, name: str) -> None:
    """The name, in the chunk and in its index, is counted; and it can be unpacked."""
    data *= repeats
    packed, compression = pack(data, name)
    assert len(packed) + 2 * len(compression) <= len(data)
    assert unpack(packed, compression, size=len(data)) == data
    assert told_size(packed, compression) == len(data)


@pytest.mark.parametrize('name', COMPRESSIONS)
def test_nothing_but_the_size_that_is_asked_for_is_unpacked(name: str) -> None:
    """A shorter or longer one is refused, as is a part of the data, and data with more behind."""
    packed, _ = pack(TEXT, name)
    for size in (0, 1, len(TEXT) - 1, len(TEXT) + 1, 2 * len(TEXT)):
        assert unpack(packed, name, size=size) is None
    for end in range(len(packed)):
        assert unpack(packed[:end], name, size=len(TEXT)) is None
    assert unpack(packed + b'\0', name, size=len(TEXT)) is None
    assert unpack(packed + packed, name, size=2 * len(TEXT)) is None
    other = ZSTD if name == LZ4 else LZ4
    assert unpack(packed, other, size=len(TEXT)) is None


@pytest.mark.parametrize('name', COMPRESSIONS)
def test_damage_is_no_error(name: str) -> None:
    """Whichever bit is wrong, something else comes out, or nothing."""
    packed, _ = pack(TEXT, name)
    for bit in range(8 * len(packed)):
        spoilt = bytearray(packed)
        spoilt[bit // 8] ^= 1 << bit % 8
        found = unpack(bytes(spoilt), name, size=len(TEXT))
        assert found is None or len(found) == len(TEXT)
        assert told_size(bytes(spoilt), name) >= 0


def test_a_compression_that_is_not_known_cannot_be_unpacked() -> None:
    """A later version of the format may have one."""
    assert unpack(TEXT, 'brotli', size=len(TEXT)) is None


@cache
def bombs() -> dict[str, tuple[str, bytes]]:
    """Return data that would unpack to 64 MiB, by what it says of that."""
    zeros = bytes(64 * MIB)
    silent = zstandard.ZstdCompressor(write_content_size=False)
    return {
        'lz4': (LZ4, lz4.frame.compress(zeros)),
        'lz4, silent': (LZ4, lz4.frame.compress(zeros, store_size=False)),
        'zstd': (ZSTD, zstandard.compress(zeros)),
        'zstd, silent': (ZSTD, silent.compress(zeros)),
        # A frame of one segment whose size is the largest that there can be.
        'zstd, boasting': (ZSTD, MAGIC[ZSTD] + b'\xe0' + b'\xff' * 8 + bytes(100)),
    }


@pytest.mark.parametrize('label', list(bombs()))
def test_a_bomb_takes_no_more_memory_than_was_asked_for(label: str) -> None:
    """Whatever the data says of its size, or does not."""
    name, data = bombs()[label]
    tracemalloc.start()
    try:
        assert unpack(data, name, size=MIB) is None
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3 * MIB


def test_data_that_does_not_say_its_size() -> None:
    """Is unpacked by who knows it."""
    packed = zstandard.ZstdCompressor(write_content_size=False).compress(TEXT)
    assert (told_size(packed, ZSTD), unpack(packed, ZSTD, size=len(TEXT))) == (0, TEXT)
    packed = lz4.frame.compress(TEXT, store_size=False)
    assert (told_size(packed, LZ4), unpack(packed, LZ4, size=len(TEXT))) == (0, TEXT)


@pytest.mark.parametrize('name', COMPRESSIONS)
@pytest.mark.parametrize('data', [b'', b'?', b'not packed at all, but long enough for a head'])
def test_what_was_never_packed_says_nothing(name: str, data: bytes) -> None:
    """Nor does what is cut off in its head."""
    assert (told_size(data, name), unpack(data, name, size=10)) == (0, None)
    assert told_size(MAGIC[name] + b'\xff', name) == 0
