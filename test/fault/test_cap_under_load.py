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
"""The size of a flight, looked at every 5 ms from outside while a recorder does what it can."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys
from threading import Event
import time
from typing import TYPE_CHECKING

from on_disk import disk_bytes
import pytest
from rigs import config_of, FLIGHT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).resolve().parents[1] / 'support' / 'endless_flight.py'
PERIOD_S = 0.005
SAMPLES = 400
WAIT_S = 15.0
# Segments of 512 KiB; the cap has room for three.
SEGMENTS_AT_CAP = 3


def first_segment(directory: Path) -> int:
    """Return the number of the oldest segment that is there; -1 without one."""
    numbers = [int(path.stem.rpartition('_')[2]) for path in directory.glob('*.mcap')]
    return min(numbers, default=-1)


def sizes_of(directory: Path) -> Iterator[int]:
    """Return what a directory takes on disk, reserved space included, again and again."""
    while True:
        names = sorted(directory.iterdir())
        try:
            size = disk_bytes(directory)
        except FileNotFoundError:
            continue
        # A file that came or went while the others were looked at may count twice or not at all.
        if sorted(directory.iterdir()) == names:
            yield size
            Event().wait(PERIOD_S)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize(
    'samples', [SAMPLES, pytest.param(20 * SAMPLES, marks=[pytest.mark.long])]
)
@pytest.mark.timeout(120)
def test_a_flight_is_never_above_its_cap(samples: int, tmp_path: Path) -> None:
    """While it records as fast as it can, and drops a segment for each that it begins."""
    directory = tmp_path / 'root' / FLIGHT_ID
    # With this seed nothing is compressed, so that segments fill up soon.
    command = [sys.executable, str(PROGRAM), str(tmp_path / 'root'), '0']
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + WAIT_S
            while first_segment(directory) < 1:
                assert time.monotonic() < deadline
                Event().wait(PERIOD_S)
            first = first_segment(directory)
            sizes = sizes_of(directory)
            seen = [next(sizes) for _ in range(samples)]
            dropped = first_segment(directory) - first
            assert process.poll() is None
        finally:
            process.kill()
    cap = config_of().flight_bytes_max
    assert max(seen) <= cap
    assert min(seen) > cap // SEGMENTS_AT_CAP
    assert dropped > SEGMENTS_AT_CAP
