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


def make(target: str, folder: Path, path: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that has the Makefile and the lock alone."""
    for name in ('Makefile', 'requirements.lock'):
        shutil.copy(ROOT / name, folder)
    return subprocess.run(
        [shutil.which('make') or 'make', target, *more],
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


@pytest.mark.parametrize(
    ('target', 'ros', 'said'),
    [
        ('test', 'humble', 'ROS is humble, allowed: jazzy, kilted'),
        ('lint', 'kilted', 'make lint knows one distribution, the reference'),
    ],
)
def test_what_is_not_done_for_a_distribution_is_said(
    tmp_path: Path, target: str, ros: str, said: str
) -> None:
    """In one line, and nothing is copied."""
    done = make(target, tmp_path, '', f'ROS={ros}')
    (line,) = done.stderr.splitlines()
    assert said in line
    assert done.returncode != 0
    assert not (tmp_path / 'build').exists()


def test_another_distribution_is_tested_in_a_copy_of_all_that_is_needed(tmp_path: Path) -> None:
    """All that is not generated, the locks too; what was there before is replaced."""
    (copied,) = re.findall(
        r'^COPIED := ((?:.*\\\n)*.*)$', (ROOT / 'Makefile').read_text(), re.MULTILINE
    )
    names = copied.replace('\\', ' ').split()
    for name in names:
        assert (ROOT / name).exists()
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, tmp_path)
        else:
            (tmp_path / name).mkdir()
            (tmp_path / name / 'new').write_text(name)
    generated = tmp_path / 'fdr_node' / 'msg'
    generated.mkdir()
    copy = tmp_path / 'build' / 'kilted'
    (copy / 'docs').mkdir(parents=True)
    (copy / 'docs' / 'old').write_text('')
    # Without a Python the make in the copy stops.
    tools = ('mkdir', 'rm', 'tar', 'sh', 'make')
    (tmp_path / 'bin').mkdir()
    for tool in tools:
        (tmp_path / 'bin' / tool).symlink_to(shutil.which(tool) or tool)
    done = make('test', tmp_path, str(tmp_path / 'bin'), 'ROS=kilted', 'PYTHON=no-python')
    assert 'python3 3.11 or newer is missing' in done.stderr
    assert {path.name for path in copy.iterdir()} == set(names)
    assert [path.name for path in (copy / 'docs').iterdir()] == ['new']
    assert not (copy / 'fdr_node' / 'msg').exists()


@pytest.mark.parametrize('ros', ['jazzy', 'kilted'])
def test_the_lock_of_a_distribution_has_its_wheels_alone(ros: str) -> None:
    """A wheel of another one would bring its libraries along."""
    name = 'requirements.lock' if ros == 'jazzy' else f'requirements.{ros}.lock'
    found = re.findall(r'^ros-(jazzy|kilted)-', (ROOT / name).read_text(), re.MULTILINE)
    assert set(found) == {ros}


def test_ci_installs_what_contributors_are_told_to() -> None:
    """The script and the instructions name the same system packages."""
    (told,) = re.findall(r'apt-get install (.*)', (ROOT / 'CONTRIBUTING.md').read_text())
    (installed,) = re.findall(r"^packages='(.*)'$", (ROOT / '.ci/run').read_text(), re.MULTILINE)
    assert installed.split() == told.split()
