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
import threading
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.debrief.info import inspect_flight
from fdr_node.schema import LossCause
from fuse_disk import CHANGES, fuse_disk
from on_disk import open_descriptors
import pytest
from session_rig import Rig

if TYPE_CHECKING:
    from fuse_disk import FuseDisk

# What was measured: pytest --log-cli-level=INFO.
LOG = logging.getLogger(__name__)

NUMBERS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.ENODEV, errno.EDQUOT, errno.EMFILE)
# After these everything that is kept once has been kept.
WARM_UP = 100
CYCLES = 1000
GROWTH_BYTES_MAX = 2 << 20
RING_RECORDS = 100
# Longer than commit_interval_s, and than the longest pause between two tries.
PAUSE_S = 2.5


class Held(NamedTuple):
    """What this process holds."""

    descriptors: int
    threads: int
    resident_bytes: int

    @classmethod
    def now(cls) -> Held:
        """Return what it holds now."""
        gc.collect()
        pages = int(Path('/proc/self/statm').read_text().split()[1])
        return cls(
            open_descriptors(), threading.active_count(), pages * os.sysconf('SC_PAGE_SIZE')
        )


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
        held: list[Held] = []
        for place in range(CYCLES):
            if place == WARM_UP:
                held.append(Held.now())
            records = cycle(rig, disk, NUMBERS[place % len(NUMBERS)], records)
            recoveries += len(rig.told('recovered'))
            # What the test itself keeps is no leak.
            rig.events.clear()
        held.append(Held.now())
        LOG.info('held after the warm-up and in the end: %s', held)
        assert held[-1].descriptors == held[0].descriptors
        assert held[-1].threads == held[0].threads
        assert held[-1].resident_bytes <= held[0].resident_bytes + GROWTH_BYTES_MAX

        footer = rig.session.finish()
        assert footer is not None
        assert footer.clean_shutdown
        info = inspect_flight(disk.place / 'root' / footer.flight_id)
        assert (info.is_balanced, info.problems) == (True, ())
        account = info.producers['imu_1'].account
        assert account.published == records
        assert footer.producers['imu_1'].lost.keys() == {LossCause.DISK}
        assert recoveries == CYCLES
