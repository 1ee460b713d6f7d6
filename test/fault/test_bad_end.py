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
The node is stopped while its disk has failed: it ends in time and says that it was not well.

What was committed is there, and the next start puts the flight in order.
"""

from __future__ import annotations

import errno
import logging
import signal
import time
from typing import TYPE_CHECKING

from fuse_disk import CHANGES, fuse_disk
from ground_station import recorded
import pytest
from sortie import flight_info, PRODUCER, RATE_HZ, SETTINGS, sortie_of

if TYPE_CHECKING:
    from pathlib import Path

    from sortie import Sortie

pytestmark = [
    pytest.mark.fault,
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(120),
]

# What was measured: pytest --log-cli-level=INFO.
LOG = logging.getLogger(__name__)

CANNOT = 1
# shutdown_deadline_s, and what the end takes besides.
END_S = 5.0 + 2.0
NOT_CLOSED = 'FDR: flight not closed cleanly'


def fly_on(sortie: Sortie) -> int:
    """Fly for two commit intervals. :return: how many records are durable for certain."""
    durable = recorded(sortie.status(), PRODUCER)
    sortie.fly(2 * RATE_HZ)
    return durable


def check_next_start(sortie: Sortie, durable: int) -> None:
    """Start again, and look at the flight that was interrupted."""
    words = [word for item in SETTINGS for word in ('-p', item)]
    recorder = sortie.field.recorder(*words)
    recorder.wait_recording()
    assert recorder.stop() == 0
    (told,) = recorder.events('flight_recovered')
    assert told['directory'] == str(sortie.directory)
    info = flight_info(sortie.directory)
    assert (info['balanced'], info['problems'], info['clean_shutdown']) == (True, [], False)
    producers = info['producers']
    assert isinstance(producers, dict)
    assert producers[PRODUCER]['recorded'] >= durable


def test_a_stop_while_the_disk_refuses(tmp_path: Path) -> None:
    """The footer is tried until the deadline."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        sortie.take_off()
        durable = fly_on(sortie)
        disk.fail(errno.EIO, *CHANGES)
        sortie.miss(RATE_HZ)
        sortie.producer.pause()
        stopped_s = time.monotonic()
        assert sortie.recorder.stop() == CANNOT
        LOG.info('ended after %.2f s', time.monotonic() - stopped_s)
        assert time.monotonic() - stopped_s <= END_S
        sortie.radio.wait_for(NOT_CLOSED)
        disk.mend()
        check_next_start(sortie, durable)


def test_a_stop_while_the_disk_hangs(tmp_path: Path) -> None:
    """The thread that hangs is left; Linux keeps the process until its call comes back."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        sortie.take_off()
        durable = fly_on(sortie)
        try:
            disk.hang('fsync')
            sortie.radio.wait_for('FDR: disk stalled')
            sortie.producer.pause()
            stopped_s = time.monotonic()
            sortie.recorder.popen.send_signal(signal.SIGINT)
            heard = sortie.radio.wait_for(NOT_CLOSED)
            LOG.info('given up after %.2f s', heard.at_s - stopped_s)
            assert heard.at_s - stopped_s <= END_S
        finally:
            disk.mend()
        assert sortie.recorder.wait() == CANNOT
        check_next_start(sortie, durable)


def test_a_cleanup_while_the_disk_hangs(tmp_path: Path) -> None:
    """Once the disk answers the flight is closed, and the same process opens the next one."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        sortie.take_off()
        durable = fly_on(sortie)
        try:
            disk.hang('fsync')
            sortie.radio.wait_for('FDR: disk stalled')
            sortie.producer.pause()
            assert sortie.station.transition('deactivate')
            assert sortie.station.transition('cleanup')
            sortie.radio.wait_for(NOT_CLOSED)
            assert not sortie.station.transition('configure')
        finally:
            disk.mend()
        assert sortie.recorder.wait_event('flight_closed')['clean_shutdown'] is True
        info = flight_info(sortie.directory)
        assert (info['balanced'], info['problems'], info['clean_shutdown']) == (True, [], True)
        producers = info['producers']
        assert isinstance(producers, dict)
        assert producers[PRODUCER]['recorded'] >= durable
        assert sortie.station.transition('configure')
        assert sortie.recorder.stop() == 0
