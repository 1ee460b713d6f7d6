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
The C++ producer of the documentation compiles against the installed package, where rclcpp is.

The wheels have no rclcpp, so this runs in a sourced ROS 2 workspace that has this package.
"""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess
from typing import TYPE_CHECKING

from project import ROOT
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLE = ROOT / 'docs' / 'examples' / 'cpp_producer'
PREFIXES = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
SYSTEM = [Path('/usr'), Path('/usr/local')]


def missing() -> str:
    """Return why it cannot be compiled here; empty when it can."""
    for package in ('rclcpp', 'ament_cmake', 'fdr_node'):
        if not any((prefix / 'share' / package / 'cmake').is_dir() for prefix in PREFIXES):
            return f'no package {package} in AMENT_PREFIX_PATH'
    if not has_json([*PREFIXES, *SYSTEM]):
        return 'no nlohmann_json for CMake'
    return '' if shutil.which('cmake') else 'no cmake'


def has_json(prefixes: Sequence[Path]) -> bool:
    """Return whether CMake finds the JSON library of the example."""
    return any(
        (prefix / directory / 'cmake' / 'nlohmann_json').is_dir()
        for prefix in prefixes
        for directory in ('share', 'lib')
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_cpp_example_compiles(tmp_path: Path) -> None:
    """It is configured, compiled and linked; colcon does the same."""
    for command in (
        [
            'cmake',
            *('-S', str(EXAMPLE), '-B', str(tmp_path)),
            f'-DCMAKE_PREFIX_PATH={";".join(map(str, PREFIXES))}',
            # Libraries of ROS for Python leave Python's own symbols to whoever loads them.
            '-DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined',
        ],
        ['cmake', '--build', str(tmp_path)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert os.access(tmp_path / 'wind_estimator', os.X_OK)
