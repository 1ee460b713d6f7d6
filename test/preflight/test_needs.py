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
"""What would only show at the opening of a flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.config import RecorderConfig
from fdr_node.errors import FdrOpenError
from fdr_node.preflight import needs
from fdr_node.preflight.check import Verdict
from fdr_node.preflight.needs import need_checks
import pytest
from rigs import FLIGHT_ID

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.preflight.check import Check


def named(name: str, config: RecorderConfig) -> Check:
    """Return the check of a name."""
    (check,) = [check for check in need_checks(config) if check.name == name]
    return check


def test_the_defaults_need_nothing() -> None:
    """Neither of files nor of libraries."""
    assert [
        (check.name, check.verdict, check.text) for check in need_checks(RecorderConfig())
    ] == [
        ('kind rules, flight id', Verdict.GO, '4 rules, a new id for each flight'),
        ('storage backend', Verdict.GO, 'mcap'),
    ]


@pytest.mark.parametrize(
    ('config', 'text'),
    [
        (
            RecorderConfig(flight_id='sortie-7'),
            "flight_id is 'sortie-7', allowed: a UUID, or empty",
        ),
        (RecorderConfig(kind_rules=('imu deny', 'imu deny')), 'one rule for each kind'),
    ],
)
def test_settings_that_the_node_refuses(config: RecorderConfig, text: str) -> None:
    """In its own words."""
    check = named('kind rules, flight id', config)
    assert (check.verdict, text in check.text) == (Verdict.NO_GO, True)
    fine = named('kind rules, flight id', RecorderConfig(flight_id=FLIGHT_ID))
    assert fine.text == f'4 rules, {FLIGHT_ID}'


def test_a_backend_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be installed is in the text."""

    def refuse(config: RecorderConfig, *, flight_id: str) -> None:
        del flight_id
        raise FdrOpenError(config.flight_root, reason='needs rosbag2_py: install it')

    monkeypatch.setattr(needs, 'open_store', refuse)
    check = named('storage backend', RecorderConfig())
    assert (check.verdict, check.text) == (Verdict.NO_GO, 'needs rosbag2_py: install it')


def test_manifests_that_refuse_the_flight(tmp_path: Path) -> None:
    """They are named, up to a few."""
    plan = tmp_path / 'mission.plan'
    plan.touch()
    assert named('manifests', RecorderConfig(manifest_paths=(str(plan),))).text == '1 can be read'
    paths = (str(plan), str(tmp_path / 'none'), str(tmp_path), '~nobody_here/plan')
    check = named('manifests', RecorderConfig(manifest_paths=paths))
    assert check.verdict is Verdict.NO_GO
    assert check.text.split('; ') == [
        f'{tmp_path}/none: No such file or directory',
        f'{tmp_path}: Is a directory',
        '~nobody_here/plan: Could not determine home directory.',
    ]
    many = tuple(f'/none/{number}' for number in range(8))
    assert named('manifests', RecorderConfig(manifest_paths=many)).text.endswith(' and 3 more')
