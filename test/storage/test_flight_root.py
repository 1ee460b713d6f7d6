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
What becomes of the flights that are in a root already, when a new one is opened.

What can be salvaged of a torn segment is tested with salvage, repair and recovery; here it is
which flights are looked at, what is told of them, and that the new flight is opened in any case.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
import random
import signal
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import UUID

from bag_reader import metadata_of, read_bag
from failing_calls import FailingCalls
from fdr_node.config import KIB
from fdr_node.errors import FdrOpenError
from fdr_node.events import Event, Level
from fdr_node.schema import FlightFooter
from fdr_node.storage import fs, repair
from fdr_node.storage.backends import open_store
from fdr_node.storage.flight_root import prepare_root, root_use, RootUse
import mcap_bytes
from on_disk import tree
from project import TESTS
import pytest
from rigs import config_of, DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fdr_node.events import Fact
    from fdr_node.recording.flight import Flight
    from fdr_node.storage.salvage import Salvage

NEW_ID = '01890a5d-ac96-774b-bcce-b302099a80ff'
CAP = config_of().flight_bytes_max
LARGE_BYTES = 180 * KIB


def flown(root: Path, flight_id: str = FLIGHT_ID, *, records: int = 3) -> Path:
    """Leave a closed flight. :return: its directory."""
    rig = DiskRig(workshop(root))
    rig.open_flight(flight_id)
    rig.write(range(records))
    rig.recorder.close_flight()
    return brought(root, flight_id)


def interrupted(
    root: Path, flight_id: str = FLIGHT_ID, *, commits: int = 1, payload_bytes: int = 100
) -> Path:
    """Leave a flight whose recorder was gone after some commits. :return: its directory."""
    rig = DiskRig(workshop(root))
    rig.open_flight(flight_id)
    for commit in range(commits):
        rig.write(range(3 * commit, 3 * commit + 3), payload_bytes=payload_bytes)
        assert rig.recorder.commit()
    flight: Flight | None = rig.recorder._flight
    assert flight is not None
    flight.abandon()
    flight.store.close_flight()
    return brought(root, flight_id)


def workshop(root: Path) -> Path:
    """Return where a flight is made: an opening in the root would put the others in order."""
    return root.with_name(f'{root.name} workshop')


def brought(root: Path, flight_id: str) -> Path:
    """Bring a flight into the root."""
    root.mkdir(exist_ok=True)
    (workshop(root) / '.fdr.lock').unlink()
    directory = (workshop(root) / flight_id).rename(root / flight_id)
    workshop(root).rmdir()
    return directory


def segment_of(directory: Path) -> Path:
    """Return the last segment of a flight."""
    return max(directory.glob('*.mcap'), key=lambda path: int(path.stem.rpartition('_')[2]))


def chunks_of(segment: Path) -> list[int]:
    """Return where the chunks of a segment begin."""
    data = segment.read_bytes()
    return [item.offset for item in mcap_bytes.records_of(data) if item.opcode == mcap_bytes.CHUNK]


def told(root: Path, *, root_bytes_max: int = 0) -> list[Event]:
    """Open a new flight, close and remove it. :return: what was told before it was open."""
    rig = DiskRig(root, {'root_bytes_max': root_bytes_max})
    rig.open_flight(NEW_ID)
    assert rig.recorder.close_flight().clean_shutdown
    assert len(read_bag(root / NEW_ID).records) == 2
    fs.remove_tree(root / NEW_ID)
    return rig.events[: rig.told().index('flight_opened')]


def recovered(directory: Path, records: int, losses: str = '') -> Event:
    """Return what is told of a flight that was put in order."""
    facts: dict[str, Fact] = {'directory': str(directory), 'records': records, 'losses': losses}
    return Event(name='flight_recovered', level=Level.WARN, facts=facts)


def not_recovered(directory: Path, error: str) -> Event:
    """Return what is told of a flight that could not be put in order."""
    facts: dict[str, Fact] = {'directory': str(directory), 'error': error}
    return Event(name='flight_not_recovered', level=Level.ERROR, facts=facts)


