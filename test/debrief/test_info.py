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
"""A flight is read whole, damaged in every way that is known, and said to be what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bag_reader import read_torn
from crafted import (
    dropped,
    DURATION_NS,
    FLIGHT_ID,
    footer,
    HEADER,
    MS,
    name_of,
    overrun,
    own,
    OWN_SESSION,
    record,
    records,
    segment,
    START_NS,
    Style,
    totals,
    write_flight,
)
from fdr_node.debrief.balance import Account
from fdr_node.debrief.flight_info import (
    FlightInfo,
    PartInfo,
    ProducerInfo,
    Scope,
    SegmentInfo,
)
from fdr_node.debrief.info import inspect_flight
from fdr_node.errors import StorageError
from fdr_node.record import FdrRecord
from fdr_node.schema import Kind, LossCause
import mcap_bytes
import pytest
from rigs import DiskRig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fdr_node.schema import FlightFooter, ProducerTotals

# The flight that each case changes: two segments, a producer in both, one in the second.
FOOTER = footer({'fdr': totals(2), 'gps': totals(3), 'imu': totals(10)}, segment_count=2)
FIRST = segment([own(0, HEADER), *records('imu', range(6))], style=Style(chunk_bytes=200))
SECOND = segment(
    [*records('imu', range(6, 10)), *records('gps', range(3)), own(1, FOOTER)],
    first=7,
    flight_footer=FOOTER,
)
CLEAN = {0: FIRST, 1: SECOND}


def producer(account: Account, **kinds: int) -> ProducerInfo:
    """Return a producer; its session is one unless the account says otherwise."""
    return ProducerInfo(account=account, kinds=kinds)


def whole(count: int) -> Account:
    """Return the account of a producer without loss."""
    return Account(published=count, recorded=count, sessions=1)


def info_of(directory: Path, **changes: object) -> FlightInfo:
    """Return what is known of the flight above, but for what a case changes."""
    base = FlightInfo(
        scope=Scope.FLIGHT,
        flight_id=FLIGHT_ID,
        directory=str(directory),
        host='uav-7',
        clean_shutdown=True,
        start_ns=START_NS,
        duration_ns=DURATION_NS,
        rollover_count=0,
        records_rolled_off=0,
        segments=(segment_info(0, 7, FIRST, first=0), segment_info(1, 8, SECOND, first=7)),
        dropped_segments=(),
        producers={
            'fdr': producer(whole(2), flight_footer=1, flight_header=1),
            'gps': producer(whole(3), gps=3),
            'imu': producer(whole(10), imu=10),
        },
        malformed=0,
        is_balanced=True,
        problems=(),
        parts=(PartInfo(directory=str(directory)),),
    )
    info = replace(base, **changes)  # type: ignore[arg-type]  # the fields of FlightInfo
    segments = tuple(
        replace(
            item,
            directory=str(directory),
            is_left=any('was not closed' in text and item.file in text for text in info.problems),
        )
        for item in info.segments
    )
    return replace(info, segments=segments)


def segment_info(index: int, count: int, data: bytes, *, first: int) -> SegmentInfo:
    """Return what is known of a segment with so many records."""
    if not count:
        return SegmentInfo(
            file=name_of(index), records=0, size_bytes=len(data), start_ns=0, end_ns=0
        )
    start_ns = START_NS + first * MS
    end_ns = start_ns + (count - 1) * MS
    return SegmentInfo(
        file=name_of(index), records=count, size_bytes=len(data), start_ns=start_ns, end_ns=end_ns
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    """
    A flight, and what is known of it beside the clean one.

    :param segments: content of the files, by number
    :param flight_footer: what metadata.yaml has as the footer
    :param listed: what metadata.yaml lists, if not the segments
    :param changes: fields of FlightInfo that are not as in the clean flight
    """

    segments: Mapping[int, bytes]
    changes: Mapping[str, object]
    flight_footer: FlightFooter | None = FOOTER
    listed: tuple[str, ...] | None = None


def chunks(data: bytes) -> list[mcap_bytes.Raw]:
    """Return the chunks of a whole file."""
    return [item for item in mcap_bytes.records_of(data) if item.opcode == mcap_bytes.CHUNK]


def unclosed(data: bytes) -> bytes:
    """Return a file as it is before its end is written: chunks and their index only."""
    end = chunks(data)[-1]
    index = next(item for item in mcap_bytes.records_of(data) if item.offset > end.offset)
    cut = index.offset + index.size
    return data[:cut]


def flipped(data: bytes, chunk: mcap_bytes.Raw) -> bytes:
    """Return a file with one bit of the last message of a chunk turned over."""
    last = chunk.offset + chunk.size - 1
    after = last + 1
    return data[:last] + bytes([data[last] ^ 1]) + data[after:]


def not_closed() -> Case:
    """Return a flight whose recorder was killed."""
    second = unclosed(segment([*records('imu', range(6, 10)), *records('gps', range(3))], first=7))
    return Case(
        segments={0: FIRST, 1: second},
        flight_footer=None,
        changes={
            'clean_shutdown': False,
            'may_go_on': True,
            'duration_ns': 13 * MS,
            'segments': (
                segment_info(0, 7, FIRST, first=0),
                segment_info(1, 7, second, first=7),
            ),
            'producers': {
                'fdr': producer(whole(1), flight_header=1),
                'gps': producer(whole(3), gps=3),
                'imu': producer(whole(10), imu=10),
            },
            'problems': (f'{name_of(1)}: byte {len(second)}: it has no end: it was not closed',),
        },
    )


def torn() -> Case:
    """Return a flight whose last chunk, of imu 14, was being written when the power went."""
    whole_file = segment(records('imu', range(6, 15)), first=7, style=Style(chunk_bytes=200))
    last = chunks(whole_file)[-1]
    cut = last.offset + last.size - 1
    second = whole_file[:cut]
    return Case(
        segments={0: FIRST, 1: second},
        flight_footer=None,
        changes={
            'clean_shutdown': False,
            'may_go_on': True,
            'duration_ns': 14 * MS,
            'segments': (
                segment_info(0, 7, FIRST, first=0),
                segment_info(1, 8, second, first=7),
            ),
            'producers': {
                'fdr': producer(whole(1), flight_header=1),
                'imu': producer(whole(14), imu=14),
            },
            'problems': (f'{name_of(1)}: byte {last.offset}: it is cut off inside a record',),
        },
    )


def flipped_bit() -> Case:
    """Return a flight with damage in the chunk of imu 0 to 2."""
    chunk = chunks(FIRST)[1]
    first = flipped(FIRST, chunk)
    account = Account(
        published=10,
        recorded=7,
        lost_by={'unreadable': 3},
        sessions=1,
        contradictions=('records that were written and cannot be read: 3',),
    )
    return Case(
        segments={0: first, 1: SECOND},
        changes={
            'segments': (
                replace(segment_info(0, 7, first, first=0), records=4),
                segment_info(1, 8, SECOND, first=7),
            ),
            'producers': {
                'fdr': producer(whole(2), flight_footer=1, flight_header=1),
                'gps': producer(whole(3), gps=3),
                'imu': producer(account, imu=7),
            },
            'is_balanced': False,
            'problems': (
                f'{name_of(0)}: byte {chunk.offset}: the CRC of a chunk is wrong',
                f'{name_of(0)}: records that its footer counts and that cannot be read: 3',
                'imu: records that were written and cannot be read: 3',
            ),
        },
    )


def flipped_bit_without_footer() -> Case:
    """Return the same damage in a flight that was not closed: the segment's footer tells."""
    chunk = chunks(FIRST)[1]
    first = flipped(FIRST, chunk)
    case = not_closed()
    account = Account(
        published=10, recorded=7, lost_by={'unreadable': 3}, before_flight=None, sessions=1
    )
    return replace(
        case,
        segments={0: first, 1: case.segments[1]},
        changes={
            **case.changes,
            'segments': (
                replace(segment_info(0, 7, first, first=0), records=4),
                segment_info(1, 7, case.segments[1], first=7),
            ),
            'producers': {
                'fdr': producer(whole(1), flight_header=1),
                'gps': producer(whole(3), gps=3),
                'imu': producer(account, imu=7),
            },
            'problems': (
                f'{name_of(0)}: byte {chunk.offset}: the CRC of a chunk is wrong',
                f'{name_of(0)}: records that its footer counts and that cannot be read: 3',
                f'{name_of(1)}: byte {len(case.segments[1])}: it has no end: it was not closed',
            ),
        },
    )


