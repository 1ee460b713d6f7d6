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
Looks at the installed package: messages, index entries, interface files, headers, executables.

It holds for each way to install (pip and colcon, plain and editable) and tests the one that it
finds itself in.
"""

from __future__ import annotations

import importlib
from importlib import metadata
from pathlib import Path

from ament_index_python import get_package_prefix, get_resource
import pytest

MESSAGES = ['FdrProducerLoss', 'FdrRecord', 'FdrStatus', 'StatusText']
LIBRARIES = [
    'rosidl_generator_c',
    'rosidl_generator_py',
    'rosidl_typesupport_c',
    'rosidl_typesupport_cpp',
    'rosidl_typesupport_fastrtps_c',
    'rosidl_typesupport_fastrtps_cpp',
    'rosidl_typesupport_introspection_c',
    'rosidl_typesupport_introspection_cpp',
]


@pytest.fixture(name='prefix')
def fixture_prefix() -> Path:
    """Return where the package is installed."""
    return Path(get_package_prefix('fdr_node'))


@pytest.mark.parametrize('name', MESSAGES)
def test_message_goes_through_the_middleware(name: str) -> None:
    """Each message is importable and its type support serialises it."""
    serialization = importlib.import_module('rclpy.serialization')
    message_type = getattr(importlib.import_module('fdr_node.msg'), name)
    data = serialization.serialize_message(message_type())
    assert serialization.deserialize_message(data, message_type) == message_type()


@pytest.mark.parametrize('support', ['c', 'fastrtps_c', 'introspection_c'])
def test_type_support_is_importable(support: str) -> None:
    """Every middleware finds its extension, not only the one in use here."""
    module = importlib.import_module(f'fdr_node.fdr_node_s__rosidl_typesupport_{support}')
    assert module.type_support_msg__msg__fdr_record


@pytest.mark.parametrize('library', LIBRARIES)
def test_library_is_installed(prefix: Path, library: str) -> None:
    """C and C++ components link these."""
    assert (prefix / 'lib' / f'libfdr_node__{library}.so').is_file()


@pytest.mark.parametrize('name', MESSAGES)
def test_interface_files_are_installed(prefix: Path, name: str) -> None:
    """`ros2 interface show` and packages whose messages contain ours read these."""
    folder = prefix / 'share' / 'fdr_node' / 'msg'
    assert [(folder / f'{name}.{suffix}').is_file() for suffix in ('msg', 'idl', 'json')] == [
        True,
        True,
        True,
    ]
    content, _ = get_resource('rosidl_interfaces', 'fdr_node')
    assert f'msg/{name}.msg' in content.splitlines()


@pytest.mark.parametrize(
    'path',
    [
        'include/fdr_node/fdr_node/msg/fdr_record.hpp',
        'include/fdr_node/fdr_node/msg/fdr_record.h',
        'share/ament_index/resource_index/packages/fdr_node',
        'share/fdr_node/cmake/fdr_nodeConfig.cmake',
        'share/fdr_node/launch/fdr.launch.py',
        'share/fdr_node/launch/fdr.params.yaml',
        'share/fdr_node/package.xml',
    ],
)
def test_file_is_installed(prefix: Path, path: str) -> None:
    """What compilers, CMake, launch and the ament tools look for."""
    assert (prefix / path).is_file()


@pytest.mark.parametrize(
    ('name', 'target'), [('fdr', 'fdr_node.cli.main:main'), ('fdr_node', 'fdr_node.ros.main:main')]
)
def test_command_is_installed(name: str, target: str) -> None:
    """The entry point names a function that is there."""
    (entry,) = (e for e in metadata.entry_points(group='console_scripts') if e.name == name)
    assert entry.value == target
    assert callable(entry.load())
