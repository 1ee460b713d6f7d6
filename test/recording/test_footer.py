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
"""What stands at the end of a segment and of a flight: bounded, and the totals complete."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
import json

from fdr_node.recording.footer import (
    drop_note,
    producer_totals,
    PRODUCERS_COUNTED_MAX,
    PRODUCERS_LISTED_MAX,
    segment_footer,
    with_producers,
)
from fdr_node.recording.ports import SegmentFacts
from fdr_node.schema import FlightFooter, LossCause, OTHERS, ProducerTotals
import pytest

U64_MAX = 2**64 - 1

FOOTER = FlightFooter(
    flight_id='01890a5d-ac96-774b-bcce-b302099a8057',
    end_utc='2026-01-31T12:00:00.000000Z',
    end_wall_ns=5,
    end_monotonic_ns=6,
    records_written=7,
    bytes_written=8,
    segment_count=9,
    clean_shutdown=True,
)
# What makes JSON text six times as long as the name.
WORST_NAMES = [chr(1) * 60 + f'{number:04}' for number in range(300)]


def test_a_payload_as_json_is_one_line_that_reads_back() -> None:
    """Letters stay letters."""
    text = replace(FOOTER, producers={'grün\n': ProducerTotals(published=1, recorded=1)}).to_json()
    assert FlightFooter.from_payload(json.loads(text)).producers.keys() == {'grün\n'}
    assert ('grün' in text, '\n' in text, ': ' in text) == (True, False, False)


def test_a_segment_footer_counts_its_records() -> None:
    """In all and by producer, the busiest first."""
    assert json.loads(segment_footer(Counter(fdr=1, imu=40, gnss=3))) == {
        'records': 44,
        'producers': {'imu': 40, 'gnss': 3, 'fdr': 1},
        'producers_omitted': 0,
    }
    assert json.loads(segment_footer(Counter())) == {
        'records': 0,
        'producers': {},
        'producers_omitted': 0,
    }


def test_a_segment_footer_names_the_busiest() -> None:
    """And says how many it does not name; the sum is over all."""
    producers = Counter({f'p{number}': number for number in range(1, 101)})
    footer = json.loads(segment_footer(producers))
    busiest = {f'p{number}': number for number in range(100, 100 - PRODUCERS_LISTED_MAX, -1)}
    assert footer == {'records': 5050, 'producers': busiest, 'producers_omitted': 36}


def test_a_segment_footer_is_bounded_in_bytes() -> None:
    """It shares what is kept free at the end of a segment with a flight footer of 64 KiB."""
    text = segment_footer(Counter(dict.fromkeys(WORST_NAMES, U64_MAX)))
    footer = json.loads(text)
    assert len(text.encode()) <= 7 * 1024
    assert len(footer['producers']) >= 10
    assert footer['records'] == 300 * U64_MAX
    assert footer['producers_omitted'] == 300 - len(footer['producers'])


def total(lost: int = 0, cause: LossCause = LossCause.RING) -> ProducerTotals:
    """Return what became of a producer's records."""
    return ProducerTotals(published=lost + 1, recorded=1, lost={cause: lost} if lost else {})


def test_losses_are_added_up_by_cause() -> None:
    """Over all producers."""
    both = ProducerTotals(
        published=9, recorded=2, lost={LossCause.RING: 3, LossCause.TRANSPORT: 4}
    )
    footer = with_producers(FOOTER, {'a': both, 'b': total(5), 'c': total()})
    assert footer == replace(
        FOOTER,
        records_dropped_by_cause={LossCause.RING: 8, LossCause.TRANSPORT: 4},
        producers={'a': both, 'b': total(5), 'c': total()},
        producers_omitted=0,
    )


def test_a_sum_beyond_64_bits_stays_at_the_largest() -> None:
    """It is a count of producers that lie."""
    liar = ProducerTotals(published=U64_MAX, recorded=0, lost={LossCause.TRANSPORT: U64_MAX})
    footer = with_producers(FOOTER, {'a': liar, 'b': liar})
    assert footer.records_dropped_by_cause == {LossCause.TRANSPORT: U64_MAX}