def unreadable(published: int, recorded: int, *, sessions: int = 1) -> Account:
    """Return the account of a producer whose records are partly gone, with a footer."""
    gone = published - recorded
    return Account(
        published=published,
        recorded=recorded,
        lost_by={'unreadable': gone},
        sessions=sessions,
        contradictions=(f'records that were written and cannot be read: {gone}',),
    )


def missing_segment() -> Case:
    """Return a flight of three segments without the second."""
    flight_footer = replace(FOOTER, segment_count=3)
    third = segment(
        [*records('gps', range(3)), own(1, flight_footer)], first=11, flight_footer=flight_footer
    )
    return Case(
        segments={0: FIRST, 2: third},
        flight_footer=flight_footer,
        listed=(name_of(0), name_of(1), name_of(2)),
        changes={
            'segments': (segment_info(0, 7, FIRST, first=0), segment_info(2, 4, third, first=11)),
            'producers': {
                'fdr': producer(whole(2), flight_footer=1, flight_header=1),
                'gps': producer(whole(3), gps=3),
                'imu': producer(unreadable(10, 6), imu=6),
            },
            'is_balanced': False,
            'problems': (
                'segment 1 is missing',
                'imu: records that were written and cannot be read: 4',
            ),
        },
    )


def missing_last_segment() -> Case:
    """Return a flight whose last segment is gone, so that only metadata.yaml has the footer."""
    return Case(
        segments={0: FIRST},
        listed=(name_of(0), name_of(1)),
        changes={
            'segments': (segment_info(0, 7, FIRST, first=0),),
            'producers': {
                'fdr': producer(unreadable(2, 1), flight_header=1),
                'gps': producer(unreadable(3, 0, sessions=0)),
                'imu': producer(unreadable(10, 6), imu=6),
            },
            'is_balanced': False,
            'problems': (
                'segment 1 is missing',
                'fdr: records that were written and cannot be read: 1',
                'gps: records that were written and cannot be read: 3',
                'imu: records that were written and cannot be read: 4',
            ),
        },
    )


