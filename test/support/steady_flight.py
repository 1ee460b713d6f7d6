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
Records 2,000 records a second without an end, in a process of its own that is killed.

Usage: python steady_flight.py ROOT COMPRESSION. One line on stdout after each tick: how many
records are older than the commit interval, and how many the recorder calls durable. Every record
carries the instant at which it was written.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
import random
import sys
import time
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S, SystemClock
from fdr_node.config import MIB
from rigs import DiskRig, header_of, record_of

if TYPE_CHECKING:
    from fdr_node.record import FdrRecord

RECORDS_PER_S = 2000
COMMIT_INTERVAL_S = 0.2
# A commit every 160 ms, a cut about four times a second, and from the fourth on a segment goes.
SETTINGS = {'chunk_bytes': MIB, 'commit_interval_s': COMMIT_INTERVAL_S}
_PERIOD_S = 0.005


def written(seq: int, monotonic_ns: int) -> FdrRecord:
    """Return a record of this flight; compressed, it takes about three quarters."""
    size = 600 + seq * 7919 % 800
    record = record_of(seq, payload_bytes=size // 4)
    noise = random.Random(seq).randbytes(size - size // 4)  # noqa: S311 - no secret
    return record._replace(monotonic_ns=monotonic_ns, payload=record.payload + noise)


def main() -> None:
    """Record until the end."""
    clock = SystemClock()
    rig = DiskRig(Path(sys.argv[1]), {**SETTINGS, 'compression': sys.argv[2]}, clock=clock)
    rig.recorder.open_flight(header_of(rig.config, clock))
    flight = rig.recorder._flight
    assert flight is not None
    start_ns = clock.monotonic_ns()
    written_ns: list[int] = []
    while True:
        due = (clock.monotonic_ns() - start_ns) * RECORDS_PER_S // NS_PER_S
        for seq in range(len(written_ns), due):
            written_ns.append(clock.monotonic_ns())
            rig.recorder.write_record(written(seq, written_ns[-1]))
        rig.recorder.tick()
        old = bisect_left(written_ns, clock.monotonic_ns() - round(COMMIT_INTERVAL_S * NS_PER_S))
        print(old, flight.tally.durable['imu_1'], flush=True)  # noqa: T201 - for the test
        time.sleep(_PERIOD_S)


if __name__ == '__main__':
    main()