def dropped(directory: Path) -> Event:
    """Return what is told of a flight that goes; asked for while it is still there."""
    facts: dict[str, Fact] = {'directory': str(directory), 'size_bytes': size_of(directory)}
    return Event(name='flight_dropped', facts=facts)


def size_of(*directories: Path) -> int:
    """Return the bytes of all files in some directories."""
    return sum(path.stat().st_size for directory in directories for path in directory.iterdir())


# --- interrupted flights


@pytest.mark.parametrize('seed', [1, 2])
def test_a_flight_of_a_killed_recorder_is_put_in_order(seed: int, tmp_path: Path) -> None:
    """At the next opening, once; every record that was durable is in it."""
    root = tmp_path / 'root'
    program = TESTS / 'support' / 'endless_flight.py'
    command = [sys.executable, str(program), str(root), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        durable = [int(process.stdout.readline()) for _ in range(60)][-1]
        process.kill()
        process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    (event,) = told(root)
    bag = read_bag(root / FLIGHT_ID)
    assert (event.name, event.level) == ('flight_recovered', Level.WARN)
    assert event.facts['directory'] == str(root / FLIGHT_ID)
    assert event.facts['records'] == len(bag.records)
    footer = FlightFooter.from_json(bag.custom_data['fdr_flight_footer'])
    assert not footer.clean_shutdown
    assert footer.records_written == len(bag.records) + footer.records_rolled_off
    assert [record.seq for record in bag.records if record.kind == 'imu'][-1] >= durable
    before = tree(root / FLIGHT_ID)
    assert told(root) == []
    assert tree(root / FLIGHT_ID) == before


def test_what_is_lost_of_it_is_told(tmp_path: Path) -> None:
    """The last of three chunks is torn: its bytes are counted, and the others are kept."""
    directory = interrupted(tmp_path / 'root', commits=2)
    segment = segment_of(directory)
    torn_at = chunks_of(segment)[-1]
    os.truncate(segment, torn_at + 21)
    losses = f'{segment.name}: 21 bytes behind the last whole record'
    assert told(tmp_path / 'root') == [recovered(directory, 4, losses)]
    assert [record.seq for record in read_bag(directory).records] == [0, 0, 1, 2]
    assert told(tmp_path / 'root') == []


def test_a_flight_without_a_commit_leaves_an_empty_directory(tmp_path: Path) -> None:
    """Its only segment has a beginning and no record: there is nothing to keep."""
    directory = interrupted(tmp_path / 'root')
    segment = segment_of(directory)
    os.truncate(segment, chunks_of(segment)[0])
    (directory / 'metadata.yaml').unlink()
    assert told(tmp_path / 'root') == [recovered(directory, 0)]
    assert tree(directory) == {}
    assert told(tmp_path / 'root') == []


def test_a_list_of_files_that_are_gone_is_set_right(tmp_path: Path) -> None:
    """A recovery was interrupted between the removal of an empty segment and the new list."""
    directory = interrupted(tmp_path / 'root')
    segment_of(directory).unlink()
    assert told(tmp_path / 'root') == [recovered(directory, 0, 'segment 0 is missing')]
    assert metadata_of(directory)['relative_file_paths'] == []
    assert told(tmp_path / 'root') == []


def test_a_segment_in_which_nothing_is_whole_is_set_aside(tmp_path: Path) -> None:
    """It keeps its bytes, and the next start has nothing to do."""
    directory = interrupted(tmp_path / 'root')
    segment = segment_of(directory)
    segment.write_bytes(b'garbage')
    (event,) = told(tmp_path / 'root')
    assert event.facts['records'] == 0
    assert event.facts['losses'] != ''
    assert (directory / f'{segment.name}.unreadable').read_bytes() == b'garbage'
    assert told(tmp_path / 'root') == []


def test_only_the_open_segment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start takes no longer after a long flight: closed segments tell of themselves."""
    root = tmp_path / 'root'
    flown(root, OTHER_FLIGHT_ID, records=20)
    directory = interrupted(root, commits=5, payload_bytes=LARGE_BYTES)
    *closed, last = sorted(directory.glob('*.mcap'))
    assert len(closed) >= 2
    examined = []
    examine = repair.examine

    def noted(path: Path, progress: Callable[[int], None]) -> Salvage:
        examined.append(path)
        return examine(path, progress)

    monkeypatch.setattr(repair, 'examine', noted)
    sizes = [path.stat().st_size for path in closed]
    before = bytes_read()
    prepare_root(root, config=config_of(root), report=lambda _event: None)
    # Once to find what is whole, once for the CRC, once to prove the repair.
    assert bytes_read() - before < 3 * last.stat().st_size + min(sizes)
    assert examined == [last, last]


def bytes_read() -> int:
    """Return how much this process has read so far, from whatever file."""
    lines = Path('/proc/self/io').read_text(encoding='ascii').splitlines()
    return int(lines[0].removeprefix('rchar: '))


# --- what is in the way


def test_a_flight_that_cannot_be_listed_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, the other one is put in order, and the new one is opened."""
    bad = interrupted(tmp_path / 'root')
    good = interrupted(tmp_path / 'root', OTHER_FLIGHT_ID)
    before = tree(bad)
    file_names = fs.file_names

    def failing(path: Path) -> Iterator[str]:
        if path == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return file_names(path)

    monkeypatch.setattr(fs, 'file_names', failing)
    reason = f"OSError: [Errno 5] Input/output error: '{bad}'"
    assert told(tmp_path / 'root') == [not_recovered(bad, reason), recovered(good, 4)]
    assert tree(bad) == before
    assert root_use(tmp_path / 'root') == RootUse(size_of(good), size_of(good))


def test_a_flight_without_the_right_to_read_it_is_left(tmp_path: Path) -> None:
    """As another user has left it."""
    directory = interrupted(tmp_path / 'root')
    directory.chmod(0)
    try:
        if os.access(directory, os.R_OK):
            pytest.skip('root may read everywhere')
        (event,) = told(tmp_path / 'root')
    finally:
        directory.chmod(0o755)
    assert event == not_recovered(
        directory, f"PermissionError: [Errno 13] Permission denied: '{directory}'"
    )


@pytest.mark.parametrize('call', ['pwrite', 'fdatasync', 'fsync', 'replace'])
def test_a_repair_that_the_disk_refuses_is_done_at_the_next_start(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was whole is lost by the try."""
    directory = interrupted(tmp_path / 'root')
    with monkeypatch.context() as patch:
        calls = FailingCalls(patch)
        # The note in the lock file is written before.
        calls.fail(call, nth=2 if call == 'pwrite' else 1)
        events = told(tmp_path / 'root')
    assert events == [not_recovered(directory, 'OSError: [Errno 5] Input/output error')]
    assert told(tmp_path / 'root') == [recovered(directory, 4)]
    assert [record.seq for record in read_bag(directory).records] == [0, 0, 1, 2]


@pytest.mark.parametrize('place', [17, 41], ids=['its last log time', 'the length of its records'])
def test_a_number_that_no_computer_can_take(place: int, tmp_path: Path) -> None:
    """In the head of a chunk, which no CRC covers: 64 bits, all of them set."""
    directory = interrupted(tmp_path / 'root', commits=2)
    segment = segment_of(directory)
    data = bytearray(segment.read_bytes())
    struct.pack_into('<Q', data, chunks_of(segment)[-1] + place, 2**64 - 1)
    segment.write_bytes(data)
    (event,) = told(tmp_path / 'root')
    assert (event.name, event.facts['records']) == ('flight_recovered', 7)
    assert told(tmp_path / 'root') == []


@pytest.mark.parametrize('seed', range(5))
def test_no_flipped_bytes_of_an_old_flight_refuse_the_new_one(seed: int, tmp_path: Path) -> None:
    """Wherever they are: what comes out is told, and the next start has nothing left to do."""
    root = tmp_path / 'root'
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    directory = interrupted(root, commits=2)
    before = tree(directory)
    events: list[Event] = []
    for _ in range(10):
        for path in directory.iterdir():
            path.unlink()
        for name, data in before.items():
            flipped = bytearray(data)
            for _ in range(chance.choice([1, 3, 30])):
                flipped[chance.randrange(len(data))] = chance.randrange(256)
            (directory / name).write_bytes(flipped)
        for expected in (['flight_recovered'], []):
            prepare_root(root, config=config_of(root), report=events.append)
            assert [event.name for event in events] == expected
            events.clear()


def test_a_root_that_cannot_be_listed_refuses_the_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be recorded there anyway."""
    directory = interrupted(tmp_path / 'root')

    def failing(path: Path) -> Iterator[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(fs, 'file_names', failing)
        with pytest.raises(FdrOpenError, match='Input/output error'):
            told(tmp_path / 'root')
    assert told(tmp_path / 'root') == [recovered(directory, 4)]


# --- what is not ours


def test_what_is_no_flight_is_left_alone(tmp_path: Path) -> None:
    """Files, other bags, links, and even a flight under another name; the cap would drop all."""
    root = tmp_path / 'root'
    closed, open_still = flown(tmp_path / 'elsewhere'), interrupted(root)
    open_still.rename(root / 'copy of a flight')
    (root / 'notes.txt').write_bytes(b'mine')
    (root / 'rosbag2_a').mkdir()
    (root / 'rosbag2_a' / 'rosbag2_a_0.mcap').write_bytes(b'a bag of somebody else')
    (root / 'rosbag2_a' / 'metadata.yaml').write_bytes(b'rosbag2_bagfile_information: {}')
    (root / FLIGHT_ID).symlink_to(closed)
    (root / OTHER_FLIGHT_ID).write_bytes(b'a file')
    (root / FLIGHT_ID.upper()).mkdir()
    (root / FLIGHT_ID.upper() / f'{FLIGHT_ID}_0.mcap').write_bytes(b'not how we write it')
    before = tree(tmp_path)
    assert told(root, root_bytes_max=CAP) == []
    after = tree(tmp_path)
    del after['root/.fdr.lock']
    assert after == before
    assert root_use(root) == RootUse(flights_bytes=0, closed_bytes=0)


def test_a_closed_flight_is_not_read_again(tmp_path: Path) -> None:
    """Whatever its segments are like now: what was closed is never written."""
    directory = flown(tmp_path / 'root')
    segment_of(directory).write_bytes(b'a bad sector')
    before = tree(directory)
    assert told(tmp_path / 'root') == []
    assert tree(directory) == before


# --- the cap of all flights


def aged(*directories: Path) -> None:
    """Let flights have been flown one after the other, a day each; the first one first."""
    for day, directory in enumerate(directories):
        for path in directory.iterdir():
            os.utime(path, (86400 * day, 86400 * day))


def flight_ids(count: int) -> list[str]:
    """Return names of flights, in the order of the alphabet."""
    return [str(UUID(int=number)) for number in range(1, count + 1)]


@pytest.mark.parametrize('count', range(5))
def test_the_oldest_closed_flights_go_first(count: int, tmp_path: Path) -> None:
    """By the time they were flown, and no more of them than must."""
    root = tmp_path / 'root'
    flights = [flown(root, name, records=5) for name in flight_ids(4)]
    order = [flights[place] for place in (2, 0, 3, 1)]
    aged(*order)
    assert root_use(root) == RootUse(size_of(*flights), size_of(*flights))
    expected = [dropped(directory) for directory in order[:count]]
    room = size_of(*order[count:])
    assert told(root, root_bytes_max=CAP + room) == expected
    assert sorted(path.name for path in root.iterdir()) == sorted(
        ['.fdr.lock', *(directory.name for directory in order[count:])]
    )


def test_without_a_cap_none_goes(tmp_path: Path) -> None:
    """It is off by default."""
    flown(tmp_path / 'root')
    assert told(tmp_path / 'root') == []


def test_a_flight_that_was_not_closed_never_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has seen it yet; a younger closed one goes instead, and the log says what remains."""
    root = tmp_path / 'root'
    first, second = flight_ids(2)
    interrupted(root, first)
    flown(root, second)
    aged(root / first, root / second)
    gone, over = dropped(root / second), {'flights_bytes': size_of(root / first), 'room_bytes': 0}
    with monkeypatch.context() as patch:
        FailingCalls(patch).fail('fdatasync')
        events = told(root, root_bytes_max=CAP)
    assert events == [
        not_recovered(root / first, 'OSError: [Errno 5] Input/output error'),
        gone,
        Event(name='root_over_cap', level=Level.WARN, facts=over),
    ]


def test_a_recovery_does_not_make_a_flight_younger(tmp_path: Path) -> None:
    """It is as old as its last record, and goes in its turn once it has been recovered."""
    root = tmp_path / 'root'
    first, second = flight_ids(2)
    interrupted(root, first)
    flown(root, second)
    aged(root / first, root / second)
    events = told(root, root_bytes_max=CAP + size_of(root / second))
    assert [(event.name, event.facts['directory']) for event in events] == [
        ('flight_recovered', str(root / first)),
        ('flight_dropped', str(root / first)),
    ]


def test_a_flight_that_cannot_be_removed_does_not_keep_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has a directory in it, of one the disk refuses the removal, the third one goes."""
    root = tmp_path / 'root'
    flights = [flown(root, name) for name in flight_ids(3)]
    aged(*flights)
    # Which makes the flight no younger.
    (flights[0] / 'analysis').mkdir()
    FailingCalls(monkeypatch).fail('unlink')
    expected = dropped(flights[2])
    events = told(root, root_bytes_max=CAP + size_of(*flights[:2]))
    assert events[2:] == [expected]
    assert [(event.name, event.level, event.facts) for event in events[:2]] == [
        (
            'flight_not_dropped',
            Level.ERROR,
            {
                'directory': str(flights[0]),
                'error': f"OSError: [Errno 39] Directory not empty: '{flights[0]}'",
            },
        ),
        (
            'flight_not_dropped',
            Level.ERROR,
            {'directory': str(flights[1]), 'error': 'OSError: [Errno 5] Input/output error'},
        ),
    ]


# --- the lock


OPEN_PROGRAM = """
import sys
from fdr_node.errors import FdrConcurrentWriterError
from rigs import DiskRig, OTHER_FLIGHT_ID
from pathlib import Path

try:
    DiskRig(Path(sys.argv[1])).open_flight(OTHER_FLIGHT_ID)
except FdrConcurrentWriterError as error:
    print(error.holder)
"""


def test_the_lock_is_held_meanwhile(tmp_path: Path) -> None:
    """Who starts while an old flight is being put in order is refused, and told by whom."""
    root = tmp_path / 'root'
    interrupted(root)
    said = []

    def other(event: Event) -> None:
        if event.name == 'flight_recovered':
            environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
            command = [sys.executable, '-c', OPEN_PROGRAM, str(root)]
            said.append(subprocess.check_output(command, env=environment, text=True))

    store = open_store(config_of(root), flight_id=NEW_ID, report=other)
    store.open_flight()
    store.close_flight(discard=True)
    host = socket.gethostname()
    assert said == [f'pid {os.getpid()} on {host}, flight {NEW_ID}\n']
    assert not (root / OTHER_FLIGHT_ID).exists()


def test_a_directory_that_the_disk_says_nothing_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose inode is damaged: the new flight is opened all the same."""
    bad = tmp_path / OTHER_FLIGHT_ID
    bad.mkdir()
    is_dir = Path.is_dir

    def looked_at(path: Path) -> bool:
        if path == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, 'is_dir', looked_at)
    rig = DiskRig(tmp_path)
    rig.open_flight(NEW_ID)
    assert rig.recorder.close_flight().clean_shutdown
    assert bad.exists()
