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
"""Takes from a running process, or from one that is about to start, what root usually has."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
import resource
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# With these root may write to a directory whose modes forbid it.
_RIGHTS = '-dac_override,-dac_read_search'
_PREFIX = ['setpriv', f'--bounding-set={_RIGHTS}', f'--inh-caps={_RIGHTS}']


def without_rights_over_modes() -> list[str]:
    """Return what begins the command of a process that modes hold for; skips where it cannot."""
    try:
        done = subprocess.run([*_PREFIX, 'true'], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip('needs setpriv')
    if done.returncode:
        pytest.skip(f'needs the right to give rights away: {done.stderr.strip()}')
    return _PREFIX


@contextmanager
def no_more_files(pid: int) -> Iterator[None]:
    """Let a process open no further file, until this ends."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # Descriptors below the limit may be free, so it is put where none is.
    used = {int(path.name) for path in Path(f'/proc/{pid}/fd').iterdir()}
    lowest_free = next(number for number in range(len(used) + 1) if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
