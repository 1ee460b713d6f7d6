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
import json
import os
from typing import assert_never, Final, TYPE_CHECKING

from fdr_node.debrief.flight_info import SegmentInfo
from fdr_node.debrief.segment_reader import Block, Damage, NOT_CLOSED, Note, SegmentReader
from fdr_node.debrief.tally import SegmentTally
from fdr_node.errors import PayloadError
from fdr_node.record import TOPIC
from fdr_node.schema import (
    FlightFooter,
    FlightHeader,
    FOOTER_NAME,
    HEADER_NAME,
    SEGMENT_FOOTER_NAME,
)
from fdr_node.storage.repeats import is_repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fdr_node.debrief.segment_reader import Part
    from fdr_node.debrief.tally import Tally

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
    :param left: what says that it was not closed, when nothing else is wrong with its end
    :param is_cut: its last commit stands in the next segment too, and is counted there
    :param problems: what else is wrong with it, in words
    """

    info: SegmentInfo
    header: FlightHeader | None = None
    footer: FlightFooter | None = None
    counted: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    left: str = ''
    is_cut: bool = False
    problems: list[str] = field(default_factory=list)


def scan_segment(
    path: Path, tally: Tally, *, on_bytes: Callable[[int], None], following: Sequence[Path] = ()
) -> Scan:
    """
    Read a segment.

    :param path: the file
    :param tally: counts its records
    :param on_bytes: is told now and then how many bytes of the file have been read
    :param following: segments that may begin with what the last commit of this one has left, when
        it was not closed
    :return: what was found; of a file that cannot be read, what was read until then
    """
    scan = Scan(info=SegmentInfo(file=path.name, records=0, size_bytes=0, start_ns=0, end_ns=0))
    before, counts, size_bytes = tally.recorded(), SegmentTally(), 0
    try:
        with path.open('rb') as stream:
            size_bytes = os.fstat(stream.fileno()).st_size
            reader = SegmentReader(stream, size_bytes=size_bytes)
            taker = _Taker(reader, scan, tally=tally, counts=counts)
            try:
                for part in reader.parts():
                    taker.take(part, lambda at: any(_is_in(path, at, it) for it in following))
                    on_bytes(reader.offset)
            finally:
                taker.flush()
            on_bytes(reader.offset)
    except OSError as error:
        scan.problems.append(error.strerror or str(error))
    scan.info = SegmentInfo(
        file=path.name,
        records=counts.records,
        size_bytes=size_bytes,
        start_ns=counts.start_ns,
        end_ns=counts.end_ns,
        directory=str(path.parent),
        is_left=bool(scan.left),
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


def _is_in(path: Path, chunk_at: int, following: Path) -> bool:
    try:
        return is_repeated(path, chunk_at, following=following)
    except OSError:
        return False


class _Taker:
    """
    Takes the parts of a segment in turn.

    The last block waits for what follows it: only an end that is missing lets it be a commit whose
    sync failed and that is in the next segment too.
    """

    def __init__(
        self, reader: SegmentReader, scan: Scan, *, tally: Tally, counts: SegmentTally
    ) -> None:
        self._reader = reader
        self._scan = scan
        self._tally = tally
        self._counts = counts
        self._block: Block | None = None

    def take(self, part: Part, is_repeated_at: Callable[[int], bool]) -> None:
        """Take a part."""
        match part:
            case Block():
                self.flush()
                self._block = part
            case Damage():
                if self._block is not None and is_repeated_at(self._block.offset):
                    self._block = None
                    self._scan.is_cut = True
                self.flush()
                self._note_damage(part)
            case Note():
                self._read_note(part)
            case _:
                assert_never(part)

    def flush(self) -> None:
        """Count the block that waits."""
        block, self._block = self._block, None
        if block is not None:
            try:
                self._tally.take(self._reader.messages(block, TOPIC), self._counts)
            except ValueError as error:
                self._scan.problems.append(str(error))

    def _note_damage(self, damage: Damage) -> None:
        text = f'byte {damage.offset}: {damage.reason}'
        if damage.reason in NOT_CLOSED:
            self._scan.left = text
        else:
            self._scan.problems.append(text)

    def _read_note(self, note: Note) -> None:
        scan = self._scan
        try:
            _read_text(note.name, note.texts.get(_TEXT_KEY, ''), scan)
        except PayloadError as error:
            scan.problems.append(f'{note.name}: {error}')
        if scan.header is not None:
            self._tally.recorder_session_id = scan.header.session_id


def _read_text(name: str, text: str, scan: Scan) -> None:
    """Read a text of the recorder; those of other tools, such as rosbag2, have other names."""
    if name == HEADER_NAME:
        scan.header = FlightHeader.from_json(text)
    elif name == FOOTER_NAME:
        scan.footer = FlightFooter.from_json(text)
    elif name == SEGMENT_FOOTER_NAME:
        scan.counted = _counted(text)


def _counted(text: str) -> Counter[str]:
    """Return the records by producer that a segment's footer counts."""
    try:
        footer: object = json.loads(text)
    except (ValueError, RecursionError):
        footer = None
    producers = footer.get('producers') if isinstance(footer, dict) else None
    if not isinstance(producers, Mapping):
        raise PayloadError(field='producers', value=type(producers).__name__, bound='a map')
    return Counter(
        {str(name): count for name, count in producers.items() if isinstance(count, int)}
    )
