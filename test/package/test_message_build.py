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
The message build: what it says when something is missing, when it rebuilds, where files go.

The build itself is run for real in the tests marked slow, in a copy of the tree.
"""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess
import sys
import zipfile

import message_build
from message_build import Stage
from project import PACKAGE, ROOT
import pytest

TOOLS = ['cc', 'c++', 'make', 'cmake']
BUILD_TIMEOUT_S = 400

ENVIRONMENT, PREFIXES = message_build.build_environment()
MISSING = message_build.missing_tool(ENVIRONMENT) or message_build.missing_generator(
    ENVIRONMENT, PREFIXES
)
builds = pytest.mark.skipif(MISSING is not None, reason=f'{MISSING}')


@pytest.fixture(name='tools')
def fixture_tools(tmp_path: Path) -> Path:
    """Return a folder of executables in which every build tool is there."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    for name in TOOLS:
        (folder / name).write_text('#!/bin/sh\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('cmake', 'CMake is missing (apt install cmake, or pip install cmake)'),
        ('cc', 'a C compiler is missing (apt install gcc)'),
        ('c++', 'a C++ compiler is missing (apt install g++)'),
        ('make', 'make is missing (apt install make)'),
    ],
)
def test_a_missing_tool_is_named_with_its_package(tools: Path, name: str, said: str) -> None:
    """One line says what to install."""
    assert message_build.missing_tool({'PATH': str(tools)}) is None
    (tools / name).unlink()
    assert message_build.missing_tool({'PATH': str(tools)}) == said


def test_a_compiler_named_by_the_environment_counts(tools: Path) -> None:
    """CC and CXX may name another compiler, with options."""
    (tools / 'cc').rename(tools / 'tcc')
    environment = {'PATH': str(tools), 'CC': 'tcc -O2'}
    assert message_build.missing_tool(environment) is None


def test_missing_python_headers_are_named(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without its headers compiles no extension."""
    monkeypatch.setattr('sysconfig.get_path', lambda _: '/nowhere')
    said = message_build.missing_tool({'PATH': str(tools)})
    assert said == 'the headers of Python, Python.h, are missing (apt install python3-dev)'


def with_generators(prefix: Path) -> Path:
    """Make a prefix in which every generator package has its CMake configuration."""
    for name in message_build.GENERATOR_PACKAGES:
        config = prefix / 'share' / name / 'cmake' / f'{name}Config.cmake'
        config.parent.mkdir(parents=True)
        config.touch()
    return prefix


@pytest.mark.parametrize('name', message_build.GENERATOR_PACKAGES)
def test_a_missing_generator_is_named_with_its_package(tmp_path: Path, name: str) -> None:
    """One line says what to source or to install."""
    prefix = with_generators(tmp_path)
    shutil.rmtree(prefix / 'share' / name)
    said = message_build.missing_generator({'ROS_DISTRO': 'kilted'}, [prefix]) or ''
    assert said.startswith(f'{name} is missing (source the setup file of your ROS 2, or apt')
    assert f'ros-kilted-{name.replace("_", "-")}' in said
    assert '\n' not in said


def test_a_missing_module_of_the_generators_is_named(tmp_path: Path) -> None:
    """The generators are Python programs; their imports are tried before they run."""
    prefix = with_generators(tmp_path / 'prefix')
    hidden = tmp_path / 'hidden'
    hidden.mkdir()
    (hidden / 'em.py').write_text('raise ImportError')
    environment = os.environ | {'PYTHONPATH': str(hidden)}
    said = message_build.missing_generator(environment, [prefix])
    assert said == (
        'the Python module em is missing '
        '(apt install python3-empy, or pip install -r requirements.lock)'
    )


def test_nothing_is_said_when_all_is_there(tools: Path, tmp_path: Path) -> None:
    """The build goes on."""
    prefix = with_generators(tmp_path / 'prefix')
    for name in message_build.GENERATOR_MODULES:
        (tmp_path / f'{name}.py').touch()
    environment = {'PATH': str(tools), 'PYTHONPATH': str(tmp_path)}
    message_build.require_tools(environment, [prefix])


def test_what_an_installer_hides_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip's isolated build and colcon's prefix are for setup.py, not for the generators."""
    hook, kept, prefix = tmp_path / 'hook', tmp_path / 'kept', tmp_path / 'prefix'
    site = prefix / f'lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages'
    for folder in (hook, kept, site):
        folder.mkdir(parents=True)
    (hook / 'sitecustomize.py').touch()
    monkeypatch.setenv('PYTHONPATH', f'{hook}{os.pathsep}{kept}')
    monkeypatch.setenv('PYTHONNOUSERSITE', '1')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(prefix))
    environment, prefixes = message_build.build_environment()
    assert prefixes == [prefix]
    assert environment['PYTHONPATH'] == f'{kept}{os.pathsep}{site}'
    assert 'PYTHONNOUSERSITE' not in environment


