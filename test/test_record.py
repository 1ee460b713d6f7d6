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
FdrRecord as CDR bytes: against bytes built by hand, against rclpy, and against damaged bytes.

The bytes by hand come from the layout in msg/FdrRecord.msg and the rules of CDR, and share no code
with the module under test.
"""

from collections.abc import Callable
from enum import Enum
import importlib
import tracemalloc

from fdr_node import record as record_module
from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.record import (
    decode_cdr,
    encode_cdr,
    FdrRecord,
    ID_BYTES_MAX,
    peek,
    RecordHead,
    stamp_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

SETTINGS = settings(deadline=None)

NS_PER_S = 10**9
U64_MAX = 2**64 - 1

RECORD = FdrRecord(
    stamp_ns=1_700_000_000_123_456_789,
    monotonic_ns=0x0102030405060708,
    session_id=0x1112131415161718,
    seq=0x2122232425262728,
    schema_version=0x3132,
    producer_id='vio',
    kind='estimé',
    payload=b'\x81\xa1a\x01',
)

# RECORD as it stands on the wire, field by field.
LITTLE_ENDIAN = bytes.fromhex(
    '00 01 00 00'  # plain CDR, little endian
    '00 f1 53 65  15 cd 5b 07'  # 1_700_000_000 s, 123_456_789 ns
    '08 07 06 05 04 03 02 01'
    '18 17 16 15 14 13 12 11'
    '28 27 26 25 24 23 22 21'
    '32 31  00 00'  # schema_version, padding
    '04 00 00 00  76 69 6f 00'  # vio
    '08 00 00 00  65 73 74 69 6d c3 a9 00'  # estimé
    '04 00 00 00  81 a1 61 01'
)
BIG_ENDIAN = bytes.fromhex(
    '00 00 00 00'  # plain CDR, big endian
    '65 53 f1 00  07 5b cd 15'
    '01 02 03 04 05 06 07 08'
    '11 12 13 14 15 16 17 18'
    '21 22 23 24 25 26 27 28'
    '31 32  00 00'
    '00 00 00 04  76 69 6f 00'
    '00 00 00 08  65 73 74 69 6d c3 a9 00'
    '00 00 00 04  81 a1 61 01'
)


class Order(Enum):
    """Byte order, as Python names it."""

    LITTLE = 'little'
    BIG = 'big'


def build(record: FdrRecord, order: Order, *, gap: int = 0) -> bytes:
    """
    Build the bytes of a record by the rules of CDR: every number on a multiple of its size.

    :param order: byte order.
    :param gap: the byte that padding is made of.
    """
    body = bytearray()

    def put(value: int, size: int, *, signed: bool = False) -> None:
        body.extend([gap] * (-len(body) % size))
        body.extend(value.to_bytes(size, order.value, signed=signed))

    put(record.stamp_ns // NS_PER_S, 4, signed=True)
    put(record.stamp_ns % NS_PER_S, 4)
    put(record.monotonic_ns, 8)
    put(record.session_id, 8)
    put(record.seq, 8)
    put(record.schema_version, 2)
    for text in (record.producer_id, record.kind):
        put(len(text.encode()) + 1, 4)
        body.extend(text.encode() + b'\0')
    put(len(record.payload), 4)
    return bytes([0, order is Order.LITTLE, 0, 0]) + bytes(body) + record.payload


def head_of(record: FdrRecord) -> RecordHead:
    """Return what peek has to find for a record."""
    return RecordHead(*record[:-1], len(record.payload))


NAMES = st.text(st.characters(exclude_characters='\0', codec='utf-8'), min_size=1).filter(
    lambda name: len(name.encode()) <= ID_BYTES_MAX
)
RECORDS = st.builds(
    FdrRecord,
    stamp_ns=st.integers(-(2**31) * NS_PER_S, 2**31 * NS_PER_S - 1),
    monotonic_ns=st.integers(0, U64_MAX),
    session_id=st.integers(0, U64_MAX),
    seq=st.integers(0, U64_MAX),
    schema_version=st.integers(1, 2**16 - 1),
    producer_id=NAMES,
    kind=NAMES,
    payload=st.binary(max_size=300),
)


@pytest.mark.parametrize('data', [LITTLE_ENDIAN, BIG_ENDIAN], ids=['little', 'big'])
def test_known_bytes_are_read_in_either_byte_order(data: bytes) -> None:
    """The bytes written out above are the record written out above."""
    assert decode_cdr(data) == RECORD
    assert peek(data) == head_of(RECORD)


def test_a_known_record_becomes_the_known_bytes() -> None:
    """Byte for byte, padding included."""
    assert encode_cdr(RECORD) == LITTLE_ENDIAN


@SETTINGS
@given(RECORDS)
def test_encoding_is_what_the_rules_of_cdr_say(record: FdrRecord) -> None:
    """Encoded bytes are those built by hand, and decode to the record."""
    data = encode_cdr(record)

    assert data == build(record, Order.LITTLE)
    assert decode_cdr(data) == record


@SETTINGS
@given(
    record=RECORDS,
    order=st.sampled_from(Order),
    gap=st.integers(0, 255),
    options=st.binary(min_size=2, max_size=2),
    tail=st.binary(max_size=3),
)
def test_what_another_dds_may_write_is_read(
    record: FdrRecord, order: Order, gap: int, options: bytes, tail: bytes
) -> None:
    """Byte order, padding, options and up to 3 bytes behind are the writer's business."""
    data = build(record, order, gap=gap)
    data = data[:2] + options + data[4:] + tail

    assert decode_cdr(data) == record
    assert peek(data) == head_of(record)


