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
The power is cut while a flight is recorded: what was not synced may be gone, or be there in part.

What may be left of the directory is drawn by ``power_cut``, whose model it is.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
import random
import tempfile
from typing import NamedTuple, TYPE_CHECKING

from bag_reader import metadata_of, read_bag, rosbags_records
from fdr_node.config import KIB
from fdr_node.record import decode_cdr, FdrRecord
from fdr_node.storage.recovery import plan_recovery, recover
from mcap.reader import make_reader
from on_disk import tree
from power_cut import CallLog, SHARES
import pytest
from rigs import DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID, record_of

if TYPE_CHECKING:
    from fdr_node.config import Setting
    from fdr_node.storage.recovery import FlightPlan

FLIGHTS = 4
# Each is made twice, with the names in order and without.
CUTS = 125
CUTS_IN_EVERY_RUN = 13
RECORDS = 110
# What is compressed gets so small that a segment is cut for its age, and none has to go.
SETTINGS: list[dict[str, Setting]] = [
    {'compression': 'none'},
    {'compression': 'zstd', 'segment_duration_max_s': 2.0},
]


class Flown(NamedTuple):
    """
    A flight that was recorded: its system calls, and what was durable when.

    :param log: the system calls.
    :param durable: after how many of them how many records were durable.
    :param sizes: of the payload of each record.
    """

    log: CallLog
    durable: list[tuple[int, int]]
    sizes: list[int]

    def sent(self, seq: int) -> FdrRecord:
        """Return a record as it was sent."""
        return record_of(seq, payload_bytes=self.sizes[seq])

    def durable_at(self, steps: int) -> int:
        """Return how many records had been made durable."""
        return max((count for after, count in self.durable if after <= steps), default=0)

    def dropped_at(self, steps: int) -> set[int]:
        """Return which records were in segments whose removal for the cap had begun."""
        return {
            decode_cdr(message.data).seq
            for data in self.log.content_of_removed(steps)
            for _, _, message in make_reader(BytesIO(data)).iter_messages()
            if decode_cdr(message.data).producer_id != 'fdr'
        }


@cache
def flown(seed: int) -> Flown:
    """Record a flight of several segments, with drops and a clean end, and log its calls."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    sizes = [chance.choice([100, 3000, 60 * KIB]) for _ in range(RECORDS)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder) / 'root'
        log = CallLog(patch, root)
        rig = DiskRig(root, SETTINGS[seed % 2])
        rig.open_flight()
        flight = rig.recorder._flight
        assert flight is not None
        durable = []
        for seq, size in enumerate(sizes):
            rig.write([seq], payload_bytes=size)
            rig.clock.advance(chance.uniform(0, 0.5))
            rig.recorder.tick()
            durable.append((len(log.steps), flight.tally.durable['imu_1']))
        assert rig.recorder.close_flight().clean_shutdown
        durable.append((len(log.steps), RECORDS))
        log.whole(Path(folder) / 'copy')
        assert tree(Path(folder) / 'copy') == tree(root)
    return Flown(log, durable, sizes)


def plan(directory: Path, *, is_thorough: bool) -> FlightPlan:
    """Look at a flight as ``fdr recover`` does, or as a start does."""
    return plan_recovery(directory, progress=lambda _done: None, is_thorough=is_thorough)


def put_in_order(root: Path, *, by_hand: bool) -> None:
    """Recover the flight, as ``fdr recover`` does or as the next start does, if it is there."""
    directory = root / FLIGHT_ID
    if by_hand and directory.is_dir():
        recover(plan(directory, is_thorough=True))
    rig = DiskRig(root)
    rig.open_flight(OTHER_FLIGHT_ID)
    rig.write(range(3))
    assert rig.recorder.close_flight().clean_shutdown
    assert 'flight_not_recovered' not in rig.told()
    assert len(read_bag(root / OTHER_FLIGHT_ID).records) == 5


def records_in(directory: Path) -> list[FdrRecord]:
    """Return what every reader reads of a flight; none when nothing of it was durable."""
    if not (directory / 'metadata.yaml').exists():
        assert list(directory.glob('*.mcap')) == []
        return []
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    records = [record for name in names for record in indexed_records(directory / name)]
    assert [record for _, record in rosbags_records(directory)] == records
    if not any(item.found.damage for item in plan(directory, is_thorough=True).segments):
        for path in directory.glob('*.unreadable'):
            path.unlink()
        assert read_bag(directory).records == records
    return [record for record in records if record.producer_id != 'fdr']


def indexed_records(path: Path) -> list[FdrRecord]:
    """Return the records of a file that its index leads to, as mcap reads it with checksums."""
    with path.open('rb') as stream:
        messages = make_reader(stream, validate_crcs=True).iter_messages()
        return [decode_cdr(message.data) for _, _, message in messages]


def check_cut(root: Path, seed: int, *, is_ordered: bool) -> None:
    """Cut the power at a moment that follows from the seed, and look at what is left."""
    flight = flown(seed % FLIGHTS)
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    steps = chance.randint(1, len(flight.log.steps))
    flight.log.rebuild(root, steps=steps, chance=chance, is_ordered=is_ordered)
    directory = root / FLIGHT_ID

    by_hand = bool(chance.getrandbits(1))
    put_in_order(root, by_hand=by_hand)
    records = records_in(directory)
    assert records == [flight.sent(record.seq) for record in records]
    seqs = [record.seq for record in records]
    assert seqs == sorted(set(seqs))
    missing = set(range(flight.durable_at(steps))) - set(seqs)
    assert missing <= flight.dropped_at(steps)

    whole = tree(directory)
    if directory.is_dir():
        again = plan(directory, is_thorough=by_hand)
        assert again.is_in_order or not records
        recover(again)
    assert tree(directory) == whole


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize('seed', range(CUTS_IN_EVERY_RUN))
@pytest.mark.parametrize('is_ordered', [True, False], ids=['ordered', 'not ordered'])
def test_a_power_cut_costs_nothing_that_was_committed(
    seed: int, tmp_path: Path, *, is_ordered: bool
) -> None:
    """At any system call, whatever came of what was not synced."""
    check_cut(tmp_path / 'root', seed, is_ordered=is_ordered)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize('seed', range(CUTS_IN_EVERY_RUN, CUTS))
@pytest.mark.parametrize('is_ordered', [True, False], ids=['ordered', 'not ordered'])
def test_no_power_cut_of_many_costs_more(seed: int, tmp_path: Path, *, is_ordered: bool) -> None:
    """The same, at further system calls."""
    check_cut(tmp_path / 'root', seed, is_ordered=is_ordered)


@pytest.mark.parametrize('seed', [0, 1])
def test_the_flights_have_what_a_cut_can_hit(seed: int) -> None:
    """Several segments, some dropped, and data that is written long before it is synced."""
    whats = [step.what for step in flown(seed).log.steps]
    assert whats.count('create') > 10
    assert (whats.count('unlink') > 1) == (seed == 0)
    assert {'write', 'truncate', 'sync', 'create', 'rename', 'mkdir', 'sync names'} <= set(whats)
    assert SHARES[0] == 0