def test_the_own_prefix_is_taken_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment with the ROS wheels needs no AMENT_PREFIX_PATH."""
    monkeypatch.delenv('AMENT_PREFIX_PATH')
    environment, prefixes = message_build.build_environment()
    assert prefixes == [Path(sys.prefix)]
    assert environment['AMENT_PREFIX_PATH'] == sys.prefix


@pytest.fixture(name='tree')
def fixture_tree(tmp_path: Path) -> Path:
    """Return a copy of what a build of the messages reads."""
    tree = tmp_path / 'tree'
    for name in ('msg', 'resource', 'launch'):
        shutil.copytree(ROOT / name, tree / name)
    for name in ('package.xml', 'pyproject.toml', 'setup.cfg', 'setup.py', 'LICENSE'):
        shutil.copy(ROOT / name, tree)
    (tree / 'fdr_node').mkdir()
    for name in ('__init__.py', 'py.typed'):
        shutil.copy(PACKAGE / name, tree / 'fdr_node')
    return tree


@pytest.mark.parametrize(
    'path', ['msg/FdrRecord.msg', 'package.xml', 'resource/existing_includes.cmake']
)
def test_a_changed_input_is_built_again(
    tree: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The fingerprint is the same as long as nothing changed, and changes with each input."""
    monkeypatch.setattr(message_build, 'SOURCE', tree)
    before = message_build.fingerprint_of([])
    assert message_build.fingerprint_of([]) == before
    with (tree / path).open('a') as file:
        file.write('\n')
    assert message_build.fingerprint_of([]) != before


def test_another_generator_builds_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of a generator shows in its package.xml."""
    monkeypatch.setattr(message_build, 'SOURCE', tree)
    manifest = tree / 'prefix' / 'share' / 'rosidl_generator_py' / 'package.xml'
    manifest.parent.mkdir(parents=True)
    manifest.write_text('<version>1</version>')
    before = message_build.fingerprint_of([tree / 'prefix'])
    manifest.write_text('<version>2</version>')
    assert message_build.fingerprint_of([tree / 'prefix']) != before


def test_generated_files_are_sorted_out(tmp_path: Path) -> None:
    """Modules and extensions go into the package, but for its own __init__.py; the rest beside."""
    stage = Stage(tmp_path)
    for path in (
        'python/fdr_node/__init__.py',
        'python/fdr_node/fdr_node_s__c.so',
        'python/fdr_node/msg/__init__.py',
        'python/fdr_node/msg/_fdr_record_s.c',
        'lib/libfdr_node__c.so',
        'include/fdr_node/fdr_node/msg/fdr_record.hpp',
        'share/fdr_node/environment/path.sh',
        'share/fdr_node/msg/FdrRecord.idl',
        'share/ament_index/resource_index/packages/fdr_node',
    ):
        (stage.prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (stage.prefix / path).touch()
    assert message_build.package_files(stage) == [
        Path('fdr_node_s__c.so'),
        Path('msg/__init__.py'),
    ]
    placed = [f'{folder}/{Path(file).name}' for folder, (file,) in message_build.data_files(stage)]
    assert placed == [
        'lib/libfdr_node__c.so',
        'include/fdr_node/fdr_node/msg/fdr_record.hpp',
        'share/fdr_node/msg/FdrRecord.idl',
    ]


def test_a_loaded_library_is_replaced_not_overwritten(tmp_path: Path) -> None:
    """A process that runs on the former file keeps it whole."""
    source, target = tmp_path / 'new.so', tmp_path / 'package' / 'old.so'
    source.write_text('new')
    target.parent.mkdir()
    target.write_text('old')
    with target.open() as loaded:
        message_build.place(source, target)
        assert (loaded.read(), target.read_text()) == ('old', 'new')
    assert list(target.parent.iterdir()) == [target]


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    """Nothing that watches the package sees a change where there is none."""
    source, target = tmp_path / 'new.py', tmp_path / 'old.py'
    source.write_text('same')
    target.write_text('same')
    before = target.stat()
    message_build.place(source, target)
    assert target.stat().st_ino == before.st_ino


def setup_py(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run setup.py of a tree in a Python of its own."""
    return subprocess.run(
        [sys.executable, 'setup.py', '--quiet', *arguments],
        cwd=tree,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_TIMEOUT_S,
    )


