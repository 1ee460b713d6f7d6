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
Flights made by hand with the mcap library's own writer, for tests of what reads them.

Nothing of the recorder has a part in it but the layout of its payloads and of a record, so that a
mistake that writer and reader share does not hide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from io import BytesIO
import json
from typing import TYPE_CHECKING

from fdr_node.record import encode_cdr, FdrRecord
from fdr_node.schema import (
    encode_payload,
    FlightFooter,
    FlightHeader,
    LossCause,
    Overrun,
    ProducerTotals,
    SegmentDropped,
)
from mcap.writer import CompressionType, Writer
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fdr_node.schema import Payload

FLIGHT_ID = 'flight-a'
OWN_SESSION = 42
START_NS = 1_700_000_000_000_000_000
START_MONOTONIC_NS = 5_000_000_000
MS = 1_000_000
DURATION_NS = 100 * MS

HEADER = FlightHeader(
    flight_id=FLIGHT_ID,
    session_id=OWN_SESSION,
    start_utc='2023-11-14T22:13:20Z',
    start_wall_ns=START_NS,
    start_monotonic_ns=START_MONOTONIC_NS,
    host='uav-7',
)


def record(producer_id: str, seq: int) -> FdrRecord:
    """Return a record of the session 7, of a kind that is called like its producer."""
    return FdrRecord(
        stamp_ns=START_NS,
        monotonic_ns=START_MONOTONIC_NS,
        session_id=7,
        seq=seq,
        schema_version=1,
        producer_id=producer_id,
        kind=producer_id,
        payload=encode_payload({'n': seq}),
    )


def records(producer_id: str, seqs: Sequence[int], *, session_id: int = 7) -> list[FdrRecord]:
    """Return a record for each number."""
    return [record(producer_id, seq)._replace(session_id=session_id) for seq in seqs]


def own(seq: int, payload: Payload, *, session_id: int = OWN_SESSION) -> FdrRecord:
    """Return a record of the recorder itself."""
    return record('fdr', seq)._replace(
        kind=payload.KIND, session_id=session_id, payload=encode_payload(payload.to_payload())
    )


def overrun(
    producer_id: str, first_seq: int, last_seq: int, cause: LossCause, *, count: int | None = None
) -> Overrun:
    """Return what the recorder says of a loss."""
    return Overrun(
        producer_id=producer_id,
        session_id=7,
        first_seq=first_seq,
        last_seq=last_seq,
        count=last_seq - first_seq + 1 if count is None else count,
        cause=cause,
    )


def dropped(
    index: int,
    producers: Mapping[str, int],
    *,
    rolled_off: int,
    by_producer: Mapping[str, int] | None = None,
) -> SegmentDropped:
    """Return what the recorder says of a segment that it dropped."""
    return SegmentDropped(
        file=f'{FLIGHT_ID}_{index}.mcap',
        index=index,
        records=sum(producers.values()),
        size_bytes=1000,
        start_ns=START_NS + index * MS,
        end_ns=START_NS + (index + 1) * MS,
        producers=dict(producers),
        records_rolled_off=rolled_off,
        producers_rolled_off=dict(by_producer or {}),
    )


def totals(
    published: int,
    *,
    recorded: int | None = None,
    lost: Mapping[LossCause, int] | None = None,
    duplicates: int = 0,
    before_flight: int = 0,
) -> ProducerTotals:
    """Return what became of a producer's records; all of them were recorded unless it is said."""
    return ProducerTotals(
        published=published,
        recorded=published if recorded is None else recorded,
        lost=dict(lost or {}),
        duplicates=duplicates,
        before_flight=before_flight,
    )


def footer(
    producers: Mapping[str, ProducerTotals],
    *,
    segment_count: int,
    rollover_count: int = 0,
    rolled_off: int = 0,
    refused: Mapping[LossCause, int] | None = None,
) -> FlightFooter:
    """Return the footer of a flight with these producers."""
    lost: Counter[LossCause] = Counter(refused)
    for item in producers.values():
        lost.update(item.lost)
    return FlightFooter(
        flight_id=FLIGHT_ID,
        end_utc='2023-11-14T22:13:20.1Z',
        end_wall_ns=START_NS + DURATION_NS,
        end_monotonic_ns=START_MONOTONIC_NS + DURATION_NS,
        records_written=sum(item.recorded for item in producers.values()),
        records_dropped_by_cause=dict(lost),
        records_rolled_off=rolled_off,
        bytes_written=12345,
        rollover_count=rollover_count,
        segment_count=segment_count,
        clean_shutdown=True,
        producers=dict(producers),
    )


