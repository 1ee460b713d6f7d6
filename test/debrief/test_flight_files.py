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
"""The files of a flight are found by their names, and metadata.yaml is read as far as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crafted import footer, HEADER, name_of, totals, write_flight
from fdr_node.debrief import flight_files
from fdr_node.debrief.flight_files import (
    BagMetadata,
    find_flights,
    find_segments,
    is_flight,
    read_bag_metadata,
    size_of,
)
from fdr_node.errors import StorageError
import pytest

if TYPE_CHECKING:
    from pathlib import Path

FOOTER = footer({'fdr': totals(2)}, segment_count=1)


def test_segments_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Ten comes behind nine, and what is no segment is left alone."""
    names = [name_of(index) for index in (10, 9, 0)]
    for name in [*names, 'metadata.yaml', 'a.mcap', 'a_0.mcap.tmp', 'a_x.mcap', 'a_1.db3']:
        (tmp_path / name).touch()
    assert [path.name for path in find_segments(tmp_path)] == names[::-1]


def test_a_segment_that_was_just_dropped_has_no_size(tmp_path: Path) -> None:
    """A flight may be recorded while it is looked at."""
    path = tmp_path / name_of(0)
    path.write_bytes(bytes(7))
    assert size_of(path) == 7
    path.unlink()
    assert size_of(path) == 0


def test_a_flight_is_a_directory_with_a_segment_or_metadata(tmp_path: Path) -> None:
    """A flight root is told from a flight by what is in it."""
    for name, file in {'b': name_of(0), 'a': 'metadata.yaml', 'c': 'notes.txt'}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    (tmp_path / '.fdr.lock').touch()
    assert [path.name for path in find_flights(tmp_path)] == ['a', 'b']
    assert not is_flight(tmp_path)


def test_a_directory_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    """The error names the directory."""
    with pytest.raises(StorageError) as caught:
        find_segments(tmp_path / 'gone')
    assert (caught.value.operation, caught.value.path) == ('list', str(tmp_path / 'gone'))


def test_metadata_has_header_footer_and_list(tmp_path: Path) -> None:
    """What the recorder put into it comes out of it."""
    directory = write_flight(tmp_path, {0: b''}, flight_footer=FOOTER)
    assert read_bag_metadata(directory) == BagMetadata(
        listed=(name_of(0),), header=HEADER, footer=FOOTER
    )


@pytest.mark.parametrize(
    ('old', 'new', 'problem'),
    [
        ('uav-7', '1" "', 'metadata.yaml: flight_header: payload is '),
        ('"flight_id"', '"id"', 'metadata.yaml: flight_header: flight_id is '),
        ('!', '', None),
    ],
)
def test_a_text_that_is_none_is_a_problem(
    old: str, new: str, problem: str | None, tmp_path: Path
) -> None:
    """The list counts all the same."""
    directory = write_flight(tmp_path, {0: b''})
    path = directory / 'metadata.yaml'
    path.write_text(path.read_text(encoding='utf-8').replace(old, new), encoding='utf-8')
    bag = read_bag_metadata(directory)
    assert bag.listed == (name_of(0),)
    assert (bag.header is None) is (problem is not None)
    assert [text[: len(problem or '')] for text in bag.problems] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (b'{', 'it is no YAML'),
        (b'\xff\xfe\xff', 'it is no YAML'),
        (b'2001-99-99', 'it is no YAML'),
        (b'!!python/object/apply:os.getcwd []', 'it is no YAML'),
        (b'', 'it lists no files'),
        (b'[]', 'it lists no files'),
        (b'rosbag2_bagfile_information: [1]', 'it lists no files'),
    ],
)
def test_metadata_that_is_none_is_a_problem(content: bytes, problem: str, tmp_path: Path) -> None:
    """Whatever is in the file, it is said in words."""
    (tmp_path / 'metadata.yaml').write_bytes(content)
    assert read_bag_metadata(tmp_path) == BagMetadata(problems=(f'metadata.yaml: {problem}',))


def test_metadata_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded, whatever lies in a directory."""
    monkeypatch.setattr(flight_files, '_METADATA_BYTES_MAX', 10)
    (tmp_path / 'metadata.yaml').write_bytes(bytes(11))
    assert read_bag_metadata(tmp_path) == BagMetadata(problems=('metadata.yaml: File too large',))
