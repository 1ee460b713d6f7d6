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
"""A segment is compared with what it says of itself, and read all the same."""

from __future__ import annotations

from collections import Counter
import errno
from io import BytesIO
import struct
from typing import TYPE_CHECKING
import zlib

from crafted import (
    as_json,
    footer,
    HEADER,
    MS,
    name_of,
    overrun,
    own,
    record,
    records,
    segment,
    START_NS,
    totals,
)
from failing_calls import FailingCalls
from fdr_node.debrief.flight_info import SegmentInfo
from fdr_node.debrief.info import inspect_flight
from fdr_node.debrief.scan import Scan, scan_segment
from fdr_node.debrief.segment_reader import Block, SegmentReader
from fdr_node.debrief.tally import Tally
from fdr_node.record import encode_cdr
from fdr_node.schema import LossCause
from fdr_node.storage.append_file import AppendFile
from fdr_node.storage.recovery import plan_recovery, recover
from mcap.writer import CompressionType, Writer
import mcap_bytes
import pytest
from rigs import DiskRig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.debrief.segment_reader import Part

FOOTER = footer({'fdr': totals(2), 'imu': totals(3)}, segment_count=1)


def scanned(path: Path, data: bytes, tally: Tally | None = None) -> Scan:
    """Return what is found in a segment with this content."""
    path.write_bytes(data)
    return scan_segment(path, Tally() if tally is None else tally, on_bytes=lambda _count: None)


def custom(texts: dict[str, dict[str, str]], times: list[int]) -> bytes:
    """Return a segment with these metadata records, and a record at each of these times (ms)."""
    stream = BytesIO()
    writer = Writer(stream, compression=CompressionType.NONE)
    writer.start('ros2', 'crafted')
    channel = writer.register_channel(
        '/fdr/records', 'cdr', writer.register_schema('fdr_node/msg/FdrRecord', 'ros2msg', b'')
    )
    for name, metadata in texts.items():
        writer.add_metadata(name, metadata)
    for seq, at_ms in enumerate(times):
        at_ns = START_NS + at_ms * MS
        writer.add_message(channel, at_ns, encode_cdr(record('imu', seq)), at_ns)
    writer.finish()  # type: ignore[no-untyped-call]  # mcap is typed in part
    return stream.getvalue()


def test_all_of_a_segment(tmp_path: Path) -> None:
    """Its records, its header, the footer of the flight, and its own."""
    data = segment(
        [own(0, HEADER), *records('imu', range(3)), own(1, FOOTER)],
        first=4,
        flight_footer=FOOTER,
    )
    tally = Tally()
    assert scanned(tmp_path / name_of(0), data, tally) == Scan(
        info=SegmentInfo(
            file=name_of(0),
            records=5,
            size_bytes=len(data),
            start_ns=START_NS + 4 * MS,
            end_ns=START_NS + 8 * MS,
            directory=str(tmp_path),
        ),
        header=HEADER,
        footer=FOOTER,
        counted=Counter(fdr=2, imu=3),
    )
    assert tally.recorder_session_id == HEADER.session_id


def test_the_header_comes_before_the_records(tmp_path: Path) -> None:
    """So the session of the recorder is known before one of its records is believed."""
    lie = own(0, overrun('imu', 0, 3, LossCause.RING), session_id=1)
    tally = Tally()
    scanned(tmp_path / name_of(0), segment([lie]), tally)
    assert (tally.claims, tally.foreign_own) == ({}, 1)


def test_records_that_only_its_footer_counts_are_unreadable(tmp_path: Path) -> None:
    """They are counted by producer; what its footer does not count is none of it."""
    text = '{"records": 9, "producers": {"imu": 4, "gps": 5}, "producers_omitted": 0}'
    data = custom({'fdr_segment_footer': {'json': text}}, [0, 1])
    scan = scanned(tmp_path / name_of(0), data)
    assert (scan.info.records, scan.unreadable) == (2, Counter(gps=5, imu=2))
    assert scan.problems == ['records that its footer counts and that cannot be read: 7']


@pytest.mark.parametrize(
    ('name', 'metadata', 'problem'),
    [
        ('fdr_flight_header', {'json': '{'}, 'fdr_flight_header: payload is '),
        ('fdr_flight_header', {'text': as_json(HEADER)}, 'fdr_flight_header: payload is '),
        ('fdr_flight_footer', {'json': '{}'}, 'fdr_flight_footer: flight_id is '),
        ('fdr_segment_footer', {'json': '{"producers": 1}'}, 'fdr_segment_footer: producers is '),
        ('fdr_segment_footer', {'json': '[' * 100_000}, 'fdr_segment_footer: producers is '),
        ('rosbag2', {'serialized_metadata': 'version: 9'}, None),
    ],
)
def test_a_text_that_is_none_is_a_problem(
    name: str, metadata: dict[str, str], problem: str | None, tmp_path: Path
) -> None:
    """Those of other tools are none of ours."""
    scan = scanned(tmp_path / name_of(0), custom({name: metadata}, []))
    assert (scan.header, scan.footer, scan.unreadable) == (None, None, Counter())
    assert [text[: len(problem or '')] for text in scan.problems] == ([problem] if problem else [])