def as_json(payload: Payload) -> str:
    """Return a payload as the texts in files have it."""
    return json.dumps(payload.to_payload())


@dataclass(frozen=True, kw_only=True)
class Style:
    """
    How a segment file is written.

    :param chunk_bytes: a chunk ends when it has more than this
    """

    chunk_bytes: int = 1 << 20
    compression: CompressionType = CompressionType.NONE
    use_chunking: bool = True
    topic: str = '/fdr/records'


PLAIN = Style()


def segment(
    messages: Sequence[FdrRecord | bytes],
    *,
    first: int = 0,
    header: FlightHeader | None = HEADER,
    flight_footer: FlightFooter | None = None,
    style: Style = PLAIN,
) -> bytes:
    """
    Return a segment file.

    :param messages: records, or bytes that are none
    :param first: log time of the first message since the start of the flight (ms); each of the
        others is 1 ms later than the one before
    :param header: the header of its flight, at its start
    :param flight_footer: the footer of its flight, at its end
    :param style: how it is written
    """
    stream = BytesIO()
    writer = Writer(
        stream,
        chunk_size=style.chunk_bytes,
        compression=style.compression,
        use_chunking=style.use_chunking,
        enable_data_crcs=True,
    )
    writer.start('ros2', 'crafted')
    schema = writer.register_schema('fdr_node/msg/FdrRecord', 'ros2msg', b'')
    channel = writer.register_channel(style.topic, 'cdr', schema)
    if header is not None:
        writer.add_metadata('fdr_flight_header', {'json': as_json(header)})
    counts: Counter[str] = Counter()
    for place, message in enumerate(messages):
        data = message if isinstance(message, bytes) else encode_cdr(message)
        at_ns = START_NS + (first + place) * MS
        writer.add_message(channel, at_ns, data, at_ns)
        if isinstance(message, FdrRecord):
            counts[message.producer_id] += 1
    own_footer = {'records': counts.total(), 'producers': counts, 'producers_omitted': 0}
    # The library ends a chunk when it is full or when the file ends: flush() before what follows.
    writer.flush()  # type: ignore[no-untyped-call]  # mcap is typed in part
    writer.add_metadata('fdr_segment_footer', {'json': json.dumps(own_footer)})
    if flight_footer is not None:
        writer.add_metadata('fdr_flight_footer', {'json': as_json(flight_footer)})
    writer.finish()  # type: ignore[no-untyped-call]  # as above
    return stream.getvalue()


def name_of(index: int) -> str:
    """Return the file name of a segment."""
    return f'{FLIGHT_ID}_{index}.mcap'


def write_flight(
    root: Path,
    segments: Mapping[int, bytes],
    *,
    flight_footer: FlightFooter | None = None,
    listed: Sequence[str] | None = None,
    flight_id: str = FLIGHT_ID,
) -> Path:
    """
    Write a flight directory.

    :param segments: content of the files, by number
    :param flight_footer: what ``metadata.yaml`` has as the footer
    :param listed: what ``metadata.yaml`` lists; all segments unless it is said
    :return: the directory
    """
    directory = root / flight_id
    directory.mkdir()
    for index, data in segments.items():
        (directory / name_of(index)).write_bytes(data)
    texts = {'fdr_flight_header': as_json(HEADER)}
    if flight_footer is not None:
        texts['fdr_flight_footer'] = as_json(flight_footer)
    names = [name_of(index) for index in segments] if listed is None else list(listed)
    bag = {'relative_file_paths': names, 'custom_data': texts}
    text = yaml.safe_dump({'rosbag2_bagfile_information': bag}, width=1 << 16)
    (directory / 'metadata.yaml').write_text(text, encoding='utf-8')
    return directory
