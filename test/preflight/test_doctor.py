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
"""All checks together, on real disks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.preflight import doctor
from fdr_node.preflight.check import go, Verdict
from fdr_node.preflight.doctor import examine
import pytest
from rigs import config_of

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.config import Setting

ROOT_CHECKS = ('', ': lock', ': space', ': sync', ': flights')
COMPUTER_CHECKS = [
    'kind rules, flight id',
    'storage backend',
    'ROS environment',
    'ROS domain',
    'rclpy and messages',
    'alerts: topic',
    'clock',
    'clock synchronisation',
]


@pytest.fixture(autouse=True)
def _without_ros(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take rclpy for granted: it is tried in the tests of its own check."""
    monkeypatch.setattr(doctor, 'message_check', lambda: go('rclpy and messages', ''))


def verdicts(root: Path, settings: dict[str, Setting]) -> dict[str, Verdict]:
    """Return what each check came to."""
    return {check.name: check.verdict for check in examine(config_of(root, settings), {})}


@pytest.mark.slow
def test_everything_is_looked_at_and_nothing_is_left(tmp_path: Path) -> None:
    """Two roots on one disk, of which one is missing its parent."""
    found = verdicts(tmp_path / 'root', {'fallback_root': str(tmp_path / 'second')})
    roots = [f'{label} root{name}' for label in ('flight', 'fallback') for name in ROOT_CHECKS]
    assert list(found) == [*roots, 'fallback disk', *COMPUTER_CHECKS]
    assert {found[name] for name in roots} == {Verdict.GO}
    assert found['fallback disk'] is Verdict.WARN
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_second_root_that_cannot_be_had(tmp_path: Path) -> None:
    """The first is looked at all the same."""
    found = verdicts(tmp_path / 'root', {'fallback_root': '~nobody_here/fdr'})
    assert list(found) == [
        *(f'flight root{name}' for name in ROOT_CHECKS),
        'fallback root',
        *COMPUTER_CHECKS,
    ]
    assert (found['flight root'], found['fallback root']) == (Verdict.GO, Verdict.NO_GO)


def test_a_disk_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing more to say of it."""
    patience: list[float] = []
    monkeypatch.setattr(doctor, 'probe', lambda _root, *, patience_s: patience.append(patience_s))
    found = verdicts(tmp_path, {'io_stall_s': 3.0})
    assert patience == [12.0]
    assert list(found) == ['flight root', *COMPUTER_CHECKS]
    assert found['flight root'] is Verdict.NO_GO
