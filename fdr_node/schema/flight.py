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
The payloads that the recorder and its producers write about the flight log itself.

What a vehicle reports about its flight is in vehicle. Nothing here counts, measures or reads a
clock: whoever builds a payload brings the numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final

from fdr_node.errors import PayloadError
from fdr_node.schema.kinds import DropReason, Kind, LossCause
from fdr_node.schema.layout import (
    Boolean,
    Choice,
    I64,
    JsonMap,
    Layout,
    Line,
    Name,
    NAME_RULE,
    Nested,
    Payload,
    SHA256_RULE,
    Table,
    Text,
    U32,
    U64,
    Whole,
)

# Under these names the header and the footers stand in the metadata records of a segment, as JSON;
# the first and the last also in the custom_data of metadata.yaml.
HEADER_NAME: Final = 'fdr_flight_header'
SEGMENT_FOOTER_NAME: Final = 'fdr_segment_footer'
FOOTER_NAME: Final = 'fdr_flight_footer'

# A flight that went on in another directory: a JSON list of all its directories, in the
# custom_data of each and in the metadata records of the segments from then on.
PARTS_NAME: Final = 'fdr_flight_parts'

# The producer under which everything is counted that has no name of its own in the log: messages
# that are no record, and producers beyond the number that is followed one by one.
OTHERS: Final = '(others)'

# Entries of FlightFooter.producers; the totals of the footer always cover all producers.
FOOTER_PRODUCERS_MAX: Final = 256

# Entries of SegmentDropped.producers and Recovered.lost: the limit of one map in a payload.
_PRODUCERS_MAX: Final = 4096

# Entries of FlightHeader.manifest_hashes. The header stands in every segment, and with paths of
# usual length this many stay well below what a segment keeps free for it.
MANIFEST_FILES_MAX: Final = 1024

