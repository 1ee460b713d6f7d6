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
"""Tests of reading YAML that anybody may have written."""

from __future__ import annotations

from contextlib import suppress

from fdr_node.storage.yaml_text import DEPTH_MAX, read_yaml, SHORT
from hypothesis import given
from hypothesis import strategies as st
import pytest


@pytest.mark.parametrize('text', ['a: [1, {b: c}]', b'a: [1, {b: c}]'])
def test_what_it_says(text: bytes | str) -> None:
    """As text or bytes."""
    assert read_yaml(text) == {'a': [1, {'b': 'c'}]}


@pytest.mark.parametrize(
    'text',
    [
        '[' * 100_000,
        '{a: ' * 100_000,
        '- ' * 100_000,
        '#' * SHORT + '\n' + '[' * (DEPTH_MAX + 1) + ']' * (DEPTH_MAX + 1),
        'a: [',
        '2026-13-01',
        b'\xff\xfe\xff',
        '!!python/object:os.system {}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error(text: bytes | str) -> None:
    """And never the end of the process."""
    with pytest.raises(ValueError, match='cannot be read as YAML'):
        read_yaml(text)


def test_the_deepest_that_is_read() -> None:
    """At the bound itself."""
    value = read_yaml('#' * SHORT + '\n' + '[' * DEPTH_MAX + ']' * DEPTH_MAX)
    for _ in range(DEPTH_MAX - 1):
        assert isinstance(value, list)
        (value,) = value
    assert value == []


@given(st.one_of(st.binary(max_size=200), st.text(alphabet='[]{}:-, a\n&*!|>', max_size=200)))
def test_any_text_is_read_or_refused(text: bytes | str) -> None:
    """With one kind of error."""
    with suppress(ValueError):
        read_yaml(text)
