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
The disk fails in the air: the real node over DDS, each fault made in earnest.

In each the operator hears of it within a second, the records that memory cannot hold are lost by
name, the recorder is back within 5 s of the cure without help, the account adds up, and mcap and
rosbags read the flight.
"""

from __future__ import annotations

from contextlib import ExitStack
import errno
import logging
import shutil
import time
from typing import TYPE_CHECKING

from fuse_disk import CHANGES, fuse_disk, GROWTH
from image_disk import make_image, make_read_only, mounted, mounted_anew
import pytest
from quota_disk import limit, quota_disk
from rigs import payload_of
from small_disk import fill, small_disk
from sortie import accounted, flight_info, played, PRODUCER, RATE_HZ, seqs_of, sortie_of
from tight_limits import no_more_files, without_rights_over_modes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sortie import Fault, Landed, Sortie

pytestmark = [pytest.mark.fault, pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(120)]
long = pytest.mark.long

# What was measured: pytest --log-cli-level=INFO.
LOG = logging.getLogger(__name__)

ALERT_S = 1.0
BACK_S = 5.0
STALL_S = 2.0  # io_stall_s
CRITICAL = 2
MIB = 1 << 20


def check(fault: Fault, *, alert_s: float = ALERT_S) -> None:
    """Check how quickly the operator heard of it, and how quickly it was over."""
    LOG.info('alert %.2f s, back %.2f s: %s', fault.alert_s, fault.back_s, fault.alert.text)
    assert fault.alert_s <= alert_s
    assert fault.back_s <= BACK_S


def check_lost_to_disk(landed: Landed) -> None:
    """Check that the disk is what records were lost to, and that the log itself says so."""
    lost = landed.lost_by()
    LOG.info('lost %s', lost)
    assert lost.keys() == {'disk'}
    (outage,) = landed.payloads('recovered')
    assert outage['lost'] == {'camera': lost['disk']}


def fail_with(
    sortie: Sortie, break_it: Callable[[], object], cure_it: Callable[[], object], text: str
) -> tuple[Fault, Landed]:
    """Fly through one fault, and land."""
    sortie.take_off('degraded_keep_bytes:=1125899906842624')
    fault = sortie.suffer(break_it, text, cure_it=cure_it)
    assert fault.alert.severity == CRITICAL
    return fault, sortie.land()


def errno_test(
    folder: Path, number: int, steps: tuple[str, ...], text: str
) -> tuple[Fault, Landed]:
    """Fly on a disk that fails steps with an error number for a while."""
    with fuse_disk(folder) as disk, sortie_of(folder, disk.place / 'root') as sortie:
        return fail_with(sortie, lambda: disk.fail(number, *steps), disk.mend, text)


def test_a_disk_that_fails_and_works_again(tmp_path: Path) -> None:
    """EIO from every call that changes something, as from a card with a loose contact."""
    fault, landed = errno_test(tmp_path, errno.EIO, CHANGES, 'FDR: disk I/O error')
    check(fault)
    check_lost_to_disk(landed)


@long
@pytest.mark.parametrize(
    ('number', 'steps', 'text'),
    [
        pytest.param(errno.EROFS, CHANGES, 'FDR: disk read-only', id='EROFS'),
        pytest.param(errno.ENODEV, CHANGES, 'FDR: disk gone', id='ENODEV'),
        pytest.param(errno.ESTALE, CHANGES, 'FDR: network disk lost', id='ESTALE'),
        pytest.param(errno.EDQUOT, GROWTH, 'FDR: disk quota used up', id='EDQUOT'),
        pytest.param(errno.ENOSPC, GROWTH, 'FDR: disk full', id='ENOSPC'),
        pytest.param(errno.ENOSPC, ('create', 'fallocate'), 'FDR: disk full', id='at the cut'),
        pytest.param(errno.EIO, ('fsync',), 'FDR: disk I/O error', id='only syncs'),
    ],
)
def test_each_error_of_a_disk(
    tmp_path: Path,
    number: int,
    steps: tuple[str, ...],
    text: str,
) -> None:
    """Each is told in its own words."""
    fault, landed = errno_test(tmp_path, number, steps, text)
    check(fault)
    check_lost_to_disk(landed)


@long
def test_a_disk_that_is_full_and_has_room_again(tmp_path: Path) -> None:
    """Another process fills it to the last byte; what the open segment has reserved is used up."""
    with (
        small_disk(tmp_path / 'disk', size_bytes=24 * MIB) as disk,
        sortie_of(tmp_path, disk / 'root') as sortie,
    ):
        fault, landed = fail_with(
            sortie, lambda: fill(disk), (disk / 'other').unlink, 'FDR: disk full'
        )
        check(fault)
        check_lost_to_disk(landed)


@long
def test_a_quota_that_is_used_up_and_raised(tmp_path: Path) -> None:
    """A real one, of Btrfs, that is set below what is in use already."""
    with quota_disk(tmp_path) as disk, sortie_of(tmp_path, disk / 'root') as sortie:
        fault, landed = fail_with(
            sortie, lambda: limit(disk, MIB), lambda: limit(disk, None), 'FDR: disk quota used up'
        )
        check(fault)
        check_lost_to_disk(landed)


@long
def test_a_full_disk_gets_the_oldest_segments_of_the_flight(tmp_path: Path) -> None:
    """With leave to give them back it goes on at once, and nothing new is lost."""
    with (
        small_disk(tmp_path / 'disk', size_bytes=24 * MIB) as disk,
        sortie_of(tmp_path, disk / 'root') as sortie,
    ):
        sortie.take_off('degraded_keep_bytes:=2097152')
        sortie.fly(1500)
        full_s = time.monotonic()
        fill(disk)
        alert = sortie.radio.wait_for('FDR: disk full, dropping oldest segments')
        LOG.info('alert %.2f s: %s', alert.at_s - full_s, alert.text)
        assert alert.at_s - full_s <= ALERT_S
        sortie.fly(1000)
        landed = sortie.land()
        assert [heard for heard in sortie.radio.heard if heard.severity <= CRITICAL] == []
        assert landed.lost_by().keys() == {'rolled_off'}
        assert landed.payloads('recovered') == []


@long
def test_a_file_system_that_turns_read_only_and_is_mounted_anew(tmp_path: Path) -> None:
    """As ext4 does at an error of its medium; the operator unmounts it and mounts it again."""
    image = tmp_path / 'disk.img'
    make_image(image)
    with ExitStack() as mounts:
        disk = mounts.enter_context(mounted(image, tmp_path / 'disk'))

        def mount_anew() -> None:
            mounts.close()
            mounts.enter_context(mounted_anew(image, disk))

        with sortie_of(tmp_path, disk / 'root') as sortie:
            fault, landed = fail_with(
                sortie, lambda: make_read_only(disk), mount_anew, 'FDR: disk read-only'
            )
            check(fault)
            check_lost_to_disk(landed)


@long
@pytest.mark.parametrize(
    ('steps', 'seconds'),
    [
        pytest.param(('fsync',), 30, id='syncs'),
        pytest.param(('write',), 5, id='writes'),
        pytest.param(('create',), 5, id='at the cut'),
        # As a file server does that cannot be reached.
        pytest.param(('lookup', 'open', 'read', 'statfs', *CHANGES), 5, id='everything'),
    ],
)
def test_a_disk_that_hangs(tmp_path: Path, steps: tuple[str, ...], seconds: int) -> None:
    """No such step comes back for so long; memory is full after half a second."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        sortie.take_off()
        try:
            fault = sortie.suffer(
                lambda: disk.hang(*steps),
                'FDR: disk stalled',
                lost=seconds * RATE_HZ,
                cure_it=disk.mend,
            )
        finally:
            # What waits in a call cannot even be killed.
            disk.mend()
        # A file is created at the next cut.
        check(fault, alert_s=STALL_S + ALERT_S)
        lost = sortie.land().lost_by()
        LOG.info('lost %s', lost)
        # That it is the disk shows after a while.
        assert lost.keys() == {'disk', 'ring'}
        assert lost['ring'] <= STALL_S * RATE_HZ < lost['disk']


