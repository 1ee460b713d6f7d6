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
Puts a flight in order that was not closed: its segments, its metadata, and a footer that says so.

It plans first, and changes nothing by that; carrying a plan out after an interruption, or for a
flight that is in order, ends in the same flight. A segment in which nothing is wrong is never
touched. How a segment is repaired is not known here (repair).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
import json
from typing import assert_never, Final, TYPE_CHECKING, TypeVar

from fdr_node.clock import iso_utc
from fdr_node.errors import PayloadError
from fdr_node.schema import (
    FlightFooter,
    FlightHeader,
    FOOTER_NAME,
    HEADER_NAME,
    PARTS_NAME,
    SEGMENT_FOOTER_NAME,
)
from fdr_node.storage import bag_format, fs, repair, repeats
from fdr_node.storage.listed import custom_text, parts_text, read_metadata, segment_indexes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from fdr_node.storage.salvage import Salvage

P = TypeVar('P', FlightFooter, FlightHeader)

_I64_MAX: Final = 2**63 - 1
# Each takes at most four bytes of the 64 that a name may have.
_NAME_LETTERS_MAX: Final = 16
# What follows from the segments; of the other keys it is enough that they are there.
_COMPARED: Final = (
    'relative_file_paths',
    'files',
    'message_count',
    'starting_time',
    'duration',
    'custom_data',
)


