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
"""Every alert of the catalogue fits, is told apart from the others, and is documented."""

from __future__ import annotations

from string import Formatter

from fdr_node.alerts import catalogue
from fdr_node.alerts.alert import Alert, Severity, TEXT_BYTES_MAX
from fdr_node.alerts.catalogue import Entry, Manner, WIDTHS
from project import ROOT
import pytest

ENTRIES = list(catalogue.entries())


@pytest.mark.parametrize('entry', ENTRIES, ids=lambda entry: entry.text)
def test_the_longest_filling_fits(entry: Entry) -> None:
    """With every word at its full width."""
    words = {name: 'x' * width for name, width in WIDTHS.items()}
    alert = Alert(severity=entry.severity, text=entry.text.format_map(words))
    assert len(alert.text) <= TEXT_BYTES_MAX


def test_texts_are_told_apart() -> None:
    """No two alerts read the same."""
    texts = [entry.text for entry in ENTRIES]
    assert sorted(texts) == sorted(set(texts))


def test_every_entry_is_listed() -> None:
    """What the module defines is in the documentation."""
    defined = [value for value in vars(catalogue).values() if isinstance(value, Entry)]
    grouped = [*catalogue.FAILURES.values(), *catalogue.REFUSALS.values()]
    assert {entry.text for entry in defined + grouped} == {entry.text for entry in ENTRIES}


def test_every_word_is_used() -> None:
    """A width without a word would be forgotten."""
    used = {name for entry in ENTRIES for _, name, _, _ in Formatter().parse(entry.text) if name}
    assert used == WIDTHS.keys()


@pytest.mark.parametrize('entry', ENTRIES, ids=lambda entry: entry.text)
def test_what_stands_in_the_way_of_flying_is_critical(entry: Entry) -> None:
    """A PreArm alert begins with that word, as ground stations know it, and is critical."""
    is_prearm = entry.manner is Manner.PREARM
    assert entry.text.startswith('PreArm: FDR ' if is_prearm else 'FDR: ')
    if is_prearm:
        assert entry.severity is Severity.CRITICAL
    if entry.manner is Manner.RECOVERY:
        assert entry.severity is Severity.NOTICE


@pytest.mark.parametrize('entry', ENTRIES, ids=lambda entry: entry.text)
def test_it_says_what_to_do(entry: Entry) -> None:
    """Meaning and action are sentences, without what would break the table."""
    for words in (entry.meaning, entry.action):
        assert words.endswith('.')
        assert '|' not in words
        assert '\n' not in words


def test_operations_lists_every_text() -> None:
    """The document has each text as the operator reads it, with its severity."""
    document = (ROOT / 'docs' / 'operations.md').read_text(encoding='utf-8')
    rows = [line for line in document.splitlines() if line.startswith('| `')]
    missing = [
        entry.text
        for entry in ENTRIES
        if not any(entry.severity.name in row and f'`{entry.text}`' in row for row in rows)
    ]
    assert missing == []
