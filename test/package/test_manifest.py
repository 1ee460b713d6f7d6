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
Holds package.xml, setup.py and the imports of the package together.

The rosdep keys were looked up in ros/rosdistro (rosdep/base.yaml, rosdep/python.yaml and the
distribution files of Humble to Rolling) in 2026; the table below is what was found.
"""

from __future__ import annotations

import ast
from importlib import metadata
import re
import sys
import xml.etree.ElementTree as ET

import fdr_node
from project import modules, ROOT
import pytest

# Keys that are in the distribution files of Humble, Jazzy, Kilted, Lyrical and Rolling.
ROS_KEYS = {
    'ament_cmake',
    'ament_copyright',
    'ament_flake8',
    'ament_pep257',
    'builtin_interfaces',
    'diagnostic_msgs',
    'launch',
    'launch_ros',
    'launch_testing',
    'launch_testing_ros',
    'lifecycle_msgs',
    'rcl_interfaces',
    'rclpy',
    'ros2bag',
    'ros2launch',
    'rosbag2_py',
    'rosbag2_storage_mcap',
    'rosidl_default_generators',
    'rosidl_default_runtime',
    'std_srvs',
}
# Keys that are in rosdep/python.yaml, with the distributions on the Python Package Index that
# each brings, directly or as a requirement.
PYTHON_KEYS = {
    'mcap-ros2-support': {'lz4', 'mcap', 'zstandard'},
    'python3-dev': set[str](),
    'python3-filelock': {'filelock'},
    'python3-hypothesis': {'hypothesis'},
    'python3-msgpack': {'msgpack'},
    'python3-pymavlink-pip': {'pymavlink'},
    'python3-pytest': {'pytest'},
    'python3-pytest-timeout': {'pytest-timeout'},
    'python3-rosbags-pip': {'rosbags'},
    'python3-yaml': {'pyyaml'},
}
# What rosdep has no key for: CONTRIBUTING.md and the README say what it is for.
NO_KEY = {'pyulog'}
# Top-level modules whose distribution is named differently.
DISTRIBUTION_OF = {'yaml': 'pyyaml'}

MANIFEST = ET.parse(ROOT / 'package.xml').getroot()  # noqa: S314 - our own file


def keys(*tags: str) -> set[str]:
    """Return the dependencies of package.xml under these tags."""
    return {(e.text or '').strip() for tag in tags for e in MANIFEST.findall(tag)}


def test_version_is_the_same_everywhere() -> None:
    """A release changes package.xml and fdr_node.__version__ together."""
    assert MANIFEST.findtext('version') == fdr_node.__version__
    assert metadata.version('fdr_node') == fdr_node.__version__


def test_every_dependency_has_a_rosdep_key() -> None:
    """Only keys that were looked up are used: rosdep stops at the first one that it lacks."""
    used = keys('buildtool_depend', 'build_depend', 'depend', 'exec_depend', 'test_depend')
    assert used == ROS_KEYS | PYTHON_KEYS.keys()


def brought(tags: set[str]) -> set[str]:
    """Return the distributions that the Python keys among these bring."""
    return {name for key in tags & PYTHON_KEYS.keys() for name in PYTHON_KEYS[key]}


def test_pip_and_rosdep_install_the_same() -> None:
    """What pip requires at run time, package.xml has a key for, or NO_KEY names it."""
    required = metadata.requires('fdr_node') or []
    # The extra "test" is for colcon, see below.
    names = {
        re.split(r'[^\w.-]', line)[0].lower()
        for line in required
        if not re.search('extra == .test', line)
    }
    assert names == brought(keys('exec_depend')) | NO_KEY


def test_every_import_is_declared() -> None:
    """What a module imports is in package.xml for run time, or NO_KEY names it."""
    imported = set[str]()
    for module in modules():
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                imported.update(alias.name.split('.')[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or '').split('.')[0])
    libraries = imported - sys.stdlib_module_names - {'fdr_node'}
    declared = keys('depend', 'exec_depend')
    needed = {DISTRIBUTION_OF.get(name, name) for name in libraries}
    assert needed - declared - brought(declared) - NO_KEY == set()


def test_messages_are_found_by_rosdep_and_colcon() -> None:
    """Other packages of a workspace are built after one of this group."""
    assert keys('member_of_group') == {'rosidl_interface_packages'}
    assert MANIFEST.findtext('export/build_type') == 'ament_python'


@pytest.mark.parametrize('line', (ROOT / 'requirements.lock').read_text().splitlines()[1:])
def test_lock_names_exact_versions_only(line: str) -> None:
    """No range, no address: the lock holds with every index that has these versions."""
    assert re.fullmatch(r'[\w.-]+==[\w.]+( ; python_version < "3\.\d+")?', line)


def test_colcon_runs_pytest() -> None:
    """Without this it takes unittest, which finds nothing here."""
    tree = ast.parse((ROOT / 'setup.py').read_text())
    keywords = [
        word for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords
    ]
    (extras,) = (word.value for word in keywords if word.arg == 'extras_require')
    assert ast.literal_eval(extras)['test'] == ['pytest']