DROPS = (
    dropped(0, {'imu': 4, 'fdr': 1}, rolled_off=5),
    dropped(1, {'imu': 2}, rolled_off=7),
)


def rolled_off() -> Case:
    """Return a flight that dropped two of four segments to keep its cap."""
    flight_footer = footer(
        {'fdr': totals(4), 'imu': totals(12)}, segment_count=4, rollover_count=2, rolled_off=7
    )
    third = segment([own(1, DROPS[0]), *records('imu', range(6, 9))], first=10)
    fourth = segment(
        [own(2, DROPS[1]), *records('imu', range(9, 12)), own(3, flight_footer)],
        first=14,
        flight_footer=flight_footer,
    )
    of_fdr = Account(published=4, recorded=3, lost_by={'rolled_off': 1}, sessions=1)
    of_imu = Account(published=12, recorded=6, lost_by={'rolled_off': 6}, sessions=1)
    return Case(
        segments={2: third, 3: fourth},
        flight_footer=flight_footer,
        changes={
            'rollover_count': 2,
            'records_rolled_off': 7,
            'segments': (
                segment_info(2, 4, third, first=10),
                segment_info(3, 5, fourth, first=14),
            ),
            'dropped_segments': tuple(replace(drop, producers={}) for drop in DROPS),
            'producers': {
                'fdr': producer(of_fdr, flight_footer=1, segment_dropped=2),
                'imu': producer(of_imu, imu=6),
            },
        },
    )


