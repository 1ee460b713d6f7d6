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
Records a flight without an end, in a process of its own that is killed.

Usage: python endless_flight.py ROOT SEED [BACKEND]. One line on stdout for each commit: the number
of the last record that is durable then. Sizes, commits and the compression follow from the seed.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
import random
import sys

from fdr_node.clock import SystemClock
from fdr_node.config import COMPRESSIONS
from rigs import DiskRig, header_of, record_of


def main() -> None:
    """Record until the end."""
    root, seed = Path(sys.argv[1]), int(sys.argv[2])
    (backend,) = sys.argv[3:] or ('mcap',)
    compression = COMPRESSIONS[seed % len(COMPRESSIONS)]
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    clock = SystemClock()
    rig = DiskRig(root, {'storage_backend': backend, 'compression': compression}, clock=clock)
    rig.recorder.open_flight(header_of(rig.config, clock))
    for seq in count():
        rig.recorder.write_record(record_of(seq, payload_bytes=chance.randrange(8000)))
        if chance.random() < 0.3:
            assert rig.recorder.commit()
            print(seq, flush=True)  # noqa: T201 - what the test waits for


if __name__ == '__main__':
    main()
