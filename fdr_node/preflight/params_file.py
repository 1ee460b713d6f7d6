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
Reads the settings of the recorder from a ROS parameters file, as the node itself will.

The names of nodes may have wildcards: ``*`` is one part of a name, ``**`` any number of parts.
Where several fit, the one that stands last counts.
"""

from __future__ import annotations

import re
from typing import cast, Final, TYPE_CHECKING

from fdr_node.config import RecorderConfig
from fdr_node.errors import ConfigError
from fdr_node.storage import fs
from fdr_node.storage.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.config import Setting

_BYTES_MAX: Final = 1 << 20
_KEY: Final = 'ros__parameters'
# Parameters that rclpy itself puts on every node.
_OF_RCLPY: Final = re.compile(r'use_sim_time|start_type_description_service|qos_overrides.*')


def read_settings(path: Path, node: str) -> dict[str, Setting]:
    """
    Return the settings that a file has for a node.

    :param path: of the file
    :param node: its full name, such as ``/uav1/fdr``
    :raises ConfigError: it is no parameters file
    :raises OSError: it cannot be read
    """
    try:
        document = read_yaml(fs.read_file(path, _BYTES_MAX))
    except ValueError as error:
        raise _refused(path) from error
    if not isinstance(document, dict):
        raise _refused(path)
    found: dict[str, Setting] = {}
    for name, values in _nodes(document):
        if not isinstance(values, dict):
            raise _refused(path)
        if _fits(name, node):
            found.update(
                (key, _setting(value))
                for key, value in values.items()
                if isinstance(key, str) and not _OF_RCLPY.fullmatch(key)
            )
    return found


def config_from(settings: dict[str, Setting], root: Path | None) -> RecorderConfig:
    """
    Return what the recorder would make of settings.

    :param settings: by name
    :param root: takes the place of ``flight_root``; None: as the settings have it
    :raises ConfigError: a setting is unknown or out of its bound
    """
    given: dict[str, Setting] = {} if root is None else {'flight_root': str(root)}
    return RecorderConfig.from_settings({**settings, **given})


def _nodes(tree: dict[object, object], above: str = '') -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if key == _KEY:
            yield above or '/', value
        elif isinstance(value, dict):
            yield from _nodes(value, f'{above}/{str(key).strip("/")}')


def _fits(pattern: str, node: str) -> bool:
    """Return whether the name of a node is meant."""
    parts = (
        '(/[^/]+)*' if part == '**' else '/[^/]+' if part == '*' else f'/{re.escape(part)}'
        for part in pattern.strip('/').split('/')
    )
    return re.fullmatch(''.join(parts), node) is not None


def _setting(value: object) -> Setting:
    if value is None:
        # How rclpy reads an empty list.
        return ()
    if isinstance(value, list):
        # ROS cannot tell the type of an empty list, so [''] stands for it.
        return tuple(item for item in value if item != '')
    return cast('Setting', value)


def _refused(path: Path) -> ConfigError:
    return ConfigError(
        'params-file', value=str(path), bound='a ROS parameters file: node, ros__parameters, names'
    )
