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
"""A file system turns read-only while a flight is recorded, as ext4 does at an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bag_reader import read_bag
from fdr_node.record import encode_cdr, peek
from image_disk import make_image, make_read_only, mounted
import pytest
from rigs import DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID, record_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.fault
@pytest.mark.slow
def test_a_disk_that_turns_read_only_in_flight(tmp_path: Path) -> None:
    """Nothing is raised, the close says that it is not clean, and what was committed is there."""
    image = tmp_path / 'disk.img'
    make_image(image)
    with mounted(image, tmp_path / 'flown') as disk:
        rig = DiskRig(disk / 'root')
        rig.open_flight()
        rig.write(range(5))
        assert rig.recorder.commit()
        make_read_only(disk)
        data = encode_cdr(record_of(5))
        assert rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns())
        assert not rig.recorder.commit()
        assert rig.recorder.status().degraded_reason != ''
        assert not rig.recorder.write(data, peek(data), received_ns=rig.clock.monotonic_ns())
        footer = rig.recorder.close_flight()
    # The header and the five.
    assert (footer.clean_shutdown, footer.records_written) == (False, 6)
    assert rig.told() == ['flight_opened', 'storage_failed', 'flight_closed']

    with mounted(image, tmp_path / 'found') as disk:
        rig = DiskRig(disk / 'root')
        rig.open_flight(OTHER_FLIGHT_ID)
        assert rig.recorder.close_flight().clean_shutdown
        records = read_bag(disk / 'root' / FLIGHT_ID).records
    assert rig.told()[0] == 'flight_recovered'
    assert records[1:] == [record_of(seq) for seq in range(5)]
