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
Turns a payload map into MessagePack bytes and back, within limits that hold on both ways.

The bytes may come from anyone on the network: nothing here allocates or recurses beyond the
limits, and every refusal is a :class:`~fdr_node.errors.PayloadError` that names the field, what
was found there, and what is allowed.

What the keys mean is not known here (layout, and one class per kind).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

from fdr_node.errors import ConfigError, PayloadError
import msgpack  # type: ignore[import-untyped]  # ships no annotations; this module is its facade

# What a payload may hold. Integers are those of 64 bits, signed or unsigned.
Value: TypeAlias = (
    bool | int | float | str | bytes | Sequence['Value'] | Mapping[str, 'Value'] | None
)

_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**64 - 1

# Above this, recursion of Python and of msgpack's C code would be the limit.
_DEPTH_MAX: Final = 128

# Types whose every value may be in a payload: most of what a record holds is numbers, and those
# need no path, which takes longer to build than all other checks.
_ALWAYS_ALLOWED: Final = frozenset({bool, float, type(None)})
_TYPES: Final = 'None, bool, int, float, str, bytes, list, tuple or map'

# A map or list header names its length in 32 bits.
_LENGTH_MAX: Final = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadLimits:
    """
    How large a payload and what is in it may be.

    :param depth_max: maps and lists inside each other, the payload itself counted [1..128];
        default 16: parameter trees nest half as deep
    :param items_max: entries of one map or list [1..2**32-1]; default 4096: the content hashes of
        a large installation's manifest
    :param string_bytes_max: one string or key, as UTF-8 [1..2**32-1 bytes]; default 64 KiB: a
        parameter file as text
    :param bin_bytes_max: one byte string [1..2**32-1 bytes]; default 480 KiB: an image tile
    :param total_bytes_max: the encoded payload [1..2**32-1 bytes]; default 511 KiB: what fits,
        with the record's head, into the 512 KiB that the recorder takes unless told otherwise
    :raises ConfigError: a limit is out of its range
    """

    depth_max: int = 16
    items_max: int = 4096
    string_bytes_max: int = 64 * 1024
    bin_bytes_max: int = 480 * 1024
    total_bytes_max: int = 511 * 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            value: int = getattr(self, field.name)
            largest = _DEPTH_MAX if field.name == 'depth_max' else _LENGTH_MAX
            if not 1 <= value <= largest:
                raise ConfigError(field.name, value=value, bound=f'1..{largest}')


DEFAULT_LIMITS: Final = PayloadLimits()


def encode_payload(payload: Mapping[str, Value], limits: PayloadLimits = DEFAULT_LIMITS) -> bytes:
    """
    Encode a payload map.

    :param payload: the map; keys are strings
    :param limits: what it may be at most
    :return: MessagePack bytes, a map in the order of the keys
    :raises PayloadError: a value is of another type or beyond a limit; names the first one found
    """
    if not isinstance(payload, Mapping):
        raise PayloadError(field='payload', value=type(payload).__name__, bound='a map')
    try:
        _Measure(limits).check_map(payload, '', 1)
    except RuntimeError as err:
        raise _changed(err) from err
    try:
        data: bytes = msgpack.packb(payload, default=_as_builtin)
    except (OverflowError, RuntimeError, TypeError, ValueError) as err:
        raise _changed(err) from err
    if len(data) > limits.total_bytes_max:
        bound = f'at most {limits.total_bytes_max} bytes'
        raise PayloadError(field='payload', value=len(data), bound=bound)
    return data


def decode_payload(data: bytes, limits: PayloadLimits = DEFAULT_LIMITS) -> dict[str, Value]:
    """
    Decode a payload map.

    :param data: MessagePack bytes
    :param limits: what the payload may be at most
    :return: the map, of None, bool, int, float, str, bytes, list and dict
    :raises PayloadError: for everything that is not exactly one map within the limits
    """
    size = len(data)
    if size > limits.total_bytes_max:
        bound = f'at most {limits.total_bytes_max} bytes'
        raise PayloadError(field='payload', value=size, bound=bound)
    # An item takes a byte at least, so a length beyond the size lies. msgpack reserves memory by
    # the length before it finds the items missing, and nests 1024 deep before it gives up: all
    # that a lie can make it reserve for a moment is 1024 * items_max pointers (32 MiB).
    items_max = min(limits.items_max, size)
    try:
        payload: object = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            object_pairs_hook=_unique,
            max_str_len=limits.string_bytes_max,
            max_bin_len=limits.bin_bytes_max,
            max_array_len=items_max,
            max_map_len=items_max,
            max_ext_len=0,
        )
    except ValueError as err:
        # All that msgpack reports for bad data; its text, if any, is the only detail there is.
        detail = str(err) or type(err).__name__
        bound = 'one whole MessagePack map within the limits'
        raise PayloadError(field='payload', value=detail, bound=bound) from err
    if not isinstance(payload, dict):
        raise PayloadError(field='payload', value=type(payload).__name__, bound='a map')
    _Measure(limits).check_map(payload, '', 1)
    return payload