def test_those_with_the_largest_loss_are_kept() -> None:
    """All are in the totals."""
    totals = {f'p{number:03}': total(number) for number in range(300)}
    footer = with_producers(FOOTER, totals)
    assert list(footer.producers) == [f'p{number:03}' for number in range(44, 300)]
    assert footer.producers_omitted == 44
    assert footer.records_dropped_by_cause == {LossCause.RING: sum(range(300))}


@pytest.mark.parametrize('count', [1, 60, 300])
def test_a_footer_is_bounded_in_bytes(count: int) -> None:
    """Whatever the producers are called."""
    lost = dict.fromkeys(LossCause, U64_MAX)
    worst = ProducerTotals(published=U64_MAX, recorded=U64_MAX, lost=lost)
    footer = with_producers(FOOTER, dict.fromkeys(WORST_NAMES[:count], worst))
    assert len(footer.to_json().encode()) <= 64 * 1024
    assert len(footer.producers) + footer.producers_omitted == count
    assert len(footer.producers) >= min(count, 32)


def test_what_the_disk_refused_is_lost_by_name() -> None:
    """Beside what was lost on the way; a producer that nobody counted published what was taken."""
    known = ProducerTotals(
        published=9, recorded=0, lost={LossCause.RING: 3, LossCause.DISK: 1}, duplicates=2
    )
    merged = producer_totals(
        {'imu': known, 'silent': total(4)},
        recorded=Counter(imu=4, fdr=2),
        refused=Counter(imu=3, fdr=1, late=5),
    )
    assert merged == {
        'imu': replace(known, recorded=4, lost={LossCause.RING: 3, LossCause.DISK: 4}),
        'silent': total(4),
        'fdr': ProducerTotals(published=3, recorded=2, lost={LossCause.DISK: 1}),
        'late': ProducerTotals(published=5, recorded=0, lost={LossCause.DISK: 5}),
    }


def test_who_is_counted_together_is_not_named_in_a_segment() -> None:
    """The records in it have other names; they are among those that are left out."""
    footer = json.loads(segment_footer(Counter({'imu': 2, OTHERS: 70})))
    assert footer == {'records': 72, 'producers': {'imu': 2}, 'producers_omitted': 1}


def test_those_that_do_not_fit_are_counted_with_the_others() -> None:
    """When others were recorded: what is in the log under no listed name is theirs, exactly."""
    totals = {f'p{number:03}': total(number) for number in range(300)}
    others = ProducerTotals(published=9, recorded=7, lost={LossCause.MALFORMED: 2})
    footer = with_producers(FOOTER, {**totals, OTHERS: others})
    assert footer.producers_omitted == 45
    rest = [total(number) for number in range(45)]
    assert footer.producers[OTHERS] == ProducerTotals(
        published=9 + sum(item.published for item in rest),
        recorded=7 + sum(item.recorded for item in rest),
        lost={LossCause.MALFORMED: 2, LossCause.RING: sum(range(45))},
    )
    assert list(footer.producers)[1:] == [f'p{number:03}' for number in range(45, 300)]


def test_what_was_dropped_so_far_adds_up_whatever_the_number_of_producers() -> None:
    """The busiest by name, the rest together."""
    facts = SegmentFacts(index=3, name='x_3.mcap', size_bytes=8, records=1, start_ns=1, end_ns=2)
    rolled_off = Counter({f'p{number:04}': number for number in range(1, 2001)})
    note = drop_note(facts, producers=Counter(p0001=1), rolled_off=rolled_off)
    assert (note.records, note.producers) == (1, {'p0001': 1})
    assert note.records_rolled_off == sum(note.producers_rolled_off.values()) == 2_001_000
    assert len(note.producers_rolled_off) == PRODUCERS_COUNTED_MAX
    assert note.producers_rolled_off['p2000'] == 2000
    assert note.producers_rolled_off[OTHERS] == sum(range(1, 2000 - PRODUCERS_COUNTED_MAX + 2))
