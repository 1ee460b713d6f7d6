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
"""What is on disk, and what this process holds of it."""

from __future__ import annotations

import gc
from pathlib import Path


def tree(path: Path) -> dict[str, bytes]:
    """Return what is below a directory: files with what is in them, the rest by name."""
    return {
        found.relative_to(path).as_posix(): found.read_bytes() if found.is_file() else b''
        for found in path.rglob('*')
    }


def disk_bytes(path: Path) -> int:
    """Return what the files of a directory take on disk, reserved space included."""
    return sum(found.stat().st_blocks * 512 for found in path.iterdir())


def open_descriptors() -> int:
    """Return how many files this process has open, those of what is garbage not counted."""
    gc.collect()
    return len(list(Path('/proc/self/fd').iterdir()))