def rolled_off_without_footer() -> Case:
    """Return such a flight, killed; what was said of the first drop has been dropped as well."""
    drop = dropped(1, {'imu': 2, 'fdr': 1}, rolled_off=8, by_producer={'imu': 6, 'fdr': 2})
    third = segment([own(2, drop), *records('imu', range(6, 9))], first=10)
    fourth = unclosed(segment(records('imu', range(9, 12)), first=14))
    of_fdr = Account(
        published=3, recorded=1, lost_by={'rolled_off': 2}, before_flight=None, sessions=1
    )
    of_imu = Account(
        published=12, recorded=6, lost_by={'rolled_off': 6}, before_flight=None, sessions=1
    )
    return Case(
        segments={2: third, 3: fourth},
        flight_footer=None,
        changes={
            'clean_shutdown': False,
            'may_go_on': True,
            'duration_ns': 16 * MS,
            'rollover_count': 2,
            'records_rolled_off': 8,
            'segments': (
                segment_info(2, 4, third, first=10),
                segment_info(3, 3, fourth, first=14),
            ),
            'dropped_segments': (replace(drop, producers={}, producers_rolled_off={}),),
            'producers': {
                'fdr': producer(of_fdr, segment_dropped=1),
                'imu': producer(of_imu, imu=6),
            },
            'problems': (f'{name_of(3)}: byte {len(fourth)}: it has no end: it was not closed',),
        },
    )


def one_segment(
    messages: list[FdrRecord | bytes],
    imu: ProducerInfo,
    promised: ProducerTotals,
    **changes: object,
) -> Case:
    """
    Return a flight of one segment.

    :param messages: the records beside the header and the footer
    :param imu: what is known of the producer imu
    :param promised: what the footer says of it
    :param changes: what else is not as in the clean flight; overruns are counted here
    """
    overruns = sum(
        isinstance(item, FdrRecord) and item.kind == Kind.OVERRUN and item.session_id != 7
        for item in messages
    )
    flight_footer = footer({'fdr': totals(2 + overruns), 'imu': promised}, segment_count=1)
    last = own(1 + overruns, flight_footer)
    data = segment([own(0, HEADER), *messages, last], flight_footer=flight_footer)
    kinds = {'flight_footer': 1, 'flight_header': 1}
    if overruns:
        kinds['overrun'] = overruns
    known: dict[str, object] = {
        'segments': (segment_info(0, len(messages) + 2, data, first=0),),
        'producers': {'fdr': producer(whole(2 + overruns), **kinds), 'imu': imu},
    }
    return Case(segments={0: data}, flight_footer=flight_footer, changes={**known, **changes})


def named_losses() -> Case:
    """Return a flight that lost records in transport, in the ring, and behind its last one."""
    account = Account(
        published=12,
        recorded=8,
        lost_by={'ring': 1, 'too_large': 1, 'transport': 2},
        sessions=1,
    )
    lost = {LossCause.TRANSPORT: 2, LossCause.RING: 1, LossCause.TOO_LARGE: 1}
    return one_segment(
        [
            *records('imu', [0, 1, 4, 5]),
            own(1, overrun('imu', 2, 3, LossCause.TRANSPORT)),
            *records('imu', [7, 8, 9, 10]),
            own(2, overrun('imu', 6, 6, LossCause.RING)),
            own(3, overrun('imu', 11, 11, LossCause.TOO_LARGE)),
        ],
        producer(account, imu=8),
        totals(12, recorded=8, lost=lost),
    )


