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
Lists the flights below a flight root by what their ``metadata.yaml`` says.

No segment is read, so the list is quick however large the flights are; what was not written at
a close is not known here. Whether a flight adds up is for info.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fdr_node.clock import iso_utc
from fdr_node.debrief.flight_files import find_flights, find_segments, read_bag_metadata, size_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightEntry:
    """
    One flight of the list.

    :param flight_id: its name; the name of its directory when nothing says it
    :param directory: where it is
    :param start_ns: start, wall clock since the epoch (ns); None when it cannot be read
    :param duration_ns: monotonic (ns); None for a flight without a footer
    :param records: records that the footer counts as still there; None without one
    :param size_bytes: bytes of its segments
    :param segments: segments that are there
    :param clean_shutdown: it was closed and nothing had failed
    :param problems: what cannot be read, in words
    :param parts: all directories of a flight that went on on another disk, as they were called on
        the aircraft; what a footer counts is in all of them. Empty for others
    """

    flight_id: str
    directory: str
    start_ns: int | None
    duration_ns: int | None
    records: int | None
    size_bytes: int
    segments: int
    clean_shutdown: bool
    problems: tuple[str, ...]
    parts: tuple[str, ...] = ()

    @property
    def has_findings(self) -> bool:
        """Whether there is something to look into."""
        return not self.clean_shutdown or bool(self.problems)

    def to_json(self) -> dict[str, object]:
        """Return it as JSON can hold it; docs/cli.md says what the keys mean."""
        return {
            'flight_id': self.flight_id,
            'directory': self.directory,
            'clean_shutdown': self.clean_shutdown,
            'start_ns': self.start_ns,
            'start_utc': None if self.start_ns is None else iso_utc(self.start_ns),
            'duration_ns': self.duration_ns,
            'records': self.records,
            'bytes': self.size_bytes,
            'segments': self.segments,
            'problems': list(self.problems),
            'parts': list(self.parts),
        }


def list_flights(root: Path) -> list[FlightEntry]:
    """
    Return the flights directly below a flight root, newest first.

    :param root: the directory
    :return: those whose start is not known come last
    :raises StorageError: a directory cannot be listed
    """
    entries = [_entry(path) for path in find_flights(root)]
    return sorted(entries, key=lambda entry: (entry.start_ns or 0, entry.flight_id), reverse=True)


def _entry(directory: Path) -> FlightEntry:
    bag, segments = read_bag_metadata(directory), find_segments(directory)
    header, footer = bag.header, bag.footer
    return FlightEntry(
        flight_id=header.flight_id if header else directory.name,
        directory=str(directory),
        start_ns=header.start_wall_ns if header else None,
        duration_ns=(
            footer.end_monotonic_ns - header.start_monotonic_ns
            if header is not None and footer is not None
            else None
        ),
        records=footer.records_written - footer.records_rolled_off if footer else None,
        size_bytes=sum(size_of(path) for path in segments),
        segments=len(segments),
        clean_shutdown=footer is not None and footer.clean_shutdown,
        problems=bag.problems,
        parts=bag.parts,
    )
