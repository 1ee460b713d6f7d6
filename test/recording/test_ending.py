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
"""The footer of a flight, and the steps that put it there."""

from __future__ import annotations

from collections import Counter
import errno
from typing import TYPE_CHECKING

from faulty_store import FaultySegment
from fdr_node.config import KIB, MIB
from fdr_node.errors import FlightStateError
from fdr_node.record import decode_cdr
from fdr_node.recording.ending import Ending, footer_of
from fdr_node.schema import (
    decode_payload,
    FlightFooter,
    FOOTER_NAME,
    LossCause,
    ProducerTotals,
)
import pytest
from rigs import MemoryRig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.config import Setting
    from fdr_node.record import FdrRecord

STEPS = ['add', 'commit', 'sync', 'close', 'release', 'publish', 'open_segment', 'segment_names']
TRIES_MAX = 200


def before_the_end(settings: Mapping[str, Setting] | None = None) -> MemoryRig:
    """Return a flight of several segments, with one record that is not committed."""
    rig = MemoryRig({'flight_bytes_max': 8 * MIB, **(settings or {})})
    rig.open_flight()
    rig.write(range(8), payload_bytes=180 * KIB)
    rig.recorder.commit()
    rig.write([8])
    rig.faults.calls.clear()
    return rig


def land(rig: MemoryRig) -> FlightFooter:
    """Close the flight as a session does."""
    for _ in range(TRIES_MAX):
        footer = rig.recorder.try_to_close()
        if footer is not None:
            return footer
        rig.clock.advance(0.05)
        rig.recorder.tick()
    raise AssertionError


def check(rig: MemoryRig, footer: FlightFooter) -> list[FdrRecord]:
    """Check that a footer is true and stands where it belongs. :return: the records."""
    flight = rig.flight
    segments = flight.segments.values()
    records = [decode_cdr(message.data) for item in segments for message in item.messages]
    assert [record.kind for record in records].count('flight_footer') == 1
    assert FlightFooter.from_payload(decode_payload(records[-1].payload)) == footer
    assert FlightFooter.from_json(flight.custom_data[FOOTER_NAME]) == footer
    assert footer.clean_shutdown
    assert footer.records_written == len(records) + footer.records_rolled_off
    assert footer.bytes_written == sum(item.facts.size_bytes for item in flight.ever)
    own = [record.seq for record in records if record.producer_id == 'fdr']
    assert own == list(range(own[0], own[0] + len(own)))
    counted = Counter(record.producer_id for record in records)
    assert footer.producers['fdr'].recorded - counted['fdr'] == own[0]
    assert flight.listed == [item.facts for item in segments]
    assert (rig.disk.holder, rig.recorder.degraded_reason) == ('', '')
    return records


@pytest.mark.parametrize('times', [1, 4])
@pytest.mark.parametrize('number', [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize('step', STEPS)
def test_an_end_that_fails_for_a_while_is_an_end(step: str, number: int, times: int) -> None:
    """At every call that it makes: the footer is true, and it is there once."""
    without = before_the_end()
    check(without, land(without))
    calls = without.faults.calls.count(step)
    for after in range(max(1, calls)):
        rig = before_the_end()
        rig.faults.arm(step, after=after, times=times, number=number)
        records = check(rig, land(rig))
        seqs = [record.seq for record in records if record.producer_id != 'fdr']
        assert seqs == [*range(9 - len(seqs), 9)]
        assert len(seqs) == 9 or number == errno.ENOSPC


def test_a_full_disk_gives_back_old_segments_for_the_footer() -> None:
    """Which tells of them."""
    rig = before_the_end({'degraded_keep_bytes': 0})
    rig.faults.arm('close', times=2, number=errno.ENOSPC)
    footer = land(rig)
    check(rig, footer)
    assert footer.rollover_count == 2
    assert [event.facts['reason'] for event in rig.events if event.name == 'segment_dropped'] == [
        'space',
        'space',
    ]
    assert 'storage_failed' not in rig.told()


def test_once_the_footer_is_there_nothing_is_given_back_for_its_list() -> None:
    """It would not tell the truth any more."""
    rig = before_the_end({'degraded_keep_bytes': 0})
    rig.faults.arm('release', times=3, number=errno.ENOSPC)
    footer = land(rig)
    check(rig, footer)
    assert footer.rollover_count == 0
    assert rig.told().count('storage_failed') == 1


def test_a_last_segment_that_is_left_with_the_footer_in_it_is_no_end() -> None:
    """Nobody can say whether all of the file is there: the flight is not called closed."""
    rig = before_the_end()
    flight = rig.recorder._flight
    assert flight is not None
    ending = Ending(flight, clock=rig.clock)
    with pytest.raises(FlightStateError, match='finish is not possible'):
        ending.finish()
    segment = flight._segment
    assert isinstance(segment, FaultySegment)
    segment._is_suspect = True
    rig.faults.arm('release')
    ending.put_footer({})
    with pytest.raises(OSError, match='left before its end'):
        ending.finish()
    assert not ending.unclean({}).clean_shutdown


def test_a_footer_counts_itself_or_what_is_durable() -> None:
    """The one that is written, and the one that the disk did not take."""
    rig = MemoryRig()
    rig.open_flight()
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    flight = rig.recorder._flight
    assert flight is not None
    totals = {'imu_1': ProducerTotals(published=2, recorded=2)}
    clean = footer_of(flight, totals, rig.clock.now(), bytes_written=7000)
    assert (clean.clean_shutdown, clean.records_written, clean.bytes_written) == (True, 4, 7000)
    assert clean.producers['imu_1'] == ProducerTotals(published=2, recorded=2)
    assert clean.producers['fdr'] == ProducerTotals(published=2, recorded=2)
    refused = footer_of(flight, totals, rig.clock.now(), bytes_written=6000, is_clean=False)
    assert (refused.clean_shutdown, refused.records_written) == (False, 2)
    assert refused.producers['imu_1'] == ProducerTotals(
        published=2, recorded=1, lost={LossCause.DISK: 1}
    )
