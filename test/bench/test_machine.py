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
"""Tests of what is said of the computer."""

from __future__ import annotations

from pathlib import Path
import platform

from fdr_node.bench.machine import cpu_model, file_system, this_machine
import pytest


def test_cpu_model_is_the_name() -> None:
    """As Linux writes it, with or without one."""
    assert cpu_model('processor\t: 0\nmodel name\t: Testium: 9\n') == 'Testium: 9'
    assert cpu_model('processor\t: 0\n') == 'unknown'


@pytest.mark.parametrize(
    ('folder', 'kind'),
    [('/data/x', 'xfs'), ('/database', 'ext4'), ('/data/tmp', 'tmpfs')],
)
def test_file_system_is_of_the_nearest_mount(folder: str, kind: str) -> None:
    """The longest mount point that holds the folder counts, the later one of two."""
    mounts = [
        'a / ext4 rw 0 0',
        'b /data btrfs rw 0 0',
        'b /data xfs rw 0 0',
        'c /data/tmp tmpfs rw 0 0',
    ]
    assert file_system(Path(folder), mounts) == kind
    assert file_system(Path(folder), []) == 'unknown'


def test_this_machine_has_versions(tmp_path: Path) -> None:
    """What decides over speed is named."""
    found = this_machine(tmp_path)
    assert found.versions['python'] == platform.python_version()
    assert found.versions['mcap']
    assert found.cores >= 1
