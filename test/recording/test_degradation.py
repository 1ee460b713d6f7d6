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
Tests of a recorder whose storage fails: what each error leads to, and what the log says of it.

The storage is in memory and fails as it is told; real disks that fail are in test/fault.
"""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

from faulty_store import FaultyStore
from fdr_node.config import KIB, MIB
from fdr_node.events import Level
from fdr_node.record import decode_cdr, encode_cdr, peek
from fdr_node.schema import FOOTER_NAME, PARTS_NAME, ProducerTotals
from memory_store import ROOT, SPARE_ROOT
import pytest
from rigs import FLIGHT_ID, MemoryRig, payload_of, record_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.config import Setting
    from fdr_node.events import Event
    from fdr_node.record import FdrRecord
    from memory_store import MemoryFlight

LARGE_BYTES = 180 * KIB
EVER = 10**9
TICK_S = 0.05
STEPS = (
    'commit',
    'close',
    'publish',
    'open_segment',
    'drop_segment',
    'size_of',
    'segment_names',
)


def flying(settings: Mapping[str, Setting] | None = None, *, has_spare: bool = False) -> MemoryRig:
    """Return a recorder with an open flight."""
    rig = MemoryRig(settings, has_spare=has_spare)
    rig.open_flight()
    return rig


def wait(rig: MemoryRig, seconds: float) -> None:
    """Let time pass as the writer sees it."""
    for _ in range(round(seconds / TICK_S)):
        rig.clock.advance(TICK_S)
        rig.recorder.tick()


def records_in(flight: MemoryFlight) -> list[FdrRecord]:
    """Return the records of a flight's segments."""
    segments = flight.segments.values()
    return [decode_cdr(message.data) for segment in segments for message in segment.messages]


def numbers(flight: MemoryFlight) -> list[int]:
    """Return the numbers of the records that producers sent."""
    return [record.seq for record in records_in(flight) if record.producer_id != 'fdr']


def payloads(flight: MemoryFlight, kind: str) -> list[dict[str, object]]:
    """Return the payloads of one kind."""
    return [payload_of(record) for record in records_in(flight) if record.kind == kind]


def told(rig: MemoryRig, name: str) -> list[Event]:
    """Return the events of a name."""
    return [event for event in rig.events if event.name == name]


def test_the_log_says_what_an_outage_has_cost_before_anything_new() -> None:
    """Cause, duration and the records that were lost meanwhile, by producer."""
    rig = flying()
    rig.write([0])
    rig.faults.arm('commit', times=EVER)
    rig.recorder.commit()
    wait(rig, 5)
    rig.lost_to_disk = {'camera': 40, 'imu': 2}
    rig.faults.pending.clear()
    wait(rig, 2)
    rig.write([1])
    rig.recorder.commit()
    assert [r.kind for r in records_in(rig.flight)] == [
        'flight_header',
        'imu',
        'degraded',
        'recovered',
        'imu',
    ]
    (degraded,), (recovered,) = (payloads(rig.flight, k) for k in ('degraded', 'recovered'))
    assert degraded == {
        'cause': 'commit',
        'errno_name': 'EIO',
        'detail': 'commit: EIO: Input/output error',
    }
    assert recovered['lost'] == {'camera': 40, 'imu': 2}
    (event,) = told(rig, 'recovered')
    assert event.facts['records_lost'] == 42
    assert event.facts['duration_s'] == pytest.approx(float(str(recovered['duration_ns'])) / 1e9)


def test_a_loss_is_told_once() -> None:
    """By the outage in which it happened."""
    rig = flying()
    for total in (3, 5):
        rig.faults.arm('commit')
        rig.write([total])
        rig.recorder.commit()
        rig.lost_to_disk = {'imu': total}
        wait(rig, 1)
    assert [item['lost'] for item in payloads(rig.flight, 'recovered')] == [{'imu': 3}, {'imu': 2}]


