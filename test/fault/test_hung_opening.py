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
"""The disk does not answer when the flight is to be opened: the operator hears that it is not."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from fuse_disk import fuse_disk
import pytest
from sortie import SETTINGS, sortie_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.fault,
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(60),
]

CANNOT = 1
READY = 'FDR: ready for take-off'


def test_an_opening_that_hangs_is_told_and_goes_on(tmp_path: Path) -> None:
    """The aircraft is not ready meanwhile; then it is, without a restart."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        disk.hang('fsync')
        words = [word for item in SETTINGS for word in ('-p', item)]
        recorder = sortie.field.recorder(*words)
        try:
            sortie.radio.wait_for('PreArm: FDR not recording')
            assert not sortie.status().ready_for_takeoff
        finally:
            disk.mend()
        recorder.wait_recording()
        sortie.radio.wait_for(READY)
        assert recorder.stop() == 0


def test_a_stop_while_the_opening_hangs(tmp_path: Path) -> None:
    """It waits for nobody; Linux keeps the process until its call comes back."""
    with fuse_disk(tmp_path) as disk, sortie_of(tmp_path, disk.place / 'root') as sortie:
        disk.hang('fsync')
        words = [word for item in SETTINGS for word in ('-p', item)]
        recorder = sortie.field.recorder(*words)
        try:
            sortie.radio.wait_for('PreArm: FDR not recording')
            recorder.popen.send_signal(signal.SIGTERM)
            recorder.wait_event('flight_not_closed')
        finally:
            disk.mend()
        mended_s = time.monotonic()
        assert recorder.wait() == CANNOT
        assert time.monotonic() - mended_s < 5.0
        assert recorder.events('flight_opened') == []
