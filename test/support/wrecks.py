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
Flights that came to a bad end: made once, put anywhere, damaged there, and judged once recovered.

A flight is a mapping of file names to bytes. It has three segments with three chunks each of four
records of a producer ``imu_1``, numbered from 0 on; the recorder's own records, which have chunks
of their own, are not counted.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
import tempfile
from typing import NamedTuple, TYPE_CHECKING

from bag_reader import read_bag, read_files
from fdr_node.record import encode_cdr, peek
from fdr_node.schema import DropReason, encode_payload, HEADER_NAME, SegmentDropped
from fdr_node.storage import mcap_format
from fdr_node.storage.recovery import plan_recovery, recover
import mcap_bytes
from on_disk import tree
from rigs import DiskRig, FLIGHT_ID, header_of, OTHER_FLIGHT_ID, record_of
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fdr_node.storage.recovery import FlightPlan

Files = dict[str, bytes]

SEGMENTS = 3
CHUNKS = 3
IN_CHUNK = 4
IN_SEGMENT = CHUNKS * IN_CHUNK
ALL = list(range(SEGMENTS * IN_SEGMENT))
METADATA = 'metadata.yaml'
PRODUCER = 'imu_1'
SESSION_ID = 0xFD

# Behind a commit, while a segment is written: DataEnd, a footer without summary, and magic.
OPEN_END_BYTES = 50


def name_of(index: int) -> str:
    """Return the file name of a segment."""
    return f'{FLIGHT_ID}_{index}.mcap'


class Span(NamedTuple):
    """Where something stands in a file: from its first byte up to what follows its last."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Return whether they have a byte in common."""
        return self.start < other.end and other.start < self.end


class ChunkPlace(NamedTuple):
    """A chunk in a file, where its parts are, and the records in it."""

    whole: Span
    crc: Span
    data: Span
    message_index: Span
    seqs: list[int]


def chunk_places(data: bytes) -> list[ChunkPlace]:
    """Return the chunks of a file that has an end."""
    places = []
    records = mcap_bytes.records_of(data)
    for chunk, index in pairwise(records):
        if chunk.opcode == mcap_bytes.CHUNK:
            start, end = chunk.offset, chunk.offset + chunk.size
            _, stored, content = mcap_bytes.chunk_content(chunk)
            places.append(
                ChunkPlace(
                    whole=Span(start, end),
                    crc=Span(start + 33, start + 37),
                    data=Span(end - len(stored), end),
                    message_index=Span(index.offset, index.offset + index.size),
                    seqs=_seqs_in(content),
                )
            )
    return places


def patched(data: bytes, offset: int, patch: bytes) -> bytes:
    """Return a file with some bytes written over."""
    end = offset + len(patch)
    return data[:offset] + patch + data[end:]


def flipped(data: bytes, offset: int, bit: int = 0) -> bytes:
    """Return a file with one bit the wrong way round."""
    return patched(data, offset, bytes([data[offset] ^ 1 << bit]))


def seqs_in(data: bytes) -> list[int]:
    """Return the records in a file that has an end."""
    return [seq for place in chunk_places(data) for seq in place.seqs]