class Verdict(StrEnum):
    """What a segment is like."""

    INTACT = 'intact'
    DAMAGED = 'damaged'  # some of it is wrong: it is copied without that
    TORN = 'torn'  # not closed: its end has to be written
    EMPTY = 'empty'  # not closed, and no record follows its beginning, which may be torn
    REPEATED = 'repeated'  # all that is in it stands in the next one too
    UNREADABLE = 'unreadable'  # nothing in it is whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """
    What there is of one segment, and what will be done with it.

    :param path: its name.
    :param source: the file; beside its name when a recovery was interrupted.
    :param index: its number.
    :param verdict: what it is like.
    :param found: what is whole in it.
    :param cut_bytes: bytes behind the last whole record.
    """

    path: Path
    source: Path
    index: int
    verdict: Verdict
    found: Salvage
    cut_bytes: int

    @property
    def has_leftovers(self) -> bool:
        """Return whether an interrupted recovery has left something beside it."""
        return bool(repair.leftovers(self.path))

    @property
    def losses(self) -> list[str]:
        """Return what of it is lost, in words."""
        name = self.path.name
        if self.verdict is Verdict.UNREADABLE:
            return [f'{name}: nothing in it is whole']
        losses = [f'{name}: {text}' for text in self.found.damage]
        if self.found.has_torn_records:
            losses.append(f'{name}: {self.cut_bytes} bytes behind the last whole record')
        return losses


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightPlan:
    """
    What will be done with a flight.

    :param directory: of the flight.
    :param segments: in the order of their numbers.
    :param header: JSON of the flight header; empty when none can be found.
    :param footer: JSON of the flight footer: as it was written, or what can be known.
    :param listed: what ``metadata.yaml`` says; empty when it cannot be read, None without one.
    """

    directory: Path
    segments: tuple[SegmentPlan, ...]
    header: str
    footer: str
    listed: Mapping[str, object] | None

    @property
    def kept(self) -> list[SegmentPlan]:
        """Return the segments that will be listed."""
        return _kept(self.segments)

    @property
    def parts(self) -> str:
        """Return all directories of a flight that went on in another one, as JSON."""
        return parts_text(self.listed, *(item.found.texts for item in self.segments))

    @property
    def is_in_order(self) -> bool:
        """Return whether there is nothing to do."""
        fine = all(item.verdict is Verdict.INTACT for item in self.segments)
        return fine and self.is_listed and not any(item.has_leftovers for item in self.segments)

    @property
    def is_listed(self) -> bool:
        """Return whether ``metadata.yaml`` lists just what is there, with header and footer."""
        if self.listed is None:
            return not self.kept
        wanted = bag_format.parse_metadata(_metadata(self).encode())
        right = all(self.listed.get(key) == wanted[key] for key in _COMPARED)
        return right and self.listed.keys() >= wanted.keys()

    @property
    def losses(self) -> list[str]:
        """Return what is lost of the flight, in words; nothing when nothing is."""
        losses = [text for item in self.segments for text in item.losses]
        empty = {item.index for item in self.segments if item.verdict is Verdict.EMPTY}
        there = {item.index for item in self.segments} - empty
        first = max((item.found.segments_dropped for item in self.segments), default=0)
        footer = _parse(FlightFooter, self.footer)
        told = {footer.segment_count - 1 if footer else -1, *segment_indexes(self.listed)}
        end = max(told | there) + 1
        missing = bag_format.gaps(there | empty, start=first, end=end)
        if self.parts:
            # What is not in this directory is in another one, unless it was listed here.
            gone = {*segment_indexes(self.listed)} - there - empty
            missing = [(index, index) for index in sorted(gone)]
        found = [(at, f'{bag_format.segments_in_words(at, last)} missing') for at, last in missing]
        found += [(at, f'segment {at} is empty') for at in empty if first <= at < end]
        return losses + [text for _, text in sorted(found)]


def plan_recovery(
    directory: Path, *, progress: Callable[[int], None], is_thorough: bool = True
) -> FlightPlan:
    """
    Look at a flight and say what has to be done; nothing is changed.

    :param directory: of the flight.
    :param progress: is told how many bytes have been gone through, over all segments.
    :param is_thorough: read every segment, and not only the last and those that were not closed.
    :raises OSError: the disk refuses to read.
    """
    segments: list[SegmentPlan] = []
    done = 0
    paths = _segment_paths(directory)
    for index, path, source in reversed(paths):
        before = done

        def within(size: int, before: int = before) -> None:
            progress(before + size)

        # The last records tell what was dropped; what a repair has left must be read back.
        is_told = paths[0][0] == 0 or any(item.found.segments_dropped for item in segments)
        is_deep = is_thorough or not (is_told and _kept(segments)) or repair.leftovers(path)
        found = None if is_deep else repair.glance(source)
        found = found or repair.examine(source, within)
        following = next((item.source for item in segments if item.found.records), None)
        own = _without_repeats(source, found, following)
        segments.insert(0, _plan_segment(path, source, index, own, is_cut=own is not found))
        done += source.stat().st_size
    listed = read_metadata(directory)
    kept = _kept(segments)
    header = _header_of(kept, listed)
    return FlightPlan(
        directory=directory,
        segments=tuple(segments),
        header=header,
        footer=_footer_of(kept, listed) or _interrupted_footer(kept, header, directory.name),
        listed=listed,
    )


def recover(plan: FlightPlan) -> None:
    """
    Carry a plan out.

    :raises StorageError: a repair could not be read back.
    :raises OSError: the disk refuses; plan and recover again.
    """
    for item in plan.segments:
        _recover_segment(item, plan)
    fs.remove_if_there(plan.directory / (bag_format.METADATA_NAME + fs.TEMPORARY_SUFFIX))
    if not plan.is_listed:
        fs.replace_file(plan.directory / bag_format.METADATA_NAME, _metadata(plan).encode())


def _recover_segment(item: SegmentPlan, plan: FlightPlan) -> None:
    match item.verdict:
        case Verdict.TORN:
            repair.close_segment(item.source, item.found, _end_texts(item, plan))
        case Verdict.DAMAGED:
            texts = {HEADER_NAME: plan.header, PARTS_NAME: parts_text(None, item.found.texts)}
            beginning = bag_format.beginning_texts(item.path.name, _filled(texts))
            end = _end_texts(item, plan)
            repair.copy_segment(item.source, item.found, beginning=beginning, end=end)
        case Verdict.EMPTY | Verdict.REPEATED:
            fs.remove_file(item.source)
            return
        case Verdict.UNREADABLE:
            repair.set_aside(item.source, repair.UNREADABLE_SUFFIX)
            return
        case Verdict.INTACT:
            pass
        case _:
            assert_never(item.verdict)
    if item.source != item.path:
        fs.rename(item.source, item.path)
    repair.clear(item.path)


def _segment_paths(directory: Path) -> list[tuple[int, Path, Path]]:
    """Return number, name and file of every segment, in the order of the numbers."""
    names = set(fs.file_names(directory))
    found = []
    for name in names:
        # A copy without the segment itself was whole already: its place was made free for it.
        path = directory / name.removesuffix(repair.COPY_SUFFIX)
        index = bag_format.segment_index(path.name)
        if index is not None and (path.name == name or path.name not in names):
            found.append((index, path, directory / name))
    return sorted(found)


def _without_repeats(source: Path, found: Salvage, following: Path | None) -> Salvage:
    """Return what is whole in a segment and not in the next one, too."""
    if found.is_closed or not found.chunks or following is None:
        return found
    # A commit is one chunk, and no more than the last one is written again.
    at = found.chunks[-1].chunk_start_offset
    if not repeats.is_repeated(source, at, following=following):
        return found
    return repair.examine(source, lambda _: None, size_max=at)


def _plan_segment(
    path: Path, source: Path, index: int, found: Salvage, *, is_cut: bool
) -> SegmentPlan:
    cut_bytes = 0 if found.is_complete else source.stat().st_size - found.good_bytes
    verdict = _verdict(found)
    if is_cut and not found.records:
        verdict = Verdict.REPEATED
    if verdict is Verdict.INTACT:
        # Of a long flight these would be gigabytes.
        found.chunks.clear()
    return SegmentPlan(
        path=path, source=source, index=index, verdict=verdict, found=found, cut_bytes=cut_bytes
    )


def _verdict(found: Salvage) -> Verdict:
    if found.is_closed and found.is_sound:
        return Verdict.INTACT
    if found.records:
        is_end_wrong = not found.is_closed and not found.is_scattered
        return Verdict.TORN if is_end_wrong else Verdict.DAMAGED
    return Verdict.UNREADABLE if found.has_torn_records or not found.is_sound else Verdict.EMPTY


def _kept(segments: Iterable[SegmentPlan]) -> list[SegmentPlan]:
    keep = {Verdict.INTACT, Verdict.DAMAGED, Verdict.TORN}
    return [item for item in segments if item.verdict in keep and item.found.records]


def _end_texts(item: SegmentPlan, plan: FlightPlan) -> dict[str, str]:
    """Return the texts at the end of a segment that is repaired."""
    texts = item.found.texts
    end = {SEGMENT_FOOTER_NAME: texts[SEGMENT_FOOTER_NAME]} if SEGMENT_FOOTER_NAME in texts else {}
    if item is plan.kept[-1]:
        end[FOOTER_NAME] = plan.footer
    return end


def _metadata(plan: FlightPlan) -> str:
    files = [
        bag_format.FileEntry(
            name=item.path.name,
            message_count=item.found.records,
            start_ns=item.found.start_ns,
            end_ns=item.found.end_ns,
        )
        for item in plan.kept
    ]
    texts = {HEADER_NAME: plan.header, PARTS_NAME: plan.parts, FOOTER_NAME: plan.footer}
    return bag_format.metadata_yaml(files, _filled(texts))


def _filled(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _header_of(kept: Sequence[SegmentPlan], listed: Mapping[str, object] | None) -> str:
    texts = [_text(item, HEADER_NAME) for item in kept if _is_trusted(item)]
    texts.append(custom_text(listed, HEADER_NAME))
    texts += [_text(item, HEADER_NAME) for item in kept]
    return next((text for text in texts if _parse(FlightHeader, text)), '')


def _footer_of(kept: Sequence[SegmentPlan], listed: Mapping[str, object] | None) -> str:
    last = kept[-1:]
    texts = [_text(item, FOOTER_NAME) for item in last if _is_trusted(item)]
    texts.append(custom_text(listed, FOOTER_NAME))
    texts += [_text(item, FOOTER_NAME) for item in last]
    return next((text for text in texts if _parse(FlightFooter, text)), '')


def _is_trusted(item: SegmentPlan) -> bool:
    """Return whether the CRC of a segment covers its texts, and is right."""
    return item.found.is_complete and item.found.is_sound


def _text(item: SegmentPlan, name: str) -> str:
    return item.found.texts.get(name, '')


def _parse(payload_type: type[P], text: str) -> P | None:
    try:
        return payload_type.from_json(text)
    except PayloadError:
        return None


def _interrupted_footer(kept: Sequence[SegmentPlan], header_text: str, name: str) -> str:
    """Return the footer of a flight that was interrupted: what can be known of it."""
    end_ns = min(_I64_MAX, max((item.found.end_ns for item in kept), default=0))
    header = _parse(FlightHeader, header_text)
    start_ns = header.start_wall_ns if header else end_ns
    started_ns = header.start_monotonic_ns if header else 0
    rolled_off = max((item.found.records_rolled_off for item in kept), default=0)
    footer = FlightFooter(
        flight_id=header.flight_id if header else name[:_NAME_LETTERS_MAX],
        end_utc=iso_utc(end_ns),
        end_wall_ns=end_ns,
        end_monotonic_ns=started_ns + max(0, end_ns - start_ns),
        records_written=sum(item.found.records for item in kept) + rolled_off,
        records_rolled_off=rolled_off,
        bytes_written=sum(item.found.record_bytes for item in kept),
        rollover_count=max((item.found.segments_dropped for item in kept), default=0),
        segment_count=max((item.index + 1 for item in kept), default=0),
        clean_shutdown=False,
        producers_omitted=len({name for item in kept for name in _producers(item.found)}),
    )
    return footer.to_json()


def _producers(found: Salvage) -> Iterable[str]:
    """Return the names of the producers in a segment that was read, or of its footer."""
    if found.producers or SEGMENT_FOOTER_NAME not in found.texts:
        return found.producers
    try:
        footer: object = json.loads(found.texts[SEGMENT_FOOTER_NAME])
    except ValueError:
        return ()
    producers = footer.get('producers') if isinstance(footer, dict) else None
    return [str(name) for name in producers] if isinstance(producers, dict) else ()
