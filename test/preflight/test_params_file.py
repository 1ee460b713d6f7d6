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
"""A parameters file is read as the node reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.config import RecorderConfig
from fdr_node.errors import ConfigError
from fdr_node.preflight.params_file import config_from, read_settings
from project import ROOT
import pytest

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, text: str) -> Path:
    """Return a file with a text."""
    path = folder / 'fdr.yaml'
    path.write_text(text)
    return path


def test_the_file_to_copy_is_all_defaults() -> None:
    """The one that is installed."""
    settings = read_settings(ROOT / 'launch' / 'fdr.params.yaml', '/uav1/fdr')
    assert config_from(settings, None) == RecorderConfig()


@pytest.mark.parametrize(
    ('name', 'is_meant'),
    [
        ('fdr', True),
        ('/fdr', True),
        ('/**', True),
        ('/**/fdr', True),
        ('/*', True),
        ('/uav1/fdr', False),
        ('/*/fdr', False),
        ('/**/imu', False),
        ('fdr2', False),
    ],
)
def test_the_name_of_the_node_decides(tmp_path: Path, name: str, *, is_meant: bool) -> None:
    """With the wildcards of ROS."""
    text = f'{name}:\n  ros__parameters:\n    history_depth: 7\n'
    settings = read_settings(written(tmp_path, text), '/fdr')
    assert settings == ({'history_depth': 7} if is_meant else {})


def test_a_namespace_is_part_of_the_name(tmp_path: Path) -> None:
    """Written in one word or nested; the last that fits counts."""
    text = (
        '/**:\n  ros__parameters: {history_depth: 1, use_sim_time: true}\n'
        'uav1:\n  fdr:\n    ros__parameters: {history_depth: 2}\n'
        '/uav2/fdr:\n  ros__parameters: {history_depth: 3}\n'
    )
    path = written(tmp_path, text)
    depths = [read_settings(path, f'{space}/fdr') for space in ('', '/uav1', '/uav2', '/a/b')]
    assert [settings['history_depth'] for settings in depths] == [1, 2, 3, 1]
    assert all(settings.keys() == {'history_depth'} for settings in depths)


def test_lists_are_those_of_ros(tmp_path: Path) -> None:
    """An empty one has to be written with an empty text."""
    text = "fdr:\n  ros__parameters: {manifest_paths: [''], kind_rules: , priority_kinds: [a]}\n"
    settings = read_settings(written(tmp_path, text), '/fdr')
    assert settings == {'manifest_paths': (), 'kind_rules': (), 'priority_kinds': ('a',)}


@pytest.mark.parametrize(
    'text',
    [
        '',
        '7',
        '[',
        'fdr:\n  ros__parameters: 7',
        '\0',
        'a: &a [*a',
        'fdr: !!python/none x',
        'fdr: 2026-13-01',
        'fdr: ' + '[' * 9_000 + ']' * 9_000,
    ],
)
def test_what_is_no_parameters_file_is_refused(tmp_path: Path, text: str) -> None:
    """It is named, whatever is wrong with it."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_settings(path, '/fdr')
    assert caught.value.value == str(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """The error of the system leaves as it came; one without an end is not read to it."""
    with pytest.raises(FileNotFoundError):
        read_settings(tmp_path / 'none', '/fdr')
    path = tmp_path / 'endless'
    path.write_bytes(b' ' * (1 << 20) + b' ')
    with pytest.raises(OSError, match='too large'):
        read_settings(path, '/fdr')


def test_the_root_may_be_given_beside_the_file(tmp_path: Path) -> None:
    """It counts before the one in the file."""
    config = config_from({'flight_root': '/data', 'history_depth': 7}, tmp_path)
    assert (config.flight_root, config.history_depth) == (str(tmp_path), 7)
    with pytest.raises(ConfigError):
        config_from({'histroy_depth': 7}, None)
