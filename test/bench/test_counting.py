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
"""Tests of the count of records, over files of the mcap library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench.counting import count_records
from fdr_node.bench.load import Template
from fdr_node.bench.process import BenchError
from fdr_node.record import encode_cdr, FdrRecord
from mcap.writer import Writer
import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_only_records_of_the_benchmark_count(tmp_path: Path) -> None:
    """In every segment, and not what the recorder adds."""
    template = Template('bench_3', payload_bytes=64, session_id=9)
    own = FdrRecord(1, 2, 3, 4, 1, 'fdr', 'overrun', b'\x81\xa6bench_\x00')
    for folder, count in (('a', 3), ('b', 2)):
        (tmp_path / folder).mkdir()
        with (tmp_path / folder / '0.mcap').open('wb') as file:
            writer = Writer(file)
            writer.start()
            channel_id = writer.register_channel(topic='t', message_encoding='cdr', schema_id=0)
            for seq in range(count):
                data = template.record(seq, wall_ns=5, monotonic_ns=6)
                writer.add_message(channel_id, 1, data, 1)
            writer.add_message(channel_id, 1, encode_cdr(own), 1)
            writer.finish()  # type: ignore[no-untyped-call]  # of the library
    assert count_records(tmp_path) == 5


@pytest.mark.parametrize('left', [b'', b'\x89MCAP0\r\n', b'no segment'])
def test_a_segment_that_was_not_closed_is_an_error(tmp_path: Path, left: bytes) -> None:
    """A contestant that did not close its bag has no count, not a small one."""
    (tmp_path / '0.mcap').write_bytes(left)
    with pytest.raises(BenchError, match='cannot be read'):
        count_records(tmp_path)