@SETTINGS
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_are_a_record_or_a_decode_error(data: bytes) -> None:
    """Nothing else is ever raised, and peek and decode never disagree."""
    assert outcome(peek, data) == outcome(lambda it: head_of(decode_cdr(it)), data)


@SETTINGS
@given(
    record=RECORDS,
    order=st.sampled_from(Order),
    edits=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 400),
)
def test_damaged_records_are_a_record_or_a_decode_error(
    record: FdrRecord, order: Order, edits: list[tuple[int, int]], cut: int
) -> None:
    """The same for bytes that were a record, with some replaced and the end cut off."""
    data = bytearray(build(record, order))
    for at, value in edits:
        data[at % len(data)] = value
    damaged = bytes(data[:cut])

    assert outcome(peek, damaged) == outcome(lambda it: head_of(decode_cdr(it)), damaged)


def outcome(read: Callable[[bytes], RecordHead], data: bytes) -> RecordHead | str:
    """Return what a reader makes of bytes: the head, or why it refuses them."""
    try:
        return read(data)
    except RecordDecodeError as err:
        return str(err)


@pytest.mark.parametrize('order', Order)
def test_a_record_that_is_cut_anywhere_is_refused(order: Order) -> None:
    """No prefix of a record is a record."""
    data = build(RECORD, order)

    for size in range(len(data)):
        with pytest.raises(RecordDecodeError):
            peek(data[:size])


# How to damage LITTLE_ENDIAN -> the field that the error names.
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    'nothing': (lambda _: b'', 'record'),
    'encapsulation of XCDR2': (lambda data: b'\0\x07' + data[2:], 'record'),
    'encapsulation of a parameter list': (lambda data: b'\0\x03' + data[2:], 'record'),
    'nanosec is a whole second': (
        lambda data: data[:8] + NS_PER_S.to_bytes(4, 'little') + data[12:],
        'stamp.nanosec',
    ),
    'producer_id of 65 bytes': (lambda _: build_with(producer_id='p' * 65), 'producer_id'),
    'producer_id of 4 GiB': (
        lambda data: data[:40] + b'\xff\xff\xff\xff' + data[44:],
        'producer_id',
    ),
    'producer_id of no bytes': (lambda data: data[:40] + bytes(4) + data[44:], 'producer_id'),
    'producer_id is empty': (lambda _: build_with(producer_id=''), 'producer_id'),
    'producer_id without NUL': (lambda data: data[:47] + b'x' + data[48:], 'producer_id'),
    'producer_id with a NUL inside': (lambda _: build_with(producer_id='v\0o'), 'producer_id'),
    'producer_id is no UTF-8': (lambda data: data[:44] + b'\xff' + data[45:], 'producer_id'),
    'kind of 65 bytes': (lambda _: build_with(kind='k' * 65), 'kind'),
    'kind of 4 GiB': (lambda data: data[:48] + b'\xff\xff\xff\xff' + data[52:], 'kind'),
    'kind of no bytes': (lambda data: data[:48] + bytes(4) + data[52:], 'kind'),
    'kind is empty': (lambda _: build_with(kind=''), 'kind'),
    'kind without NUL': (lambda data: data[:59] + b'x' + data[60:], 'kind'),
    'kind with a NUL inside': (lambda _: build_with(kind='a\0b'), 'kind'),
    'kind is no UTF-8': (lambda data: data[:52] + b'\xc3\x28' + data[54:], 'kind'),
    'payload shorter than it says': (lambda data: data[:-1], 'payload'),
    'payload of 4 GiB': (lambda data: data[:60] + b'\xff\xff\xff\xff' + data[64:], 'payload'),
    '4 bytes behind the payload': (lambda data: data + bytes(4), 'payload'),
    'twice the record': (lambda data: data + data, 'payload'),
}


