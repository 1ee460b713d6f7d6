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
Decides how many of the records that wait go into the open chunk at once.

Pure: sizes in, a number out.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Final, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fdr_node.record import RecordHead

    # A serialised record, its head, and when it was received (CLOCK_MONOTONIC, ns).
    Received = tuple[bytes, RecordHead, int]

# What a segment may need for a record beside its bytes, its place in the index included.
RECORD_OVERHEAD_BYTES_MAX: Final = 64


def share(records: Sequence[Received], *, bytes_max: int, fits: Callable[[int], bool]) -> int:
    """
    Return how many records to take, from the first on.

    :param records: at least one, of which the first fits.
    :param bytes_max: the record with which they reach this many bytes is the last one.
    :param fits: says whether a record of so many bytes has room in the segment.
    """
    sizes = [*accumulate([len(data) + RECORD_OVERHEAD_BYTES_MAX for data, _, _ in records])]
    count = bisect_left(sizes, bytes_max, hi=len(sizes) - 1) + 1
    while count > 1 and not fits(sizes[count - 1]):
        count //= 2
    return count


def parts(records: Sequence[Received], *, bytes_max: int) -> Iterator[Sequence[Received]]:
    """
    Cut records into parts, in their order.

    :param bytes_max: no part is larger, unless it is a single record.
    """
    sizes = [len(data) for data, _, _ in records]
    if sum(sizes) <= bytes_max:
        if records:
            yield records
        return
    begin = part_bytes = 0
    for place, size in enumerate(sizes):
        if part_bytes and part_bytes + size > bytes_max:
            yield records[begin:place]
            begin, part_bytes = place, 0
        part_bytes += size
    yield records[begin:]
