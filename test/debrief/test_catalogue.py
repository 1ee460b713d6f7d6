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
"""A flight root is listed, newest first, from what is quick to read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crafted import (
    as_json,
    DURATION_NS,
    FLIGHT_ID,
    footer,
    HEADER,
    START_NS,
    totals,
    write_flight,
)
from fdr_node.debrief.catalogue import FlightEntry, list_flights

if TYPE_CHECKING:
    from pathlib import Path

FOOTER = footer({'imu': totals(90)}, segment_count=3, rollover_count=1, rolled_off=30)


def test_flights_come_newest_first(tmp_path: Path) -> None:
    """A closed flight, one that was not closed and started later, and one that cannot be read."""
    closed = write_flight(tmp_path, {1: bytes(10), 2: bytes(5)}, flight_footer=FOOTER)
    later = write_flight(tmp_path, {0: bytes(7)}, flight_id='later')
    path = later / 'metadata.yaml'
    text = path.read_text(encoding='utf-8')
    header = replace(HEADER, flight_id='later', start_wall_ns=START_NS + 1)
    path.write_text(text.replace(as_json(HEADER), as_json(header)), encoding='utf-8')
    broken = write_flight(tmp_path, {0: bytes(3)}, flight_id='broken')
    (broken / 'metadata.yaml').unlink()

    entries = list_flights(tmp_path)
    assert entries == [
        FlightEntry(
            flight_id='later',
            directory=str(later),
            start_ns=START_NS + 1,
            duration_ns=None,
            records=None,
            size_bytes=7,
            segments=1,
            clean_shutdown=False,
            problems=(),
        ),
        FlightEntry(
            flight_id=FLIGHT_ID,
            directory=str(closed),
            start_ns=START_NS,
            duration_ns=DURATION_NS,
            records=60,
            size_bytes=15,
            segments=2,
            clean_shutdown=True,
            problems=(),
        ),
        FlightEntry(
            flight_id='broken',
            directory=str(broken),
            start_ns=None,
            duration_ns=None,
            records=None,
            size_bytes=3,
            segments=1,
            clean_shutdown=False,
            problems=('metadata.yaml: No such file or directory',),
        ),
    ]
    assert [entry.has_findings for entry in entries] == [True, False, True]


def test_an_entry_as_json(tmp_path: Path) -> None:
    """The keys are those that are documented."""
    directory = write_flight(tmp_path, {2: bytes(5)}, flight_footer=FOOTER)
    (entry,) = list_flights(tmp_path)
    assert entry.to_json() == {
        'flight_id': FLIGHT_ID,
        'directory': str(directory),
        'clean_shutdown': True,
        'start_ns': START_NS,
        'start_utc': '2023-11-14T22:13:20.000000Z',
        'duration_ns': DURATION_NS,
        'records': 60,
        'bytes': 5,
        'segments': 1,
        'problems': [],
        'parts': [],
    }
    assert replace(entry, start_ns=None).to_json()['start_utc'] is None


def test_a_root_without_flights_is_empty(tmp_path: Path) -> None:
    """Nothing is listed where nothing is."""
    assert list_flights(tmp_path) == []
