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
Finds the directories of a flight that went on on another disk.

A directory is taken when it holds segments of the same flight that the first one has not; a copy
of it is not. Only names, ``metadata.yaml`` and the beginnings of segments are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import errno
from pathlib import Path
from typing import TYPE_CHECKING

from fdr_node.debrief.flight_files import (
    BagMetadata,
    find_segments,
    NO_SEGMENT,
    parse_parts,
    read_bag_metadata,
    size_of,
)
from fdr_node.debrief.segment_reader import Note, SegmentReader
from fdr_node.errors import PayloadError, StorageError
from fdr_node.schema import FlightHeader, HEADER_NAME, PARTS_NAME
from fdr_node.storage import fs
from fdr_node.storage.bag_format import segment_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    One directory of a flight.

    :param directory: where it is; None when it is not here
    :param listed_as: its path on the aircraft; empty when nothing says it
    :param segments: files of the segments, in the order of their numbers
    :param bag: what its ``metadata.yaml`` says
    """

    directory: Path | None
    listed_as: str = ''
    segments: Sequence[Path] = ()
    bag: BagMetadata = field(default_factory=BagMetadata)

    @property
    def name(self) -> str:
        """Return where it is, or was on the aircraft."""
        return str(self.directory or self.listed_as)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """
    A directory that may be of the flight.

    :param parts: all directories that it names
    :param roots: flight roots of its recorder; a disk that failed was not told more
    :param is_first: the flight began in it, as far as that can be told
    """

    directory: Path
    segments: Sequence[Path]
    bag: BagMetadata
    flight_id: str
    parts: Sequence[str]
    roots: Sequence[str]
    is_first: bool


def find_parts(directory: Path, *, also: Path | None = None) -> list[Part]:
    """
    Return the directories of a flight, the one where it began first.

    They are looked for where the flight says that they were on the aircraft, in the roots that its
    recorder was given, and beside the one that is asked for.

    :param directory: one of them
    :param also: another one; one that has been copied is found in no other way
    :raises StorageError: there is no flight, or ``also`` is none of this flight
    """
    asked = _look(directory)
    found = [asked]
    if also is not None:
        found.append(_also(also, asked))
    listed = next((item.parts for item in found if item.parts), ())
    if not listed or len(found) < len(listed):
        found += _others(found, listed)
    listed = listed or next((item.parts for item in found if item.parts), ())
    return _in_order(found, listed)


def missing_parts(parts: Sequence[Part]) -> list[str]:
    """Return where the parts are that are not here, in words."""
    place = next(place for place, part in enumerate(parts) if part.directory is not None)
    words = ('continued from', 'continued in')
    return [
        f'{words[other > place]} {part.listed_as}, which is not here'
        for other, part in enumerate(parts)
        if part.directory is None
    ]


def _also(path: Path, asked: _Found) -> _Found:
    other = _look(path)
    if other.flight_id != asked.flight_id:
        reason = f'it is of the flight {other.flight_id}, not of {asked.flight_id}'
        raise StorageError(operation='read', path=path, errno=errno.EINVAL, reason=reason)
    if _has_copies(other.segments, asked.segments):
        reason = f'it has the segments that {asked.directory} has'
        raise StorageError(operation='read', path=path, errno=errno.EINVAL, reason=reason)
    return other


def _others(found: Sequence[_Found], listed: Sequence[str]) -> Iterator[_Found]:
    """Return the directories of the flight that nobody has named by hand."""
    asked, known = found[0], [path for item in found for path in item.segments]
    count = len(found)
    named = [*map(Path, listed), *(Path(root) / asked.flight_id for root in asked.roots)]
    siblings = _siblings(asked.directory)
    for place, path in enumerate([*named, *siblings]):
        if listed and count == len(listed):
            return
        other = _other(path, asked, known)
        if other is None:
            continue
        # One that is beside it by chance, and has nothing new, is a copy that was cut off. Where
        # nobody says that there are two, so is one that has any segment of the same name.
        is_two = bool(listed or other.parts)
        names = {item.name for item in known}
        new = {item.name for item in other.segments} - names
        if len(new) == len(other.segments) or (is_two and (new or place < len(named))):
            known += other.segments
            count += 1
            yield other


def _other(path: Path, asked: _Found, known: Sequence[Path]) -> _Found | None:
    """
    Return another directory with the same flight; None when it is none, or cannot be read.

    :param known: segments of those that were found
    """
    try:
        # The sizes of one that is being recorded change meanwhile.
        if any(path.samefile(directory) for directory in {item.parent for item in known}):
            return None
        segments = find_segments(path)
        if not segments or not _is_same(segments, asked.segments) or _has_copies(segments, known):
            return None
        other = _look(path)
    except OSError:
        # Whatever is wrong there, it is not here.
        return None
    return other if other.flight_id == asked.flight_id else None


def _siblings(directory: Path) -> list[Path]:
    parent = directory.absolute().parent
    try:
        return [parent / name for name in sorted(fs.file_names(parent))]
    except OSError:
        return []


def _is_same(one: Sequence[Path], two: Sequence[Path]) -> bool:
    """Return whether segments are called after the same flight."""
    return one[0].name.rpartition('_')[0] == two[0].name.rpartition('_')[0]


def _has_copies(one: Sequence[Path], two: Sequence[Path]) -> bool:
    """
    Return whether a segment is in both.

    A name alone says nothing: an opening that failed may have left its file on the first disk,
    and the segment of that number is on the other.
    """
    files = {(path.name, size_of(path)) for path in two}
    return any((path.name, size_of(path)) in files for path in one)


def _look(directory: Path) -> _Found:
    segments = find_segments(directory)
    if not segments:
        raise StorageError(operation='read', path=directory, errno=errno.ENOENT, reason=NO_SEGMENT)
    bag = read_bag_metadata(directory)
    first, last = _beginning(segments[0]), _beginning(segments[-1])
    header = bag.header or _header(first) or _header(last)
    return _Found(
        directory=directory,
        segments=segments,
        bag=bag,
        flight_id=header.flight_id if header else segments[0].name.rpartition('_')[0],
        parts=bag.parts or parse_parts(last.get(PARTS_NAME)),
        roots=_roots(header),
        # What was begun after the move names the directories.
        is_first=segment_index(segments[0].name) == 0 or PARTS_NAME not in first,
    )


def _beginning(path: Path) -> Mapping[str, str]:
    """Return the texts at the beginning of a segment, as far as they can be read."""
    texts: dict[str, str] = {}
    try:
        with path.open('rb') as stream:
            for part in SegmentReader(stream, size_bytes=size_of(path)).parts():
                if not isinstance(part, Note):
                    break
                texts[part.name] = part.texts.get('json', '')
    except OSError:
        pass
    return texts


def _roots(header: FlightHeader | None) -> list[str]:
    settings = header.configuration if header else {}
    roots = [settings.get(name) for name in ('flight_root', 'fallback_root')]
    return [root for root in roots if isinstance(root, str) and root.startswith('/')]


def _header(texts: Mapping[str, str]) -> FlightHeader | None:
    try:
        return FlightHeader.from_json(texts.get(HEADER_NAME, ''))
    except PayloadError:
        return None


def _in_order(found: Sequence[_Found], listed: Sequence[str]) -> list[Part]:
    """Return the directories as they are listed, and then what is not."""
    places: list[Part] = [Part(directory=None, listed_as=path) for path in listed]
    for item in found:
        part = Part(directory=item.directory, segments=item.segments, bag=item.bag)
        free = [place for place, other in enumerate(places) if other.directory is None]
        here = str(item.directory.absolute())
        exact = [place for place in free if places[place].listed_as == here]
        if not free:
            places.append(part)
        else:
            place = exact[0] if exact else free[0] if item.is_first else free[-1]
            places[place] = replace(part, listed_as=places[place].listed_as)
    return places