UtcInstant = Annotated[
    str,
    Text(
        bytes_max=30,
        form='[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}([.][0-9]{1,9})?Z',
        form_name='(ISO 8601 UTC, such as 2026-01-31T12:00:00.000000Z)',
    ),
]
Cause = Annotated[LossCause, Choice(LossCause)]
Reason = Annotated[DropReason, Choice(DropReason)]
LossCounts = Annotated[
    Mapping[LossCause, int],
    Table(key=Choice(LossCause), item=Whole(), items_max=len(LossCause)),
]
ProducerCounts = Annotated[
    Mapping[str, int], Table(key=NAME_RULE, item=Whole(), items_max=_PRODUCERS_MAX)
]
Hashes = Annotated[
    Mapping[str, str],
    Table(key=Text(bytes_max=4096), item=SHA256_RULE, items_max=MANIFEST_FILES_MAX),
]
Versions = Annotated[
    Mapping[str, str],
    Table(key=Text(bytes_max=256), item=Text(bytes_min=0, bytes_max=256), items_max=256),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRotation(Payload):
    """
    The key that signs the vehicle's MAVLink or its log was changed.

    :param old_key_id: name of the key until now; None for the first one
    :param new_key_id: name of the key from now on; never the key itself
    :param reason: why, such as ``scheduled``
    """

    KIND: ClassVar[Kind] = Kind.SIGNING_KEY_ROTATION

    old_key_id: Line | None = None
    new_key_id: Line
    reason: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightHeader(Payload):
    """
    The first record of a flight, repeated in every segment.

    :param flight_id: name of the flight and of its directory [1..64 bytes]
    :param session_id: session of the recorder, as in its own records
    :param start_utc: start as ISO 8601 UTC
    :param start_wall_ns: the same instant, wall clock since the epoch (ns)
    :param start_monotonic_ns: the same instant, CLOCK_MONOTONIC of the recorder (ns)
    :param configuration: settings of the recorder by name; JSON can hold them
    :param manifest_hashes: SHA-256 in hex of each file of the vehicle's manifest, by path
        [at most MANIFEST_FILES_MAX]
    :param host: name of the computer
    :param software_versions: versions of what takes part, by name [at most 256]
    :param predecessor_flight_id: the flight that this one continues: the newest in the flight root
        when it was opened, if that one was interrupted and not closed
    :param signing_key_rotation: the signing key that is in force from the start, if there is one
    """

    KIND: ClassVar[Kind] = Kind.FLIGHT_HEADER

    flight_id: Name
    session_id: U64
    start_utc: UtcInstant
    start_wall_ns: I64
    start_monotonic_ns: U64
    configuration: JsonMap = field(default_factory=dict)
    manifest_hashes: Hashes = field(default_factory=dict)
    host: Line = ''
    software_versions: Versions = field(default_factory=dict)
    predecessor_flight_id: Name | None = None
    signing_key_rotation: Annotated[SigningKeyRotation, Nested(SigningKeyRotation)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerTotals(Layout):
    """
    What became of one producer's records; published + duplicates = recorded + the sum of lost.

    :param published: sequence numbers that the producer gave out in the flight (records)
    :param recorded: what was written to disk, dropped segments included (records)
    :param lost: what was not, by cause (records)
    :param duplicates: records that came with a number that had come before (records)
    :param before_flight: numbers given out before the recorder listened; in no other count
    """

    published: U64
    recorded: U64
    lost: LossCounts = field(default_factory=dict)
    duplicates: U64 = 0
    before_flight: U64 = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightFooter(Payload):
    """
    The last record of a flight that was closed.

    :param flight_id: name of the flight, as in its header
    :param end_utc: end as ISO 8601 UTC
    :param end_wall_ns: the same instant, wall clock since the epoch (ns)
    :param end_monotonic_ns: the same instant, CLOCK_MONOTONIC of the recorder (ns)
    :param records_written: records written to disk, dropped segments included (records)
    :param records_dropped_by_cause: records that are not in the flight, by cause (records)
    :param records_rolled_off: records written that went with segments dropped (records)
    :param bytes_written: bytes written to disk, dropped segments and this footer included (bytes)
    :param rollover_count: segments dropped, for whatever reason (segments)
    :param segment_count: segments that were begun, dropped ones included (segments)
    :param clean_shutdown: False when the recorder closed it after a failure
    :param producers: what became of each producer's records, by producer_id
        [at most FOOTER_PRODUCERS_MAX]
    :param producers_omitted: producers that are only in the totals
    """

    KIND: ClassVar[Kind] = Kind.FLIGHT_FOOTER

    flight_id: Name
    end_utc: UtcInstant
    end_wall_ns: I64
    end_monotonic_ns: U64
    records_written: U64
    records_dropped_by_cause: LossCounts = field(default_factory=dict)
    records_rolled_off: U64 = 0
    bytes_written: U64
    rollover_count: U64 = 0
    segment_count: U64
    clean_shutdown: Boolean
    producers: Annotated[
        Mapping[str, ProducerTotals],
        Table(key=NAME_RULE, item=Nested(ProducerTotals), items_max=FOOTER_PRODUCERS_MAX),
    ] = field(default_factory=dict)
    producers_omitted: U64 = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun(Payload):
    """
    Records of one producer were lost.

    :param producer_id: whose
    :param session_id: in which of its sessions
    :param first_seq: smallest sequence number that may be lost
    :param last_seq: largest sequence number that may be lost, not below first_seq
    :param count: records lost between the two, both included [1..last_seq - first_seq + 1]
    :param cause: where they were lost
    """

    KIND: ClassVar[Kind] = Kind.OVERRUN

    producer_id: Name
    session_id: U64
    first_seq: U64
    last_seq: U64
    count: U64
    cause: Cause

    def _check_together(self) -> None:
        span = self.last_seq - self.first_seq + 1
        if not 1 <= self.count <= span:
            bound = f'1..{span} (first_seq {self.first_seq}, last_seq {self.last_seq})'
            raise PayloadError(field='count', value=self.count, bound=bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerStats(Payload):
    """
    What a producer says about its own session, now and then and when it closes.

    :param session_id: the session
    :param published: sequence numbers given out so far (records)
    :param dropped: those that its own queue dropped (records)
    """

    KIND: ClassVar[Kind] = Kind.PRODUCER_STATS

    session_id: U64
    published: U64
    dropped: U64

    def _check_together(self) -> None:
        if self.dropped > self.published:
            bound = f'at most published, {self.published}'
            raise PayloadError(field='dropped', value=self.dropped, bound=bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDropped(Payload):
    """
    A segment is gone: to keep the flight below its cap, or for one of the other reasons.

    :param file: name of the segment's file
    :param index: number of the segment, 0 for the first
    :param records: records that were in it (records)
    :param size_bytes: what it took on disk (bytes)
    :param start_ns: log time of its first record, since the epoch (ns)
    :param end_ns: log time of its last record, since the epoch (ns)
    :param producers: records that were in it, by producer_id (records)
    :param records_rolled_off: records in all segments dropped so far, this one included (records)
    :param producers_rolled_off: the same by producer_id, the busiest by name and the rest under
        OTHERS; they add up to records_rolled_off. Empty in logs of older recorders.
    :param reason: ``cap``; ``space``, on a full disk; ``missing``, somebody removed its file
    """

    KIND: ClassVar[Kind] = Kind.SEGMENT_DROPPED

    file: Line
    index: U32
    records: U64
    size_bytes: U64
    start_ns: I64
    end_ns: I64
    producers: ProducerCounts = field(default_factory=dict)
    records_rolled_off: U64
    producers_rolled_off: ProducerCounts = field(default_factory=dict)
    reason: Reason = DropReason.CAP


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep(Payload):
    """
    The wall clock was stepped; log time goes on without the step.

    :param wall_before_ns: what the wall clock would say without the step, since the epoch (ns)
    :param wall_after_ns: what it says instead (ns)
    :param monotonic_ns: CLOCK_MONOTONIC of the recorder when it was noticed (ns)
    :param step_ns: wall_after_ns - wall_before_ns, negative when it was set back (ns)
    """

    KIND: ClassVar[Kind] = Kind.CLOCK_STEP

    wall_before_ns: I64
    wall_after_ns: I64
    monotonic_ns: U64
    step_ns: I64

    def _check_together(self) -> None:
        step_ns = self.wall_after_ns - self.wall_before_ns
        if self.step_ns != step_ns:
            raise PayloadError(field='step_ns', value=self.step_ns, bound=str(step_ns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded(Payload):
    """
    The storage refuses data; the recorder keeps counting.

    :param cause: the step that failed, such as ``fdatasync``
    :param errno_name: the system's name for the error, such as ``ENOSPC``, if it gave one
    :param detail: in words, for the operator
    """

    KIND: ClassVar[Kind] = Kind.DEGRADED

    cause: Name
    errno_name: Name | None = None
    detail: Line = ''


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Payload):
    """
    The storage takes data again.

    :param cause: the step that had failed, as in :class:`Degraded`
    :param duration_ns: how long it was degraded, monotonic (ns)
    :param lost: records lost meanwhile, by producer_id (records)
    """

    KIND: ClassVar[Kind] = Kind.RECOVERED

    cause: Name
    duration_ns: U64
    lost: ProducerCounts = field(default_factory=dict)
