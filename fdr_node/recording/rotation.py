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
Decides when a segment is cut and which segments go to keep the cap.

Pure functions over sizes and times; nothing is written or removed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a file takes on disk is a whole number of blocks; 4 KiB is the block of ext4, XFS and F2FS.
BLOCK_BYTES = 4096


def is_old(*, age_ns: int, duration_max_s: float) -> bool:
    """
    Return whether a segment is cut for its age.

    :param age_ns: monotonic time since it was opened.
    :param duration_max_s: ``segment_duration_max_s``; 0 never cuts for age.
    """
    return duration_max_s > 0 and age_ns >= duration_max_s * NS_PER_S


def on_disk(size_bytes: int) -> int:
    """Return what a file of this size takes on disk, in bytes."""
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def count_to_drop(closed: Sequence[int], *, reserved_bytes: int, cap_bytes: int) -> int:
    """
    Return how many of the oldest segments must go before ``reserved_bytes`` more are taken.

    :param closed: sizes of the closed segments in bytes, oldest first.
    :param reserved_bytes: what is about to be reserved: a whole segment and the metadata.
    :param cap_bytes: what everything together may take.
    :return: 0 to ``len(closed)``; all of them when even that is not enough.
    """
    total = reserved_bytes + sum(on_disk(size) for size in closed)
    for count, size in enumerate(closed):
        if total <= cap_bytes:
            return count
        total -= on_disk(size)
    return len(closed)
