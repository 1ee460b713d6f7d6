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
Counts what is in a bag, with the reader of the ``mcap`` library and without any code of ours.

Records that the recorder adds by itself are not counted: those of the benchmark carry a mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench.process import BenchError
from mcap.exceptions import McapError
from mcap.records import Message
from mcap.stream_reader import StreamReader

if TYPE_CHECKING:
    from pathlib import Path

# The names of all producers of the benchmark begin so.
MARK = b'bench_'
# The name stands behind the fixed part of a record.
_MARK_WITHIN_BYTES = 64


def count_records(folder: Path) -> int:
    """
    Return how many records of the benchmark are in the segments below a folder.

    :param folder: a bag, or what it is in
    :raises BenchError: a segment cannot be read
    """
    try:
        return sum(_in_segment(path) for path in folder.rglob('*.mcap'))
    except McapError as error:
        message = f'a segment cannot be read: {error!r}'
        raise BenchError(message) from error


def _in_segment(path: Path) -> int:
    with path.open('rb') as file:
        return sum(
            isinstance(record, Message) and MARK in record.data[:_MARK_WITHIN_BYTES]
            for record in StreamReader(file).records
        )
