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
"""What metadata.yaml says is read as far as it goes; nothing in it stops a recovery."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fdr_node.schema import PARTS_NAME
from fdr_node.storage import listed as listed_module
from fdr_node.storage.bag_format import FileEntry, metadata_yaml
from fdr_node.storage.listed import (
    custom_text,
    is_parts_text,
    parts_text,
    read_metadata,
    segment_indexes,
)
import pytest

if TYPE_CHECKING:
    from pathlib import Path

PARTS = json.dumps(['/a/flight', '/b/flight'])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Segments by their numbers, texts by their names."""
    files = [
        FileEntry(name=f'a_{index}.mcap', message_count=1, start_ns=0, end_ns=1)
        for index in (3, 12)
    ]
    text = metadata_yaml(files, {PARTS_NAME: PARTS})
    (tmp_path / 'metadata.yaml').write_text(text, encoding='utf-8')
    found = read_metadata(tmp_path)
    assert segment_indexes(found) == [3, 12]
    assert custom_text(found, PARTS_NAME) == PARTS
    assert custom_text(found, 'other') == ''


@pytest.mark.parametrize('data', [b'{', b'2001-99-99', b'\xff'])
def test_what_is_none_is_empty(data: bytes, tmp_path: Path) -> None:
    """Whatever is in the file; without one there is nothing."""
    assert read_metadata(tmp_path) is None
    (tmp_path / 'metadata.yaml').write_bytes(data)
    assert read_metadata(tmp_path) == {}


def test_one_that_cannot_be_read_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory in its place, or more than would fit in memory."""
    (tmp_path / 'metadata.yaml').mkdir()
    assert read_metadata(tmp_path) == {}
    (tmp_path / 'metadata.yaml').rmdir()
    (tmp_path / 'metadata.yaml').write_bytes(bytes(11))
    monkeypatch.setattr(listed_module, '_METADATA_BYTES_MAX', 10)
    assert read_metadata(tmp_path) == {}


@pytest.mark.parametrize(
    'listed', [None, {}, {'relative_file_paths': 7, 'custom_data': []}, {'custom_data': {'a': 1}}]
)
def test_what_is_of_another_kind_is_not_there(listed: dict[str, object] | None) -> None:
    """A list, a map or a text that is none."""
    assert (segment_indexes(listed), custom_text(listed, 'a')) == ([], '')


@pytest.mark.parametrize(
    ('text', 'expected'),
    [(PARTS, True), ('["/a"]', False), ('{', False), ('', False), ('7', False)],
)
def test_a_list_of_directories(text: str, *, expected: bool) -> None:
    """One alone is none: such a flight is in its own directory."""
    assert is_parts_text(text) is expected


def test_the_directories_of_a_flight_are_known_from_anywhere() -> None:
    """From the metadata, or from the last segment that names them."""
    other = json.dumps(['/a', '/b'])
    listed = {'custom_data': {PARTS_NAME: PARTS}}
    assert parts_text(listed, {PARTS_NAME: other}) == PARTS
    assert parts_text({}, {PARTS_NAME: PARTS}, {PARTS_NAME: other}, {}) == other
    assert parts_text(None, {PARTS_NAME: '{'}) == ''
