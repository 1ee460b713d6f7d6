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
A flight that cannot be opened: the aircraft is not ready, and its operator hears why.

Nothing is left on disk. Once the cause is gone it is ready without a restart, and a process that
is stopped before that says by its exit code that it never recorded.
"""

from __future__ import annotations

from contextlib import contextmanager
import errno
import json
import logging
import subprocess
import sys
import time
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.storage.lock import FlightLock
from fuse_disk import CHANGES, fuse_disk
from on_disk import tree
import pytest
from rigs import FLIGHT_ID
from small_disk import fill, make_read_only, make_writable, small_disk
from sortie import sortie_of
from tight_limits import without_rights_over_modes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = [
    pytest.mark.fault,
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(60),
]

# What was measured: pytest --log-cli-level=INFO.
LOG = logging.getLogger(__name__)

CANNOT, USAGE = 1, 2
CRITICAL, NOTICE = 2, 5
MIB = 1 << 20
# open_retry_s, and what a flight takes to open.
READY_S = 2.0 + 1.0
FDR = 'import sys; from fdr_node.cli.main import main; sys.exit(main())'
SMALL = ('segment_bytes_max:=524288', 'record_bytes_max:=65536', 'free_bytes_min:=0')


class Obstacle(NamedTuple):
    """
    What is in the way.

    :param root: flight root.
    :param watched: a directory in which nothing may change.
    :param remove: takes the obstacle away.
    :param prefix: what the command of the recorder begins with.
    """

    root: Path
    watched: Path
    remove: Callable[[], object]
    prefix: Sequence[str] = ()


@contextmanager
def missing(place: Path) -> Iterator[Obstacle]:
    """Give a root whose parent is not there, as that of a disk that is not mounted."""
    parent = place / 'mnt'
    yield Obstacle(parent / 'root', place, parent.mkdir)


@contextmanager
def read_only(place: Path) -> Iterator[Obstacle]:
    """Give a root on a disk that is read-only."""
    with small_disk(place / 'disk', size_bytes=24 * MIB) as disk:
        make_read_only(disk)
        yield Obstacle(disk / 'root', disk, lambda: make_writable(disk))


@contextmanager
def full(place: Path) -> Iterator[Obstacle]:
    """Give a root on a disk that others have filled."""
    with small_disk(place / 'disk', size_bytes=24 * MIB) as disk:
        yield Obstacle(disk / 'root', disk, fill(disk).unlink)


@contextmanager
def locked(place: Path) -> Iterator[Obstacle]:
    """Give a root that another recorder holds."""
    lock = FlightLock(place)
    lock.acquire(FLIGHT_ID)
    yield Obstacle(place, place, lock.release)
    lock.release()


@contextmanager
def forbidden(place: Path) -> Iterator[Obstacle]:
    """Give a root in a directory that the recorder may not write to."""
    folder = place / 'folder'
    folder.mkdir(mode=0o500)
    prefix = without_rights_over_modes()
    yield Obstacle(folder / 'root', folder, lambda: folder.chmod(0o700), prefix)


@contextmanager
def broken(place: Path) -> Iterator[Obstacle]:
    """Give a root on a disk that takes nothing."""
    with fuse_disk(place) as disk:
        disk.fail(errno.EIO, *CHANGES)
        yield Obstacle(disk.place / 'root', disk.place, disk.mend)


# Of each the check that fails in ``fdr doctor``.
OBSTACLES: dict[Callable[[Path], AbstractContextManager[Obstacle]], str] = {
    missing: 'flight root',
    read_only: 'flight root',
    full: 'flight root',
    locked: 'flight root: lock',
    forbidden: 'flight root',
    broken: 'flight root',
}


def doctor(obstacle: Obstacle, params_file: Path) -> tuple[int, list[str]]:
    """Ask ``fdr doctor``. :return: its exit code, and the checks that are not passed."""
    command = [*obstacle.prefix, sys.executable, '-c', FDR, 'doctor', '--json']
    command += ['--root', str(obstacle.root), '--params-file', str(params_file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    checks = json.loads(done.stdout)['checks']
    return done.returncode, [item['name'] for item in checks if item['verdict'] == 'no-go']


@pytest.mark.parametrize('obstacle_in', OBSTACLES)
def test_the_doctor_knows_before(
    tmp_path: Path, obstacle_in: Callable[[Path], AbstractContextManager[Obstacle]]
) -> None:
    """What refuses the flight is a no-go, and nothing is when it has been taken away."""
    place, params_file = tmp_path / 'place', tmp_path / 'fdr.yaml'
    place.mkdir()
    settings = '\n'.join(f'    {item.replace(":=", ": ")}' for item in SMALL)
    params_file.write_text(f'fdr:\n  ros__parameters:\n{settings}\n')
    with obstacle_in(place) as obstacle:
        before = tree(obstacle.watched)
        assert doctor(obstacle, params_file) == (1, [OBSTACLES[obstacle_in]])
        assert tree(obstacle.watched) == before
        obstacle.remove()
        assert doctor(obstacle, params_file) == (0, [])


@pytest.mark.parametrize(
    ('obstacle_in', 'text'),
    [
        pytest.param(missing, 'PreArm: FDR flight root missing', id='missing'),
        pytest.param(read_only, 'PreArm: FDR disk is read-only', id='read-only'),
        pytest.param(full, 'PreArm: FDR disk has too little space', id='full'),
        pytest.param(locked, 'PreArm: FDR locked by another recorder', id='locked'),
        pytest.param(
            forbidden,
            'PreArm: FDR may not write to flight root',
            id='forbidden',
        ),
        pytest.param(broken, 'PreArm: FDR disk I/O error', id='broken'),
    ],
)
def test_what_is_in_the_way_of_a_flight(
    tmp_path: Path, obstacle_in: Callable[[Path], AbstractContextManager[Obstacle]], text: str
) -> None:
    """It is said, again and again; then it is taken away."""
    place = tmp_path / 'place'
    place.mkdir()
    with obstacle_in(place) as obstacle, sortie_of(tmp_path, obstacle.root) as sortie:
        before = tree(obstacle.watched)
        sortie.field.recorder_prefix = obstacle.prefix
        settings = [*SMALL, 'prearm_alert_s:=1.0']
        recorder = sortie.field.recorder(*(word for item in settings for word in ('-p', item)))
        first = sortie.radio.wait_for(text)
        again = sortie.radio.wait_for(text, after_s=first.at_s + 0.1)
        assert {first.severity, again.severity} == {CRITICAL}
        LOG.info('repeated after %.2f s: %s', again.at_s - first.at_s, text)
        status = sortie.station.status.wait_for(lambda status: bool(status.not_ready_reason))
        assert (status.lifecycle_state, status.ready_for_takeoff) == ('unconfigured', False)
        assert not sortie.station.transition('configure')
        assert tree(obstacle.watched) == before

        removed_s = time.monotonic()
        obstacle.remove()
        recorder.wait_recording()
        ready = sortie.radio.wait_for('FDR: ready for take-off', after_s=removed_s)
        assert ready.severity == NOTICE
        LOG.info('ready after %.2f s', ready.at_s - removed_s)
        assert ready.at_s - removed_s <= READY_S
        sortie.station.status.wait_for(lambda status: status.ready_for_takeoff)
        assert recorder.stop() == 0


def test_a_recorder_that_never_recorded_says_so_at_its_end(tmp_path: Path) -> None:
    """By its exit code; nothing of it is left."""
    with sortie_of(tmp_path, tmp_path / 'mnt' / 'root') as sortie:
        recorder = sortie.field.recorder()
        sortie.radio.wait_for('PreArm: FDR flight root missing')
        assert recorder.stop() == CANNOT
        assert not (tmp_path / 'mnt').exists()


def test_a_parameter_out_of_its_bound_is_heard_of(tmp_path: Path) -> None:
    """The process ends; its last words name the parameter."""
    with sortie_of(tmp_path, tmp_path / 'root') as sortie:
        recorder = sortie.field.recorder('-p', 'history_depth:=0')
        heard = sortie.radio.wait_for('PreArm: FDR parameter history_depth')
        assert heard.severity == CRITICAL
        assert recorder.wait() == USAGE
        assert not (tmp_path / 'root').exists()
