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
"""A disk that fails and works again a thousand times leaves no trace in the process."""

from __future__ import annotations

import errno
import gc
import logging
import os
from pathlib import Path
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.debrief.info import inspect_flight
from fdr_node.schema import LossCause
from fuse_disk import CHANGES, fuse_disk
import pytest
from session_rig import Rig
from sortie import sortie_of

if TYPE_CHECKING:
    from fuse_disk import FuseDisk

# What was measured: pytest --log-cli-level=INFO.
LOG = logging.getLogger(__name__)

NUMBERS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.ENODEV, errno.EDQUOT, errno.EMFILE)
# After these everything that is kept once has been kept.
WARM_UP = 100
CYCLES = 1000
NODE_WARM_UP = 20
NODE_CYCLES = 150
GROWTH_BYTES_MAX = 2 << 20
RING_RECORDS = 100
# Longer than commit_interval_s, and than the longest pause between two tries.
PAUSE_S = 2.5


class Held(NamedTuple):
    """What a process holds."""

    descriptors: int
    threads: int
    resident_bytes: int

    @classmethod
    def of(cls, process: str) -> Held:
        """Return what a process holds now, by its number or ``self``."""
        place = Path('/proc') / process
        pages = int((place / 'statm').read_text().split()[1])
        return cls(
            descriptors=len(list((place / 'fd').iterdir())),
            threads=len(list((place / 'task').iterdir())),
            resident_bytes=pages * os.sysconf('SC_PAGE_SIZE'),
        )

    def check_against(self, before: Held) -> None:
        """Check that nothing has come to what was held before."""
        LOG.info('held after the warm-up and in the end: %s, %s', before, self)
        assert self.descriptors == before.descriptors
        assert self.threads == before.threads
        assert self.resident_bytes <= before.resident_bytes + GROWTH_BYTES_MAX


def cycle(rig: Rig, disk: FuseDisk, number: int, first: int) -> int:
    """Let the disk fail once and work again. :return: the number of the next record."""
    rig.take_in(range(first, first + 20))
    rig.session.write_out()
    disk.fail(number, *CHANGES)
    rig.clock.advance(PAUSE_S)
    rig.session.write_out()
    rig.session.watch()
    assert rig.session.degraded_reason
    # More than memory holds.
    rig.take_in(range(first + 20, first + 20 + 2 * RING_RECORDS))
    disk.mend()
    rig.clock.advance(PAUSE_S)
    rig.session.write_out()
    rig.session.watch()
    assert not rig.session.not_ready_reason
    return first + 20 + 2 * RING_RECORDS


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_failures_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    """No descriptor, no thread, no memory; and the directory reads and adds up."""
    with fuse_disk(tmp_path) as disk:
        rig = Rig(disk.place / 'root', ring_records_max=RING_RECORDS).begin()
        records, recoveries = 0, 0
        for place in range(CYCLES):
            if place == WARM_UP:
                gc.collect()
                before = Held.of('self')
            records = cycle(rig, disk, NUMBERS[place % len(NUMBERS)], records)
            recoveries += len(rig.told('recovered'))
            # What the test itself keeps is no leak.
            rig.events.clear()
        gc.collect()
        Held.of('self').check_against(before)

        footer = rig.session.finish()
        assert footer is not None
        assert footer.clean_shutdown
        info = inspect_flight(disk.place / 'root' / footer.flight_id)
        assert (info.is_balanced, info.problems) == (True, ())
        account = info.producers['imu_1'].account
        assert account.published == records
        assert footer.producers['imu_1'].lost.keys() == {LossCause.DISK}
        assert recoveries == CYCLES


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.ros
@pytest.mark.long
@pytest.mark.timeout(400)
def test_they_leave_nothing_behind_in_the_real_node(tmp_path: Path) -> None:
    """Over DDS, with a producer that publishes all the time; each time it is heard of."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        # With a cap that is soon reached: a list of ever more segments would take ever more.
        sortie.take_off('flight_bytes_max:=4194304')
        pid = str(sortie.recorder.popen.pid)
        status = sortie.station.status
        for place in range(NODE_CYCLES):
            if place == NODE_WARM_UP:
                before = Held.of(pid)
            disk.fail(NUMBERS[place % len(NUMBERS)], *CHANGES)
            status.wait_for(lambda item: not item.ready_for_takeoff)
            disk.mend()
            status.wait_for(lambda item: item.ready_for_takeoff)
        Held.of(pid).check_against(before)
        sortie.land()
        assert len(sortie.recorder.events('recovered')) == NODE_CYCLES
