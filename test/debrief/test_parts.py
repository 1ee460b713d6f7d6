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
"""A flight that went on on another disk is found whole, and its copies are not taken for more."""

from __future__ import annotations

from collections.abc import Callable
import errno
from itertools import count
import json
import shutil
from typing import TYPE_CHECKING

from fdr_node.config import KIB
from fdr_node.debrief import parts as parts_module
from fdr_node.debrief.info import inspect_flight
from fdr_node.debrief.parts import find_parts, missing_parts
from fdr_node.errors import StorageError
from fdr_node.storage import fs
import mcap_bytes
import pytest
from rigs import FLIGHT_ID, TwoDiskRig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Fly = Callable[[TwoDiskRig], None]
LARGE_BYTES = 180 * KIB


def flown(root: Path, *, is_listed: bool = True, is_back: bool = False) -> TwoDiskRig:
    """Return what has landed: segments 0 to 2 on the first disk, and the rest on the other."""
    rig = TwoDiskRig(root, {'flight_bytes_max': 8 << 20})
    rig.open_flight()
    rig.write(range(5), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    rig.write([5])
    rig.move(is_listed=is_listed)
    rig.write(range(6, 9), payload_bytes=LARGE_BYTES)
    if is_back:
        rig.recorder.commit()
        rig.write([9])
        rig.move()
        rig.write(range(10, 12), payload_bytes=LARGE_BYTES)
    rig.recorder.close_flight()
    return rig


def found(directory: Path, also: Path | None = None) -> list[Path | None]:
    """Return the directories that are found, in their order."""
    return [part.directory for part in find_parts(directory, also=also)]


@pytest.mark.parametrize('is_back', [False, True])
def test_the_other_directory_is_found_where_it_was(tmp_path: Path, *, is_back: bool) -> None:
    """From either of them, in the order in which the flight took them."""
    rig = flown(tmp_path, is_back=is_back)
    for asked in (rig.first, rig.spare):
        assert found(asked) == [rig.first, rig.spare]
    parts = find_parts(rig.first)
    assert [part.listed_as for part in parts] == [str(rig.first), str(rig.spare)]


def test_a_relative_path_is_the_same_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a link to it as well; neither is a further one."""
    rig = flown(tmp_path)
    monkeypatch.chdir(rig.first.parent)
    (rig.first.parent / 'latest').symlink_to(rig.first)
    relative = rig.first.relative_to(rig.first.parent)
    assert found(relative) == [relative, rig.spare]


def test_a_flight_that_is_being_recorded_is_not_its_own_other_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the segment that is open grows from one look to the next."""
    rig = flown(tmp_path)
    for path in sorted(rig.spare.glob('*.mcap'))[1:]:
        path.unlink()
    shutil.rmtree(rig.first)
    sizes = count()
    monkeypatch.setattr(parts_module, 'size_of', lambda _path: 1000 + next(sizes))
    assert found(rig.spare) == [None, rig.spare]


def test_both_cards_on_another_computer(tmp_path: Path) -> None:
    """Either is told from the other by what is in it."""
    rig = flown(tmp_path / 'aircraft')
    cards = [tmp_path / 'one' / FLIGHT_ID, tmp_path / 'two' / FLIGHT_ID]
    for directory, card in zip((rig.first, rig.spare), cards, strict=True):
        card.parent.mkdir()
        shutil.move(directory, card)
    for asked, other in (cards, cards[::-1]):
        assert found(asked, other) == cards
        assert None in found(asked)
    assert missing_parts(find_parts(cards[0])) == [f'continued in {rig.spare}, which is not here']
    assert missing_parts(find_parts(cards[1])) == [
        f'continued from {rig.first}, which is not here'
    ]


def test_a_directory_beside_it_with_other_segments_of_the_flight(tmp_path: Path) -> None:
    """Whatever it is called."""
    rig = flown(tmp_path / 'aircraft')
    (tmp_path / 'log').mkdir()
    places = [tmp_path / 'log' / name for name in ('second card', 'first card')]
    for directory, place in zip((rig.spare, rig.first), places, strict=True):
        shutil.move(directory, place)
    assert found(places[0]) == places[::-1]
    assert found(places[1]) == places[::-1]


def test_a_first_disk_that_was_not_told_is_found_from_the_other(tmp_path: Path) -> None:
    """It names nothing but the roots of its recorder, and its segments tell the rest."""
    rig = flown(tmp_path / 'aircraft', is_listed=False)
    assert 'fdr_flight_parts' not in (rig.first / 'metadata.yaml').read_text(encoding='utf-8')
    for asked in (rig.first, rig.spare):
        assert found(asked) == [rig.first, rig.spare]
    beside = rig.first.parent / 'spare'
    shutil.move(rig.spare, beside)
    assert found(rig.first) == [rig.first, beside]
    elsewhere = tmp_path / 'elsewhere'
    shutil.move(beside, elsewhere)
    assert found(rig.first) == [rig.first]
    assert found(rig.first, elsewhere) == [rig.first, elsewhere]


def test_without_metadata_the_segments_tell(tmp_path: Path) -> None:
    """Those from the move on name the directories."""
    rig = flown(tmp_path)
    (rig.spare / 'metadata.yaml').unlink()
    assert found(rig.spare) == [rig.first, rig.spare]


@pytest.mark.parametrize('is_moved', [False, True])
def test_a_copy_is_not_taken_for_another_directory(tmp_path: Path, *, is_moved: bool) -> None:
    """Beside the flight, or where it was on the aircraft."""
    rig = flown(tmp_path)
    backup = rig.first.parent / 'backup'
    shutil.copytree(rig.first, backup)
    if is_moved:
        shutil.rmtree(rig.spare)
        shutil.copytree(rig.first, rig.spare)
    for asked in (rig.first, backup):
        assert found(asked) == [asked, None if is_moved else rig.spare]


def test_a_copy_of_a_flight_on_one_disk_changes_nothing(tmp_path: Path) -> None:
    """Not even one that was cut off, or that a recovery has made shorter."""
    rig = TwoDiskRig(tmp_path)
    rig.open_flight()
    rig.write(range(4), payload_bytes=LARGE_BYTES)
    rig.recorder.close_flight()
    backup = rig.first.parent / 'backup'
    shutil.copytree(rig.first, backup)
    for path in backup.glob('*.mcap'):
        path.write_bytes(path.read_bytes()[:-9])
    assert found(rig.first) == [rig.first]
    assert not inspect_flight(rig.first).has_findings


def test_what_is_none_of_the_flight_is_refused(tmp_path: Path) -> None:
    """The error names the directory, and says why."""
    rig = flown(tmp_path / 'one')
    copy = tmp_path / 'copy'
    shutil.copytree(rig.first, copy)
    for also, reason in (
        (tmp_path, 'it is no flight: no segment'),
        (tmp_path / 'nothing', 'No such file or directory'),
        (rig.first, 'it has the segments that '),
        (copy, 'it has the segments that '),
    ):
        with pytest.raises(StorageError, match=reason) as caught:
            find_parts(rig.first, also=also)
        assert caught.value.path == str(also)


def test_of_another_flight(tmp_path: Path) -> None:
    """Its name is in the error."""
    one, two = flown(tmp_path / 'one'), TwoDiskRig(tmp_path / 'two')
    other = FLIGHT_ID.replace('8057', '8058')
    two.open_flight(other)
    two.recorder.close_flight()
    with pytest.raises(StorageError, match=f'it is of the flight {other}, not of {FLIGHT_ID}'):
        find_parts(one.first, also=two.first.parent / other)


@pytest.mark.parametrize('value', ['{', '"text"', json.dumps(['/x'] * 9), '[7, ""]'])
def test_a_list_that_is_none_names_nothing(value: str, tmp_path: Path) -> None:
    """Whatever is on a card, the flight is read."""
    rig = flown(tmp_path)
    path = rig.first / 'metadata.yaml'
    text = path.read_text(encoding='utf-8')
    listed = json.dumps([str(rig.first), str(rig.spare)])
    assert listed in text
    path.write_text(text.replace(f"'{listed}'", f"'{value}'"), encoding='utf-8')
    shutil.rmtree(rig.spare)
    assert found(rig.first) == [rig.first]


def test_a_place_that_cannot_be_read_is_not_here(tmp_path: Path) -> None:
    """Such as a file where the directory was."""
    rig = flown(tmp_path)
    shutil.rmtree(rig.spare)
    rig.spare.write_bytes(b'')
    assert found(rig.first) == [rig.first, None]


def test_a_parent_that_cannot_be_listed_hides_what_is_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flight itself is read all the same, even of a segment that holds nothing."""
    rig = flown(tmp_path)
    for path in sorted(rig.first.glob('*.mcap')):
        data = path.read_bytes()
        chunk = next(raw for raw in mcap_bytes.records_of(data) if raw.opcode == mcap_bytes.CHUNK)
        path.write_bytes(data[: chunk.offset])
    shutil.rmtree(rig.spare)
    names = fs.file_names

    def refuse(path: Path) -> Iterator[str]:
        if path == rig.first.parent:
            raise PermissionError(errno.EACCES, 'Permission denied')
        return names(path)

    monkeypatch.setattr(fs, 'file_names', refuse)
    assert found(rig.first) == [rig.first, None]
