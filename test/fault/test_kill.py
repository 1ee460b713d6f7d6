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
A recorder is killed (SIGKILL) while it records 2,000 records a second.

A kill keeps what the kernel has been given; for what it has not, see ``test_power_cut.py``. Every
second kill is aimed at a cut: at the appearance of a segment.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
import random
import signal
import subprocess
import sys
from threading import Event
import time
from typing import NamedTuple, TYPE_CHECKING

from bag_reader import metadata_of, read_bag, read_torn, rosbags_records
from fdr_node.schema import FlightFooter
from fdr_node.storage.recovery import plan_recovery, recover
from mcap.reader import make_reader
from mcap_bytes import MAGIC
from on_disk import disk_bytes, tree
import pytest
from rigs import config_of, DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID
from steady_flight import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fdr_node.record import FdrRecord

PROGRAM = Path(__file__).resolve().parents[1] / 'support' / 'steady_flight.py'
KILLS = 200
KILLS_IN_EVERY_RUN = 8
# Time for several segments, and to reach the cap now and then (s).
FLIGHT_S_MAX = 1.0
WAIT_S = 15.0
# Two kills with each in turn.
COMPRESSIONS = ('none', 'zstd')


class Report(NamedTuple):
    """How many records were older than the commit interval, and durable, by the last line."""

    old: int
    durable: int


@contextmanager
def steady_flight(root: Path, compression: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process record; it has its first records when this begins."""
    command = [sys.executable, str(PROGRAM), str(root), compression]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def wait_for_cut(directory: Path, index: int) -> None:
    """Wait until a segment appears."""
    deadline = time.monotonic() + WAIT_S
    while not (directory / f'{FLIGHT_ID}_{index}.mcap').exists():
        assert time.monotonic() < deadline
        Event().wait(0.0005)


def kill(root: Path, seed: int) -> Report:
    """Kill a recorder at an instant that follows from the seed. :return: what it said last."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    with steady_flight(root, COMPRESSIONS[seed // 2 % 2]) as process:
        if seed % 2:
            wait_for_cut(root / FLIGHT_ID, chance.randrange(1, 5))
            Event().wait(chance.uniform(0, 0.01))
        else:
            Event().wait(chance.uniform(0, FLIGHT_S_MAX))
        process.kill()
        said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    # The last line may have been cut by the kill.
    lines = said.split('\n')[:-1]
    return Report._make(map(int, lines[-1].split())) if lines else Report(0, 0)


def of_producer(records: list[FdrRecord]) -> list[FdrRecord]:
    """Return the records that were sent; each of them is checked against what was sent."""
    sent = [record for record in records if record.producer_id != 'fdr']
    assert sent == [written(record.seq, record.monotonic_ns) for record in sent]
    return sent


def check_interrupted(directory: Path) -> list[FdrRecord]:
    """Check a flight as the kill has left it. :return: the records that its list leads to."""
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    assert {path.name for path in directory.iterdir()} >= set(names)
    stored = [item for name in names for item in read_torn(directory / name).stored]
    records = [item.record for item in stored]
    # Only a write that was going on may be torn, and that is the end of the last segment.
    whole = [name for name in names if (directory / name).read_bytes().endswith(MAGIC)]
    assert names[:-1] == whole[: len(names) - 1]
    for name in whole:
        with (directory / name).open('rb') as stream:
            messages = list(make_reader(stream, validate_crcs=True).iter_messages())
        assert len(messages) == len(read_torn(directory / name).stored)
    if whole == names:
        expected = [(item.log_time_ns, item.record) for item in stored]
        assert rosbags_records(directory) == expected
    return of_producer(records)


def check_complete(records: list[FdrRecord], report: Report) -> None:
    """Check that nothing is missing that was durable, or older than the commit interval."""
    seqs = [record.seq for record in records]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else report.durable == 0
    # At the time of the report, and not of the kill: one that falls into a commit on a busy disk
    # would otherwise be judged by how busy it is.
    there = seqs[-1] + 1 if seqs else 0
    assert there >= max(report.old, report.durable)


def check_recovery(directory: Path, before: list[FdrRecord]) -> None:
    """Recover; check that all is whole, nothing is less, and doing it again changes nothing."""
    recover(plan_recovery(directory, progress=lambda _done: None))
    for path in directory.glob('*.unreadable'):
        # The kill came before the first record of a segment.
        assert b'imu_1' not in path.read_bytes()
        path.unlink()
    bag = read_bag(directory)
    after = of_producer(bag.records)
    seqs = [record.seq for record in after]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else not before
    # A segment that was about to go is not in the list any more, and a recovery finds it.
    found = {record.seq: record for record in after}
    assert [found.get(record.seq) for record in before] == before
    footer = FlightFooter.from_json(bag.custom_data['fdr_flight_footer'])
    assert (footer.clean_shutdown, footer.records_written - footer.records_rolled_off) == (
        False,
        len(bag.records),
    )
    whole = tree(directory)
    again = plan_recovery(directory, progress=lambda _done: None)
    assert again.is_in_order
    recover(again)
    assert tree(directory) == whole


def check_kill(root: Path, seed: int) -> None:
    """Kill a recorder, and look at what it has left."""
    report = kill(root, seed)
    directory = root / FLIGHT_ID
    assert disk_bytes(directory) <= config_of().flight_bytes_max
    records = check_interrupted(directory)
    check_complete(records, report)
    check_recovery(directory, records)
    assert disk_bytes(directory) <= config_of().flight_bytes_max
    whole = tree(directory)
    rig = DiskRig(root)
    rig.open_flight(OTHER_FLIGHT_ID)
    rig.write(range(3))
    assert rig.recorder.close_flight().clean_shutdown
    assert len(read_bag(root / OTHER_FLIGHT_ID).records) == 5
    assert tree(directory) == whole


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize('seed', range(KILLS_IN_EVERY_RUN))
def test_a_kill_costs_no_more_than_the_commit_interval(seed: int, tmp_path: Path) -> None:
    """At any instant: it is read as it is, put in order, and the next flight is recorded."""
    check_kill(tmp_path / 'root', seed)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize('seed', range(KILLS_IN_EVERY_RUN, KILLS))
def test_no_kill_of_many_costs_more(seed: int, tmp_path: Path) -> None:
    """The same, at further instants."""
    check_kill(tmp_path / 'root', seed)