def losses_without_footer() -> Case:
    """Return a flight that was not closed, with holes of which the log names some."""
    first = segment(
        [
            own(0, HEADER),
            *records('imu', [2, 3, 6, 7, 9]),
            own(1, overrun('imu', 0, 1, LossCause.TRANSPORT)),
            own(2, overrun('imu', 4, 5, LossCause.RING)),
            own(3, overrun('gps', 5, 9, LossCause.RING, count=3)),
        ]
    )
    data = unclosed(first)
    of_imu = Account(
        published=10, recorded=5, lost_by={'ring': 2, 'transport': 2, 'unknown': 1}, sessions=1
    )
    of_gps = Account(published=3, lost_by={'ring': 3}, sessions=1)
    return Case(
        segments={0: data},
        flight_footer=None,
        changes={
            'clean_shutdown': False,
            'may_go_on': True,
            'duration_ns': 8 * MS,
            'segments': (segment_info(0, 9, data, first=0),),
            'producers': {
                'fdr': producer(whole(4), flight_header=1, overrun=3),
                'gps': producer(of_gps),
                'imu': producer(of_imu, imu=5),
            },
            'problems': (f'{name_of(0)}: byte {len(data)}: it has no end: it was not closed',),
        },
    )


def duplicates() -> Case:
    """Return a flight in which a record came twice."""
    account = Account(published=4, recorded=5, duplicates=1, sessions=1)
    return one_segment(
        [*records('imu', [0, 1, 1, 2, 3])],
        producer(account, imu=5),
        totals(4, recorded=5, duplicates=1),
    )


def restarted() -> Case:
    """Return a flight in which a producer began anew."""
    account = Account(published=7, recorded=7, sessions=2)
    return one_segment(
        [*records('imu', range(4)), *records('imu', range(3), session_id=8)],
        producer(account, imu=7),
        totals(7),
    )


def unknown_kinds() -> Case:
    """Return a flight with a kind that nobody knows, and a version of the future."""
    first, second = records('imu', range(2))
    return one_segment(
        [first._replace(kind='lidar_7'), second._replace(schema_version=900)],
        producer(whole(2), imu=1, lidar_7=1),
        totals(2),
    )


def joined_late() -> Case:
    """Return a flight with a producer that had published before it."""
    account = Account(published=4, recorded=4, before_flight=5, sessions=1)
    return one_segment(
        [*records('imu', range(5, 9))],
        producer(account, imu=4),
        totals(4, before_flight=5),
    )


def footer_promises_more() -> Case:
    """Return a flight whose footer counts records that nobody ever saw."""
    text = 'its numbers show 4 published records, the footer 6'
    missing = 'missing records whose loss nothing names: 2'
    account = Account(
        published=6,
        recorded=4,
        lost_by={'unknown': 2},
        sessions=1,
        contradictions=(text, missing),
    )
    return one_segment(
        [*records('imu', range(4))],
        producer(account, imu=4),
        totals(6, recorded=4),
        is_balanced=False,
        problems=(f'imu: {text}', f'imu: {missing}'),
    )


def footer_hides_a_loss() -> Case:
    """Return a flight with a hole of which the footer knows nothing."""
    text = 'its numbers show 5 published records, the footer 4'
    missing = 'missing records whose loss nothing names: 1'
    account = Account(
        published=5,
        recorded=4,
        lost_by={'unknown': 1},
        sessions=1,
        contradictions=(text, missing),
    )
    return one_segment(
        [*records('imu', [0, 1, 2, 4])],
        producer(account, imu=4),
        totals(4),
        is_balanced=False,
        problems=(f'imu: {text}', f'imu: {missing}'),
    )


def footer_names_too_many_losses() -> Case:
    """Return a flight whose footer names more losses than there are holes."""
    text = 'records that are recorded or named as lost beyond those published: 2'
    account = Account(
        published=4, recorded=4, lost_by={'ring': 2}, sessions=1, contradictions=(text,)
    )
    return one_segment(
        [*records('imu', range(4))],
        producer(account, imu=4),
        totals(4, lost={LossCause.RING: 2}),
        is_balanced=False,
        problems=(f'imu: {text}',),
    )