def test_without_a_generator_setup_ends_with_one_line(tree: Path) -> None:
    """No traceback, no CMake output: the line alone."""
    done = setup_py(tree, 'build_ext', AMENT_PREFIX_PATH='/nowhere', CMAKE_PREFIX_PATH='')
    (line,) = done.stderr.splitlines()
    assert line.startswith('error: cannot build the messages of fdr_node: ament_cmake is missing')
    assert done.returncode == 1


def test_reading_the_metadata_generates_nothing(tree: Path) -> None:
    """Colcon evaluates setup.py for its metadata alone, also where no generator is installed."""
    before = sorted(tree.rglob('*'))
    done = setup_py(tree, '--name', '--version', AMENT_PREFIX_PATH='/nowhere')
    assert done.stdout.split()[0] == 'fdr_node'
    assert [
        p for p in sorted(tree.rglob('*')) if p.name != '__pycache__' and p.suffix != '.pyc'
    ] == before


@builds
@pytest.mark.slow
@pytest.mark.timeout(BUILD_TIMEOUT_S)
def test_a_broken_message_ends_with_the_reason_and_no_stamp(tree: Path) -> None:
    """The generator's complaint is shown, then one line; the next run starts anew."""
    (tree / 'msg' / 'FdrRecord.msg').write_text('no_such_type field\n')
    done = setup_py(tree, 'build_ext')
    assert 'no_such_type' in done.stderr
    log = tree / 'build' / message_build.STAGE / 'log'
    assert done.stderr.splitlines()[-1] == (
        f'error: building the messages of fdr_node failed; all of the output is in {log}'
    )
    assert not (log.parent / 'stamp').exists()


@builds
@pytest.mark.slow
@pytest.mark.timeout(BUILD_TIMEOUT_S)
def test_a_wheel_has_everything_and_a_second_build_nothing_to_do(tree: Path) -> None:
    """Messages, libraries, headers, CMake configuration and interface files are in one wheel."""
    pytest.importorskip('wheel', reason='a wheel is built with the wheel package')
    first = setup_py(tree, 'bdist_wheel')
    assert first.returncode == 0, first.stderr
    (wheel,) = (tree / 'dist').glob('*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    data = 'fdr_node-' + wheel.name.split('-')[1] + '.data/data'
    assert {
        'fdr_node/msg/__init__.py',
        'fdr_node/msg/_fdr_record.py',
        'fdr_node/fdr_node_s__rosidl_typesupport_c.so',
        f'{data}/lib/libfdr_node__rosidl_typesupport_cpp.so',
        f'{data}/include/fdr_node/fdr_node/msg/fdr_record.hpp',
        f'{data}/share/fdr_node/cmake/fdr_nodeConfig.cmake',
        f'{data}/share/fdr_node/msg/FdrRecord.idl',
        f'{data}/share/fdr_node/launch/fdr.launch.py',
        f'{data}/share/ament_index/resource_index/packages/fdr_node',
        f'{data}/share/ament_index/resource_index/rosidl_interfaces/fdr_node',
    } <= names
    stage = tree / 'build' / message_build.STAGE
    before = (stage / 'log').stat().st_mtime_ns
    assert setup_py(tree, 'build_ext').returncode == 0
    assert (stage / 'log').stat().st_mtime_ns == before
