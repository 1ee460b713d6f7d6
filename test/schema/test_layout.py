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
"""The rules of typed fields, and the way from a typed payload to a map and back."""

from collections.abc import Mapping
from dataclasses import dataclass, FrozenInstanceError
from enum import StrEnum
import math
import re
from typing import Annotated, ClassVar

from fdr_node.errors import PayloadError
from fdr_node.schema import decode_payload, encode_payload, Kind, Payload, PAYLOAD_TYPES, Value
from fdr_node.schema.layout import (
    Blob,
    Boolean,
    Choice,
    Flag,
    Json,
    JsonMap,
    Layout,
    Matrix3,
    Name,
    Nested,
    Number,
    Octet,
    Real,
    Rule,
    rules_of,
    Sha256Hex,
    Table,
    Text,
    Vector,
    Vector3,
    Whole,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import MAPS, typed
import pytest

# Few examples each, because there are many kinds.
SETTINGS = settings(deadline=None, max_examples=20)


class Colour(StrEnum):
    """Something to choose from."""

    RED = 'red'
    GREEN = 'green'


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(Layout):
    """A small layout to nest."""

    x: Octet
    y: Octet = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Payload):
    """One field of each sort; the second version of it: the first had no ``label``."""

    KIND: ClassVar[Kind] = Kind.IMU
    VERSION: ClassVar[int] = 2

    name: Name
    label: Name = 'none'
    level: Octet
    ratio: Number | None = None
    on: Boolean = False
    colour: Annotated[Colour, Choice(Colour)] = Colour.RED
    speed_m_s: Vector3 = (0.0, 0.0, 0.0)
    turn: Matrix3 | None = None
    digest: Sha256Hex | None = None
    raw: Annotated[bytes, Blob(bytes_max=4)] | None = None
    counts: (
        Annotated[Mapping[Colour, int], Table(key=Choice(Colour), item=Whole(), items_max=2)]
        | None
    ) = None
    points: (
        Annotated[
            Mapping[str, Point], Table(key=Text(bytes_max=4), item=Nested(Point), items_max=2)
        ]
        | None
    ) = None
    origin: Annotated[Point, Nested(Point)] | None = None
    settings: JsonMap | None = None


