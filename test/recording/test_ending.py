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
"""The footer of a flight, and the steps that put it there."""

from __future__ import annotations

from fdr_node.recording.ending import footer_of
from fdr_node.schema import LossCause, ProducerTotals
from rigs import MemoryRig


def test_a_footer_counts_itself_or_what_is_durable() -> None:
    """The one that is written, and the one that the disk did not take."""
    rig = MemoryRig()
    rig.open_flight()
    rig.write([0])
    rig.recorder.commit()
    rig.write([1])
    flight = rig.recorder._flight
    assert flight is not None
    totals = {'imu_1': ProducerTotals(published=2, recorded=2)}
    clean = footer_of(flight, totals, rig.clock.now(), 7000)
    assert (clean.clean_shutdown, clean.records_written, clean.bytes_written) == (True, 4, 7000)
    assert clean.producers['imu_1'] == ProducerTotals(published=2, recorded=2)
    assert clean.producers['fdr'] == ProducerTotals(published=2, recorded=2)
    refused = footer_of(flight, totals, rig.clock.now(), 6000, is_clean=False)
    assert (refused.clean_shutdown, refused.records_written) == (False, 2)
    assert refused.producers['imu_1'] == ProducerTotals(
        published=2, recorded=1, lost={LossCause.DISK: 1}
    )