@long
def test_a_disk_that_is_pulled_and_put_back(tmp_path: Path) -> None:
    """What was committed is on it, and the flight goes on there."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        fault, landed = fail_with(sortie, disk.pull, disk.put_back, 'FDR: disk gone')
        check(fault)
        check_lost_to_disk(landed)


@long
def test_a_disk_that_is_pulled_for_good(tmp_path: Path) -> None:
    """The flight goes on on the second disk; each of both directories plays."""
    spare = tmp_path / 'spare'
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        sortie.take_off(f'fallback_root:={spare}')
        fault = sortie.suffer(disk.pull, 'FDR: disk gone')
        check(fault)
        sortie.radio.wait_for('FDR: recording to fallback disk')
        published = sortie.producer.pause()
        sortie.station.status.wait_for(lambda status: accounted(status) == published)
        assert sortie.recorder.stop() == 0
        disk.put_back()
        first = played(sortie.directory)
        second = played(spare / sortie.directory.name)
        assert seqs_of(second)[-1] == published - 1
        assert set(seqs_of(first)).isdisjoint(seqs_of(second))
        for part in (sortie.directory, spare / sortie.directory.name):
            info = flight_info(part)
            assert (info['balanced'], info['complete']) == (True, True), info['problems']
        (footer,) = [payload_of(record) for record in second if record.kind == 'flight_footer']
        producers = footer['producers']
        assert isinstance(producers, dict)
        recorded = len(seqs_of(first)) + len(seqs_of(second))
        assert producers[PRODUCER] == {
            'published': published,
            'recorded': recorded,
            'lost': {'disk': published - recorded},
            'duplicates': 0,
            'before_flight': 0,
        }


@long
@pytest.mark.parametrize('what', ['flight', 'root'])
def test_a_directory_that_is_removed_underneath(tmp_path: Path, what: str) -> None:
    """It is made anew, and what was in it is named; between two segments nothing even fails."""
    with sortie_of(tmp_path, tmp_path / 'root') as sortie:
        sortie.take_off()
        gone = sortie.directory if what == 'flight' else sortie.directory.parent
        removed_s = time.monotonic()
        # The recorder may make a file while it goes.
        shutil.rmtree(gone, ignore_errors=True)
        alert = sortie.radio.wait_for('removed', after_s=removed_s)
        LOG.info('alert %.2f s: %s', alert.at_s - removed_s, alert.text)
        assert alert.at_s - removed_s <= ALERT_S
        if alert.severity == CRITICAL:
            back = sortie.radio.wait_for('recording again', after_s=removed_s)
            assert back.at_s - removed_s <= BACK_S
        sortie.station.status.wait_for(lambda status: status.ready_for_takeoff)
        sortie.fly(RATE_HZ)
        landed = sortie.land()
        LOG.info('lost %s', landed.lost_by())
        assert landed.lost_by().keys() == {'rolled_off'}


@long
def test_rights_that_are_taken_away(tmp_path: Path) -> None:
    """Of the flight directory; an open file takes no notice, so it shows at the next cut."""
    with sortie_of(tmp_path, tmp_path / 'root') as sortie:
        sortie.field.recorder_prefix = without_rights_over_modes()
        fault, landed = fail_with(
            sortie,
            lambda: sortie.directory.chmod(0o500),
            lambda: sortie.directory.chmod(0o755),
            'FDR: permission denied',
        )
        check(fault)
        check_lost_to_disk(landed)


@long
def test_the_limit_of_open_files(tmp_path: Path) -> None:
    """It shows at the next cut; what is open already goes on."""
    with sortie_of(tmp_path, tmp_path / 'root') as sortie, ExitStack() as limit:
        fault, landed = fail_with(
            sortie,
            lambda: limit.enter_context(no_more_files(sortie.recorder.popen.pid)),
            limit.close,
            'FDR: out of file handles',
        )
        check(fault)
        check_lost_to_disk(landed)
