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
Payload bytes: limits hold on both ways, and bytes from anywhere give a map or a PayloadError.

The bytes that must be refused are written by hand from the MessagePack specification.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import IntEnum
import math
import tracemalloc
from types import MappingProxyType

from fdr_node.errors import ConfigError, PayloadError
from fdr_node.schema import (
    decode_payload,
    DEFAULT_LIMITS,
    encode_payload,
    Kind,
    PayloadLimits,
    Value,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import MAPS
import pytest

SETTINGS = settings(deadline=None)

SMALL = PayloadLimits(
    depth_max=3, items_max=4, string_bytes_max=8, bin_bytes_max=16, total_bytes_max=64
)


class Level(IntEnum):
    """An integer with a name."""

    HIGH = 3


class Metres(float):
    """A number with a unit."""


class Changing(Mapping[str, Value]):
    """A map that another thread changes: it holds something else at every look."""

    def __init__(self, *looks: Mapping[str, Value] | Exception) -> None:
        self._looks = list(looks)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        self._now = look
        return iter(look)

    def __getitem__(self, key: str) -> Value:
        return self._now[key]


def refusal(payload: object, limits: PayloadLimits = DEFAULT_LIMITS) -> tuple[str, object, str]:
    """Return field, value and bound of the error that a payload must cause."""
    with pytest.raises(PayloadError) as caught:
        encode_payload(payload, limits)  # type: ignore[arg-type]  # wrong types are the point
    return caught.value.field, caught.value.value, caught.value.bound


@pytest.mark.parametrize(
    ('payload', 'data'),
    [
        ({}, '80'),
        ({'a': 1}, '81 a1 61 01'),
        ({'a': -1, 'b': None}, '82 a1 61 ff a1 62 c0'),
        ({'é': [True, b'\0\1', 2**64 - 1]}, '81 a2 c3 a9 93 c3 c4 02 00 01 cf' + 'ff' * 8),
        ({'f': 1.5}, '81 a1 66 cb 3f f8 00 00 00 00 00 00'),
        ({'m': {'n': -(2**63)}}, '81 a1 6d 81 a1 6e d3 80 00 00 00 00 00 00 00'),
    ],
)
def test_known_maps_are_known_bytes(payload: dict[str, Value], data: str) -> None:
    """In the shortest form that the specification allows, and back."""
    assert encode_payload(payload).hex() == bytes.fromhex(data).hex()
    assert decode_payload(bytes.fromhex(data)) == payload


@SETTINGS
@given(MAPS)
def test_a_payload_survives(payload: dict[str, Value]) -> None:
    """Every map of allowed values comes back as it was, in its order."""
    again = decode_payload(encode_payload(payload))

    assert again == payload
    assert list(again) == list(payload)


def test_nan_and_infinity_survive() -> None:
    """A sensor that knows nothing says NaN."""
    again = decode_payload(encode_payload({'x': math.nan, 'y': -math.inf}))

    assert str(again) == "{'x': nan, 'y': -inf}"


def test_other_maps_sequences_and_enumerations_become_plain() -> None:
    """What a component holds anyway needs no conversion by its author."""
    payload: dict[str, Value] = {
        'order': OrderedDict(b=1),
        'proxy': MappingProxyType({'c': (1, 2)}),
        'kind': Kind.IMU,
        'level': Level.HIGH,
        'height': Metres(1.5),
    }

    assert decode_payload(encode_payload(MappingProxyType(payload))) == {
        'order': {'b': 1},
        'proxy': {'c': [1, 2]},
        'kind': 'imu',
        'level': 3,
        'height': 1.5,
    }


# What is encoded -> field, value and a word of the bound in the error.
REFUSED: dict[str, tuple[object, str, object, str]] = {
    'no map': ([1], 'payload', 'list', 'a map'),
    'a key that is no text': ({1: 2}, 'payload: key', 1, 'string'),
    'a key that is bytes': ({'a': {b'k': 2}}, 'a: key', b'k', 'string'),
    'a long key': ({'a': {'k' * 9: 1}}, 'a: key', 9, 'at most 8 bytes'),
    'a key of few but long letters': ({'漢字漢': 1}, 'payload: key', 9, 'at most 8 bytes'),
    'a key that UTF-8 cannot hold': ({'\ud800': 1}, 'payload: key', '\ud800', 'UTF-8'),
    'a set': ({'a': {'b': [0, {1}]}}, 'a.b[1]', 'set', 'list'),
    'a complex number': ({'z': 1j}, 'z', 'complex', 'float'),
    'a bytearray': ({'z': bytearray(1)}, 'z', 'bytearray', 'bytes'),
    'an integer too large': ({'n': 2**64}, 'n', 2**64, '18446744073709551615'),
    'an integer too small': ({'n': [-(2**63) - 1]}, 'n[0]', -(2**63) - 1, '-9223372036854775808'),
    'a long text': ({'t': 'x' * 9}, 't', 9, 'at most 8 bytes'),
    'a text of few but long letters': ({'t': '漢字漢'}, 't', 9, 'at most 8 bytes'),
    'a text that UTF-8 cannot hold': ({'t': '\udcff'}, 't', '\udcff', 'UTF-8'),
    'long bytes': ({'b': bytes(17)}, 'b', 17, 'at most 16 bytes'),
    'a long list': ({'l': [0] * 5}, 'l', 5, 'at most 4 entries'),
    'a large map': ({'m': dict.fromkeys('abcde')}, 'm', 5, 'at most 4 entries'),
    'a large payload map': (dict.fromkeys('abcde'), 'payload', 5, 'at most 4 entries'),
    'deep lists': ({'l': [[[0]]]}, 'l[0][0]', 4, 'at most 3'),
    'deep maps': ({'a': {'b': {'c': {}}}}, 'a.b.c', 4, 'at most 3'),
    'many bytes': ({k: bytes(16) for k in 'abcd'}, 'payload', 81, 'at most 64 bytes'),
    'many small values': ({k: [[0] * 4] * 4 for k in 'abcd'}, 'payload', 'larger', '64 bytes'),
}


@pytest.mark.parametrize('case', REFUSED)
def test_what_may_not_be_in_a_payload_is_named(case: str) -> None:
    """Path of the field, what was there, and what may be."""
    payload, field, value, word = REFUSED[case]

    found = refusal(payload, SMALL)

    assert found[:2] == (field, value)
    assert word in found[2]


@pytest.mark.parametrize(
    'payload',
    [
        {'a': [['x' * 8], b'y' * 16]},
        {'k' * 8: {'b': {}}},
        {'a': [0, 1, 2, 3], 'b': None, 'c': None, 'd': None},
        {'a': 'x' * 8, 'b': 'y' * 8, 'c': 'z' * 8, 'd': bytes(16)},
    ],
    ids=['depth', 'key', 'items', 'bytes'],
)
def test_a_payload_at_its_limits_survives(payload: dict[str, Value]) -> None:
    """The limits themselves are still allowed, on both ways."""
    assert decode_payload(encode_payload(payload, SMALL), SMALL) == payload


def test_total_bytes_are_counted_to_the_byte() -> None:
    """One byte less than the payload takes is refused, on both ways."""
    payload: dict[str, Value] = {'a': [1, 2, 3]}
    data = encode_payload(payload)
    exact = PayloadLimits(total_bytes_max=len(data))
    short = PayloadLimits(total_bytes_max=len(data) - 1)

    assert decode_payload(encode_payload(payload, exact), exact) == payload
    assert refusal(payload, short)[:2] == ('payload', len(data))
    with pytest.raises(PayloadError) as caught:
        decode_payload(data, short)
    assert (caught.value.field, caught.value.value) == ('payload', len(data))


def test_a_list_that_holds_itself_is_refused() -> None:
    """Neither endless nor exponential: depth ends the one, the count of all values the other."""
    loop: list[Value] = []
    loop.extend([loop] * 1000)

    assert refusal({'loop': loop})[0] != ''


def test_a_payload_that_changes_meanwhile_is_refused() -> None:
    """Another thread may fill the map that a component shares with it."""
    changed = RuntimeError('dictionary changed size during iteration')
    good = {'a': 1}

    assert refusal(Changing(changed))[:2] == ('payload', str(changed))
    assert refusal(Changing(good, changed))[:2] == ('payload', str(changed))
    assert refusal(Changing(good, {'a': 2**64}))[0] == 'payload'
    assert refusal(Changing(good, {'a': object()}))[0] == 'payload'  # type: ignore[dict-item]


def nest(depth: int) -> bytes:
    """Return a map with lists inside each other."""
    return b'\x81\xa1a' + b'\x91' * depth + b'\xc0'


# Bytes that are no payload, by what is wrong with them.
BAD_BYTES: dict[str, bytes] = {
    'nothing': b'',
    'a number': b'\x01',
    'a list': b'\x90',
    'nil': b'\xc0',
    'two maps': b'\x80\x80',
    'a byte behind the map': b'\x81\xa1a\x01\xc0',
    'half a map': b'\x82\xa1a\x01',
    'a map of 4 G entries': b'\xdf\xff\xff\xff\xff',
    'a list of 4 G entries': b'\x81\xa1a\xdd\xff\xff\xff\xff',
    'a text of 4 GiB': b'\x81\xa1a\xdb\xff\xff\xff\xff',
    'bytes of 4 GiB': b'\x81\xa1a\xc6\xff\xff\xff\xff',
    'an extension': b'\x81\xa1a\xd4\x05\x00',
    'a timestamp': b'\x81\xa1a\xd6\xff\x00\x00\x00\x01',
    'the byte that is never used': b'\x81\xa1a\xc1',
    'a key that is a number': b'\x81\x01\x01',
    'a key that is bytes': b'\x81\xc4\x01a\x01',
    'a key that is a list': b'\x81\x91\x01\x01',
    'a key twice': b'\x82\xa1a\x01\xa1a\x02',
    'a key twice further inside': b'\x81\xa1m\x82\xa1a\x01\xa1a\x02',
    'a text that is no UTF-8': b'\x81\xa1a\xa1\xff',
    'a surrogate in UTF-8': b'\x81\xa1a\xa3\xed\xa0\x80',
    'lists 17 deep': nest(16),
    'lists 100,000 deep': nest(100_000),
    'more entries than a list may have': b'\x81\xa1a\xdc\x10\x01' + b'\xc0' * 4097,
    'more bytes than a payload may have': b'\x81\xa1a\xc6\x00\x07\xfc\x00' + bytes(511 * 1024),
}


@pytest.mark.parametrize('case', BAD_BYTES)
def test_bytes_that_are_no_payload_are_refused(case: str) -> None:
    """With a PayloadError, whatever it is."""
    with pytest.raises(PayloadError) as caught:
        decode_payload(BAD_BYTES[case])

    assert caught.value.field
    assert caught.value.value != ''


def test_the_deepest_payload_is_read() -> None:
    """One list less than in the table above."""
    assert decode_payload(nest(DEFAULT_LIMITS.depth_max - 1))


@SETTINGS
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_payload_or_a_payload_error(data: bytes) -> None:
    """And what is read can be written and read again."""
    check_reading(data)


@SETTINGS
@given(
    payload=MAPS,
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=5),
    cut=st.integers(0, 10_000),
)
def test_damaged_payloads_are_a_payload_or_a_payload_error(
    payload: dict[str, Value], edits: list[tuple[int, int]], cut: int
) -> None:
    """The same for bytes that were a payload."""
    data = bytearray(encode_payload(payload))
    for at, value in edits:
        data[at % len(data)] = value

    check_reading(bytes(data[:cut]))


