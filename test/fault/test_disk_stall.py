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
A disk that does not answer for seconds, while 5,000 records a second go on, with the default ring.

The clock is the test's own: what a stall of a minute costs is counted, not waited for. That the
intake of the real node goes on while its disk stalls is in test/node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench.load import Template
from fdr_node.config import MIB, RecorderConfig
from fdr_node.debrief.info import inspect_flight
from fdr_node.intake.lanes import PRIORITY_SHARE
from fdr_node.record import decode_cdr, FdrRecord
from mcap.reader import make_reader
import pytest
from rigs import payload_of
from session_rig import Rig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(120)]

RATE_HZ = 5000
DEFAULTS = RecorderConfig()
RING_RECORDS = DEFAULTS.ring_records_max - int(DEFAULTS.ring_records_max * PRIORITY_SHARE)


class Sortie:
    """A flight with one producer that publishes evenly, whatever the disk does."""

    def __init__(self, root: Path) -> None:
        self.rig = Rig(
            root,
            priority_kinds=DEFAULTS.priority_kinds,
            record_bytes_max=DEFAULTS.record_bytes_max,
            chunk_bytes=DEFAULTS.chunk_bytes,
            segment_bytes_max=16 * MIB,
            flight_bytes_max=256 * MIB,
        ).begin()
        self.published = 0
        self._template = Template('camera', payload_bytes=256, session_id=7)

    def fly(self, seconds: float, *, is_stalled: bool = False) -> None:
        """Let records come; a stalled writer is one that has not come back from the disk."""
        period_s = DEFAULTS.drain_period_s
        for _ in range(round(seconds / period_s)):
            self.rig.clock.advance(period_s)
            end = self.published + round(RATE_HZ * period_s)
            self.rig.session.take_in([self._record(seq) for seq in range(self.published, end)])
            self.published = end
            if not is_stalled:
                self.rig.session.write_out()

    def land(self) -> list[FdrRecord]:
        """Finish; return what the mcap library reads."""
        assert self.rig.session.finish() is not None
        records: list[FdrRecord] = []
        for path in sorted(self.rig.directory.glob('*.mcap')):
            with path.open('rb') as file:
                messages = make_reader(file, validate_crcs=True).iter_messages()
                records += [decode_cdr(message.data) for _, _, message in messages]
        return records

    def _record(self, seq: int) -> bytes:
        return self._template.record(
            seq, wall_ns=self.rig.clock.wall_ns(), monotonic_ns=self.rig.clock.monotonic_ns()
        )


def test_three_seconds_lose_nothing(tmp_path: Path) -> None:
    """They wait in the ring, and are in the bag in their order."""
    sortie = Sortie(tmp_path)
    sortie.fly(1.0)
    sortie.fly(3.0, is_stalled=True)
    assert sortie.rig.session.ring_fill == pytest.approx(3 * RATE_HZ / RING_RECORDS)
    sortie.fly(1.0)
    seqs = [r.seq for r in sortie.land() if r.producer_id == 'camera']
    assert seqs == list(range(5 * RATE_HZ))
    assert inspect_flight(sortie.rig.directory).is_balanced


@pytest.mark.long
def test_a_minute_loses_the_oldest_and_names_each(tmp_path: Path) -> None:
    """What the ring holds is recorded; the bag itself says which numbers are not in it."""
    sortie = Sortie(tmp_path)
    sortie.fly(1.0)
    sortie.fly(60.0, is_stalled=True)
    assert sortie.rig.session.ring_fill == 1.0
    sortie.rig.session.write_out()
    sortie.fly(1.0)
    records = sortie.land()
    there = {record.seq for record in records if record.producer_id == 'camera'}
    named: list[int] = []
    for record in records:
        if record.kind == 'overrun':
            payload = payload_of(record)
            first, last = int(str(payload['first_seq'])), int(str(payload['last_seq']))
            assert (payload['producer_id'], payload['count']) == ('camera', last - first + 1)
            named += range(first, last + 1)
    assert len(there) == 2 * RATE_HZ + RING_RECORDS
    assert sorted(named) == sorted(set(range(62 * RATE_HZ)) - there)
    info = inspect_flight(sortie.rig.directory)
    assert (info.is_balanced, info.clean_shutdown) == (True, True)
    account = info.producers['camera'].account
    assert (account.published, account.lost) == (62 * RATE_HZ, len(named))
