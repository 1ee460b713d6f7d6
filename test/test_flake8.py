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
"""Checks the sources with ament_flake8; its configuration is its own, not setup.cfg's."""

from configparser import ConfigParser
from pathlib import Path
import subprocess
import sys

from project import ROOT, sources
import pytest


def rules_in(path: Path) -> dict[str, str]:
    """Return what a configuration of flake8 says of the rules."""
    parser = ConfigParser()
    parser.read(path)
    return {
        name: value
        for name, value in parser['flake8'].items()
        if name not in {'exclude', 'show-source', 'statistics'}
    }


def test_make_lint_has_the_rules_of_ament() -> None:
    """So `make test` can leave the test below to it; colcon runs that."""
    ament_flake8 = pytest.importorskip('ament_flake8', reason='ament_flake8 is not installed')
    (folder,) = ament_flake8.__path__
    theirs = rules_in(Path(folder) / 'configuration' / 'ament_flake8.ini')
    assert rules_in(ROOT / 'setup.cfg') == theirs


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_flake8() -> None:
    """Every source is as ament_flake8 wants it."""
    pytest.importorskip('ament_flake8.main', reason='ament_flake8 is not installed')
    # flake8 forks, and a copy of this process with the threads and nodes of other tests in it may
    # crash and then be waited for.
    command = [sys.executable, '-m', 'ament_flake8.main', *map(str, sources())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