def build_with(*, producer_id: str = RECORD.producer_id, kind: str = RECORD.kind) -> bytes:
    """Build RECORD with other names, allowed or not."""
    return build(RECORD._replace(producer_id=producer_id, kind=kind), Order.LITTLE)


@pytest.mark.parametrize('damage', DAMAGES)
def test_malformed_bytes_are_refused_by_name(damage: str) -> None:
    """Each way to be no record is told from the others by the field, with finding and bound."""
    harm, field = DAMAGES[damage]

    with pytest.raises(RecordDecodeError) as caught:
        peek(harm(LITTLE_ENDIAN))

    assert caught.value.field == field
    assert caught.value.bound


@pytest.mark.parametrize('size', [1, ID_BYTES_MAX])
def test_names_at_their_bounds_are_read(size: int) -> None:
    """The first and the last length that are allowed."""
    record = RECORD._replace(producer_id='p' * size, kind='k' * size)

    assert decode_cdr(build(record, Order.BIG)) == record
    assert decode_cdr(encode_cdr(record)) == record


@pytest.mark.parametrize(
    ('wall_ns', 'stamp_ns'),
    [
        (0, 0),
        (1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (2**31 * NS_PER_S - 1, 2**31 * NS_PER_S - 1),
        (2**31 * NS_PER_S, 2**31 * NS_PER_S - 1),
        (-(2**31) * NS_PER_S - 1, -(2**31) * NS_PER_S),
    ],
)
def test_a_clock_beyond_the_field_stays_at_its_end(wall_ns: int, stamp_ns: int) -> None:
    """Such a record can still be made."""
    assert stamp_of(wall_ns) == stamp_ns
    assert decode_cdr(encode_cdr(RECORD._replace(stamp_ns=stamp_of(wall_ns)))).stamp_ns == stamp_ns


@pytest.mark.parametrize(
    ('stamp_ns', 'seconds_and_ns'),
    [
        (-1, 'ff ff ff ff  ff c9 9a 3b'),
        (-1_000_000_000, 'ff ff ff ff  00 00 00 00'),
        (-(2**31) * NS_PER_S, '00 00 00 80  00 00 00 00'),
        (2**31 * NS_PER_S - 1, 'ff ff ff 7f  ff c9 9a 3b'),
    ],
)
def test_stamps_before_the_epoch_and_at_the_bounds(stamp_ns: int, seconds_and_ns: str) -> None:
    """Seconds are rounded down, so that the nanoseconds are never negative."""
    record = RECORD._replace(stamp_ns=stamp_ns)

    data = encode_cdr(record)

    assert data[4:12] == bytes.fromhex(seconds_and_ns)
    assert decode_cdr(data) == record


def test_a_record_without_a_version_is_read() -> None:
    """A producer that leaves it unset loses no record, though none is made here like that."""
    record = RECORD._replace(schema_version=0)

    assert decode_cdr(build(record, Order.LITTLE)) == record


class LongBytes(bytes):
    """Claims to be longer than a sequence in CDR can be."""

    __slots__ = ()

    def __len__(self) -> int:
        return 2**32


# What is put into a field -> what the error says it is.
REFUSED: list[tuple[str, object, object]] = [
    ('stamp_ns', -(2**31) * NS_PER_S - 1, -(2**31) * NS_PER_S - 1),
    ('stamp_ns', 2**31 * NS_PER_S, 2**31 * NS_PER_S),
    ('stamp_ns', 1.5, 1.5),
    ('stamp_ns', None, None),
    ('monotonic_ns', -1, -1),
    ('monotonic_ns', 2**64, 2**64),
    ('session_id', 2**64, 2**64),
    ('session_id', 'x', 'x'),
    ('seq', -1, -1),
    ('seq', 2**64, 2**64),
    ('schema_version', 0, 0),
    ('schema_version', 2**16, 2**16),
    ('producer_id', '', ''),
    ('producer_id', 'é' * 33, 'é' * 33),
    ('producer_id', 'a\0', 'a\0'),
    ('kind', '', ''),
    ('kind', 'k' * 65, 'k' * 65),
    ('kind', '\udc80', '\udc80'),
    ('payload', 'text', 'str'),
    ('payload', bytearray(b'x'), 'bytearray'),
    ('payload', LongBytes(), 2**32),
]


@pytest.mark.parametrize(('field', 'value', 'found'), REFUSED)
def test_a_field_out_of_its_range_is_named(field: str, value: object, found: object) -> None:
    """The error is a ValueError with the field, what it was, and what it may be."""
    values = {**RECORD._asdict(), field: value}

    with pytest.raises(PayloadError) as caught:
        encode_cdr(FdrRecord(**values))

    assert (caught.value.field, caught.value.value) == (field, found)
    assert caught.value.bound


class ForeignInteger:
    """An integer as numpy has them: no int, but struct takes it."""

    def __index__(self) -> int:
        return 7


def test_a_foreign_integer_is_not_blamed_for_another_field() -> None:
    """The error names the field that is wrong, not the first that is no int."""
    values = {**RECORD._asdict(), 'monotonic_ns': ForeignInteger(), 'seq': -1}

    with pytest.raises(PayloadError) as caught:
        encode_cdr(FdrRecord(**values))

    assert (caught.value.field, caught.value.value) == ('seq', -1)


def test_a_lying_length_reserves_no_memory() -> None:
    """What is read is bounded by what is there, and the payload is not copied."""
    payload = bytes(1_000_000)
    whole = build(RECORD._replace(payload=payload), Order.LITTLE)
    lies = [
        whole,
        whole[:40] + b'\xff\xff\xff\x7f' + whole[44:],
        whole[:48] + b'\xff\xff\xff\x7f' + whole[52:],
        whole[:60] + b'\xff\xff\xff\x7f' + whole[64:],
    ]

    tracemalloc.start()
    try:
        for data in lies:
            outcome(peek, data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 50_000


def test_invented_names_do_not_fill_the_memory() -> None:
    """More names than are remembered are read and written right all the same."""
    count = record_module._NAMES_MAX + 100

    for number in range(count):
        record = RECORD._replace(producer_id=f'producer{number}', kind=f'kind{number}')
        assert decode_cdr(encode_cdr(record)) == record

    assert len(record_module._names) <= record_module._NAMES_MAX
    assert len(record_module._serialised_names) <= record_module._NAMES_MAX


def test_the_names_of_topic_and_type_are_those_of_the_message() -> None:
    """Storage and node write them; the type is made from msg/FdrRecord.msg."""
    assert record_module.TOPIC == '/fdr/records'
    assert record_module.TYPE_NAME == 'fdr_node/msg/FdrRecord'
    assert record_module.SCHEMA_VERSION == 1


def without_padding(data: bytes, record: FdrRecord) -> bytes:
    """
    Return little-endian bytes of a record with zeros for padding.

    Fast CDR skips padding without writing it, so it holds whatever was in the buffer.
    """
    blank = bytearray(data)
    blank[38:40] = bytes(2)
    end = 44
    for text in (record.producer_id, record.kind):
        end += len(text.encode()) + 1
        while end % 4:
            blank[end] = 0
            end += 1
        end += 4
    return bytes(blank)


class Ros:
    """Records through rclpy and the message that rosidl generated."""

    def __init__(self) -> None:
        self._rclpy = importlib.import_module('rclpy.serialization')
        self._message_type = importlib.import_module('fdr_node.msg').FdrRecord
        self._time_type = importlib.import_module('builtin_interfaces.msg').Time

    def serialise(self, record: FdrRecord) -> bytes:
        """Return what rclpy makes of a record."""
        sec, nanosec = divmod(record.stamp_ns, NS_PER_S)
        fields = record._asdict()
        del fields['stamp_ns']
        stamp = self._time_type(sec=sec, nanosec=nanosec)
        data: bytes = self._rclpy.serialize_message(self._message_type(stamp=stamp, **fields))
        return data

    def deserialise(self, data: bytes) -> FdrRecord:
        """Return what rclpy reads from bytes."""
        message = self._rclpy.deserialize_message(data, self._message_type)
        return FdrRecord(
            message.stamp.sec * NS_PER_S + message.stamp.nanosec,
            message.monotonic_ns,
            message.session_id,
            message.seq,
            message.schema_version,
            message.producer_id,
            message.kind,
            bytes(message.payload),
        )


@pytest.fixture(scope='module')
def ros() -> Ros:
    """Return rclpy and the generated message, or skip with what is missing."""
    try:
        return Ros()
    except ImportError as err:
        pytest.skip(f'needs rclpy and the generated fdr_node.msg: {err}')


# rosidl's generator, which the message imports, imports lark, which uses a name of old Python.
IGNORE_LARK = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")


@IGNORE_LARK
@SETTINGS
@given(record=RECORDS)
def test_rclpy_writes_the_same_bytes(ros: Ros, record: FdrRecord) -> None:
    """Byte for byte, but for the padding, which rclpy leaves undefined."""
    data = ros.serialise(record)

    assert without_padding(data, record) == encode_cdr(record)
    assert decode_cdr(data) == record


@IGNORE_LARK
@SETTINGS
@given(record=RECORDS, order=st.sampled_from(Order))
def test_rclpy_reads_the_same_record(ros: Ros, record: FdrRecord, order: Order) -> None:
    """In either byte order."""
    assert ros.deserialise(build(record, order)) == record
    assert ros.deserialise(encode_cdr(record)) == record
