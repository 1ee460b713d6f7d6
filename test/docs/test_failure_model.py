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
"""The failure model names tests that are there, and a test for every fault."""

from __future__ import annotations

import ast
import re

from project import ROOT

TEXT = (ROOT / 'docs' / 'failure-model.md').read_text(encoding='utf-8')
TEST_NAME = re.compile(r'`(test/[\w/]+\.py)::(\w+)`')


def faults() -> list[list[str]]:
    """Return the cells of every fault in the table."""
    _, _, rest = TEXT.partition('<!-- faults: begin -->\n')
    lines = rest.partition('<!-- faults: end -->')[0].splitlines()
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[2:]]


def functions(path: str) -> set[str]:
    """Return the functions of a test module."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding='utf-8') if file.exists() else '')
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_is_there() -> None:
    """A test that was renamed or removed takes its line with it."""
    named = TEST_NAME.findall(TEXT)
    assert len(named) > 30
    assert [pair for pair in named if pair[1] not in functions(pair[0])] == []


def test_every_fault_is_shown() -> None:
    """A line has all four cells, and the last one is nothing but tests."""
    rows = faults()
    assert len(rows) > 30
    assert [row for row in rows if len(row) != 4 or not all(row)] == []
    assert [row[0] for row in rows if TEST_NAME.sub('', row[-1]).strip(' ,')] == []


def test_no_fault_has_two_lines() -> None:
    """What is said of a fault is said once."""
    names = [row[0] for row in faults()]
    assert len(names) == len(set(names))