def test_a_count_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    """What is not counted is not missed."""
    text = '{"producers": {"imu": "many", "gps": 1}}'
    data = custom({'fdr_segment_footer': {'json': text}}, [])
    assert scanned(tmp_path / name_of(0), data).unreadable == Counter(gps=1)


def test_log_time_that_runs_backwards_is_a_problem(tmp_path: Path) -> None:
    """ros2 bag play needs it in order; the span is that of all records."""
    scan = scanned(tmp_path / name_of(0), custom({}, [2, 9, 1, 5]))
    assert (scan.info.start_ns, scan.info.end_ns) == (START_NS + MS, START_NS + 9 * MS)
    assert scan.problems == ['records whose log time is before that of the one before: 2']


def test_damage_is_said_with_its_place(tmp_path: Path) -> None:
    """A reader can look there."""
    data = custom({}, [0])
    cut = data[: data.index(b'fdr_node/msg')]
    scan = scanned(tmp_path / name_of(0), cut)
    assert [text.split(': ') for text in scan.problems] == [
        [f'byte {cut.rindex(bytes([6]))}', 'it is cut off inside a record']
    ]


def test_nonsense_behind_a_right_checksum_is_a_problem(tmp_path: Path) -> None:
    """The records before it count."""
    content = b'\x05' + struct.pack('<QHIQQ', 22, 1, 0, 0, 0) + b'\x05'
    fields = struct.pack('<QQQIIQ', 0, 0, len(content), zlib.crc32(content), 0, len(content))
    chunk = b'\x06' + struct.pack('<Q', len(fields) + len(content)) + fields + content
    tally = Tally()
    scan = scanned(tmp_path / name_of(0), b'\x89MCAP0\r\n' + chunk, tally)
    assert scan.problems == ['the records in the chunk at byte 8 are not whole']
    assert scan.left == f'byte {8 + len(chunk)}: it has no end: it was not closed'
    assert tally.malformed == 1


def test_a_file_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    """It has no records and no bytes."""
    scan = scan_segment(tmp_path / name_of(0), Tally(), on_bytes=lambda _count: None)
    info = SegmentInfo(
        file=name_of(0), records=0, size_bytes=0, start_ns=0, end_ns=0, directory=str(tmp_path)
    )
    assert scan == Scan(info=info, problems=['No such file or directory'])


PARTS_OF = SegmentReader.parts


def read_error(reader: SegmentReader) -> Iterator[Part]:
    """Hand out what there is up to the first chunk, and fail."""
    for part in PARTS_OF(reader):
        yield part
        if isinstance(part, Block):
            raise OSError(errno.EIO, 'Input/output error')


def test_what_was_read_before_the_disk_failed_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk that came before the error is whole."""
    monkeypatch.setattr(SegmentReader, 'parts', read_error)
    scan = scanned(tmp_path / name_of(0), segment(records('imu', range(3))))
    assert (scan.info.records, scan.problems) == (3, ['Input/output error'])


@pytest.mark.parametrize('end', ['not closed', 'cut off', 'closed'])
def test_a_last_commit_that_the_next_segment_begins_with_counts_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """It was to be cut off, as its sync had failed, and the disk refused that too."""
    # The recorder makes that good before the next segment; a crash may come before.
    monkeypatch.setattr(AppendFile, 'mend', lambda _: None)
    rig = DiskRig(tmp_path)
    rig.open_flight()
    rig.write(range(4))
    rig.recorder.commit()
    rig.write(range(4, 6))
    with monkeypatch.context() as patch:
        calls = FailingCalls(patch)
        calls.fail_always('fdatasync')
        calls.fail_always('ftruncate')
        rig.recorder.commit()
    rig.recorder.commit()
    rig.recorder.close_flight()
    first, second = sorted(rig.directory.glob('*.mcap'))
    data = first.read_bytes()
    last = [raw for raw in mcap_bytes.records_of(data) if raw.opcode == mcap_bytes.CHUNK][-1]
    if end == 'cut off':
        behind = last.offset + last.size + 1
        first.write_bytes(data[:behind])
    if end == 'closed':
        recover(plan_recovery(rig.directory, progress=lambda _: None))
    kept = (False, 5 if end == 'closed' else 7)
    cut = (end != 'closed', 5)
    gone = tmp_path / 'gone'
    for following, expected in (((), kept), ([gone], kept), ([gone, second], cut)):
        scan = scan_segment(first, Tally(), on_bytes=lambda _count: None, following=following)
        assert (scan.is_cut, scan.info.records) == expected
    info = inspect_flight(rig.directory)
    assert (info.is_balanced, info.producers['imu_1'].account.recorded) == (True, 6)