def _changed(err: Exception) -> PayloadError:
    """Report a payload that another thread changed: it was in order, or its size was known."""
    return PayloadError(
        field='payload', value=str(err), bound='a map that stays as it is while it is encoded'
    )


def _as_builtin(value: object) -> object:
    """Give msgpack, which packs only built-in containers, what :class:`_Measure` let pass."""
    return dict(value) if isinstance(value, Mapping) else value


def _unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    """Refuse a key that comes twice: two readers could see two different records."""
    built = dict(pairs)
    if len(built) != len(pairs):
        msg = 'a key that comes twice in one map'
        raise ValueError(msg)
    return built


class _Measure:
    """
    Walks a payload and refuses the first value that is not allowed.

    It counts what it has walked, because a few containers that hold each other many times make a
    walk that the limits of single containers do not end.
    """

    __slots__ = ('_left', '_limits')

    def __init__(self, limits: PayloadLimits) -> None:
        self._limits = limits
        # Every value takes a byte at least.
        self._left = limits.total_bytes_max

    def check_map(self, payload: Mapping[str, Value], path: str, depth: int) -> None:
        self._container(payload, path, depth)
        for key, value in payload.items():
            if not isinstance(key, str):
                where = f'{path or "payload"}: key'
                raise PayloadError(where, value=key, bound='a string')
            if not key.isascii() or len(key) > self._limits.string_bytes_max:
                self._string(key, f'{path or "payload"}: key')
            if type(value) not in _ALWAYS_ALLOWED:
                self._value(value, f'{path}.{key:.80}' if path else f'{key:.80}', depth)

    def _value(self, value: Value, path: str, depth: int) -> None:
        if isinstance(value, str):
            self._string(value, path)
        elif isinstance(value, int):
            if not _INT_MIN <= value <= _INT_MAX:
                raise PayloadError(path, value=value, bound=f'{_INT_MIN}..{_INT_MAX}')
        elif isinstance(value, bytes):
            if len(value) > self._limits.bin_bytes_max:
                bound = f'at most {self._limits.bin_bytes_max} bytes'
                raise PayloadError(path, value=len(value), bound=bound)
        elif isinstance(value, list | tuple):
            self._list(value, path, depth + 1)
        elif isinstance(value, Mapping):
            self.check_map(value, path, depth + 1)
        elif not isinstance(value, float):
            raise PayloadError(path, value=type(value).__name__, bound=_TYPES)

    def _list(self, values: Sequence[Value], path: str, depth: int) -> None:
        self._container(values, path, depth)
        for index, value in enumerate(values):
            if type(value) not in _ALWAYS_ALLOWED:
                self._value(value, f'{path}[{index}]', depth)

    def _string(self, value: str, path: str) -> None:
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise PayloadError(path, value=value, bound='text that UTF-8 can hold') from None
        if size > self._limits.string_bytes_max:
            bound = f'at most {self._limits.string_bytes_max} bytes of UTF-8'
            raise PayloadError(path, value=size, bound=bound)

    def _container(
        self, container: Mapping[str, Value] | Sequence[Value], path: str, depth: int
    ) -> None:
        path = path or 'payload'
        if depth > self._limits.depth_max:
            bound = f'at most {self._limits.depth_max} maps and lists inside each other'
            raise PayloadError(path, value=depth, bound=bound)
        if len(container) > self._limits.items_max:
            bound = f'at most {self._limits.items_max} entries'
            raise PayloadError(path, value=len(container), bound=bound)
        self._left -= len(container) + 1
        if self._left < 0:
            bound = f'at most {self._limits.total_bytes_max} bytes'
            raise PayloadError(field='payload', value='larger', bound=bound)
