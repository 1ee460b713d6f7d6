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
Checks typed payloads field by field, and turns them into payload maps and back.

A kind is a frozen dataclass that derives from :class:`Payload`; its fields are annotated with the
aliases below, each a Python type and the rule for its values. A rule takes a value as Python code
gives it or as MessagePack and JSON give it back (a list for a tuple, text for an enum member, a
map for a nested layout), so that ``from_payload`` is no more than a call of the class.

No kind is defined here, and no bytes are made here (messagepack).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, MISSING
from enum import StrEnum
import json
import math
import re
from typing import Annotated, ClassVar, Final, get_args, Protocol, Self

from fdr_node.errors import PayloadError
from fdr_node.record import ID_BYTES_MAX, SCHEMA_VERSION
from fdr_node.schema.kinds import Kind
from fdr_node.schema.messagepack import Value

_U64_MAX: Final = 2**64 - 1


class Rule(Protocol):
    """What one field may hold."""

    def take(self, value: object, path: str) -> object:
        """
        Check a value.

        :param value: as Python code, MessagePack or JSON give it
        :param path: name of the field, for the error
        :return: the value in the type of the field
        :raises PayloadError: the value is not allowed here
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An integer in a range."""

    smallest: int = 0
    largest: int = _U64_MAX

    def take(self, value: object, path: str) -> int:
        """Return the integer; a bool is none."""
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.smallest <= value <= self.largest
        ):
            return int(value)
        raise PayloadError(path, value=value, bound=f'an integer, {self.smallest}..{self.largest}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A number in a range; NaN says that it is not known."""

    smallest: float = -math.inf
    largest: float = math.inf

    def take(self, value: object, path: str) -> float:
        """Return the number as a float."""
        number = _as_float(value)
        if number is not None and (self.smallest <= number <= self.largest or math.isnan(number)):
            return number
        raise PayloadError(path, value=value, bound=f'a number, {self.smallest}..{self.largest}')


def _as_float(value: object) -> float | None:
    """Return a number as a float; None for what is none or does not fit."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false."""

    def take(self, value: object, path: str) -> bool:
        """Return the flag."""
        if isinstance(value, bool):
            return value
        raise PayloadError(path, value=value, bound='true or false')


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text of a bounded length, and of a form if one is given."""

    bytes_max: int
    bytes_min: int = 1
    form: str = ''
    form_name: str = ''

    def take(self, value: object, path: str) -> str:
        """Return the text."""
        if isinstance(value, str) and self.fits(value):
            # An enumeration member becomes plain text, as a reader gets it.
            return str.__str__(value)
        bound = f'text of {self.bytes_min}..{self.bytes_max} bytes {self.form_name}'.rstrip()
        raise PayloadError(path, value=value, bound=bound)

    def fits(self, value: str) -> bool:
        """Return whether the text has the length and the form."""
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            return False
        fits = self.bytes_min <= size <= self.bytes_max
        return fits and (not self.form or re.fullmatch(self.form, value) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes of a bounded length."""

    bytes_max: int
    bytes_min: int = 0

    def take(self, value: object, path: str) -> bytes:
        """Return the bytes."""
        if isinstance(value, bytes) and self.bytes_min <= len(value) <= self.bytes_max:
            return value
        found = len(value) if isinstance(value, bytes) else type(value).__name__
        raise PayloadError(path, value=found, bound=f'{self.bytes_min}..{self.bytes_max} bytes')


@dataclass(frozen=True, slots=True)
class Choice:
    """A member of an enumeration."""

    members: type[StrEnum]

    def take(self, value: object, path: str) -> StrEnum:
        """Return the member."""
        if isinstance(value, str):
            with suppress(ValueError):
                return self.members(value)
        raise PayloadError(path, value=value, bound='one of: ' + ', '.join(self.members))


@dataclass(frozen=True, slots=True)
class Vector:
    """A fixed number of numbers."""

    size: int
    item: Rule = Real()

    def take(self, value: object, path: str) -> tuple[object, ...]:
        """Return a tuple."""
        if isinstance(value, list | tuple) and len(value) == self.size:
            return tuple(self.item.take(item, f'{path}[{i}]') for i, item in enumerate(value))
        raise PayloadError(path, value=value, bound=f'{self.size} numbers')


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A map from names to values of one sort."""

    key: Rule
    item: Rule
    items_max: int

    def take(self, value: object, path: str) -> dict[object, object]:
        """Return a map of its own."""
        if isinstance(value, Mapping) and len(value) <= self.items_max:
            return {
                self.key.take(key, f'{path}: key'): self.item.take(item, f'{path}.{key}')
                for key, item in value.items()
            }
        found = len(value) if isinstance(value, Mapping) else type(value).__name__
        raise PayloadError(path, value=found, bound=f'a map of at most {self.items_max} entries')


@dataclass(frozen=True, slots=True)
class Nested:
    """A map with a layout of its own."""

    layout: type['Layout']

    def take(self, value: object, path: str) -> 'Layout':
        """Return the typed map."""
        if isinstance(value, self.layout):
            return value
        if not isinstance(value, Mapping):
            raise PayloadError(path, value=type(value).__name__, bound='a map')
        try:
            return self.layout.from_payload(value)
        except PayloadError as err:
            field = f'{path}.{err.field}'
            raise PayloadError(field, value=err.value, bound=err.bound) from None


@dataclass(frozen=True, slots=True)
class Json:
    """A map that JSON can hold: no bytes, no NaN, no infinity."""

    def take(self, value: object, path: str) -> Mapping[str, object]:
        """Return a copy."""
        try:
            copy: object = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as err:
            raise PayloadError(path, value=str(err), bound='a map that JSON can hold') from None
        if not isinstance(copy, dict):
            raise PayloadError(path, value=type(value).__name__, bound='a map that JSON can hold')
        return copy


NAME_RULE: Final = Text(bytes_max=ID_BYTES_MAX)
SHA256_RULE: Final = Text(
    bytes_min=64, bytes_max=64, form='[0-9a-f]{64}', form_name='(SHA-256 in lower-case hex)'
)

# What the fields of the kinds are annotated with.
Octet = Annotated[int, Whole(largest=2**8 - 1)]
U32 = Annotated[int, Whole(largest=2**32 - 1)]
U64 = Annotated[int, Whole()]
I64 = Annotated[int, Whole(smallest=-(2**63), largest=2**63 - 1)]
Number = Annotated[float, Real()]
NumberFrom0 = Annotated[float, Real(smallest=0.0)]
Boolean = Annotated[bool, Flag()]
Name = Annotated[str, NAME_RULE]
Line = Annotated[str, Text(bytes_min=0, bytes_max=1024)]
Sha256Hex = Annotated[str, SHA256_RULE]
Vector3 = Annotated[tuple[float, float, float], Vector(3)]
Matrix3 = Annotated[tuple[float, ...], Vector(9)]
JsonMap = Annotated[Mapping[str, Value], Json()]


# Read once per layout, from the annotations.
_known_rules: Final[dict[type['Layout'], dict[str, tuple[Rule, bool]]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A typed map: an instance that exists holds only what its rules allow."""

    def __post_init__(self) -> None:
        for name, (rule, optional) in rules_of(type(self)).items():
            value: object = getattr(self, name)
            if value is not None or not optional:
                # The only way to set a field of a frozen class to the type that the rule made.
                object.__setattr__(self, name, rule.take(value, name))
        self._check_together()

    def _check_together(self) -> None:
        """Refuse fields that do not fit each other; a kind that has such fields overrides this."""

    def to_payload(self) -> dict[str, Value]:
        """
        Return the map that goes into the record.

        :return: None, bool, int, float, str, bytes, list and dict only; fields that are None are
            left out
        """
        values: dict[str, Value | Layout] = {
            name: getattr(self, name) for name in rules_of(type(self))
        }
        return {name: _plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Value]) -> Self:
        """
        Read the map of a record.

        Keys that the class does not know are left alone: a newer writer may add some. A key that
        is missing takes its default, so a field that a later version adds must have one.

        :param payload: the map
        :return: the typed payload
        :raises PayloadError: names the first field that is missing or not allowed
        """
        values = {name: payload[name] for name in rules_of(cls) if name in payload}
        missing = [
            field.name
            for field in fields(cls)
            if field.name not in values
            and field.default is MISSING
            and field.default_factory is MISSING
        ]
        if missing:
            raise PayloadError(missing[0], value='missing', bound='present')
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload(Layout):
    """The typed payload of one record kind."""

    KIND: ClassVar[Kind]
    VERSION: ClassVar[int] = SCHEMA_VERSION

    def to_json(self) -> str:
        """
        Return the payload map as one line of JSON, for kinds whose fields JSON can hold.

        :raises TypeError: the kind holds bytes
        """
        payload = self.to_payload()
        return json.dumps(payload, allow_nan=False, ensure_ascii=False, separators=(',', ':'))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """
        Read what :meth:`to_json` wrote.

        :param text: JSON text, from anywhere
        :return: the typed payload
        :raises PayloadError: the text is no JSON map, or a field of it is not allowed
        """
        try:
            payload: object = json.loads(text)
        except (ValueError, RecursionError) as err:
            raise PayloadError(field='payload', value=str(err), bound='JSON text') from err
        if not isinstance(payload, dict):
            raise PayloadError(field='payload', value=type(payload).__name__, bound='a JSON map')
        return cls.from_payload(payload)


def rules_of(layout: type[Layout]) -> dict[str, tuple[Rule, bool]]:
    """Return name -> (rule, whether None is allowed) from the annotations of a layout."""
    rules = _known_rules.get(layout)
    if rules is None:
        rules = {}
        for field in fields(layout):
            optional = type(None) in get_args(field.type)
            annotated = get_args(field.type)[0] if optional else field.type
            rules[field.name] = (get_args(annotated)[1], optional)
        _known_rules[layout] = rules
    return rules


# What fields hold that MessagePack and JSON do not; everything else goes into a map as it is.
_NOT_PLAIN: Final = (Layout, StrEnum, dict, list, tuple)


def _plain(value: Value | Layout) -> Value:
    """Return what a field holds in the types of MessagePack and JSON."""
    if not isinstance(value, _NOT_PLAIN):
        return value
    if isinstance(value, Layout):
        return value.to_payload()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value]
