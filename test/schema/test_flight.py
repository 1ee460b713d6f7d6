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
"""The payloads about the log itself: what stands in the record, and what does not fit together."""

import json

from fdr_node.errors import PayloadError
from fdr_node.schema import (
    ClockStep,
    decode_payload,
    Degraded,
    DropReason,
    encode_payload,
    FlightFooter,
    FlightHeader,
    FOOTER_PRODUCERS_MAX,
    LossCause,
    MANIFEST_FILES_MAX,
    Overrun,
    Payload,
    ProducerStats,
    ProducerTotals,
    Recovered,
    SegmentDropped,
    SigningKeyRotation,
    Value,
)
import pytest

HEADER = FlightHeader(
    flight_id='018d0000-0000-7000-8000-000000000001',
    session_id=2**64 - 1,
    start_utc='2026-01-31T12:00:00.000001Z',
    start_wall_ns=1_769_860_800_000_001_000,
    start_monotonic_ns=55,
    configuration={'flight_root': '/data', 'chunk_bytes': 4096, 'manifest_paths': ['/etc/a']},
    manifest_hashes={'/etc/a': 'ab' * 32},
    host='uav-7',
    software_versions={'fdr_node': '0.1.0'},
    predecessor_flight_id='018d0000-0000-7000-8000-000000000000',
    signing_key_rotation=SigningKeyRotation(new_key_id='k2', reason='scheduled'),
)
FOOTER = FlightFooter(
    flight_id='018d0000-0000-7000-8000-000000000001',
    end_utc='2026-01-31T12:30:00Z',
    end_wall_ns=1_769_862_600_000_000_000,
    end_monotonic_ns=1_800_000_000_055,
    records_written=1000,
    records_dropped_by_cause={LossCause.RING: 3, LossCause.TRANSPORT: 2},
    records_rolled_off=100,
    bytes_written=123_456,
    rollover_count=1,
    segment_count=4,
    clean_shutdown=True,
    producers={
        'imu': ProducerTotals(
            published=905, recorded=900, lost={LossCause.RING: 5}, duplicates=2, before_flight=7
        )
    },
    producers_omitted=1,
)

# Each payload with the map that stands in its record.
PAYLOADS: list[tuple[Payload, dict[str, Value]]] = [
    (
        HEADER,
        {
            'flight_id': '018d0000-0000-7000-8000-000000000001',
            'session_id': 2**64 - 1,
            'start_utc': '2026-01-31T12:00:00.000001Z',
            'start_wall_ns': 1_769_860_800_000_001_000,
            'start_monotonic_ns': 55,
            'configuration': {
                'flight_root': '/data',
                'chunk_bytes': 4096,
                'manifest_paths': ['/etc/a'],
            },
            'manifest_hashes': {'/etc/a': 'ab' * 32},
            'host': 'uav-7',
            'software_versions': {'fdr_node': '0.1.0'},
            'predecessor_flight_id': '018d0000-0000-7000-8000-000000000000',
            'signing_key_rotation': {'new_key_id': 'k2', 'reason': 'scheduled'},
        },
    ),
    (
        FOOTER,
        {
            'flight_id': '018d0000-0000-7000-8000-000000000001',
            'end_utc': '2026-01-31T12:30:00Z',
            'end_wall_ns': 1_769_862_600_000_000_000,
            'end_monotonic_ns': 1_800_000_000_055,
            'records_written': 1000,
            'records_dropped_by_cause': {'ring': 3, 'transport': 2},
            'records_rolled_off': 100,
            'bytes_written': 123_456,
            'rollover_count': 1,
            'segment_count': 4,
            'clean_shutdown': True,
            'producers': {
                'imu': {
                    'published': 905,
                    'recorded': 900,
                    'lost': {'ring': 5},
                    'duplicates': 2,
                    'before_flight': 7,
                }
            },
            'producers_omitted': 1,
        },
    ),
    (
        Overrun(
            producer_id='imu',
            session_id=1,
            first_seq=10,
            last_seq=14,
            count=5,
            cause=LossCause.INTAKE_QUEUE,
        ),
        {
            'producer_id': 'imu',
            'session_id': 1,
            'first_seq': 10,
            'last_seq': 14,
            'count': 5,
            'cause': 'intake_queue',
        },
    ),
    (
        SigningKeyRotation(old_key_id='k1', new_key_id='k2', reason='lost'),
        {'old_key_id': 'k1', 'new_key_id': 'k2', 'reason': 'lost'},
    ),
    (
        ProducerStats(session_id=9, published=100, dropped=2),
        {'session_id': 9, 'published': 100, 'dropped': 2},
    ),
    (
        SegmentDropped(
            file='x_0.mcap',
            index=0,
            records=100,
            size_bytes=4096,
            start_ns=1,
            end_ns=2,
            producers={'imu': 100},
            records_rolled_off=100,
            producers_rolled_off={'imu': 90, '(others)': 10},
            reason=DropReason.SPACE,
        ),
        {
            'file': 'x_0.mcap',
            'index': 0,
            'records': 100,
            'size_bytes': 4096,
            'start_ns': 1,
            'end_ns': 2,
            'producers': {'imu': 100},
            'records_rolled_off': 100,
            'producers_rolled_off': {'imu': 90, '(others)': 10},
            'reason': 'space',
        },
    ),
    (
        ClockStep(wall_before_ns=100, wall_after_ns=40, monotonic_ns=7, step_ns=-60),
        {'wall_before_ns': 100, 'wall_after_ns': 40, 'monotonic_ns': 7, 'step_ns': -60},
    ),
    (
        Degraded(cause='fdatasync', errno_name='ENOSPC', detail='0 bytes free'),
        {'cause': 'fdatasync', 'errno_name': 'ENOSPC', 'detail': '0 bytes free'},
    ),
    (
        Recovered(cause='fdatasync', duration_ns=5, lost={'imu': 12}),
        {'cause': 'fdatasync', 'duration_ns': 5, 'lost': {'imu': 12}},
    ),
]


