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
"""What fdr doctor shows for people and for programs, and the code that it ends with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fdr_node.cli import doctor
from fdr_node.cli.main import main
from fdr_node.config import GIB, RecorderConfig
from fdr_node.preflight.check import Check, go, Verdict, warn
from fdr_node.preflight.disk import root_checks
from fdr_node.preflight.roots import RootFacts
from fdr_node.storage.lock import FlightLock
from on_disk import tree
from project import documented
import pytest
from rigs import FLIGHT_ID
from small_disk import make_read_only, small_disk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HELD = RootFacts(
    root='/data/flights',
    is_there=True,
    holder=f'pid 4711 on uav-7, flight {FLIGHT_ID}',
    free_bytes=100 * GIB,
    sync_ns=(4_000_000, 5_000_000),
)
CHECKS = [go('parameters', 'fdr.yaml'), *root_checks(HELD, RecorderConfig(), label='flight root')]

SHOWN = f"""\
CHECK                 VERDICT  FOUND
parameters            GO       fdr.yaml
flight root           GO       /data/flights: can be written
flight root: lock     NO-GO    held by pid 4711 on uav-7, flight {FLIGHT_ID}
flight root: space    GO       102,400 MiB free
flight root: sync     GO       8 times 1 MiB: median 4.5 ms, worst 5.0 ms
flight root: flights  GO       no interrupted one

TO DO
- flight root: lock: end that recorder, or choose another root

NO-GO"""


def test_what_people_are_shown() -> None:
    """A line each, what to do, and the verdict; nothing reaches the terminal as an order."""
    assert doctor.render(CHECKS) == SHOWN
    assert doctor.render([go('a', 'x\x1b[2Jy')]).splitlines()[1:] == [
        'a      GO       x?[2Jy',
        '',
        'GO',
    ]


def test_what_programs_are_shown() -> None:
    """As documented."""
    assert doctor.to_json(CHECKS) == documented('fdr doctor')


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RecorderConfig]:
    """Return the configurations that are looked at; all that is found is a warning."""
    configs: list[RecorderConfig] = []

    def look(config: RecorderConfig, environment: Mapping[str, str]) -> Sequence[Check]:
        assert 'PATH' in environment
        configs.append(config)
        return [warn('clock', 'not set', 'set it')]

    monkeypatch.setattr(doctor, 'examine', look)
    return configs


def test_a_warning_is_a_go(
    asked: list[RecorderConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a file the defaults are looked at, with the root that was given."""
    assert main(['doctor', '--root', str(tmp_path), '--json']) == 0
    assert asked == [RecorderConfig(flight_root=str(tmp_path))]
    found = json.loads(capsys.readouterr().out)
    assert found['verdict'] == 'warn'
    assert [check['name'] for check in found['checks']] == ['parameters', 'clock']


def test_the_parameters_file_is_that_of_the_node(
    asked: list[RecorderConfig], tmp_path: Path
) -> None:
    """The name of the node says which part of it."""
    path = tmp_path / 'fdr.yaml'
    path.write_text('/uav1/fdr:\n  ros__parameters: {history_depth: 7}\n')
    for words in ([], ['--node', '/uav1/fdr']):
        assert main(['doctor', '--params-file', str(path), *words]) == 0
    assert [config.history_depth for config in asked] == [5000, 7]


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('history_depth: 0', 'history_depth is 0, allowed: 1 to 1000000 records'),
        ('histroy_depth: 7', 'histroy_depth is 7, allowed: a known parameter'),
        (None, 'No such file or directory'),
    ],
)
def test_parameters_that_the_node_would_refuse(
    asked: list[RecorderConfig],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    reason: str,
) -> None:
    """Nothing else is looked at."""
    path = tmp_path / 'fdr.yaml'
    if text is not None:
        path.write_text(f'fdr:\n  ros__parameters: {{{text}}}\n')
    assert main(['doctor', '--params-file', str(path)]) == 1
    assert asked == []
    assert reason in capsys.readouterr().out


def verdicts(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Return the exit code and what each check of the root came to."""
    code = main(['doctor', '--root', str(root), '--json'])
    checks = json.loads(capsys.readouterr().out)['checks']
    return code, {
        check['name']: check['verdict'] for check in checks if 'flight root' in check['name']
    }


@pytest.mark.slow
@pytest.mark.ros
@pytest.mark.fault
@pytest.mark.timeout(60)
def test_real_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock that is held, a disk that is too small, and one that is read-only; then none."""
    root = tmp_path / 'root'
    root.mkdir()
    lock = FlightLock(root)
    lock.acquire(FLIGHT_ID)
    before = tree(root)
    code, found = verdicts(root, capsys)
    assert (code, found['flight root'], found['flight root: lock']) == (1, 'go', 'no-go')
    lock.release()
    assert tree(root) == before
    with small_disk(tmp_path / 'disk', size_bytes=32 << 20) as disk:
        code, found = verdicts(disk, capsys)
        assert (code, found['flight root'], found['flight root: space']) == (1, 'go', 'no-go')
        assert list(disk.iterdir()) == []
        make_read_only(disk)
        assert verdicts(disk / 'root', capsys) == (1, {'flight root': 'no-go'})
    code, found = verdicts(root, capsys)
    assert (code, set(found.values()) <= {str(Verdict.GO), str(Verdict.WARN)}) == (0, True)
