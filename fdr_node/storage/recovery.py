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
flight that is in order, ends in the same flight. A closed segment is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
import json
from typing import Final, TYPE_CHECKING

from fdr_node.clock import iso_utc
from fdr_node.errors import PayloadError
from fdr_node.recording.ports import SegmentFacts
from fdr_node.schema import (
    FlightFooter,
    FlightHeader,
    FOOTER_NAME,
    HEADER_NAME,
)
from fdr_node.storage import bag_format, fs, repair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fdr_node.storage.salvage import Salvage

_METADATA_BYTES_MAX: Final = 64 << 20
# What counts in metadata.yaml; the rest follows from these.
_COMPARED: Final = ('relative_file_paths', 'message_count', 'custom_data')


class Verdict(StrEnum):
    """What a segment is like."""

    INTACT = 'intact'
    DAMAGED = 'damaged'  # closed, and some of it cannot be read
    TORN = 'torn'  # not closed: its end has to be written
    EMPTY = 'empty'  # not closed, and nothing follows its beginning
    UNREADABLE = 'unreadable'  # nothing in it is whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """
    What there is of one segment, and what will be done with it.

    :param path: the file.
    :param index: its number.
    :param verdict: what it is like; torn ones get an end, empty ones go, unreadable ones are set
        aside.
    :param found: what is whole in it.
    :param cut_bytes: bytes behind the last whole record.
    """

    path: Path
    index: int
    verdict: Verdict
    found: Salvage
    cut_bytes: int

    @property
    def facts(self) -> SegmentFacts:
        """The segment as the bag's metadata lists it."""
        return SegmentFacts(
            index=self.index,
            name=self.path.name,
            size_bytes=self.path.stat().st_size,
            records=self.found.records,
            start_ns=self.found.start_ns,
            end_ns=self.found.end_ns,
        )

    @property
    def leftovers(self) -> list[Path]:
        """Files of an interrupted repair; a torn tail stays until its segment is proved whole."""
        torn = repair.torn_path(self.path)
        unfinished = torn.with_name(torn.name + fs.TEMPORARY_SUFFIX)
        paths = [torn, unfinished] if self.verdict is Verdict.INTACT else [unfinished]
        return [path for path in paths if path.exists()]

    @property
    def losses(self) -> list[str]:
        """What of it is lost, in words."""
        name = self.path.name
        losses = [f'{name}: {text}' for text in self.found.damage]
        if self.cut_bytes and not self.found.is_complete:
            losses.append(f'{name}: {self.cut_bytes} bytes behind the last whole record')
        return losses


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightPlan:
    """
    What will be done with a flight.

    :param directory: of the flight.
    :param segments: in the order of their numbers.
    :param header: JSON of the flight header; empty when no segment has one.
    :param footer: JSON of the footer that a clean end has left, or empty.
    :param listed: what ``metadata.yaml`` says; empty when it cannot be read.
    """

    directory: Path
    segments: tuple[SegmentPlan, ...]
    header: str
    footer: str
    listed: Mapping[str, object]

    @property
    def kept(self) -> list[SegmentPlan]:
        """The segments that will be listed."""
        keep = {Verdict.INTACT, Verdict.DAMAGED, Verdict.TORN}
        return [item for item in self.segments if item.verdict in keep and item.found.records]

    @property
    def is_in_order(self) -> bool:
        """Whether there is nothing to do."""
        fine = {Verdict.INTACT, Verdict.DAMAGED}
        is_done = self.is_listed and not self.leftovers
        return is_done and all(item.verdict in fine for item in self.segments)

    @property
    def leftovers(self) -> list[Path]:
        """What a recovery that was interrupted has left beside segments that are whole."""
        return [path for item in self.segments for path in item.leftovers]

    @property
    def is_listed(self) -> bool:
        """Whether ``metadata.yaml`` lists just what is there, with header and footer."""
        wanted = bag_format.parse_metadata(_metadata(self).encode())
        return all(self.listed.get(key) == wanted.get(key) for key in _COMPARED)

    @property
    def losses(self) -> list[str]:
        """What is lost of the flight, in words; empty when nothing is."""
        losses = [text for item in self.segments for text in item.losses]
        indexes = [item.index for item in self.segments]
        first = min(indexes, default=0)
        missing = set(range(first, max(indexes, default=0))) - set(indexes)
        return losses + [f'segment {index} is missing' for index in sorted(missing)]


