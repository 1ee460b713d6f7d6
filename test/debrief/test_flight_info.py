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
"""What is known of a flight, as JSON, and what of it is a finding."""

from __future__ import annotations

from dataclasses import replace

from crafted import dropped, START_NS
from fdr_node.debrief.balance import Account
from fdr_node.debrief.flight_info import FlightInfo, PartInfo, ProducerInfo, Scope, SegmentInfo
from fdr_node.debrief.outages import Outage
import pytest

ACCOUNT = Account(
    published=7,
    recorded=5,
    lost_by={'ring': 1, 'rolled_off': 2},
    duplicates=1,
    before_flight=3,
    sessions=2,
)
INFO = FlightInfo(
    scope=Scope.FLIGHT,
    flight_id='flight-a',
    directory='/flights/flight-a',
    host='uav-7',
    clean_shutdown=True,
    start_ns=START_NS,
    duration_ns=20,
    rollover_count=1,
    records_rolled_off=2,
    segments=(
        SegmentInfo(
            file='a_1.mcap', records=4, size_bytes=100, start_ns=START_NS, end_ns=START_NS
        ),
        SegmentInfo(file='a_2.mcap', records=0, size_bytes=50, start_ns=0, end_ns=0),
        SegmentInfo(
            file='a_3.mcap',
            records=1,
            size_bytes=10,
            start_ns=START_NS + 1,
            end_ns=START_NS + 2_000_000_000,
            directory='/flights/flight-a',
            is_left=True,
        ),
    ),
    dropped_segments=(dropped(0, {}, rolled_off=2),),
    producers={'imu': ProducerInfo(account=ACCOUNT, kinds={'imu': 4, 'tick': 1})},
    malformed=4,
    is_balanced=True,
    problems=('something',),
    open_ends=('imu',),
    parts=(
        PartInfo(directory='/flights/flight-a', listed_as='/data/flight-a'),
        PartInfo(directory=None, listed_as='/spare/flight-a'),
    ),
    outages=(
        Outage(
            cause='commit',
            errno_name='EIO',
            detail='commit: EIO',
            end_ns=START_NS + 9,
            duration_ns=4,
            lost={'imu': 3},
        ),
        Outage(cause='stall', end_ns=START_NS + 11),
    ),
    outage_count=3,
    outage_records_lost=5,
)
WHOLE = replace(
    INFO,
    producers={'imu': ProducerInfo(account=Account(published=5, recorded=5))},
    problems=(),
    outages=(),
    outage_count=0,
)

SEGMENTS = [
    {
        'file': 'a_1.mcap',
        'directory': '',
        'closed': True,
        'records': 4,
        'bytes': 100,
        'start_ns': START_NS,
        'end_ns': START_NS,
    },
    {
        'file': 'a_2.mcap',
        'directory': '',
        'closed': True,
        'records': 0,
        'bytes': 50,
        'start_ns': 0,
        'end_ns': 0,
    },
    {
        'file': 'a_3.mcap',
        'directory': '/flights/flight-a',
        'closed': False,
        'records': 1,
        'bytes': 10,
        'start_ns': START_NS + 1,
        'end_ns': START_NS + 2_000_000_000,
    },
]
OUTAGES = [
    {
        'start_ns': START_NS + 5,
        'end_ns': START_NS + 9,
        'duration_ns': 4,
        'cause': 'commit',
        'errno': 'EIO',
        'detail': 'commit: EIO',
        'lost': {'imu': 3},
    },
    {
        'start_ns': None,
        'end_ns': START_NS + 11,
        'duration_ns': None,
        'cause': 'stall',
        'errno': None,
        'detail': '',
        'lost': {},
    },
]


def test_all_of_it_as_json() -> None:
    """Every key, with a value that is not its default."""
    assert INFO.to_json() == {
        'scope': 'flight',
        'flight_id': 'flight-a',
        'directory': '/flights/flight-a',
        'parts': [
            {'directory': '/flights/flight-a', 'listed_as': '/data/flight-a'},
            {'directory': None, 'listed_as': '/spare/flight-a'},
        ],
        'complete': False,
        'host': 'uav-7',
        'clean_shutdown': True,
        'start_ns': START_NS,
        'start_utc': '2023-11-14T22:13:20.000000Z',
        'duration_ns': 20,
        'records': 5,
        'bytes': 160,
        'rollover_count': 1,
        'records_rolled_off': 2,
        'segments': SEGMENTS,
        'dropped_segments': [
            {
                'file': 'flight-a_0.mcap',
                'index': 0,
                'reason': 'cap',
                'records': 0,
                'bytes': 1000,
                'start_ns': START_NS,
                'end_ns': START_NS + 1_000_000,
            }
        ],
        'outages': OUTAGES,
        'outage_count': 3,
        'outage_records_lost': 5,
        'producers': {
            'imu': {
                'published': 7,
                'recorded': 5,
                'lost': 3,
                'lost_by': {'ring': 1, 'rolled_off': 2},
                'duplicates': 1,
                'before_flight': 3,
                'sessions': 2,
                'kinds': {'imu': 4, 'tick': 1},
                'rates_hz': {'imu': 2.0, 'tick': 0.5},
            }
        },
        'open_ends': ['imu'],
        'malformed': 4,
        'balanced': True,
        'problems': ['something'],
    }


def test_rates_need_a_time() -> None:
    """A rate is over the time between the first and the last record that can be read."""
    one_instant = replace(INFO, segments=INFO.segments[:2])
    assert (one_instant.span_ns, one_instant.rate_hz(4)) == (0, None)
    empty = replace(INFO, segments=INFO.segments[1:2])
    assert (empty.span_ns, empty.rate_hz(0)) == (0, None)


@pytest.mark.parametrize(
    ('info', 'has_findings'),
    [
        (WHOLE, False),
        (replace(WHOLE, clean_shutdown=False), True),
        (replace(WHOLE, clean_shutdown=False, scope=Scope.SEGMENT), False),
        (replace(WHOLE, is_balanced=False), True),
        (replace(WHOLE, is_balanced=None), True),
        (replace(WHOLE, problems=('something',)), True),
        (replace(WHOLE, outage_count=1), True),
        (replace(WHOLE, producers=INFO.producers), True),
    ],
    ids=[
        'clean',
        'not closed',
        'one segment',
        'not balanced',
        'not whole',
        'problem',
        'outage',
        'loss',
    ],
)
def test_findings(info: FlightInfo, *, has_findings: bool) -> None:
    """A loss is one, even if it is accounted for; a segment need not be the last."""
    assert info.has_findings is has_findings