def test_a_broken_segment_is_left_for_a_new_one() -> None:
    """What was not committed goes with it."""
    rig = flying()
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    rig.faults.arm('commit', times=2)
    rig.recorder.commit()
    wait(rig, 1)
    first, second = rig.flight.ever
    assert first.is_abandoned
    assert [m.sequence for m in second.messages if decode_cdr(m.data).producer_id != 'fdr'] == [1]
    assert rig.recorder.close_flight().clean_shutdown
    assert [facts.index for facts in rig.flight.listed] == [0, 1]


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_given_the_oldest_segments(number: int) -> None:
    """One after the other until it helps, without an outage, and never more than may go."""
    rig = flying({'flight_bytes_max': 8 << 20, 'degraded_keep_bytes': 300 * KIB})
    rig.write(range(9), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    before = [facts.index for facts in rig.flight.listed]
    assert before == [0, 1, 2, 3, 4]
    rig.write([9])
    rig.faults.arm('commit', number=number)
    assert rig.recorder.commit()
    assert told(rig, 'storage_failed') == []
    assert [facts.index for facts in rig.flight.listed] == [1, 2, 3, 4]
    assert [(e.level, e.facts['reason']) for e in told(rig, 'segment_dropped')] == [
        (Level.WARN, 'space')
    ]
    rig.faults.arm('commit', times=EVER, number=number)
    rig.write([10])
    rig.recorder.commit()
    wait(rig, 60)
    assert rig.recorder.status().degraded_reason
    kept = sum(s.facts.size_bytes for s in list(rig.flight.segments.values())[:-1])
    assert 300 * KIB <= kept < 600 * KIB
    rig.faults.pending.clear()
    wait(rig, 2)
    footer = rig.recorder.close_flight()
    assert footer.clean_shutdown
    assert footer.rollover_count == len(told(rig, 'segment_dropped')) == 3
    reasons = [item['reason'] for item in payloads(rig.flight, 'segment_dropped')]
    assert set(reasons) <= {'space'}


def test_a_full_disk_that_takes_not_even_the_list() -> None:
    """The file goes first, and the list follows with its space."""
    rig = flying({'flight_bytes_max': 8 << 20, 'degraded_keep_bytes': 0})
    rig.write(range(5), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    rig.write([5])
    rig.faults.arm('publish', number=errno.ENOSPC)
    rig.faults.arm('commit', number=errno.ENOSPC)
    assert rig.recorder.commit()
    assert 'publish' not in rig.faults.pending
    listed = [facts.name for facts in rig.flight.listed]
    assert listed == list(rig.flight.segments)
    assert f'{FLIGHT_ID}_0.mcap' not in listed


def test_the_open_segment_stays_listed_when_the_oldest_goes() -> None:
    """A power cut while the disk is full leaves a bag that plays all that is there."""
    rig = flying({'degraded_keep_bytes': 0})
    rig.write([0])
    rig.recorder.split()
    rig.write([1])
    rig.recorder.commit()
    rig.write([2])
    rig.faults.arm('commit', times=EVER, number=errno.ENOSPC)
    rig.recorder.commit()
    assert rig.recorder.degraded_reason
    assert [facts.name for facts in rig.flight.listed] == [f'{FLIGHT_ID}_1.mcap']


def test_a_return_that_fails_half_way_counts_no_loss_twice() -> None:
    """Its notes are in memory already; those that follow count from there."""
    rig = flying()
    rig.write([0])
    rig.faults.arm('commit', number=errno.EMFILE)
    rig.recorder.commit()
    rig.lost_to_disk = {'imu': 7}
    # The first commit of the return succeeds, the one with the notes does not.
    rig.faults.arm('commit', after=1, number=errno.EMFILE)
    wait(rig, 0.3)
    assert rig.recorder.status().degraded_reason
    rig.lost_to_disk = {'imu': 9}
    wait(rig, 2)
    assert [item['lost'] for item in payloads(rig.flight, 'recovered')] == [{'imu': 7}, {'imu': 2}]
    assert [event.facts['records_lost'] for event in told(rig, 'recovered')] == [9]


# --- a fault of the program


@pytest.mark.parametrize('fault', [ValueError('cannot be'), MemoryError()], ids=repr)
@pytest.mark.parametrize(
    ('step', 'after'),
    [('add', 0), ('add', 3), ('commit', 0), ('close', 0), ('publish', 0), ('open_segment', 0)],
)
def test_a_fault_of_the_program_is_an_outage_like_others(
    step: str, after: int, fault: Exception
) -> None:
    """No record is lost or doubled for it, it is told with its trace, and the recorder goes on."""
    rig = flying({'flight_bytes_max': 8 << 20})
    records = [encode_cdr(record_of(seq, payload_bytes=LARGE_BYTES)) for seq in range(6)]
    waiting = [(data, peek(data), rig.clock.monotonic_ns()) for data in records]
    rig.faults.arm(step, after=after, fault=fault)
    del waiting[: rig.recorder.write_all(waiting)]
    rig.recorder.commit()
    assert waiting
    (event,) = told(rig, 'step_failed')
    assert event.facts['error'] == repr(fault)
    assert 'faulty_store.py' in str(event.facts['trace'])
    assert type(fault).__name__ in str(told(rig, 'storage_failed')[0].facts['text'])
    wait(rig, 1)
    assert rig.recorder.write_all(waiting) == len(waiting)
    footer = rig.recorder.close_flight()
    assert (footer.clean_shutdown, numbers(rig.flight)) == (True, [*range(6)])
    assert footer.producers['imu_1'] == ProducerTotals(published=6, recorded=6)


def test_a_fault_in_a_segment_that_cannot_go_on_is_left_with_it() -> None:
    """Neither its commit nor its end can be done: what was taken is in the next one."""
    rig = flying()
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    rig.faults.arm('commit', times=2, fault=ValueError('cannot be'))
    rig.recorder.commit()
    wait(rig, 1)
    assert rig.recorder.degraded_reason == ''
    assert [facts.index for facts in rig.flight.listed] == [0, 1]
    assert rig.recorder.close_flight().clean_shutdown
    assert numbers(rig.flight) == [0, 1]


# --- a second disk


def test_a_flight_goes_on_on_the_second_disk() -> None:
    """With its numbers going on; both directories name each other, and the log says so."""
    rig = flying(has_spare=True)
    rig.write([0])
    rig.recorder.commit()
    rig.write([1, 2])
    for step in ('commit', 'open_segment', 'publish'):
        rig.faults.arm(step, times=EVER, number=errno.EROFS)
    rig.recorder.commit()
    wait(rig, 1)
    assert rig.recorder.status().degraded_reason == ''
    assert rig.recorder.status().directory == SPARE_ROOT / FLIGHT_ID
    rig.write([3])
    footer = rig.recorder.close_flight()
    assert numbers(rig.flight) == [0]
    assert numbers(rig.spare_flight) == [1, 2, 3]
    assert [facts.index for facts in rig.spare_flight.listed] == [1]
    assert footer.clean_shutdown
    assert footer.records_written == len(records_in(rig.flight)) + len(
        records_in(rig.spare_flight)
    )
    assert footer.bytes_written == sum(
        s.facts.size_bytes for f in (rig.flight, rig.spare_flight) for s in f.ever
    )
    parts = [str(ROOT / FLIGHT_ID), str(SPARE_ROOT / FLIGHT_ID)]
    assert json.loads(rig.spare_flight.custom_data[PARTS_NAME]) == parts
    (segment,) = rig.spare_flight.ever
    assert json.loads(segment.begin_texts[PARTS_NAME]) == parts
    (event,) = told(rig, 'fallback_opened')
    assert event.facts['directory'] == parts[1]
    (degraded,) = payloads(rig.spare_flight, 'degraded')
    assert str(degraded['detail']).endswith(f'continued in {parts[1]}')
    assert (rig.disk.holder, rig.spare_disk.holder) == ('', '')


def test_the_first_disk_is_told_when_it_still_takes_that() -> None:
    """And of the end as well."""
    rig = flying(has_spare=True)
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    rig.faults.arm('open_segment', times=EVER)
    rig.faults.arm('commit', times=EVER)
    rig.recorder.commit()
    wait(rig, 1)
    assert PARTS_NAME in rig.flight.custom_data
    assert FOOTER_NAME not in rig.flight.custom_data
    footer = rig.recorder.close_flight()
    assert json.loads(rig.flight.custom_data[FOOTER_NAME]) == json.loads(footer.to_json())


def test_back_to_the_first_disk_when_the_second_one_fails() -> None:
    """A card that was put back is as good as before."""
    rig = flying(has_spare=True)
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    for step in ('commit', 'open_segment'):
        rig.faults.arm(step, times=EVER, number=errno.ENODEV)
    rig.recorder.commit()
    wait(rig, 1)
    rig.write([2])
    rig.recorder.commit()
    rig.faults.pending.clear()
    rig.write([3])
    for step in ('commit', 'open_segment'):
        rig.spare_faults.arm(step, times=EVER, number=errno.EIO)
    rig.recorder.commit()
    wait(rig, 2)
    assert rig.recorder.status().directory == ROOT / FLIGHT_ID
    rig.write([4])
    assert rig.recorder.close_flight().clean_shutdown
    assert numbers(rig.flight) == [0, 3, 4]
    assert numbers(rig.spare_flight) == [1, 2]
    indices = [f.index for flight in (rig.flight, rig.spare_flight) for f in flight.listed]
    assert sorted(indices) == [0, 1, 2]


def test_a_move_that_takes_several_tries_is_told() -> None:
    """Of what went wrong in between nobody has to know."""
    rig = flying(has_spare=True)
    for step in ('commit', 'open_segment', 'publish'):
        rig.faults.arm(step, times=EVER, number=errno.EIO)
    rig.spare_faults.arm('open_segment', times=3, number=errno.EMFILE)
    rig.write([0])
    rig.recorder.commit()
    wait(rig, 10)
    assert rig.recorder.status().directory == SPARE_ROOT / FLIGHT_ID
    assert [event.facts['directory'] for event in told(rig, 'fallback_opened')] == [
        str(SPARE_ROOT / FLIGHT_ID)
    ]
    (degraded,) = payloads(rig.spare_flight, 'degraded')
    assert str(degraded['detail']).endswith(f'continued in {SPARE_ROOT / FLIGHT_ID}')


def test_a_flight_that_is_back_where_it_was_has_not_moved() -> None:
    """When the second disk failed as well, and the first was there again."""
    rig = flying(has_spare=True)
    rig.faults.arm('commit', times=2, number=errno.EIO)
    rig.faults.arm('open_segment', number=errno.EIO)
    rig.spare_faults.arm('open_segment', times=EVER, number=errno.EIO)
    rig.write([0])
    rig.recorder.commit()
    wait(rig, 10)
    assert rig.recorder.status().directory == ROOT / FLIGHT_ID
    assert 'open_segment' in rig.spare_faults.calls
    assert told(rig, 'fallback_opened') == []
    (degraded,) = payloads(rig.flight, 'degraded')
    assert 'continued' not in str(degraded['detail'])


def test_with_both_disks_gone_it_holds_on_and_comes_back() -> None:
    """Whichever is back first is taken."""
    rig = flying(has_spare=True)
    rig.write([0])
    for faults in (rig.faults, rig.spare_faults):
        for step in ('commit', 'open_segment', 'publish'):
            faults.arm(step, times=EVER, number=errno.EIO)
    rig.recorder.commit()
    wait(rig, 60)
    assert rig.recorder.status().degraded_reason
    rig.spare_faults.pending.clear()
    wait(rig, 5)
    assert rig.recorder.status().degraded_reason == ''
    assert numbers(rig.spare_flight) == [0]


def test_a_second_disk_that_is_not_there_refuses_no_flight() -> None:
    """But it is told."""
    rig = MemoryRig(has_spare=True)
    rig.spare_disk.holder = 'another'
    rig.open_flight()
    (event,) = told(rig, 'no_fallback')
    assert (event.level, 'another' in str(event.facts['reason'])) == (Level.WARN, True)
    assert rig.recorder.close_flight().clean_shutdown
    assert rig.spare_disk.holder == 'another'


def test_a_second_disk_with_too_little_space_is_none() -> None:
    """A flight that went there would end at once."""
    rig = MemoryRig(has_spare=True)
    rig.spare_disk.free_bytes = 1 << 20
    rig.open_flight()
    (event,) = told(rig, 'no_fallback')
    assert '1048576 bytes are free' in str(event.facts['reason'])
    assert rig.spare_disk.holder == ''
    assert rig.recorder.close_flight().clean_shutdown


def test_a_second_disk_that_does_not_say_what_is_free_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it is let go of."""
    rig = MemoryRig(has_spare=True)

    def fail(_: FaultyStore) -> int:
        raise OSError(errno.EIO, 'Input/output error')

    monkeypatch.setattr(FaultyStore, 'free_bytes', fail)
    rig.open_flight()
    (event,) = told(rig, 'no_fallback')
    assert 'Input/output error' in str(event.facts['reason'])
    assert (rig.spare_disk.holder, rig.spare_disk.flights) == ('', {})


def test_on_the_second_disk_the_cap_is_what_was_free_there() -> None:
    """It may be the disk of the system, which must not be filled."""
    rig = MemoryRig({'flight_bytes_max': 64 << 20}, has_spare=True)
    rig.spare_disk.free_bytes = 3 << 20
    rig.open_flight()
    rig.write([0])
    for step in ('commit', 'open_segment'):
        rig.faults.arm(step, times=EVER, number=errno.ENODEV)
    rig.recorder.commit()
    wait(rig, 1)
    for seq in range(1, 60):
        rig.write([seq], payload_bytes=LARGE_BYTES)
        rig.recorder.commit()
        size = sum(s.facts.size_bytes for s in rig.spare_flight.segments.values())
        assert size <= 3 << 20
    assert rig.recorder.is_rolling()
    assert rig.recorder.close_flight().clean_shutdown


# --- what nobody says


def test_a_file_that_was_removed_is_noticed_and_begun_anew() -> None:
    """Its records are gone and counted; the bag lists what is there."""
    rig = flying()
    rig.write(range(3))
    rig.recorder.commit()
    rig.write([3])
    wait(rig, 0.1)
    rig.flight.segments.clear()
    wait(rig, 1.5)
    rig.write([4])
    footer = rig.recorder.close_flight()
    assert numbers(rig.flight) == [3, 4]
    assert [facts.name for facts in rig.flight.listed] == list(rig.flight.segments)
    (note,) = payloads(rig.flight, 'segment_dropped')
    # The header and what was committed.
    assert (note['reason'], note['records']) == ('missing', 4)
    (event,) = told(rig, 'segment_dropped')
    assert event.level is Level.ERROR
    assert footer.records_written - footer.records_rolled_off == len(records_in(rig.flight))


def test_a_segment_that_was_gone_and_is_there_again_stays() -> None:
    """It is counted as lost, and nobody removes what was recorded."""
    rig = flying()
    rig.write([0])
    rig.recorder.split()
    (name, segment), *_ = rig.flight.segments.items()
    del rig.flight.segments[name]
    rig.write([1])
    rig.recorder.split()
    rig.flight.segments[name] = segment
    rig.write([2])
    rig.recorder.split()
    assert rig.recorder.close_flight().clean_shutdown
    assert name in rig.flight.segments
    assert name not in [facts.name for facts in rig.flight.listed]


def test_segments_that_are_there_again_count_for_the_cap() -> None:
    """They go first, as they are the oldest, and nobody is told of them a second time."""
    rig = flying()
    rig.write(range(5), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    away = {name: rig.flight.segments.pop(name) for name in [*rig.flight.segments][:2]}
    rig.recorder.split()
    rig.flight.segments.update(away)
    rig.write([5])
    rig.recorder.split()
    for seq in range(6, 20):
        rig.write([seq], payload_bytes=LARGE_BYTES)
        rig.recorder.commit()
        size = sum(segment.facts.size_bytes for segment in rig.flight.segments.values())
        assert size <= rig.config.flight_bytes_max
        assert rig.recorder.current_size_bytes() >= size
    assert away.keys().isdisjoint(rig.flight.segments)
    footer = rig.recorder.close_flight()
    files = [event.facts['file'] for event in told(rig, 'segment_dropped')]
    assert len(set(files)) == len(files) == footer.rollover_count
    assert footer.records_written - footer.records_rolled_off == len(records_in(rig.flight))
    assert footer.bytes_written == sum(item.facts.size_bytes for item in rig.flight.ever)


def test_a_great_many_segments_that_were_removed() -> None:
    """What is to be said of them goes into several segments, none of them too large."""
    rig = flying({'flight_bytes_max': 8 * MIB})
    for seq in range(300):
        rig.recorder.write_record(record_of(seq, producer_id=f'{seq:064}'))
        if seq % 5 == 4:
            rig.recorder.split()
    for name in [*rig.flight.segments][:-1]:
        del rig.flight.segments[name]
    rig.write(range(500, 512), payload_bytes=LARGE_BYTES)
    footer = rig.recorder.close_flight()
    sizes = [segment.facts.size_bytes for segment in rig.flight.segments.values()]
    assert max(sizes) <= rig.config.segment_bytes_max
    notes = payloads(rig.flight, 'segment_dropped')
    assert len({note['file'] for note in notes}) == len(notes) == footer.rollover_count
    assert footer.records_written - footer.records_rolled_off == len(records_in(rig.flight))


def test_a_closed_segment_that_was_removed_is_not_listed_any_more() -> None:
    """rosbag2 would refuse the whole bag."""
    rig = flying({'flight_bytes_max': 8 << 20})
    rig.write(range(3), payload_bytes=LARGE_BYTES)
    rig.recorder.commit()
    del rig.flight.segments[f'{FLIGHT_ID}_0.mcap']
    assert rig.recorder.split()
    rig.recorder.close_flight()
    assert [facts.name for facts in rig.flight.listed] == list(rig.flight.segments)
    assert [e.facts['reason'] for e in told(rig, 'segment_dropped')] == ['missing']


def test_a_storage_that_only_pretends_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file does not grow while it says that all is well."""
    rig = flying()
    wait(rig, 1)
    store = rig.recorder._flight.store._store  # type: ignore[union-attr]
    monkeypatch.setattr(store, 'size_of', lambda _name: 1 << 20)
    for seq in range(100):
        data = encode_cdr(record_of(seq))
        rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns())
        wait(rig, 0.1)
    (event,) = told(rig, 'storage_failed')
    assert (event.facts['step'], event.facts['errno']) == ('growth', 'EIO')
    assert told(rig, 'recovered')


def test_a_time_without_an_answer_is_told_when_it_is_over() -> None:
    """By whoever noticed it."""
    rig = flying()
    rig.write([0])
    since_ns = rig.clock.monotonic_ns()
    rig.clock.advance(31)
    rig.lost_to_disk = {'imu': 9}
    rig.recorder.bridge(step='stall', since_ns=since_ns)
    assert [r.kind for r in records_in(rig.flight)][-3:] == ['imu', 'degraded', 'recovered']
    (recovered,) = payloads(rig.flight, 'recovered')
    assert recovered == {'cause': 'stall', 'duration_ns': 31 * 10**9, 'lost': {'imu': 9}}
    assert rig.told() == ['flight_opened', 'recovered']


def test_a_hang_that_ends_in_an_error_is_one_outage() -> None:
    """The failure tells of it when it is over."""
    rig = flying()
    rig.write([0])
    rig.faults.arm('commit')
    rig.recorder.commit()
    rig.recorder.bridge(step='stall', since_ns=rig.clock.monotonic_ns())
    wait(rig, 1)
    assert rig.told() == ['flight_opened', 'storage_failed', 'recovered']


def test_it_is_tried_again_at_once_when_somebody_asks() -> None:
    """And does not wait for its time."""
    rig = flying()
    rig.write([0])
    rig.faults.arm('commit', times=4, number=errno.EMFILE)
    rig.recorder.commit()
    wait(rig, 1.75)
    assert rig.recorder.status().degraded_reason
    rig.recorder.retry()
    wait(rig, TICK_S)
    assert rig.recorder.status().degraded_reason == ''


@pytest.mark.parametrize('number', sorted(errno.errorcode))
def test_no_error_ends_the_recording(number: int) -> None:
    """Whatever the disk says, on whichever step: it goes on when the disk does."""
    rig = flying({'flight_bytes_max': 8 << 20}, has_spare=True)
    rig.write(range(5), payload_bytes=LARGE_BYTES)
    for faults in (rig.faults, rig.spare_faults):
        for step in STEPS:
            faults.arm(step, times=3, number=number)
    offered = 5
    for _ in range(30):
        data = encode_cdr(record_of(offered))
        now_ns = rig.clock.monotonic_ns()
        offered += rig.recorder.write(data, peek(data), received_ns=now_ns)
        wait(rig, 2)
    assert offered > 5
    for faults in (rig.faults, rig.spare_faults):
        faults.pending.clear()
    wait(rig, 2)
    assert rig.recorder.status().degraded_reason == ''
    footer = rig.recorder.close_flight()
    assert footer.clean_shutdown
    flights = [f for f in (rig.flight, rig.spare_flight) if f.segments]
    assert sorted(n for flight in flights for n in numbers(flight)) == list(range(offered))
