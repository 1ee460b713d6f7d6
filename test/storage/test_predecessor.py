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
"""Which flight of a root a new one continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.recording.identity import new_flight_id
from fdr_node.schema import FlightFooter, FOOTER_NAME, HEADER_NAME
from fdr_node.storage import bag_format
from fdr_node.storage.predecessor import interrupted_flight
from manual_clock import ManualClock, WALL_NS
import pytest
from rigs import config_of, header_of

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.schema import FlightHeader

CLOSED, RECOVERED = True, False
# Of version 4: it does not sort by time.
RANDOM_ID = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'


def flight(
    root: Path, *, at_s: int, flight_id: str = '', is_clean: bool | None = None
) -> FlightHeader:
    """Leave what is needed of a flight: its metadata, with a footer or (None) without one."""
    wall_ns = WALL_NS + at_s * NS_PER_S
    name = flight_id or new_flight_id(wall_ns)
    header = header_of(config_of(root), ManualClock(wall_ns=wall_ns), name)
    custom_data = {HEADER_NAME: header.to_json()}
    if is_clean is not None:
        footer = FlightFooter(
            flight_id=name,
            end_utc='2026-01-31T12:00:00Z',
            end_wall_ns=wall_ns,
            end_monotonic_ns=0,
            records_written=2,
            bytes_written=1000,
            rollover_count=0,
            segment_count=1,
            clean_shutdown=is_clean,
        )
        custom_data[FOOTER_NAME] = footer.to_json()
    (root / name).mkdir(parents=True)
    text = bag_format.metadata_yaml([], custom_data)
    (root / name / bag_format.METADATA_NAME).write_text(text)
    return header


@pytest.mark.parametrize('is_clean', [None, RECOVERED], ids=['as it was left', 'recovered'])
def test_the_newest_flight_when_it_was_interrupted(
    tmp_path: Path, *, is_clean: bool | None
) -> None:
    """Whether somebody has put it in order since or not."""
    flight(tmp_path, at_s=0, is_clean=CLOSED)
    newest = flight(tmp_path, at_s=20, is_clean=is_clean)
    flight(tmp_path, at_s=10, is_clean=None)
    assert interrupted_flight(tmp_path) == newest.flight_id


def test_no_flight_when_the_newest_was_closed(tmp_path: Path) -> None:
    """However many were interrupted before it."""
    flight(tmp_path, at_s=0)
    flight(tmp_path, at_s=10, is_clean=CLOSED)
    assert interrupted_flight(tmp_path) is None


@pytest.mark.parametrize(
    ('at_s', 'expected'), [(-5, None), (5, RANDOM_ID)], ids=['older', 'newer']
)
def test_a_flight_whose_id_does_not_tell_the_time(
    tmp_path: Path, at_s: int, expected: str | None
) -> None:
    """Its header does."""
    flight(tmp_path, at_s=0, is_clean=CLOSED)
    flight(tmp_path, at_s=at_s, flight_id=RANDOM_ID)
    assert interrupted_flight(tmp_path) == expected


def test_what_is_no_flight_counts_for_nothing(tmp_path: Path) -> None:
    """A directory without a header, torn metadata, a file, a directory of another name."""
    continued = flight(tmp_path, at_s=0)
    ids = [new_flight_id(WALL_NS + after_s * NS_PER_S) for after_s in range(10, 14)]
    (tmp_path / ids[0]).mkdir()
    for name, text in ((ids[1], 'a: ['), (ids[2], 'rosbag2_bagfile_information: {}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / bag_format.METADATA_NAME).write_text(text)
    (tmp_path / ids[3]).write_text('a file')
    (tmp_path / RANDOM_ID).mkdir()
    flight(tmp_path / 'trash', at_s=20)
    assert interrupted_flight(tmp_path) == continued.flight_id


def test_a_root_that_cannot_be_listed(tmp_path: Path) -> None:
    """It is not there yet, or no directory: what opens the flight finds that out."""
    assert interrupted_flight(tmp_path / 'missing') is None
    (tmp_path / 'file').write_text('')
    assert interrupted_flight(tmp_path / 'file') is None


def test_an_empty_root(tmp_path: Path) -> None:
    """The first flight continues nothing."""
    assert interrupted_flight(tmp_path) is None
