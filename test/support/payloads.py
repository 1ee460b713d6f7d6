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
Hypothesis strategies for payloads: any payload map, and every typed payload from its own rules.

Numbers are never NaN here, so that equal payloads compare equal.
"""

from collections.abc import Mapping
from functools import singledispatch
import math
from typing import TypeVar

from fdr_node.schema import (
    ClockStep,
    Estimate,
    Overrun,
    ProducerStats,
    Tile,
    Value,
)
from fdr_node.schema.layout import (
    Blob,
    Choice,
    Flag,
    Json,
    Layout,
    Nested,
    Real,
    rules_of,
    Table,
    Text,
    Vector,
    Whole,
)
from hypothesis import strategies as st

L = TypeVar('L', bound=Layout)

# Text that UTF-8 can hold.
TEXTS = st.text(st.characters(codec='utf-8'), max_size=20)


def nested(scalars: st.SearchStrategy[Value]) -> st.SearchStrategy[dict[str, Value]]:
    """Return maps with lists and maps inside."""
    values: st.SearchStrategy[Value] = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(TEXTS, values, max_size=5)


# Any payload map.
MAPS = nested(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False),
        TEXTS,
        st.binary(max_size=40),
    )
)

# What JSON and a payload can hold.
JSON_MAPS = nested(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    )
)


def typed(layout: type[L]) -> st.SearchStrategy[L]:
    """Return typed payloads of one layout, optional fields there or not."""
    fields = {
        name: st.none() | allowed(rule) if optional else allowed(rule)
        for name, (rule, optional) in rules_of(layout).items()
    }
    return st.fixed_dictionaries(fields).map(lambda values: layout(**fitting(layout, values)))


@singledispatch
def allowed(rule: object) -> st.SearchStrategy[object]:
    """Return what a rule allows, as Python code gives it."""
    msg = f'no strategy for {rule}'
    raise AssertionError(msg)


@allowed.register
def _(rule: Whole) -> st.SearchStrategy[object]:
    return st.integers(rule.smallest, rule.largest)


@allowed.register
def _(rule: Real) -> st.SearchStrategy[object]:
    return st.floats(rule.smallest, rule.largest, allow_nan=False)


@allowed.register
def _(_rule: Flag) -> st.SearchStrategy[object]:
    return st.booleans()


@allowed.register
def _(rule: Text) -> st.SearchStrategy[object]:
    if rule.form:
        texts = st.from_regex(rule.form, fullmatch=True)
    else:
        size = min(rule.bytes_max, 30)
        texts = st.text(st.characters(codec='utf-8'), min_size=rule.bytes_min, max_size=size)
    return texts.filter(rule.fits)


@allowed.register
def _(rule: Blob) -> st.SearchStrategy[object]:
    return st.binary(min_size=rule.bytes_min, max_size=min(rule.bytes_max, 300))


@allowed.register
def _(rule: Choice) -> st.SearchStrategy[object]:
    return st.sampled_from(rule.members)


@allowed.register
def _(rule: Vector) -> st.SearchStrategy[object]:
    return st.tuples(*[allowed(rule.item)] * rule.size)


@allowed.register
def _(rule: Table) -> st.SearchStrategy[object]:
    return st.dictionaries(allowed(rule.key), allowed(rule.item), max_size=4)


@allowed.register
def _(rule: Nested) -> st.SearchStrategy[object]:
    return typed(rule.layout)


@allowed.register
def _(_rule: Json) -> st.SearchStrategy[object]:
    return JSON_MAPS


def fitting(layout: type[Layout], values: Mapping[str, object]) -> dict[str, object]:
    """Return field values that also fit each other."""
    fit = dict(values)
    if layout is Overrun:
        first, last = sorted((as_int(fit['first_seq']), as_int(fit['last_seq'])))
        count = 1 + as_int(fit['count']) % (last - first + 1)
        fit |= {'first_seq': first, 'last_seq': last, 'count': count}
    elif layout is ProducerStats:
        fit['dropped'] = min(as_int(fit['dropped']), as_int(fit['published']))
    elif layout is ClockStep:
        before, after = as_int(fit['wall_before_ns']) // 2, as_int(fit['wall_after_ns']) // 2
        fit |= {'wall_before_ns': before, 'wall_after_ns': after, 'step_ns': after - before}
    elif issubclass(layout, Tile):
        columns = 2 ** as_int(fit['zoom'])
        fit |= {'x': as_int(fit['x']) % columns, 'y': as_int(fit['y']) % columns}
    elif layout is Estimate and isinstance(fit['attitude_wxyz'], tuple):
        norm = math.hypot(*fit['attitude_wxyz'])
        fit['attitude_wxyz'] = (
            tuple(part / norm for part in fit['attitude_wxyz']) if norm > 0.001 else None
        )
    return fit


def as_int(value: object) -> int:
    """Return an integer as one."""
    assert isinstance(value, int)
    return value
