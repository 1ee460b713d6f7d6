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
"""Tests of results as JSON."""

from __future__ import annotations

import json

from bench_values import results
from fdr_node.bench.results import Results
import pytest


def test_results_survive_json() -> None:
    """What is read back is what was measured, every field of it."""
    text = json.dumps(results().to_json())
    assert Results.from_json(json.loads(text)) == results()


def test_another_version_is_refused() -> None:
    """A file of another layout is not taken for one of ours."""
    with pytest.raises(ValueError, match='results of version 9'):
        Results.from_json({**results().to_json(), 'version': 9})


@pytest.mark.parametrize(
    ('field', 'value', 'said'),
    [('machine', [], 'no JSON object'), ('samples', {}, 'no JSON array')],
)
def test_another_shape_is_refused(field: str, value: object, said: str) -> None:
    """A field of the wrong shape is named."""
    with pytest.raises(TypeError, match=said):
        Results.from_json({**results().to_json(), field: value})