def check_reading(data: bytes) -> None:
    """Read bytes from anywhere; if they are a payload, write and read it again."""
    try:
        payload = decode_payload(data)
    except PayloadError:
        return
    # Text, because NaN is not equal to itself.
    assert str(decode_payload(encode_payload(payload))) == str(payload)


@pytest.mark.parametrize(
    'bomb',
    [
        b'\xdf\xff\xff\xff\xff',
        b'\x81\xa1a\xdd\xff\xff\xff\xff',
        b'\x81\xa1a' + b'\xdd\xff\xff\xff\xff' * 500,
        b'\x81\xa1a\xc6\xff\xff\xff\xff' + bytes(1000),
    ],
    ids=['map', 'list', 'lists in lists', 'bytes'],
)
def test_a_lying_length_reserves_no_memory(bomb: bytes) -> None:
    """A few bytes make a reader reserve no more than a few entries each."""
    tracemalloc.start()
    try:
        with pytest.raises(PayloadError):
            decode_payload(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 20 * 1024 * 1024


@pytest.mark.parametrize('name', [field.name for field in fields(PayloadLimits)])
@pytest.mark.parametrize('value', [0, -1, 2**32])
def test_limits_have_limits(name: str, value: int) -> None:
    """A limit that cannot hold is refused when it is made."""
    with pytest.raises(ConfigError) as caught:
        PayloadLimits(**{name: value})

    assert (caught.value.name, caught.value.value) == (name, value)


def test_depth_is_limited_by_the_stack() -> None:
    """The deepest that can be allowed is walked without trouble; deeper cannot be allowed."""
    limits = PayloadLimits(depth_max=128)

    assert decode_payload(nest(127), limits)
    with pytest.raises(ConfigError):
        PayloadLimits(depth_max=129)
