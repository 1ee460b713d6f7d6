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
Sets up the process for a steady flow of records: allocator and garbage collector.

Both are made for programs that come to rest. Left alone they cost a tenth of what a record costs,
and now and then a pause in which records are missed. It changes nothing but time and memory.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_MIB: Final = 1 << 20

# glibc (mallopt(3)): blocks from this size on come from the system and go back to it one by one,
# and free memory at the end of the heap beyond that goes back. A chunk is put together from blocks
# of its size, so each would be had anew, page by page, for each chunk.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = {_M_MMAP_THRESHOLD: 8 * _MIB, _M_TRIM_THRESHOLD: 32 * _MIB}

# What a record needs is freed without the collector, which only looks for cycles. By default it
# would look each 700 objects, that is each 300 records.
_YOUNG_OBJECTS: Final = 20_000
_COLLECTIONS: Final = 20


def keep_memory() -> bool:
    """
    Keep memory that was freed for what comes next, some 32 MiB at most.

    :return: whether the C library can do that; glibc can.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and all(mallopt(*option) for option in _KEPT_BYTES.items())


def calm_collector() -> None:
    """Look for cycles less often, and never again among the objects that are there by now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _COLLECTIONS, _COLLECTIONS)