def impostor() -> Case:
    """Return a flight in which somebody publishes under the recorder's name."""
    lie = own(0, overrun('imu', 0, 99, LossCause.RING), session_id=7)
    case = one_segment([*records('imu', range(4)), lie], producer(whole(4), imu=4), totals(4))
    # The recorder writes what it is given, and counts it by the name.
    account = Account(published=3, recorded=3, sessions=2)
    flight_footer = footer({'fdr': totals(3), 'imu': totals(4)}, segment_count=1)
    data = segment(
        [own(0, HEADER), *records('imu', range(4)), lie, own(1, flight_footer)],
        flight_footer=flight_footer,
    )
    return Case(
        segments={0: data},
        flight_footer=flight_footer,
        changes={
            **case.changes,
            'segments': (segment_info(0, 7, data, first=0),),
            'producers': {
                'fdr': producer(account, flight_footer=1, flight_header=1, overrun=1),
                'imu': producer(whole(4), imu=4),
            },
            'problems': ('records under the name of the recorder that are not its own: 1',),
        },
    )


def junk() -> Case:
    """Return a flight with a message that is no record, and a record nobody understands."""
    odd = record('fdr', 1)._replace(kind='overrun', session_id=OWN_SESSION)
    flight_footer = footer({'fdr': totals(3)}, segment_count=1, refused={LossCause.MALFORMED: 4})
    data = segment(
        [own(0, HEADER), odd, own(2, flight_footer), b'junk'], flight_footer=flight_footer
    )
    return Case(
        segments={0: data},
        flight_footer=flight_footer,
        changes={
            'segments': (segment_info(0, 3, data, first=0),),
            'producers': {
                'fdr': producer(whole(3), flight_footer=1, flight_header=1, overrun=1),
            },
            'malformed': 5,
            'problems': (
                'messages that are no FdrRecord: 1',
                'records of the recorder itself that cannot be understood: 1',
            ),
        },
    )


def failed_close() -> Case:
    """Return a flight whose recorder had failed when it was closed."""
    flight_footer = replace(FOOTER, clean_shutdown=False)
    second = segment(
        [*records('imu', range(6, 10)), *records('gps', range(3)), own(1, flight_footer)],
        first=7,
        flight_footer=flight_footer,
    )
    return Case(
        segments={0: FIRST, 1: second},
        flight_footer=flight_footer,
        changes={
            'clean_shutdown': False,
            'segments': (segment_info(0, 7, FIRST, first=0), segment_info(1, 8, second, first=7)),
        },
    )


def mixed_flights() -> Case:
    """Return a flight whose first segment is of another flight."""
    other = replace(HEADER, flight_id='flight-b')
    first = segment([own(0, HEADER), *records('imu', range(6))], header=HEADER)
    second = segment(
        [*records('imu', range(6, 10)), *records('gps', range(3)), own(1, FOOTER)],
        first=7,
        header=other,
        flight_footer=FOOTER,
    )
    return Case(
        segments={0: first, 1: second},
        changes={
            'segments': (segment_info(0, 7, first, first=0), segment_info(1, 8, second, first=7)),
            'problems': (f'{name_of(1)}: it belongs to the flight flight-b',),
        },
    )


def not_listed() -> Case:
    """Return a flight with a segment that metadata.yaml does not list."""
    text = 'metadata.yaml does not list it, so ros2 bag does not play it'
    return Case(
        segments=CLEAN, listed=(name_of(0),), changes={'problems': (f'{name_of(1)}: {text}',)}
    )


CASES: Mapping[str, Callable[[], Case]] = {
    function.__name__: function
    for function in (
        not_closed,
        torn,
        flipped_bit,
        flipped_bit_without_footer,
        missing_segment,
        missing_last_segment,
        rolled_off,
        rolled_off_without_footer,
        named_losses,
        losses_without_footer,
        duplicates,
        restarted,
        unknown_kinds,
        joined_late,
        footer_promises_more,
        footer_hides_a_loss,
        footer_names_too_many_losses,
        impostor,
        junk,
        failed_close,
        mixed_flights,
        not_listed,
    )
}
# What is neither lost nor wrong.
WITHOUT_FINDINGS = {'duplicates', 'joined_late', 'restarted', 'unknown_kinds'}


def test_a_clean_flight_adds_up(tmp_path: Path) -> None:
    """Nothing is found in a flight in which nothing went wrong."""
    directory = write_flight(tmp_path, CLEAN, flight_footer=FOOTER)
    info = inspect_flight(directory)
    assert info == info_of(directory)
    assert not info.has_findings


