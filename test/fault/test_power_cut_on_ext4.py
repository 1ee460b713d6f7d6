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
The power is cut under a real file system: ext4, with its own journal, order and late allocation.

``test_power_cut.py`` draws from all that POSIX allows; this is what one kernel makes of it.
"""

from __future__ import annotations

import random
import shutil
from typing import NamedTuple, TYPE_CHECKING

from bag_reader import read_bag
from failing_calls import FailingCalls
from fdr_node.config import MIB
from fdr_node.storage.recovery import plan_recovery, recover
from image_disk import make_image, mounted
from on_disk import tree
import pytest
from rigs import DiskRig, FLIGHT_ID, OTHER_FLIGHT_ID, record_of

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.config import Setting

pytestmark = [pytest.mark.fault, pytest.mark.slow]

RECORDS = 120
CUTS = 5
# The call from which on a flight is open, and how many it has at least.
CALLS = {'commit': (15, 190), 'segment': (15, 140), 'never': (15, 140)}


class Cut(NamedTuple):
    """A copy of the disk, and how many records were durable when it was made."""

    image: Path
    durable: int


class Flown:
    """A flight on a disk that is copied after system calls that follow from a seed."""

    def __init__(self, folder: Path, *, seed: int, sync: str) -> None:
        self.sync = sync
        self.cuts: list[Cut] = []
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
        self._places = set(self._chance.sample(range(*CALLS[sync]), CUTS))
        self._calls = 0
        self._durable = 0
        make_image(folder / 'disk.img')

    def fly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Record a flight of several segments."""
        with mounted(self._folder / 'disk.img', self._folder / 'disk') as disk:
            settings: dict[str, Setting] = {'flight_bytes_max': 16 * MIB, 'sync': self.sync}
            rig = DiskRig(disk / 'root', settings)
            with monkeypatch.context() as patch:
                FailingCalls(patch, watch=self._watch)
                rig.open_flight()
                flight = rig.recorder._flight
                assert flight is not None
                for seq in range(RECORDS):
                    rig.write([seq], payload_bytes=size_of(seq))
                    rig.clock.advance(self._chance.uniform(0, 0.5))
                    rig.recorder.tick()
                    self._durable = flight.tally.durable['imu_1']
            assert rig.recorder.close_flight().clean_shutdown

    def _watch(self) -> None:
        self._calls += 1
        if self._calls in self._places:
            image = self._folder / f'{self._calls}.img'
            shutil.copyfile(self._folder / 'disk.img', image)
            self.cuts.append(Cut(image, self._durable if self.sync == 'commit' else 0))


def size_of(seq: int) -> int:
    """Return the size of the payload of a record."""
    return 100 if seq % 3 else 40_000 + seq


def check_cut(cut: Cut, place: Path) -> None:
    """Mount what is left of the disk, and start the next flight on it."""
    with mounted(cut.image, place) as disk:
        root = disk / 'root'
        rig = DiskRig(root)
        rig.open_flight(OTHER_FLIGHT_ID)
        rig.write(range(3))
        assert rig.recorder.close_flight().clean_shutdown
        assert 'flight_not_recovered' not in rig.told()
        assert len(read_bag(root / OTHER_FLIGHT_ID).records) == 5

        directory = root / FLIGHT_ID
        for path in directory.glob('*.unreadable'):
            path.unlink()
        bag = read_bag(directory) if list(directory.glob('*.mcap')) else None
        records = [r for r in bag.records if r.producer_id != 'fdr'] if bag else []
        assert records == [
            record_of(seq, payload_bytes=size_of(seq)) for seq in range(len(records))
        ]
        assert len(records) >= cut.durable

        whole = tree(root)
        recover(plan_recovery(directory, progress=lambda _done: None, is_thorough=False))
        assert tree(root) == whole


@pytest.mark.parametrize('sync', ['commit', 'segment', 'never'])
@pytest.mark.parametrize('seed', range(2))
def test_a_power_cut_leaves_a_flight_that_is_put_in_order(
    seed: int, sync: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the policy; with ``commit`` nothing that was committed is lost."""
    flown = Flown(tmp_path, seed=seed, sync=sync)
    flown.fly(monkeypatch)
    assert len(flown.cuts) == CUTS
    for cut in flown.cuts:
        check_cut(cut, cut.image.with_suffix(''))