def plan_recovery(
    directory: Path, *, progress: Callable[[int], None], is_thorough: bool = True
) -> FlightPlan:
    """
    Look at a flight and say what has to be done; nothing is changed.

    :param directory: of the flight.
    :param progress: is told how many bytes have been gone through, over all segments.
    :param is_thorough: read closed segments too, and not only what they say of themselves.
    :raises OSError: the disk refuses to read.
    """
    segments: list[SegmentPlan] = []
    done = 0
    for index, path in _segment_paths(directory):
        before = done

        def within(size: int, before: int = before) -> None:
            progress(before + size)

        # A repair that was interrupted has not been read back yet.
        is_proved = not is_thorough and not repair.torn_path(path).exists()
        found = repair.glance(path) if is_proved else None
        found = found or repair.examine(path, within)
        segments.append(_plan_segment(path, index, found))
        done += path.stat().st_size
    texts = [item.found.texts for item in segments]
    return FlightPlan(
        directory=directory,
        segments=tuple(segments),
        header=next((text[HEADER_NAME] for text in texts if HEADER_NAME in text), ''),
        footer=texts[-1].get(FOOTER_NAME, '') if texts else '',
        listed=_read_metadata(directory),
    )


def recover(plan: FlightPlan) -> None:
    """
    Carry a plan out.

    :raises StorageError: a repair could not be read back.
    :raises OSError: the disk refuses; plan and recover again.
    """
    for path in plan.leftovers:
        fs.remove_if_there(path)
    for item in plan.segments:
        match item.verdict:
            case Verdict.TORN:
                is_last = item is plan.kept[-1]
                texts = {FOOTER_NAME: plan.footer or _footer_of(plan)} if is_last else {}
                repair.close_segment(item.path, item.found, texts)
            case Verdict.EMPTY:
                fs.remove_file(item.path)
            case Verdict.UNREADABLE:
                repair.set_aside(item.path)
            case Verdict.INTACT | Verdict.DAMAGED:
                continue
    fs.remove_if_there(plan.directory / (bag_format.METADATA_NAME + fs.TEMPORARY_SUFFIX))
    if plan.kept:
        fs.replace_file(plan.directory / bag_format.METADATA_NAME, _metadata(plan).encode())


def _segment_paths(directory: Path) -> list[tuple[int, Path]]:
    indexes = {name: bag_format.segment_index(name) for name in fs.file_names(directory)}
    return sorted(
        (index, directory / name) for name, index in indexes.items() if index is not None
    )


def _plan_segment(path: Path, index: int, found: Salvage) -> SegmentPlan:
    size = path.stat().st_size
    if found.is_closed:
        verdict = Verdict.DAMAGED if found.damage else Verdict.INTACT
    elif found.records:
        verdict = Verdict.TORN
    elif found.damage or size > found.good_bytes:
        verdict = Verdict.UNREADABLE
    else:
        verdict = Verdict.EMPTY
    cut_bytes = 0 if found.is_closed else size - found.good_bytes
    return SegmentPlan(path=path, index=index, verdict=verdict, found=found, cut_bytes=cut_bytes)


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
    custom_data = {HEADER_NAME: plan.header, FOOTER_NAME: plan.footer or _footer_of(plan)}
    return bag_format.metadata_yaml(files, custom_data)


def _footer_of(plan: FlightPlan) -> str:
    """Return the footer of a flight that was interrupted: what can be known of it."""
    end_ns = max((item.found.end_ns for item in plan.kept), default=0)
    header = _header_of(plan)
    start_ns = header.start_wall_ns if header else end_ns
    started_ns = header.start_monotonic_ns if header else 0
    rolled_off = max((item.found.records_rolled_off for item in plan.kept), default=0)
    producers = {name for item in plan.kept for name in item.found.producers}
    indexes = [item.index for item in plan.kept]
    footer = FlightFooter(
        flight_id=header.flight_id if header else plan.directory.name,
        end_utc=iso_utc(end_ns),
        end_wall_ns=end_ns,
        end_monotonic_ns=started_ns + max(0, end_ns - start_ns),
        records_written=sum(item.found.records for item in plan.kept) + rolled_off,
        records_rolled_off=rolled_off,
        bytes_written=sum(item.found.good_bytes for item in plan.kept),
        rollover_count=min(indexes, default=0),
        segment_count=max(indexes, default=-1) + 1,
        clean_shutdown=False,
        producers_omitted=len(producers),
    )
    return footer.to_json()


def _header_of(plan: FlightPlan) -> FlightHeader | None:
    try:
        return FlightHeader.from_payload(json.loads(plan.header))
    except (ValueError, PayloadError):
        return None


def _read_metadata(directory: Path) -> Mapping[str, object]:
    try:
        data = fs.read_file(directory / bag_format.METADATA_NAME, _METADATA_BYTES_MAX)
    except OSError:
        return {}
    return bag_format.parse_metadata(data)
