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
Measures what compression saves and costs on a PX4 log: ``compression.py LOG.ulg``.

The records are those of ``fdr demo --ulog``, committed once a second to the page cache, without a
sync, so that it is CPU time that is measured. docs/adr/0006 has the table that it prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
import time
from typing import NamedTuple

from fdr_node.config import GIB
from fdr_node.debrief.segment_reader import Block, SegmentReader
from fdr_node.demo.replay import Replay
from fdr_node.demo.ulog import read_topics
from fdr_node.demo.ulog_records import PRODUCERS
from fdr_node.record import encode_cdr, FdrRecord, TOPIC
from fdr_node.schema import encode_payload
from fdr_node.storage.compression import NAMES
from fdr_node.storage.mcap_segment import McapSegment

NS_PER_S = 1_000_000_000
START_NS = 1_700_000_000 * NS_PER_S
FIRST_SESSION_ID = 0x5EED_0000_0000_0000
ROUNDS = 5


class Timed(NamedTuple):
    """A record, and when it was made since the beginning (ns)."""

    at_ns: int
    data: bytes


class Cost(NamedTuple):
    """Size of the file, and CPU time for all records (s)."""

    size_bytes: int
    write_s: float
    read_s: float


def records_of(log: Path) -> list[Timed]:
    """Return every record of a replay, in order."""
    topics = read_topics(log)
    records = []
    for session_id, producer_id in enumerate(PRODUCERS, start=FIRST_SESSION_ID):
        replay = Replay(topics, producer_id)
        for seq, (at_ns, kind, payload) in enumerate(replay.due(0, replay.duration_ns)):
            record = FdrRecord(
                stamp_ns=START_NS + at_ns,
                monotonic_ns=at_ns,
                session_id=session_id,
                seq=seq,
                schema_version=1,
                producer_id=producer_id,
                kind=kind,
                payload=encode_payload(
                    payload if isinstance(payload, Mapping) else payload.to_payload()
                ),
            )
            records.append(Timed(at_ns, encode_cdr(record)))
    return sorted(records)


def measure(records: list[Timed], path: Path, compression: str) -> Cost:
    """Write a segment and read it."""
    path.unlink(missing_ok=True)
    started = time.process_time()
    segment = McapSegment(
        path,
        index=0,
        size_max=GIB,
        library='compression.py',
        metadata={},
        sync='never',
        compression=compression,
    )
    for _, second in groupby(records, key=lambda record: record.at_ns // NS_PER_S):
        for at_ns, data in second:
            time_ns = START_NS + at_ns
            segment.add(data, sequence=0, log_time_ns=time_ns, publish_time_ns=time_ns)
        segment.commit()
    size_bytes = segment.close({}).size_bytes
    written = time.process_time()
    with path.open('rb') as stream:
        reader = SegmentReader(stream, size_bytes=size_bytes)
        blocks = (part for part in reader.parts() if isinstance(part, Block))
        count = sum(1 for block in blocks for _ in reader.messages(block, TOPIC))
    if count != len(records):
        text = f'{count} of {len(records)} records were read back'
        raise ValueError(text)
    return Cost(size_bytes, written - started, time.process_time() - written)


def main() -> None:
    """Print the table; the best of some rounds counts."""
    records = records_of(Path(sys.argv[1]))
    total = sum(len(record.data) for record in records)
    seconds = records[-1].at_ns / NS_PER_S
    print(f'{len(records)} records of {total / len(records):.0f} bytes in {seconds:.1f} s\n')
    print('| compression | segment (bytes) | ratio | write (us/record) | read (us/record) |')
    print('|---|---|---|---|---|')
    with TemporaryDirectory() as place:
        costs = {
            name: [measure(records, Path(place, 'segment'), name) for _ in range(ROUNDS)]
            for name in NAMES
        }
    plain_bytes = costs[''][0].size_bytes
    for name, rounds in costs.items():
        size_bytes = rounds[0].size_bytes
        write_us, read_us = (
            min(cost[place] for cost in rounds) / len(records) * 1e6 for place in (1, 2)
        )
        ratio = plain_bytes / size_bytes
        cells = f'{size_bytes} | {ratio:.1f} | {write_us:.2f} | {read_us:.2f}'
        print(f'| {name or "none"} | {cells} |')


if __name__ == '__main__':
    main()
