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
"""The files of this folder that launch_testing runs, run by it in a process of its own."""

from __future__ import annotations

from importlib.util import find_spec
import os
from pathlib import Path
import subprocess
import sys

from own_context import random_domain
from project import TESTS
import pytest

pytestmark = [
    pytest.mark.ros,
    pytest.mark.launch,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        find_spec('launch_testing') is None,
        reason='launch_testing is not installed; there are no wheels of it',
    ),
]

FILES = sorted(Path(__file__).parent.glob('*.testing.py'))


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.stem)
def test_with_launch_testing(tmp_path: Path, file: Path) -> None:
    """Its tests pass, those after the end too."""
    python_path = [str(TESTS / 'support'), os.environ.get('PYTHONPATH', '')]
    environment = {
        **os.environ,
        'ROS_DOMAIN_ID': str(random_domain()),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_LOG_DIR': str(tmp_path / 'ros'),
        'PYTHONPATH': os.pathsep.join(python_path),
    }
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'launch_testing.launch_test',
            str(file),
            f'flight_root:={tmp_path}/flights',
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
