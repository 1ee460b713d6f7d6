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
Reads one segment file into a tally, and says what the segment says of itself.

What cannot be read is a problem in words, and the rest is read all the same. Whether the segment
belongs to the flight is not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
import os
from typing import assert_never, Final, TYPE_CHECKING

from fdr_node.debrief.flight_files import FOOTER_NAME, HEADER_NAME, parse_map, parse_payload
from fdr_node.debrief.flight_info import SegmentInfo
from fdr_node.debrief.segment_reader import Block, Damage, Note, SegmentReader
from fdr_node.debrief.tally import SegmentTally
from fdr_node.errors import PayloadError
from fdr_node.record import TOPIC
from fdr_node.schema import FlightFooter, FlightHeader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fdr_node.debrief.segment_reader import Part
    from fdr_node.debrief.tally import Tally

SEGMENT_FOOTER_NAME: Final = 'fdr_segment_footer'

# The recorder keeps each of its texts under this key of a metadata record.
_TEXT_KEY: Final = 'json'


@dataclass(slots=True, kw_only=True)
class Scan:
    """
    What was found in one segment.

    :param info: its size and its records
    :param header: header of the flight that it belongs to
    :param footer: footer of the flight, in the last segment of a closed one
    :param counted: records by producer that the segment's own footer counts
    :param unreadable: those of them that cannot be read
    :param problems: what is wrong with it, in words
    """

    info: SegmentInfo
    header: FlightHeader | None = None
    footer: FlightFooter | None = None
    counted: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def scan_segment(path: Path, tally: Tally, *, on_bytes: Callable[[int], None]) -> Scan:
    """
    Read a segment.

    :param path: the file
    :param tally: counts its records
    :param on_bytes: is told now and then how many bytes of the file have been read
    :return: what was found; of a file that cannot be read, what was read until then
    """
    scan = Scan(info=SegmentInfo(file=path.name, records=0, size_bytes=0, start_ns=0, end_ns=0))
    before, counts, size_bytes = tally.recorded(), SegmentTally(), 0
    try:
        with path.open('rb') as stream:
            size_bytes = os.fstat(stream.fileno()).st_size
            reader = SegmentReader(stream, size_bytes=size_bytes)
            for part in reader.parts():
                _take(part, reader, scan, tally=tally, counts=counts)
                on_bytes(reader.offset)
            on_bytes(reader.offset)
    except OSError as error:
        scan.problems.append(error.strerror or str(error))
    scan.info = SegmentInfo(
        file=path.name,
        records=counts.records,
        size_bytes=size_bytes,
        start_ns=counts.start_ns,
        end_ns=counts.end_ns,
    )
    scan.unreadable = scan.counted - (tally.recorded() - before)
    if scan.unreadable:
        missing = scan.unreadable.total()
        scan.problems.append(f'records that its footer counts and that cannot be read: {missing}')
    if counts.steps_back:
        scan.problems.append(
            f'records whose log time is before that of the one before: {counts.steps_back}'
        )
    return scan


def _take(
    part: Part, reader: SegmentReader, scan: Scan, *, tally: Tally, counts: SegmentTally
) -> None:
    match part:
        case Block():
            try:
                tally.take(reader.messages(part, TOPIC), counts)
            except ValueError as error:
                scan.problems.append(str(error))
        case Damage():
            scan.problems.append(f'byte {part.offset}: {part.reason}')
        case Note():
            try:
                _read_text(part.name, part.texts.get(_TEXT_KEY, ''), scan)
            except PayloadError as error:
                scan.problems.append(f'{part.name}: {error}')
            if scan.header is not None:
                tally.recorder_session_id = scan.header.session_id
        case _:
            assert_never(part)


def _read_text(name: str, text: str, scan: Scan) -> None:
    """Read a text of the recorder; those of other tools, such as rosbag2, have other names."""
    if name == HEADER_NAME:
        scan.header = parse_payload(FlightHeader, text)
    elif name == FOOTER_NAME:
        scan.footer = parse_payload(FlightFooter, text)
    elif name == SEGMENT_FOOTER_NAME:
        scan.counted = _counted(text)


def _counted(text: str) -> Counter[str]:
    """Return the records by producer that a segment's footer counts."""
    producers = parse_map(text).get('producers')
    if not isinstance(producers, Mapping):
        raise PayloadError(field='producers', value=type(producers).__name__, bound='a map')
    return Counter(
        {str(name): count for name, count in producers.items() if isinstance(count, int)}
    )