@pytest.mark.parametrize('name', CASES)
def test_what_is_said_of_a_flight(name: str, tmp_path: Path) -> None:
    """All that is known of a flight is as it is; nothing in it stops the reading."""
    case = CASES[name]()
    directory = write_flight(
        tmp_path, case.segments, flight_footer=case.flight_footer, listed=case.listed
    )
    info = inspect_flight(directory)
    assert info == info_of(directory, **case.changes)
    assert info.has_findings is (name not in WITHOUT_FINDINGS)


def test_what_the_recorder_writes_adds_up(tmp_path: Path) -> None:
    """A flight beyond its cap, looked at while it is recorded and after it was closed."""
    rig = DiskRig(tmp_path)
    rig.open_flight()
    rig.write(range(40), payload_bytes=100 * 1024)
    rig.recorder.commit()
    for has_end in (False, True):
        if has_end:
            rig.recorder.close_flight()
        info = inspect_flight(rig.directory)
        kept = [
            item.record.seq
            for path in rig.directory.glob('*.mcap')
            for item in read_torn(path).stored
            if item.record.producer_id == 'imu_1'
        ]
        assert 0 < len(kept) < 40
        account = Account(
            published=40,
            recorded=len(kept),
            lost_by={'rolled_off': 40 - len(kept)},
            before_flight=0 if has_end else None,
            sessions=1,
        )
        assert info.producers['imu_1'] == producer(account, imu=len(kept))
        assert (info.clean_shutdown, info.is_balanced) == (has_end, True)
        assert len(info.problems) == (0 if has_end else 1)
        assert info.rollover_count == int(info.segments[0].file.split('_')[1].split('.')[0])


@pytest.mark.parametrize(
    ('metadata', 'problem'),
    [
        (None, 'metadata.yaml: No such file or directory'),
        (b'a: [', 'metadata.yaml: it is no YAML'),
        (b'[1, 2]', 'metadata.yaml: it lists no files'),
        (
            b'rosbag2_bagfile_information: {relative_file_paths: 7}',
            'metadata.yaml: it lists no files',
        ),
    ],
)
def test_segments_tell_what_metadata_does_not(
    metadata: bytes | None, problem: str, tmp_path: Path
) -> None:
    """Header and footer are in the segments, too."""
    directory = write_flight(tmp_path, CLEAN)
    (directory / 'metadata.yaml').unlink()
    if metadata is not None:
        (directory / 'metadata.yaml').write_bytes(metadata)
    assert inspect_flight(directory) == info_of(directory, problems=(problem,))


def test_the_recorders_records_tell_when_nothing_else_does(tmp_path: Path) -> None:
    """Header and footer are records, too."""
    messages = [own(0, HEADER), *records('imu', range(4)), own(1, FOOTER)]
    data = segment(messages, header=None)
    directory = write_flight(tmp_path, {0: data})
    (directory / 'metadata.yaml').unlink()
    info = inspect_flight(directory)
    assert (info.flight_id, info.host, info.start_ns) == (FLIGHT_ID, 'uav-7', START_NS)
    assert (info.clean_shutdown, info.duration_ns) == (True, DURATION_NS)


def test_records_are_shown_when_nobody_says_of_which_flight(tmp_path: Path) -> None:
    """Without any header the records count by themselves, from the first one on."""
    data = segment(records('imu', range(4)), first=3, header=None)
    directory = write_flight(tmp_path, {0: data}, flight_id='lost+found')
    (directory / 'metadata.yaml').unlink()
    assert inspect_flight(directory) == info_of(
        directory,
        flight_id='lost+found',
        host='',
        clean_shutdown=False,
        may_go_on=True,
        start_ns=START_NS + 3 * MS,
        duration_ns=3 * MS,
        segments=(segment_info(0, 4, data, first=3),),
        producers={'imu': producer(whole(4), imu=4)},
        problems=(
            'metadata.yaml: No such file or directory',
            'the header of the flight is missing',
        ),
    )


