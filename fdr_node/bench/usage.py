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
"""Reads from /proc what a process and the whole computer have used; Linux alone has it."""

from __future__ import annotations

import os
from pathlib import Path
import time

_KIB = 1024

# Of /proc/stat's first line: user, nice, system, (idle, iowait,) irq, softirq, steal.
_BUSY = (0, 1, 2, 5, 6, 7)


def cpu_s(pid: int) -> float:
    """
    Return the CPU time of a process with all its threads, those that have ended too (s).

    :param pid: process
    :raises OSError: there is no such process
    """
    # The number of the clock of another process, clock_getcpuclockid(3): its schedule clock.
    return time.clock_gettime((~pid << 3) | 2)


def rss_max_bytes(pid: int) -> int:
    """
    Return the largest resident memory that a process had so far (bytes).

    :param pid: process
    :raises OSError: there is no such process
    """
    text = Path(f'/proc/{pid}/status').read_text(encoding='ascii', errors='replace')
    for line in text.splitlines():
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) * _KIB
    # A process that has ended has no memory any more.
    raise ProcessLookupError(pid)


def busy_s() -> float:
    """Return the CPU time that the computer has spent on anything since it started (s)."""
    with Path('/proc/stat').open(encoding='ascii') as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    return sum(ticks[place] for place in _BUSY) / os.sysconf('SC_CLK_TCK')