@pytest.mark.parametrize(
    ('payload', 'expected'), PAYLOADS, ids=[payload.KIND for payload, _ in PAYLOADS]
)
def test_a_record_holds_what_is_written_out_here(
    payload: Payload, expected: dict[str, Value]
) -> None:
    """The names and types that readers of old logs depend on."""
    assert payload.to_payload() == expected
    assert type(payload).from_payload(decode_payload(encode_payload(expected))) == payload


@pytest.mark.parametrize(
    ('payload', 'expected'), PAYLOADS, ids=[payload.KIND for payload, _ in PAYLOADS]
)
def test_these_payloads_are_json_too(payload: Payload, expected: dict[str, Value]) -> None:
    """Header and footer stand in MCAP metadata and metadata.yaml as JSON."""
    text = json.dumps(payload.to_payload())

    assert json.loads(text) == expected
    assert type(payload).from_json(text) == payload


def test_only_what_is_known_is_written() -> None:
    """A header without its optional fields has no empty ones."""
    header = FlightHeader(
        flight_id='f',
        session_id=1,
        start_utc='2026-01-31T12:00:00Z',
        start_wall_ns=2,
        start_monotonic_ns=3,
    )

    assert header.to_payload() == {
        'flight_id': 'f',
        'session_id': 1,
        'start_utc': '2026-01-31T12:00:00Z',
        'start_wall_ns': 2,
        'start_monotonic_ns': 3,
        'configuration': {},
        'manifest_hashes': {},
        'host': '',
        'software_versions': {},
    }


# Changes to the map of a payload, and the field that the error names.
CONTRADICTIONS: list[tuple[type[Payload], dict[str, Value], str]] = [
    (Overrun, {'first_seq': 15}, 'count'),
    (Overrun, {'count': 6}, 'count'),
    (Overrun, {'count': 0}, 'count'),
    (Overrun, {'cause': 'magic'}, 'cause'),
    (ProducerStats, {'dropped': 101}, 'dropped'),
    (ClockStep, {'step_ns': 60}, 'step_ns'),
    (FlightHeader, {'start_utc': '2026-01-31 12:00:00'}, 'start_utc'),
    (FlightHeader, {'start_utc': '2026-01-31T12:00:00+01:00'}, 'start_utc'),
    (FlightHeader, {'start_utc': '٢٠٢٦-01-31T12:00:00Z'}, 'start_utc'),
    (FlightHeader, {'manifest_hashes': {'/etc/a': 'AB' * 32}}, 'manifest_hashes./etc/a'),
    (FlightHeader, {'configuration': {'a': b'bytes'}}, 'configuration'),
    (FlightHeader, {'signing_key_rotation': {'reason': 'x'}}, 'signing_key_rotation.new_key_id'),
    (
        FlightHeader,
        {'manifest_hashes': {str(i): 'ab' * 32 for i in range(MANIFEST_FILES_MAX + 1)}},
        'manifest_hashes',
    ),
    (FlightFooter, {'records_dropped_by_cause': {'magic': 1}}, 'records_dropped_by_cause: key'),
    (FlightFooter, {'producers': {'imu': {'published': 1}}}, 'producers.imu.recorded'),
    (
        FlightFooter,
        {
            'producers': {
                str(i): {'published': 0, 'recorded': 0} for i in range(FOOTER_PRODUCERS_MAX + 1)
            }
        },
        'producers',
    ),
]


@pytest.mark.parametrize(('payload_type', 'changes', 'field'), CONTRADICTIONS)
def test_what_does_not_fit_is_named(
    payload_type: type[Payload], changes: dict[str, Value], field: str
) -> None:
    """Each case is a valid payload except for one field."""
    valid = next(payload for kind, payload in PAYLOADS if type(kind) is payload_type)

    with pytest.raises(PayloadError) as caught:
        payload_type.from_payload({**valid, **changes})

    assert caught.value.field == field


def test_the_largest_header_and_footer_fit_into_a_record() -> None:
    """With usual paths and names, at all their limits."""
    header = FlightHeader.from_payload(
        {
            **HEADER.to_payload(),
            'manifest_hashes': {
                f'/opt/vehicle/share/maps/{i:032}.bin': 'ab' * 32
                for i in range(MANIFEST_FILES_MAX)
            },
        }
    )
    lost: dict[str, Value] = dict.fromkeys(LossCause, 2**64 - 1)
    footer = FlightFooter.from_payload(
        {
            **FOOTER.to_payload(),
            'producers': {
                f'{i:064}': {'published': 2**64 - 1, 'recorded': 2**64 - 1, 'lost': lost}
                for i in range(FOOTER_PRODUCERS_MAX)
            },
        }
    )

    for payload in (header, footer):
        assert decode_payload(encode_payload(payload.to_payload())) == payload.to_payload()
