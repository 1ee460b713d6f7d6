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
"""A flight session with real files: what it is told of is in the bag, or lost by name."""

from __future__ import annotations

from collections import Counter
import hashlib
import json
import os
from shutil import copytree
from typing import TYPE_CHECKING
from uuid import UUID

from bag_reader import metadata_of, read_torn
from failing_calls import FailingCalls
from fdr_node.clock import NS_PER_S
from fdr_node.config import KIB, MIB
from fdr_node.debrief.info import inspect_flight
from fdr_node.errors import ConfigError, FdrConcurrentWriterError, FdrOpenError
from fdr_node.events import Level
from fdr_node.producer.outbox import Outbox
from fdr_node.ros.session import FlightSession
from fdr_node.schema import FlightHeader, LossCause, OTHERS, ProducerTotals
from fdr_node.storage import fs
from heads import serialised
from manual_clock import ManualClock
from on_disk import tree
import pytest
from rigs import config_of, FLIGHT_ID, payload_of
from session_rig import (
    check_balance,
    DEADLINE_S,
    footer_in,
    overruns_in,
    refuse,
    REORDERING_S,
    Rig,
    seqs_in,
)
from small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_records_are_in_the_bag_as_they_came(tmp_path: Path) -> None:
    """More than one batch, of two producers, byte for byte and in their order."""
    rig = Rig(tmp_path).begin()
    batch = [serialised(seq // 2, 'ab'[seq % 2], payload_bytes=seq % 90) for seq in range(1500)]
    rig.session.take_in(batch[:700])
    rig.session.write_out()
    rig.session.take_in(batch[700:])
    footer, bag = rig.land()
    assert [item.data for item in bag.stored if item.record.producer_id != 'fdr'] == batch
    assert footer.clean_shutdown
    assert footer.producers['a'] == ProducerTotals(published=750, recorded=750)
    check_balance(footer, bag)


def test_a_hole_is_told_in_the_bag_and_in_the_log(tmp_path: Path) -> None:
    """As soon as nothing can fill it any more."""
    rig = Rig(tmp_path).begin()
    rig.take_in([0, 1, 5])
    rig.session.write_out()
    assert rig.told('records_lost') == []
    rig.clock.advance(REORDERING_S)
    rig.session.write_out()
    (event,) = rig.told('records_lost')
    assert event.facts == {'producer_id': 'imu_1', 'records': 3, 'transport': 3}
    footer, bag = rig.land()
    assert overruns_in(bag) == [('imu_1', 2, 4, 3, 'transport')]
    assert footer.records_dropped_by_cause == {LossCause.TRANSPORT: 3}
    check_balance(footer, bag)


def test_a_hole_at_the_end_is_told_without_waiting(tmp_path: Path) -> None:
    """Nothing that is missing can come any more."""
    rig = Rig(tmp_path).begin()
    rig.take_in([0, 2])
    footer, bag = rig.land()
    assert overruns_in(bag) == [('imu_1', 1, 1, 1, 'transport')]
    assert len(rig.told('records_lost')) == 1
    check_balance(footer, bag)


def test_a_late_record_and_a_duplicate_are_no_loss(tmp_path: Path) -> None:
    """Both are in the bag, a batch in its order; the footer says that there was a duplicate."""
    rig = Rig(tmp_path).begin()
    rig.take_in([0, 2, 1, 2])
    footer, bag = rig.land()
    assert seqs_in(bag) == [0, 1, 2, 2]
    assert overruns_in(bag) == []
    assert footer.producers['imu_1'] == ProducerTotals(published=3, recorded=4, duplicates=1)
    check_balance(footer, bag)


def test_what_was_published_before_the_recorder_listened_is_no_loss(tmp_path: Path) -> None:
    """A node can be configured long before it is activated."""
    rig = Rig(tmp_path)
    rig.session.open_flight()
    rig.clock.advance(60.0)
    rig.session.listen()
    rig.take_in([60_000, 60_001])
    footer, bag = rig.land()
    assert footer.producers['imu_1'] == ProducerTotals(
        published=2, recorded=2, before_flight=60_000
    )
    check_balance(footer, bag)


def test_of_a_session_that_was_there_before_the_first_records_may_be_swapped(
    tmp_path: Path,
) -> None:
    """Ledger and debrief agree on where it begins."""
    rig = Rig(tmp_path).begin(seconds_before=0.0)
    rig.take_in([60_002, 60_000, 60_003])
    footer, bag = rig.land()
    assert footer.producers['imu_1'] == ProducerTotals(
        published=4, recorded=3, before_flight=60_000, lost={LossCause.TRANSPORT: 1}
    )
    check_balance(footer, bag)
    info = inspect_flight(rig.directory)
    assert (info.is_balanced, info.problems) == (True, ())


def test_every_cause_of_loss_is_in_the_footer(tmp_path: Path) -> None:
    """Malformed, too large, ring and transport in one flight, exactly."""
    rig = Rig(tmp_path, ring_records_max=4, record_bytes_max=1024).begin()
    large = serialised(1, payload_bytes=1024)
    batch = [serialised(seq) for seq in (0, 3, 4, 5, 6, 7)]
    rig.session.take_in([b'garbage', *batch, large, b''])
    assert (rig.session.malformed, rig.session.ring_fill) == (2, 1.0)
    footer, bag = rig.land()
    assert seqs_in(bag) == [4, 5, 6, 7]
    assert footer.records_dropped_by_cause == {
        LossCause.TRANSPORT: 1,
        LossCause.RING: 2,
        LossCause.TOO_LARGE: 1,
        LossCause.MALFORMED: 2,
    }
    assert sorted(overruns_in(bag)) == [
        (OTHERS, 0, 1, 2, 'malformed'),
        ('imu_1', 0, 3, 2, 'ring'),
        ('imu_1', 1, 1, 1, 'too_large'),
        ('imu_1', 2, 2, 1, 'transport'),
    ]
    check_balance(footer, bag)


def test_what_the_queue_of_a_producer_dropped_is_told_by_name(tmp_path: Path) -> None:
    """In the footer and in the bag; the producer says so with its next statistics."""
    rig = Rig(tmp_path).begin()
    outbox = Outbox(producer_id='imu_1', session_id=1, records_max=10, bytes_max=10**6)
    for _ in range(30):
        outbox.put('imu', b'\x80', schema_version=1, stamp_ns=1, monotonic_ns=1)
    outbox.put_stats(stamp_ns=1, monotonic_ns=1)
    outbox.put_stats(stamp_ns=1, monotonic_ns=1)
    rig.session.take_in([serialised(0, 'other')])
    taken = outbox.take(records_max=99, bytes_max=10**6)
    rig.session.take_in([item.data for item in taken])
    footer, bag = rig.land()
    # The second statistics pushed one more out, of which nobody was told.
    assert outbox.dropped == 22
    assert footer.producers['imu_1'] == ProducerTotals(
        published=32, recorded=10, lost={LossCause.PRODUCER_QUEUE: 21, LossCause.TRANSPORT: 1}
    )
    assert overruns_in(bag) == [
        ('imu_1', 0, 21, 21, 'producer_queue'),
        ('imu_1', 0, 21, 1, 'transport'),
    ]
    check_balance(footer, bag)


def test_numbers_as_large_as_the_field_do_not_stop_the_landing(tmp_path: Path) -> None:
    """A hostile producer can make its own count useless, and nothing else."""
    rig = Rig(tmp_path).begin()
    rig.take_in([0, 2**63, 2**64 - 1, 0], 'hostile')
    rig.take_in([0, 1, 2])
    footer, bag = rig.land()
    assert footer.clean_shutdown
    assert footer_in(bag) == footer
    assert footer.producers['hostile'].published == 2**64 - 1
    assert footer.producers['imu_1'] == ProducerTotals(published=3, recorded=3)
    assert seqs_in(bag, 'hostile') == [0, 0, 2**63, 2**64 - 1]


def test_a_number_that_is_lost_twice_does_not_break_its_overrun(tmp_path: Path) -> None:
    """Two records of one number: the span of the overrun cannot hold both, the footer does."""
    rig = Rig(tmp_path, record_bytes_max=1024).begin()
    rig.session.take_in([serialised(0, payload_bytes=1024)] * 2)
    footer, bag = rig.land()
    assert overruns_in(bag) == [('imu_1', 0, 0, 1, 'too_large')]
    assert footer.records_dropped_by_cause == {LossCause.TOO_LARGE: 2}
    check_balance(footer, bag)


def test_while_the_disk_refuses_the_ring_holds_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cannot hold is lost by name; when the disk works again all is told in the bag."""
    rig = Rig(tmp_path, ring_records_max=10).begin()
    calls = FailingCalls(monkeypatch)
    refuse(rig, calls)
    for begin in range(0, 40, 4):
        rig.take_in(range(begin, begin + 4))
        rig.session.write_out()
    calls.mend()
    rig.clock.advance(2.0)
    rig.session.write_out()
    assert rig.session.status().degraded_reason == ''
    footer, bag = rig.land()
    assert seqs_in(bag) == list(range(30, 40))
    assert seqs_in(bag, 'early') == [0]
    assert sum(int(str(count)) for _, _, _, count, _ in overruns_in(bag)) == 30
    assert footer.producers['imu_1'] == ProducerTotals(
        published=40, recorded=10, lost={LossCause.DISK: 30}
    )
    check_balance(footer, bag)


def test_a_disk_that_refuses_to_the_end_costs_no_more_than_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is lost by name, and the footer that is returned says that it was not clean."""
    rig = Rig(tmp_path).begin()
    calls = FailingCalls(monkeypatch)
    refuse(rig, calls)
    rig.take_in(range(1000))
    begin_ns = rig.clock.monotonic_ns()
    footer = rig.session.finish()
    took_s = (rig.clock.monotonic_ns() - begin_ns) / NS_PER_S
    assert DEADLINE_S <= took_s < DEADLINE_S + 0.1
    assert footer is not None
    assert not footer.clean_shutdown
    assert footer.producers['imu_1'] == ProducerTotals(
        published=1000, recorded=0, lost={LossCause.DISK: 1000}
    )
    assert metadata_of(rig.directory)['message_count'] == 1
    calls.mend()
    assert rig.told('flight_closed')[0].facts['clean_shutdown'] is False


def test_a_disk_that_comes_back_within_the_deadline_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the flight tries again until then."""
    rig = Rig(tmp_path).begin()
    calls = FailingCalls(monkeypatch)
    refuse(rig, calls)
    rig.take_in(range(1000))
    pause = rig.session._pause

    def mend_later(seconds: float) -> None:
        pause(seconds)
        if rig.pauses == 10:
            calls.mend()

    rig.session._pause = mend_later
    footer, bag = rig.land()
    assert footer.clean_shutdown
    assert seqs_in(bag) == list(range(1000))
    assert seqs_in(bag, 'early') == [0]
    check_balance(footer, bag)


def test_losses_of_the_last_moment_are_told_beside_those_that_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One loss waits for the disk when the next one is noticed: both are in the bag."""
    rig = Rig(tmp_path).begin()
    calls = FailingCalls(monkeypatch)
    refuse(rig, calls)
    rig.take_in([0, 2])
    rig.clock.advance(REORDERING_S)
    rig.session.write_out()
    rig.take_in([3, 6])
    calls.mend()
    footer, bag = rig.land()
    assert overruns_in(bag) == [
        ('imu_1', 1, 1, 1, 'transport'),
        ('imu_1', 4, 5, 2, 'transport'),
    ]
    logged = [event.facts['records'] for event in rig.told('records_lost')]
    assert logged == [1, 2]
    check_balance(footer, bag)


def test_flush_makes_all_of_it_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deactivated recorder has nothing in memory; a disk that refuses is no exception."""
    rig = Rig(tmp_path).begin()
    rig.take_in(range(600))
    assert rig.session.flush()
    (segment,) = rig.directory.glob('*.mcap')
    durable = [item.record.seq for item in read_torn(segment).stored]
    assert durable == [0, *range(600)]
    calls = FailingCalls(monkeypatch)
    calls.fail_always('fdatasync')
    rig.take_in([600])
    assert not rig.session.flush()
    assert rig.session.status().degraded_reason.startswith('commit: EIO')
    calls.mend()
    rig.session.finish()


def test_fill_and_counts_are_those_of_now(tmp_path: Path) -> None:
    """What the status is made of."""
    rig = Rig(tmp_path, ring_records_max=10)
    assert (rig.session.intake_fill, rig.session.ring_fill) == (0.0, 0.0)
    assert rig.session.status().header is None
    rig.begin()
    rig.take_in(range(2), fill=0.25)
    assert (rig.session.intake_fill, rig.session.ring_fill) == (0.25, 0.2)
    rig.take_in(range(2, 12), fill=1.0)
    assert (rig.session.intake_fill, rig.session.ring_fill) == (1.0, 1.0)
    assert rig.session.accounts()['imu_1'].lost == {LossCause.RING: 2}
    rig.session.write_out()
    assert rig.session.ring_fill == 0.0
    assert rig.session.status().producers['imu_1'] == 10
    assert rig.session.status().free_bytes > 0
    rig.session.finish()
    assert rig.session.status().header is None


def test_the_header_has_the_manifest_the_settings_and_the_versions(tmp_path: Path) -> None:
    """It is read back from the bag."""
    plan = tmp_path / 'grün.plan'
    plan.write_bytes(b'take off, look, land')
    rig = Rig(
        tmp_path / 'flights',
        manifest_paths=(str(plan),),
        signing_key_id='key-9',
        commit_interval_s=0.5,
    ).begin()
    _, bag = rig.land()
    header = FlightHeader.from_json(bag.custom_data['fdr_flight_header'])
    assert header.manifest_hashes == {
        str(plan): hashlib.sha256(b'take off, look, land').hexdigest()
    }
    assert header.configuration['commit_interval_s'] == 0.5
    assert header.signing_key_rotation is not None
    assert header.signing_key_rotation.new_key_id == 'key-9'
    assert header.software_versions.keys() >= {'fdr_node', 'python', 'mcap', 'msgpack', 'rclpy'}
    assert json.loads(bag.custom_data['fdr_flight_header']) == payload_of(bag.records[0])


@pytest.mark.parametrize('name', ['missing.plan', ''], ids=['missing', 'a directory'])
def test_a_manifest_that_cannot_be_read_refuses_the_flight(tmp_path: Path, name: str) -> None:
    """Nothing is left behind, not even the root."""
    path = tmp_path / name
    rig = Rig(tmp_path / 'flights', manifest_paths=(str(path),))
    with pytest.raises(FdrOpenError, match='the manifest cannot be read') as caught:
        rig.session.open_flight()
    assert caught.value.path == str(path)
    assert list(tmp_path.iterdir()) == []


def test_a_flight_id_that_is_no_uuid_refuses_the_flight(tmp_path: Path) -> None:
    """It names the parameter."""
    with pytest.raises(ConfigError) as caught:
        Rig(tmp_path / 'flights', flight_id='sortie-7').session.open_flight()
    assert (caught.value.name, caught.value.value) == ('flight_id', 'sortie-7')
    assert list(tmp_path.iterdir()) == []


def test_a_second_session_on_the_same_root_is_refused(tmp_path: Path) -> None:
    """Until the first one has finished."""
    rig = Rig(tmp_path).begin()
    other = Rig(tmp_path, flight_id='')
    with pytest.raises(FdrConcurrentWriterError):
        other.session.open_flight()
    rig.session.finish()
    other.session.open_flight()
    other.session.finish()


def test_a_fault_of_the_program_at_the_opening_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even after the flight was open: the next opening finds neither lock nor file."""
    rig = Rig(tmp_path / 'root')
    with monkeypatch.context() as patch:
        patch.setattr(rig.session, '_move', lambda change: {}[change])
        with pytest.raises(KeyError):
            rig.session.open_flight()
    assert list(tmp_path.iterdir()) == []
    footer, _ = rig.begin().land()
    assert footer.clean_shutdown


def test_a_flight_names_the_interrupted_one_that_it_continues(tmp_path: Path) -> None:
    """And the flight after it, which continues none, does not."""
    crashed = Rig(tmp_path / 'elsewhere').begin()
    copytree(crashed.directory, tmp_path / 'flights' / FLIGHT_ID)
    crashed.session.finish()
    predecessors = []
    for _ in range(2):
        rig = Rig(tmp_path / 'flights', flight_id='').begin()
        header = rig.session.status().header
        assert header is not None
        predecessors.append(header.predecessor_flight_id)
        rig.session.finish()
    assert predecessors == [FLIGHT_ID, None]


# --- space


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what says how much of the disk is free."""

    def be(size_bytes: int) -> None:
        monkeypatch.setattr(fs, 'free_bytes', lambda _path: size_bytes)

    return be


@pytest.mark.parametrize('is_new', [False, True], ids=['old root', 'new root'])
def test_too_little_space_refuses_the_flight(
    tmp_path: Path, free: Callable[[int], None], *, is_new: bool
) -> None:
    """Both numbers are told, and nothing is left behind."""
    root = tmp_path / 'root'
    if not is_new:
        root.mkdir()
    before = tree(tmp_path)
    free(3 * MIB)
    rig = Rig(root, free_bytes_min=4 * MIB)
    with pytest.raises(FdrOpenError) as caught:
        rig.session.open_flight()
    assert caught.value.reason == '3145728 bytes are free, free_bytes_min is 4194304'
    assert caught.value.path == str(root)
    assert (tree(tmp_path), rig.events) == (before, [])


def test_less_space_than_the_cap_lowers_it(tmp_path: Path, free: Callable[[int], None]) -> None:
    """It is told, and the status and the flight's own header have the cap that holds."""
    free(5 * MIB)
    rig = Rig(tmp_path, flight_bytes_max=9 * MIB)
    assert rig.session.cap_bytes == 9 * MIB
    rig.session.open_flight()
    (event,) = rig.told('cap_lowered')
    assert event.level is Level.WARN
    assert event.facts == {'cap_bytes': 5 * MIB, 'wanted': 9 * MIB}
    assert rig.session.cap_bytes == 5 * MIB
    assert rig.session.status().header == FlightHeader.from_json(
        metadata_text(rig.directory, 'fdr_flight_header')
    )
    _, bag = rig.land()
    header = FlightHeader.from_json(bag.custom_data['fdr_flight_header'])
    assert header.configuration['flight_bytes_max'] == 5 * MIB


def test_a_lower_cap_of_a_flight_that_is_not_opened_is_not_told(
    tmp_path: Path, free: Callable[[int], None]
) -> None:
    """It would be told at every try, before what really is in the way."""
    first = Rig(tmp_path, flight_id=str(UUID(int=1)), flight_bytes_max=4 * MIB).begin()
    free(5 * MIB)
    second = Rig(tmp_path, flight_bytes_max=9 * MIB)
    with pytest.raises(FdrConcurrentWriterError):
        second.session.open_flight()
    assert second.events == []
    first.session.finish()


def test_the_cap_of_all_flights_lowers_that_of_one(tmp_path: Path) -> None:
    """And refuses the flight when it is too small for one."""
    rig = Rig(tmp_path, flight_bytes_max=9 * MIB, root_bytes_max=4 * MIB)
    rig.session.open_flight()
    assert rig.session.cap_bytes == 4 * MIB
    rig.session.finish()
    rig = Rig(tmp_path, segment_bytes_max=MIB, flight_bytes_max=9 * MIB, root_bytes_max=2 * MIB)
    with pytest.raises(FdrOpenError, match=r'root_bytes_max is 2097152, .* needs 2359296'):
        rig.session.open_flight()


@pytest.mark.parametrize(
    ('root', 'reason'),
    [
        ('nowhere/root', 'No such file or directory'),
        ('file', 'Not a directory'),
        ('~nobody-of-that-name/root', 'home directory'),
    ],
)
def test_a_root_that_cannot_be_is_refused(root: str, reason: str, tmp_path: Path) -> None:
    """With the reason, before anything is made."""
    (tmp_path / 'file').write_bytes(b'x')
    path = root if root.startswith('~') else str(tmp_path / root)
    config = config_of(path, {'root_bytes_max': 4 * MIB})
    session = FlightSession(config, clock=ManualClock(), report=lambda _event: None)
    with pytest.raises(FdrOpenError, match=reason):
        session.open_flight()
    assert session.status().free_bytes == 0
    assert tree(tmp_path) == {'file': b'x'}


@pytest.mark.fault
def test_a_flight_on_a_small_disk_rolls_and_never_fills_it(tmp_path: Path) -> None:
    """It asks for 64 GiB and gets what is there; after twice as much, all is still well."""
    with small_disk(tmp_path / 'disk', size_bytes=4 * MIB) as disk:
        rig = Rig(disk / 'root', flight_bytes_max=64 << 30, record_bytes_max=128 * KIB).begin()
        (lowered,) = rig.told('cap_lowered')
        assert 3 * MIB < rig.session.cap_bytes <= 4 * MIB
        assert lowered.facts['cap_bytes'] == rig.session.cap_bytes
        for seq in range(96):
            rig.session.take_in([serialised(seq, payload_bytes=90 * KIB)])
            rig.session.write_out()
        assert rig.session.status().is_rolling
        footer, bag = rig.land()
    assert footer.clean_shutdown
    assert rig.told('storage_failed') == []
    seqs = seqs_in(bag)
    assert seqs == list(range(96 - len(seqs), 96))
    assert len(seqs) > 15


@pytest.mark.fault
def test_flights_follow_each_other_on_a_disk_that_is_full_of_them(tmp_path: Path) -> None:
    """With root_bytes_max each gets its whole cap, as the oldest ones go for it."""
    caps = []
    with small_disk(tmp_path / 'disk', size_bytes=7 * MIB) as disk:
        root = disk / 'root'
        for number in range(6):
            flight_id = str(UUID(int=number))
            rig = Rig(
                root, flight_id=flight_id, flight_bytes_max=3 * MIB, root_bytes_max=6 * MIB
            ).begin()
            caps.append(rig.session.cap_bytes)
            for seq in range(40):
                rig.session.take_in([serialised(seq, payload_bytes=90 * KIB)])
                rig.session.write_out()
            footer = rig.session.finish()
            assert footer is not None
            assert footer.clean_shutdown
            assert rig.told('storage_failed') == []
            # The clock of the files is that of the computer, and coarse: the order is made sure.
            for path in (root / flight_id).iterdir():
                os.utime(path, (number, number))
            names = sorted(path.name for path in root.iterdir() if path.is_dir())
            assert names[-1] == flight_id
            assert sum(path.stat().st_size for path in root.rglob('*.*')) <= 6 * MIB
        assert len(names) < 4
        assert names == [str(UUID(int=number)) for number in range(6 - len(names), 6)]
    assert caps == [3 * MIB] * 6


def metadata_text(directory: Path, name: str) -> str:
    """Return a text of the recorder in ``metadata.yaml``."""
    custom_data = metadata_of(directory)['custom_data']
    assert isinstance(custom_data, dict)
    return str(custom_data[name])


def test_a_crowd_of_invented_producers_balances_and_is_bounded(tmp_path: Path) -> None:
    """More than anybody follows: in footer, bag and debrief every record is counted."""
    rig = Rig(tmp_path, ring_records_max=2000).begin()
    rig.take_in([0, 1, 4])
    for begin in range(0, 6000, 1500):
        crowd = [serialised(0, f'invented_{number}') for number in range(begin, begin + 1500)]
        rig.session.take_in([*crowd, b'garbage'])
        if begin % 3000:
            rig.session.write_out()
    assert len(rig.session.status().producers) <= 1024 + 2
    assert rig.session.untracked == 6000 - 1023
    footer, bag = rig.land()
    recorded = Counter(record.producer_id for record in bag.records)
    listed = sum(recorded[name] for name in footer.producers)
    assert footer.producers[OTHERS].recorded == len(bag.records) - listed
    assert footer.records_written == len(bag.records)
    assert footer.records_dropped_by_cause == {
        LossCause.TRANSPORT: 2,
        LossCause.RING: 6000 + 3 - (len(bag.records) - recorded['fdr']),
        LossCause.MALFORMED: 4,
    }
    for totals in footer.producers.values():
        assert totals.published + totals.duplicates == totals.recorded + sum(totals.lost.values())
    info = inspect_flight(rig.directory)
    assert (info.is_balanced, info.problems, info.malformed) == (True, (), 4)
    published = sum(item.account.published for item in info.producers.values())
    # With the header, the footer and what was told of losses.
    assert published == 6000 + 5 + 4 + recorded['fdr']


def test_a_crash_after_many_turns_of_the_cap_leaves_an_account_of_all_producers(
    tmp_path: Path,
) -> None:
    """Also of one of which nothing is left, nor what was said when its segment was dropped."""
    rig = Rig(tmp_path).begin()
    rig.take_in(range(50), 'early')
    for begin in range(0, 600, 20):
        batch = [serialised(seq, payload_bytes=20_000) for seq in range(begin, begin + 20)]
        rig.session.take_in(batch)
        rig.clock.advance(1.0)
        rig.session.write_out()
    crashed = tmp_path / 'crashed' / FLIGHT_ID
    copytree(rig.directory, crashed)
    rig.session.finish()
    info = inspect_flight(crashed)
    assert info.rollover_count > 10 > len(info.dropped_segments)
    assert info.is_balanced
    assert info.producers['early'].account.lost_by == {'rolled_off': 50}
    account = info.producers['imu_1'].account
    assert (account.published, account.recorded + account.lost) == (600, 600)
    assert account.lost_by.keys() == {'rolled_off'}
