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
"""Tests of what is read from /proc, on processes whose use is known."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Thread
import time

from fdr_node.bench.usage import busy_s, cpu_s, rss_max_bytes
import pytest

MIB = 1024 * 1024


def test_cpu_of_a_process_has_its_ended_threads() -> None:
    """The clock is that of the whole process, and it is the one that Python reads."""
    before_s = cpu_s(os.getpid())

    def burn() -> None:
        end_s = time.thread_time() + 0.05
        while time.thread_time() < end_s:
            pass

    thread = Thread(target=burn)
    thread.start()
    thread.join()
    lower_s = time.process_time()
    found_s = cpu_s(os.getpid())
    assert lower_s <= found_s <= time.process_time()
    assert found_s - before_s >= 0.05


def test_peak_of_memory_stays_after_it_was_freed() -> None:
    """A recorder is judged by its largest moment."""
    code = 'import sys; b = bytearray(64 << 20); del b; print(flush=True); sys.stdin.read()'
    with subprocess.Popen(
        [sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = rss_max_bytes(process.pid)
        process.communicate()
    assert 64 * MIB <= found <= 128 * MIB


def test_of_no_process_nothing_is_known() -> None:
    """A process that is gone is an error and not a zero."""
    with subprocess.Popen([sys.executable, '-c', '']) as process:
        process.wait()
    with pytest.raises(OSError, match=r'.'):
        cpu_s(process.pid)
    with pytest.raises(OSError, match=r'.'):
        rss_max_bytes(process.pid)


def test_the_computer_has_been_busier_than_this_process() -> None:
    """It counts everybody since the computer started."""
    assert busy_s() >= time.process_time()