def seqs_of(segment: int) -> list[int]:
    """Return the records of a segment."""
    return [seq for seq in ALL if seq // IN_SEGMENT == segment]


def without(*segments: int) -> list[int]:
    """Return the records of the other segments."""
    return [seq for seq in ALL if seq // IN_SEGMENT not in segments]


def closed_flight(compression: str = 'none') -> Files:
    """Return a flight that was closed."""
    return dict(_closed_flight(compression))


def killed_flight(compression: str = 'none') -> Files:
    """Return a flight whose recorder was killed right behind its last commit."""
    return dict(_killed_flight(compression)[0])


def torn_flight(written_bytes: int, compression: str = 'none') -> Files:
    """Return one that was killed in the commit of two more records: so much of it is written."""
    files = killed_flight(compression)
    name = name_of(SEGMENTS - 1)
    committed_bytes = len(files[name]) - OPEN_END_BYTES
    files[name] = _killed_flight(compression)[1][: committed_bytes + written_bytes]
    return files


def repeated_flight(own: int) -> Files:
    """
    Return one with a fourth segment, which begins with the last commit of the third.

    It is left by a failed sync on a disk that could not cut the third one back.

    :param own: chunks of the third one in front of that commit, fewer than there are.
    """
    files = killed_flight()
    name = name_of(SEGMENTS - 1)
    data = files[name]
    places = chunk_places(data)
    beginning = data[: places[0].whole.start]
    start, end = places[own].whole.start, places[own].message_index.end
    files[name] = data[:end]
    files[name_of(SEGMENTS)] = beginning + data[start:-OPEN_END_BYTES]
    return files


def last_commit_bytes(compression: str = 'none') -> int:
    """Return how many bytes that commit writes."""
    files, whole = _killed_flight(compression)
    return len(whole) - len(files[name_of(SEGMENTS - 1)]) + OPEN_END_BYTES


def header_text() -> str:
    """Return the flight header of all these flights, as JSON."""
    text = yaml.safe_load(closed_flight()[METADATA])
    return str(text['rosbag2_bagfile_information']['custom_data'][HEADER_NAME])


def message_of(data: bytes) -> bytes:
    """Return a message as it stands in a chunk."""
    head = mcap_format.message_head(sequence=0, log_time_ns=5, publish_time_ns=5, size=len(data))
    return head + data


def drop_of(
    index: int,
    rolled_off: int,
    *,
    session_id: int = SESSION_ID,
    reason: DropReason = DropReason.CAP,
) -> bytes:
    """Return a message in which the recorder, or who says so, tells that a segment went."""
    payload = SegmentDropped(
        file=name_of(index),
        index=index,
        records=1,
        size_bytes=1,
        start_ns=0,
        end_ns=0,
        records_rolled_off=rolled_off,
        reason=reason,
    )
    record = record_of(0, producer_id='fdr')._replace(
        kind='segment_dropped',
        session_id=session_id,
        payload=encode_payload(payload.to_payload()),
    )
    return message_of(encode_cdr(record))


def put(files: Mapping[str, bytes], root: Path) -> Path:
    """Write a flight below a root that there is, and return its directory."""
    directory = root / FLIGHT_ID
    directory.mkdir()
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def plan_of(directory: Path, *, is_thorough: bool = True) -> FlightPlan:
    """Look at a flight."""
    return plan_recovery(directory, progress=lambda _: None, is_thorough=is_thorough)


def recover_flight(directory: Path, *, is_thorough: bool = True) -> FlightPlan:
    """Look at a flight and put it in order. :return: what was planned."""
    plan = plan_of(directory, is_thorough=is_thorough)
    recover(plan)
    return plan


def records_in(directory: Path) -> list[int]:
    """
    Return the records of a recovered flight, once all readers agree about them.

    Nothing else may be there but what a recovery sets aside.
    """
    stored = read_bag(directory, beside=_set_aside(directory)).stored
    return [item.record.seq for item in stored if item.record.producer_id == PRODUCER]


def judge(directory: Path, survivors: Sequence[int]) -> None:
    """Check a recovered flight: its records, that it stays as it is, and that the root is fine."""
    assert records_in(directory) == list(survivors)
    before = tree(directory)
    for is_thorough in (False, True):
        assert recover_flight(directory, is_thorough=is_thorough).is_in_order
    assert tree(directory) == before
    record_another(directory.parent)


def record_another(root: Path) -> None:
    """Record one more flight in a root, and read it with mcap."""
    rig = DiskRig(root)
    rig.open_flight(OTHER_FLIGHT_ID)
    rig.write([1, 2, 3])
    rig.recorder.close_flight()
    bag = read_files(root / OTHER_FLIGHT_ID)
    assert [item.seq for item in bag.records if item.producer_id == PRODUCER] == [1, 2, 3]


@contextmanager
def _recording(compression: str) -> Iterator[DiskRig]:
    """Record the flight up to its last commit."""
    with tempfile.TemporaryDirectory() as place:
        # Segments of any size: they are cut for their age.
        rig = DiskRig(Path(place), {'segment_duration_max_s': 1.0, 'compression': compression})
        header = header_of(rig.config, rig.clock)
        rig.recorder.open_flight(replace(header, session_id=SESSION_ID))
        for seq in ALL:
            if seq and not seq % IN_SEGMENT:
                rig.clock.advance(1.0)
                rig.recorder.tick()
            rig.clock.advance(0.001)
            rig.write([seq], payload_bytes=60)
            if not (seq + 1) % IN_CHUNK:
                rig.recorder.commit()
        yield rig
        rig.recorder.close_flight()


@cache
def _closed_flight(compression: str) -> Files:
    with _recording(compression) as rig:
        rig.recorder.close_flight()
        return tree(rig.directory)


@cache
def _killed_flight(compression: str) -> tuple[Files, bytes]:
    """Return the flight up to its last commit, and its last segment after one more."""
    with _recording(compression) as rig:
        files = tree(rig.directory)
        rig.write([len(ALL), len(ALL) + 1], payload_bytes=60)
        rig.recorder.commit()
        return files, tree(rig.directory)[name_of(SEGMENTS - 1)]


def _seqs_in(chunk_data: bytes) -> list[int]:
    heads = [peek(message.body[22:]) for message in mcap_bytes.split(chunk_data)]
    return [head.seq for head in heads if head.producer_id == PRODUCER]


def _set_aside(directory: Path) -> frozenset[str]:
    suffixes = ('.mcap.damaged', '.mcap.unreadable')
    return frozenset(path.name for path in directory.iterdir() if path.name.endswith(suffixes))
