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
"""Allocator and collector: what was set is in force, and blocks come back without page faults."""

from __future__ import annotations

import ctypes
import gc
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from fdr_node.ros import memory
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

IS_GLIBC = platform.libc_ver()[0] == 'glibc'

# Prints the page faults of having five blocks of 1.2 MB at a time, fifty times.
FAULTS = """
import resource, sys
from fdr_node.ros.memory import keep_memory
if sys.argv[1] == 'kept':
    assert keep_memory()
parts = [bytes(400_000)] * 3
def use():
    blocks = [b''.join(parts) for _ in range(5)]
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def collector() -> Iterator[None]:
    """Let the collector look at everything, and put it back as the tests have it."""
    thresholds = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*thresholds)
    gc.freeze()


def page_faults(how: str) -> int:
    """Return the page faults of a process that keeps its memory, or leaves it as it is."""
    command = [sys.executable, '-c', FAULTS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(not IS_GLIBC, reason='only glibc has mallopt')
def test_memory_that_was_freed_is_used_again() -> None:
    """A block of the size of a chunk costs its page faults once, and not each time."""
    assert page_faults('kept') * 10 < page_faults('left')


def test_a_c_library_that_cannot_keep_memory_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The recorder runs there too."""
    monkeypatch.setattr(ctypes, 'CDLL', lambda _: object())
    assert not memory.keep_memory()


@pytest.mark.usefixtures('collector')
def test_the_collector_leaves_alone_what_is_there() -> None:
    """What was made before is not looked at again, and it looks less often."""
    before = gc.get_threshold()
    assert gc.get_freeze_count() == 0
    memory.calm_collector()
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold() > before