SAMPLE = Sample(
    name='vio',
    label='left',
    level=3,
    ratio=0.5,
    on=True,
    colour=Colour.GREEN,
    speed_m_s=(1.0, 2.0, 3.0),
    turn=(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
    digest='0f' * 32,
    raw=b'\x01',
    counts={Colour.RED: 2},
    points={'a': Point(x=1)},
    origin=Point(x=2, y=3),
    settings={'rates': [1, 2], 'camera': {'on': None}},
)
SAMPLE_PAYLOAD: dict[str, Value] = {
    'name': 'vio',
    'label': 'left',
    'level': 3,
    'ratio': 0.5,
    'on': True,
    'colour': 'green',
    'speed_m_s': [1.0, 2.0, 3.0],
    'turn': [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
    'digest': '0f' * 32,
    'raw': b'\x01',
    'counts': {'red': 2},
    'points': {'a': {'x': 1, 'y': 7}},
    'origin': {'x': 2, 'y': 3},
    'settings': {'rates': [1, 2], 'camera': {'on': None}},
}


def test_a_typed_payload_becomes_the_map_of_its_fields() -> None:
    """Under the names of the fields, in plain types, and back."""
    payload = SAMPLE.to_payload()

    assert payload == SAMPLE_PAYLOAD
    assert list(payload) == list(SAMPLE_PAYLOAD)
    assert Sample.from_payload(payload) == SAMPLE
    assert Sample.from_payload(decode_payload(encode_payload(payload))) == SAMPLE


def test_what_is_none_is_left_out() -> None:
    """And what is left out is None, or the default."""
    sparse = Sample(name='vio', level=0)

    assert sparse.to_payload() == {
        'name': 'vio',
        'label': 'none',
        'level': 0,
        'on': False,
        'colour': 'red',
        'speed_m_s': [0.0, 0.0, 0.0],
    }
    assert Sample.from_payload({'name': 'vio', 'level': 0, 'ratio': None}) == sparse


def test_an_older_payload_is_read_and_unknown_keys_are_left_alone() -> None:
    """A field that came later takes its default; one that comes later still is not in the way."""
    old = Sample.from_payload({'name': 'vio', 'level': 1, 'added_later': b'x'})

    assert old == Sample(name='vio', level=1, label='none')


def test_a_missing_field_is_named() -> None:
    """The first one that has no default."""
    with pytest.raises(PayloadError) as caught:
        Sample.from_payload({'name': 'vio'})

    assert (caught.value.field, caught.value.value) == ('level', 'missing')


def test_none_is_only_for_optional_fields() -> None:
    """A field without ``| None`` has a value."""
    with pytest.raises(PayloadError) as caught:
        Sample.from_payload({'name': None, 'level': 0})

    assert caught.value.field == 'name'


def test_a_typed_payload_does_not_change() -> None:
    """Not by assignment, and not with the map that it was made from."""
    points = {'a': Point(x=1)}
    sample = Sample(name='vio', level=0, points=points)
    points.clear()

    assert sample.points == {'a': Point(x=1)}
    with pytest.raises(FrozenInstanceError):
        sample.level = 1  # type: ignore[misc]  # refused by mypy too


def test_json_holds_a_payload_without_bytes() -> None:
    """As text, for what is not a record: MCAP metadata, metadata.yaml."""
    sample = Sample(name='vio', level=0, settings={'a': [1.5, None, 'é']})

    assert Sample.from_json(sample.to_json()) == sample
    with pytest.raises(TypeError):
        SAMPLE.to_json()


@pytest.mark.parametrize(
    'text', ['', '{', '[]', 'null', '{"name": NaN}', '[' * 100_000, '{"level": ' + '9' * 5000]
)
def test_text_that_is_no_payload_is_refused(text: str) -> None:
    """With a PayloadError, whatever it is."""
    with pytest.raises(PayloadError):
        Sample.from_json(text)


# A rule, what it takes, and what that becomes.
TAKEN: list[tuple[Rule, object, object]] = [
    (Whole(), 2**64 - 1, 2**64 - 1),
    (Whole(smallest=-1, largest=1), -1, -1),
    (Real(), 3, 3.0),
    (Real(smallest=0.0), 0, 0.0),
    (Real(), math.inf, math.inf),
    (Flag(), False, False),
    (Text(bytes_max=4), 'éé', 'éé'),
    (Text(bytes_max=4), Colour.RED, 'red'),
    (Text(bytes_min=0, bytes_max=4), '', ''),
    (Text(bytes_max=4, form='a+'), 'aa', 'aa'),
    (Blob(bytes_max=2), b'ab', b'ab'),
    (Choice(Colour), 'red', Colour.RED),
    (Choice(Colour), Colour.GREEN, Colour.GREEN),
    (Vector(2), [1, 2.5], (1.0, 2.5)),
    (Vector(2), (1.0, 2.0), (1.0, 2.0)),
    (Table(key=Text(bytes_max=4), item=Whole(), items_max=1), {'a': 1}, {'a': 1}),
    (Nested(Point), {'x': 1}, Point(x=1)),
    (Nested(Point), Point(x=1), Point(x=1)),
    (Json(), {'a': (1, Colour.RED)}, {'a': [1, 'red']}),
]


@pytest.mark.parametrize(('rule', 'value', 'becomes'), TAKEN)
def test_a_rule_takes_what_python_and_messagepack_give(
    rule: Rule, value: object, becomes: object
) -> None:
    """And gives the type of the field."""
    taken = rule.take(value, 'f')

    assert taken == becomes
    assert type(taken) is type(becomes)


# A rule, what it refuses, and the path and value that the error names.
REFUSED: list[tuple[Rule, object, str, object]] = [
    (Whole(), -1, 'f', -1),
    (Whole(), 2**64, 'f', 2**64),
    (Whole(), True, 'f', True),
    (Whole(), 1.0, 'f', 1.0),
    (Whole(), '1', 'f', '1'),
    (Real(smallest=0.0), -0.5, 'f', -0.5),
    (Real(largest=1.0), 1.5, 'f', 1.5),
    (Real(), True, 'f', True),
    (Real(), '1', 'f', '1'),
    (Real(), 10**400, 'f', 10**400),
    (Flag(), 1, 'f', 1),
    (Text(bytes_max=4), '', 'f', ''),
    (Text(bytes_max=4), 'ééé', 'f', 'ééé'),
    (Text(bytes_max=4), b'a', 'f', b'a'),
    (Text(bytes_max=4), '\ud800', 'f', '\ud800'),
    (Text(bytes_max=4, form='a+'), 'ab', 'f', 'ab'),
    (Text(bytes_max=4, form='a+'), 'a\n', 'f', 'a\n'),
    (Blob(bytes_max=2), b'abc', 'f', 3),
    (Blob(bytes_min=1, bytes_max=2), b'', 'f', 0),
    (Blob(bytes_max=2), 'a', 'f', 'str'),
    (Choice(Colour), 'blue', 'f', 'blue'),
    (Choice(Colour), ['red'], 'f', ['red']),
    (Vector(2), [1, 2, 3], 'f', [1, 2, 3]),
    (Vector(2), 'ab', 'f', 'ab'),
    (Vector(2), [1, 'x'], 'f[1]', 'x'),
    (Table(key=Text(bytes_max=1), item=Whole(), items_max=1), {'a': 1, 'b': 2}, 'f', 2),
    (Table(key=Text(bytes_max=1), item=Whole(), items_max=1), {'ab': 1}, 'f: key', 'ab'),
    (Table(key=Text(bytes_max=1), item=Whole(), items_max=1), {'a': -1}, 'f.a', -1),
    (Table(key=Text(bytes_max=1), item=Whole(), items_max=1), [1], 'f', 'list'),
    (Nested(Point), {'x': 256}, 'f.x', 256),
    (Nested(Point), 'x', 'f', 'str'),
    (Json(), [1], 'f', 'list'),
]


@pytest.mark.parametrize(('rule', 'value', 'path', 'found'), REFUSED)
def test_a_rule_names_what_it_refuses(rule: Rule, value: object, path: str, found: object) -> None:
    """Path, value and bound."""
    with pytest.raises(PayloadError) as caught:
        rule.take(value, 'f')

    assert (caught.value.field, caught.value.value) == (path, found)
    assert caught.value.bound


@pytest.mark.parametrize('value', [{'a': b'x'}, {'a': math.nan}, {'a': {1}}])
def test_json_settings_hold_nothing_that_json_cannot(value: object) -> None:
    """Bytes, NaN and sets would make a header that its own readers cannot read."""
    with pytest.raises(PayloadError) as caught:
        Json().take(value, 'configuration')

    assert caught.value.field == 'configuration'


def test_a_number_that_is_not_known_is_nan() -> None:
    """Every range allows it."""
    taken = Real(smallest=0.0, largest=1.0).take(math.nan, 'f')

    assert isinstance(taken, float)
    assert math.isnan(taken)


def test_every_field_of_every_kind_has_a_rule() -> None:
    """A field without one would not be checked, and would fail only where it is used."""
    for payload_type in PAYLOAD_TYPES.values():
        assert all(hasattr(rule, 'take') for rule, _ in rules_of(payload_type).values())


@pytest.mark.parametrize('payload_type', PAYLOAD_TYPES.values(), ids=PAYLOAD_TYPES)
@SETTINGS
@given(data=st.data())
def test_every_kind_survives(payload_type: type[Payload], data: st.DataObject) -> None:
    """Any payload of any kind comes back from its bytes as it was."""
    payload = data.draw(typed(payload_type))

    encoded = encode_payload(payload.to_payload())

    assert payload_type.from_payload(decode_payload(encoded)) == payload


@pytest.mark.parametrize('payload_type', PAYLOAD_TYPES.values(), ids=PAYLOAD_TYPES)
@SETTINGS
@given(data=st.data())
def test_every_kind_refuses_with_a_payload_error(
    payload_type: type[Payload], data: st.DataObject
) -> None:
    """Whatever stands in the map of a record, nothing else is raised."""
    whole = data.draw(typed(payload_type)).to_payload()
    changes = data.draw(MAPS.map(lambda values: dict(zip(whole, values.values(), strict=False))))

    refused: set[str] = set()
    try:
        payload_type.from_payload({**whole, **changes})
    except PayloadError as err:
        refused.add(re.split(r'[.:\[]', err.field)[0])

    assert refused <= set(rules_of(payload_type))
