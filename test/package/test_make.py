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
What make says before it does anything: its list of targets, and what a machine lacks.

The targets themselves are what runs these tests.
"""

from __future__ import annotations

from pathlib import Path
import re
import shutil
import subprocess
import sys

from project import ROOT
import pytest

pytestmark = pytest.mark.skipif(shutil.which('make') is None, reason='make is not installed')


def make(target: str, folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that has the Makefile and the lock alone."""
    for name in ('Makefile', 'requirements.lock'):
        shutil.copy(ROOT / name, folder)
    return subprocess.run(
        [shutil.which('make') or 'make', target],
        cwd=folder,
        env={'PATH': path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(name='tools')
def fixture_tools(tmp_path: Path) -> Path:
    """Return a folder with what `make setup` looks for first."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    (folder / 'python3').symlink_to(Path(sys.base_prefix, 'bin', 'python3').resolve())
    for name in ('cc', 'c++'):
        (folder / name).write_text('#!/bin/sh\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ('lost', 'said'),
    [
        ('python3', 'python3 3.11 or newer is missing'),
        ('cc', 'a C compiler is missing (apt install gcc)'),
        ('c++', 'a C++ compiler is missing (apt install g++)'),
    ],
)
def test_setup_names_what_is_missing_in_one_line(tools: Path, lost: str, said: str) -> None:
    """Nothing is downloaded or written before everything is there."""
    (tools / lost).unlink()
    done = make('setup', tools.parent, str(tools))
    (line,) = done.stderr.splitlines()
    assert said in line
    assert done.stdout == ''
    assert done.returncode != 0
    assert not (tools.parent / '.venv').exists()


def test_help_lists_every_target(tmp_path: Path) -> None:
    """Every target that is not a file has its line, and make alone shows them."""
    awk = shutil.which('awk')
    if awk is None:
        pytest.skip('awk is not installed')
    (targets,) = re.findall(r'^\.PHONY: (.*)$', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    shown = make('help', tmp_path, str(Path(awk).parent)).stdout
    assert re.findall(r'^make (\w+)', shown, re.MULTILINE) == targets.split()


def test_ci_installs_what_contributors_are_told_to() -> None:
    """The script and the instructions name the same system packages."""
    (told,) = re.findall(r'apt-get install (.*)', (ROOT / 'CONTRIBUTING.md').read_text())
    (installed,) = re.findall(r"^packages='(.*)'$", (ROOT / '.ci/run').read_text(), re.MULTILINE)
    assert installed.split() == told.split()
