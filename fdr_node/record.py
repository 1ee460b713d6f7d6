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
Turns the FdrRecord message into bytes and back without ROS, and reads its head in one pass.

The bytes are those of DDS: a 4-byte encapsulation header, then CDR (XCDR1), whose alignment counts
from behind that header; every alignment here is at most 4 bytes beyond the fixed part, where
counting from the start of the data gives the same. docs/format.md has the layout with offsets.

What the payload means is not looked at here (schema), and no record is judged (intake).
"""

from operator import index
import struct
from typing import Final, NamedTuple, NoReturn, SupportsIndex

from fdr_node.errors import PayloadError, RecordDecodeError

__all__ = [
    'ID_BYTES_MAX',
    'SCHEMA_VERSION',
    'TOPIC',
    'TYPE_NAME',
    'FdrRecord',
    'RecordHead',
    'decode_cdr',
    'encode_cdr',
    'peek',
    'priority_topic_of',
    'stamp_of',
]

# Where records are published, and as what.
TOPIC: Final = '/fdr/records'
TYPE_NAME: Final = 'fdr_node/msg/FdrRecord'

# The schema_version of every standard kind today.
SCHEMA_VERSION: Final = 1

# producer_id and kind [bytes of UTF-8]; the same bound is in msg/FdrRecord.msg.
ID_BYTES_MAX: Final = 64
_STRING_BYTES_MAX: Final = ID_BYTES_MAX + 1

_NS_PER_S: Final = 1_000_000_000

# Encapsulation (2 bytes: 00 01 little endian, 00 00 big endian; 2 bytes of options, which a
# reader of XCDR1 ignores), sec, nanosec, monotonic_ns, session_id, seq, schema_version, padding.
_FIXED: Final = 'H2xiIQQQH2x'
_pack_fixed_le: Final = struct.Struct('<' + _FIXED).pack

# The fixed part and the length of producer_id, which is counted with its NUL.
_unpack_head_le: Final = struct.Struct('<' + _FIXED + 'I').unpack_from
_unpack_head_be: Final = struct.Struct('>' + _FIXED + 'I').unpack_from
_NAMES_AT: Final = struct.calcsize('<' + _FIXED + 'I')

_pack_length_le: Final = struct.Struct('<I').pack
_unpack_length_le: Final = struct.Struct('<I').unpack_from
_unpack_length_be: Final = struct.Struct('>I').unpack_from

# The encapsulation bytes, read as a little-endian number.
_LITTLE_ENDIAN: Final = 0x0100
_BIG_ENDIAN: Final = 0x0000

# (x + _LENGTH_AND_GAP) & _ALIGNED is the offset behind the first aligned uint32 that follows x.
_LENGTH_AND_GAP: Final = 7
_ALIGNED: Final = ~3

# A writer may pad what it serialised to a multiple of 4 bytes.
_PADDING_BYTES_MAX: Final = 3

# Producers and kinds are a few dozen in a flight. The bound is for a producer that invents names:
# it makes them slower to read, and memory no larger.
_NAMES_MAX: Final = 1024


class FdrRecord(NamedTuple):
    """
    One record, as in msg/FdrRecord.msg.

    A NamedTuple and no frozen dataclass, because it is built for every message.

    :param stamp_ns: wall clock of the producer, since the epoch [-2**31 s .. 2**31 s) (ns)
    :param monotonic_ns: monotonic clock of the producer's computer [0 .. 2**64-1] (ns)
    :param session_id: random, drawn once per start of the producer [0 .. 2**64-1]
    :param seq: 0, 1, 2 ... per session [0 .. 2**64-1]
    :param schema_version: version of the payload's layout [1 .. 65535]; 0 is only ever read, from
        producers that leave it unset
    :param producer_id: who made it [1 .. 64 bytes of UTF-8, no NUL]
    :param kind: what the payload is [1 .. 64 bytes of UTF-8, no NUL]
    :param payload: a MessagePack map [0 .. 2**32-1 bytes]
    """

    stamp_ns: int
    monotonic_ns: int
    session_id: int
    seq: int
    schema_version: int
    producer_id: str
    kind: str
    payload: bytes


class RecordHead(NamedTuple):
    """A record without its payload; fields and ranges as in :class:`FdrRecord`."""

    stamp_ns: int
    monotonic_ns: int
    session_id: int
    seq: int
    schema_version: int
    producer_id: str
    kind: str
    payload_bytes: int


# What the fixed fields may be in a record that is made here.
_RANGES: Final = {
    'stamp_ns': (-(2**31) * _NS_PER_S, 2**31 * _NS_PER_S - 1),
    'monotonic_ns': (0, 2**64 - 1),
    'session_id': (0, 2**64 - 1),
    'seq': (0, 2**64 - 1),
    'schema_version': (1, 2**16 - 1),
}
_PAYLOAD_BYTES_MAX: Final = 2**32 - 1

_ID_BOUND: Final = f'1..{ID_BYTES_MAX} bytes of UTF-8 without NUL'

# Serialised name, NUL included -> name. Only valid names enter, so a hit needs no check. (One
# lookup for both would be cheaper, but Fast CDR leaves whatever it finds in the padding between.)
_names: Final[dict[bytes, str]] = {}

# The way back: (producer_id, kind) -> serialised, lengths and padding included.
_serialised_names: Final[dict[tuple[str, str], bytes]] = {}

_new_tuple: Final = tuple.__new__


def peek(data: bytes) -> RecordHead:
    """
    Read the head of a serialised FdrRecord in one pass, without copying the payload.

    :param data: the message as DDS delivers it, encapsulation header included
    :return: the head; every length in it has been checked against the data
    :raises RecordDecodeError: for everything that is not one whole FdrRecord
    """
    try:
        encapsulation, sec, nanosec, monotonic_ns, session_id, seq, schema_version, length = (
            _unpack_head_le(data)
        )
        unpack_length = _unpack_length_le
        if encapsulation != _LITTLE_ENDIAN:
            if encapsulation != _BIG_ENDIAN:
                _refuse('record', data[:2].hex(' '), 'encapsulation 00 01 or 00 00 (plain CDR)')
            _, sec, nanosec, monotonic_ns, session_id, seq, schema_version, length = (
                _unpack_head_be(data)
            )
            unpack_length = _unpack_length_be
        if nanosec >= _NS_PER_S:
            _refuse('stamp.nanosec', nanosec, f'0..{_NS_PER_S - 1}')
        if length > _STRING_BYTES_MAX:
            _refuse('producer_id', f'{length} bytes long', _ID_BOUND)
        end = _NAMES_AT + length
        serialised = data[_NAMES_AT:end]
        producer_id = _names.get(serialised) or _read_name('producer_id', serialised)

        start = (end + _LENGTH_AND_GAP) & _ALIGNED
        (length,) = unpack_length(data, start - 4)
        if length > _STRING_BYTES_MAX:
            _refuse('kind', f'{length} bytes long', _ID_BOUND)
        end = start + length
        serialised = data[start:end]
        kind = _names.get(serialised) or _read_name('kind', serialised)

        start = (end + _LENGTH_AND_GAP) & _ALIGNED
        (length,) = unpack_length(data, start - 4)
    except struct.error:
        _refuse('record', f'{len(data)} bytes long', 'at least its head')
    left = len(data) - start
    if not length <= left <= length + _PADDING_BYTES_MAX:
        _refuse('payload', f'{length} bytes long', f'the {left} bytes that are left')
    # Building the tuple without its Python-level constructor halves what that costs.
    return _new_tuple(
        RecordHead,
        (
            sec * _NS_PER_S + nanosec,
            monotonic_ns,
            session_id,
            seq,
            schema_version,
            producer_id,
            kind,
            length,
        ),
    )


def decode_cdr(data: bytes) -> FdrRecord:
    """
    Read a whole serialised FdrRecord.

    :param data: the message as DDS delivers it, encapsulation header included
    :return: the record, with a copy of its payload
    :raises RecordDecodeError: for everything that is not one whole FdrRecord
    """
    head = peek(data)
    unpack_length = _unpack_length_le if data[1] else _unpack_length_be
    start = _NAMES_AT
    for _ in ('producer_id', 'kind'):
        (length,) = unpack_length(data, start - 4)
        start = (start + length + _LENGTH_AND_GAP) & _ALIGNED
    end = start + head.payload_bytes
    return FdrRecord(*head[:-1], data[start:end])


def stamp_of(wall_ns: int) -> int:
    """
    Return a wall clock as a stamp; where the field ends, in 2038, it stays at the end.

    A clock that GNSS has set to nonsense must not keep anybody from recording.

    :param wall_ns: since the epoch (ns)
    """
    smallest, largest = _RANGES['stamp_ns']
    return min(max(wall_ns, smallest), largest)


def priority_topic_of(topic: str) -> str:
    """
    Return where the priority records of a topic are published (docs/adr/0009).

    :param topic: that of all other records
    """
    return f'{topic}/priority'


def encode_cdr(record: FdrRecord) -> bytes:
    """
    Serialise a record as rclpy does on a little-endian computer.

    :param record: fields and ranges as in :class:`FdrRecord`
    :return: the message as DDS takes it, encapsulation header included
    :raises PayloadError: names the first field that is out of its range
    """
    (
        stamp_ns,
        monotonic_ns,
        session_id,
        seq,
        schema_version,
        producer_id,
        kind,
        payload,
    ) = record
    try:
        sec, nanosec = divmod(stamp_ns, _NS_PER_S)
        fixed = _pack_fixed_le(
            _LITTLE_ENDIAN, sec, nanosec, monotonic_ns, session_id, seq, schema_version or -1
        )
    except (struct.error, TypeError):
        _refuse_fixed(record)
    names = _serialised_names.get((producer_id, kind)) or _serialise_names(producer_id, kind)
    if not isinstance(payload, bytes):
        raise PayloadError(field='payload', value=type(payload).__name__, bound='bytes')
    if len(payload) > _PAYLOAD_BYTES_MAX:
        bound = f'0..{_PAYLOAD_BYTES_MAX} bytes'
        raise PayloadError(field='payload', value=len(payload), bound=bound)
    return b''.join((fixed, names, _pack_length_le(len(payload)), payload))


def _refuse(field: str, value: object, bound: str) -> NoReturn:
    raise RecordDecodeError(field, value=value, bound=bound)


def _read_name(field: str, serialised: bytes) -> str:
    """Check a serialised name, NUL included, and remember it for the next record."""
    if serialised[-1:] != b'\0' or b'\0' in serialised[:-1]:
        _refuse(field, serialised, f'{_ID_BOUND}, then one')
    try:
        name = serialised[:-1].decode()
    except UnicodeDecodeError:
        _refuse(field, serialised, _ID_BOUND)
    if not name:
        _refuse(field, name, _ID_BOUND)
    if len(_names) >= _NAMES_MAX:
        _names.clear()
    _names[serialised] = name
    return name


def _serialise_names(producer_id: str, kind: str) -> bytes:
    """Check two names, put them in a row as CDR strings, and remember that."""
    row = b''
    for field, name in (('producer_id', producer_id), ('kind', kind)):
        try:
            text = name.encode()
        except UnicodeEncodeError:
            raise PayloadError(field, value=name, bound=_ID_BOUND) from None
        if not 1 <= len(text) <= ID_BYTES_MAX or b'\0' in text:
            raise PayloadError(field, value=name, bound=_ID_BOUND)
        row += _pack_length_le(len(text) + 1) + text + b'\0'
        row += bytes(-len(row) % 4)
    if len(_serialised_names) >= _NAMES_MAX:
        _serialised_names.clear()
    _serialised_names[producer_id, kind] = row
    return row


def _refuse_fixed(record: FdrRecord) -> NoReturn:
    """Name the field that struct did not take."""
    field = next(name for name in _RANGES if not _is_in_range(record, name))
    smallest, largest = _RANGES[field]
    value: object = getattr(record, field)
    raise PayloadError(field, value=value, bound=f'an integer, {smallest}..{largest}') from None


def _is_in_range(record: FdrRecord, field: str) -> bool:
    value: object = getattr(record, field)
    smallest, largest = _RANGES[field]
    # Integers of other libraries are integers to struct too.
    return isinstance(value, SupportsIndex) and smallest <= index(value) <= largest