def test_a_segment_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    """The other segments are read all the same."""
    directory = write_flight(tmp_path, {0: FIRST})
    (directory / name_of(1)).mkdir()
    info = inspect_flight(directory)
    assert [(item.file, item.records, item.size_bytes) for item in info.segments] == [
        (name_of(0), 7, len(FIRST)),
        (name_of(1), 0, 0),
    ]
    assert info.problems == (f'{name_of(1)}: Is a directory',)


def test_a_segment_by_itself_is_counted_by_itself(tmp_path: Path) -> None:
    """What the footer counts and what was dropped is not of one segment."""
    case = rolled_off()
    directory = write_flight(tmp_path, case.segments)
    account = Account(published=3, recorded=3, before_flight=None, sessions=1)
    own_account = Account(published=2, recorded=2, before_flight=None, sessions=1)
    info = inspect_flight(directory / name_of(3))
    assert info == info_of(
        directory,
        scope=Scope.SEGMENT,
        parts=(),
        start_ns=START_NS + 14 * MS,
        duration_ns=4 * MS,
        rollover_count=2,
        records_rolled_off=7,
        segments=(segment_info(3, 5, case.segments[3], first=14),),
        dropped_segments=(replace(DROPS[1], producers={}),),
        producers={
            'fdr': producer(own_account, flight_footer=1, segment_dropped=1),
            'imu': producer(account, imu=3),
        },
    )
    assert not info.has_findings


def test_a_segment_in_the_middle_need_not_have_an_end_of_the_flight(tmp_path: Path) -> None:
    """A segment without a footer is no finding as long as it is whole."""
    directory = write_flight(tmp_path, CLEAN)
    info = inspect_flight(directory / name_of(0))
    assert not info.clean_shutdown
    assert not info.has_findings
    (directory / name_of(0)).write_bytes(unclosed(FIRST))
    assert inspect_flight(directory / name_of(0)).has_findings


def test_the_name_of_a_segment_tells_the_flight_when_nothing_else_does(tmp_path: Path) -> None:
    """A segment is called by its flight and its number."""
    path = tmp_path / name_of(1)
    path.write_bytes(segment(records('imu', range(4)), header=None))
    assert inspect_flight(path).flight_id == FLIGHT_ID


def test_progress_ends_with_all_bytes(tmp_path: Path) -> None:
    """Progress goes up to the size of all segments and never back."""
    directory = write_flight(tmp_path, CLEAN)
    told: list[tuple[int, int]] = []
    inspect_flight(directory, on_progress=lambda done, total: told.append((done, total)))
    total = len(FIRST) + len(SECOND)
    assert told[-1] == (total, total)
    assert told == sorted(told)
    assert len(told) > len(CLEAN)


@pytest.mark.parametrize(
    ('files', 'path', 'reason'),
    [
        ({}, 'nothing', 'No such file or directory'),
        ({}, '.', 'it is no flight: no segment (<name>_<number>.mcap) is in it'),
        (
            {'metadata.yaml': b''},
            '.',
            'it is no flight: no segment (<name>_<number>.mcap) is in it',
        ),
        (
            {'a_0.mcap': b'text'},
            '.',
            'it is no flight; a_0.mcap: byte 0: it does not begin as an MCAP file does',
        ),
        (
            {'notes.txt': b'text'},
            'notes.txt',
            'it is no flight; notes.txt: byte 0: it does not begin as an MCAP file does',
        ),
        (
            {'a_0.mcap': segment([b'image'], header=None, style=Style(topic='/camera'))},
            'a_0.mcap',
            'it is no flight',
        ),
    ],
)
def test_what_is_no_flight_is_refused(
    files: Mapping[str, bytes], path: str, reason: str, tmp_path: Path
) -> None:
    """The refusal names the path and the reason."""
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(StorageError) as caught:
        inspect_flight(tmp_path / path)
    assert (caught.value.path, caught.value.strerror) == (str(tmp_path / path), reason)
