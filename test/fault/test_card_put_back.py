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
A card is unmounted in the air and comes back: what was recorded before is still on it.

The card is a file system in memory that stays mounted elsewhere while its usual place is empty.
"""

from __future__ import annotations

from contextlib import contextmanager
import subprocess
from typing import TYPE_CHECKING

from bag_reader import read_bag
from fdr_node.config import MIB
from fdr_node.storage.lock import LOCK_NAME
import pytest
from rigs import DiskRig, FLIGHT_ID
from small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.fault

TICK_S = 0.05
SECONDS_MAX = 10


@contextmanager
def inserted(card: Path, place: Path) -> Iterator[None]:
    """Mount the card at its place, as long as the context lasts."""
    _run('mount', '--bind', str(card), str(place))
    try:
        yield
    finally:
        _run('umount', '-l', str(place))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=SECONDS_MAX)


def wait(rig: DiskRig, seconds: float) -> None:
    """Let time pass as the writer sees it."""
    for _ in range(round(seconds / TICK_S)):
        rig.clock.advance(TICK_S)
        rig.recorder.tick()


@pytest.mark.parametrize('below', ['', 'flights'])
@pytest.mark.parametrize('was_used', [False, True], ids=['empty', 'with a lock of another flight'])
def test_a_card_that_is_unmounted_and_mounted_again_keeps_its_segments(
    tmp_path: Path, below: str, *, was_used: bool
) -> None:
    """Below it lies the disk of the system, on which some earlier flight may have been."""
    place = tmp_path / 'place'
    root = place / below
    place.mkdir()
    if was_used:
        root.mkdir(exist_ok=True)
        (root / LOCK_NAME).write_text('{"pid": 1, "host": "companion", "flight_id": "another"}')
    left_below = sorted(place.rglob('*'))
    with small_disk(tmp_path / 'card', size_bytes=16 * MIB) as card:
        with inserted(card, place):
            root.mkdir(exist_ok=True)
            rig = DiskRig(root)
            rig.open_flight()
            for seq in range(3):
                rig.write([seq])
                assert rig.recorder.split()
            rig.write([3])
            rig.recorder.commit()
        wait(rig, 3)
        assert 'ENODEV' in rig.recorder.status().degraded_reason
        assert sorted(place.rglob('*')) == left_below
        with inserted(card, place):
            wait(rig, 3)
            rig.write([4])
            footer = rig.recorder.close_flight()
            bag = read_bag(root / FLIGHT_ID, may_be_left=True)
    assert (footer.clean_shutdown, footer.records_rolled_off) == (True, 0)
    assert [record.seq for record in bag.records if record.producer_id == 'imu_1'] == [*range(5)]
    assert 'segment_dropped' not in rig.told()
