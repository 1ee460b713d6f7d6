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
Generates, compiles and places the messages of this package for setup.py.

One command, build_ext, for pip and colcon, plain and editable: rosidl's generators run under CMake
into a stage of their own, from where the Python modules go into the package and everything else
(libraries, headers, CMake configuration, interface files, index entries) joins the data files that
setuptools or colcon installs. It writes no message code itself and downloads nothing.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig
from typing import NamedTuple

from setuptools.command.build_ext import build_ext

SOURCE = Path(__file__).resolve().parent.parent
NAME = 'fdr_node'
# In the build folder, which the Pythons of several machines may share.
STAGE = f'messages-{sys.implementation.cache_tag}'
# What CMake reads beside the messages, relative to SOURCE.
INPUTS = ('package.xml', 'resource/CMakeLists.txt', 'resource/existing_includes.cmake')
# Packages whose CMake configuration the build reads, and the Python modules of the generators.
GENERATOR_PACKAGES = ('ament_cmake', 'rosidl_default_generators', 'builtin_interfaces')
GENERATOR_MODULES = ('catkin_pkg', 'em', 'lark', 'numpy')
# Of the stage, what is installed under the prefix: (folder, pattern). The environment hooks that
# ament_cmake adds are left out, because colcon writes its own for an ament_python package.
INSTALLED = (
    ('lib', '*.so'),
    ('include', '**/*'),
    (f'share/{NAME}/cmake', '*'),
    (f'share/{NAME}/msg', '*'),
    ('share/ament_index/resource_index/rosidl_interfaces', '*'),
)
# A library is found beside the library that needs it, and from the package in
# <prefix>/lib/pythonX.Y/site-packages/, without LD_LIBRARY_PATH.
RUN_PATH = '$ORIGIN;$ORIGIN/../../..'
LOG_LINES_SHOWN = 40


class Stage(NamedTuple):
    """Where one build of the messages happens."""

    root: Path

    @property
    def source(self) -> Path:
        """Return what CMake reads."""
        return self.root / 'source'

    @property
    def build(self) -> Path:
        """Return where CMake works."""
        return self.root / 'build'

    @property
    def prefix(self) -> Path:
        """Return where CMake installs."""
        return self.root / 'prefix'

    @property
    def package(self) -> Path:
        """Return the folder of what goes into the package."""
        return self.prefix / 'python' / NAME

    @property
    def stamp(self) -> Path:
        """Return the file with the fingerprint of the complete build."""
        return self.root / 'stamp'

    @property
    def log(self) -> Path:
        """Return the file with the output of CMake and of the compiler."""
        return self.root / 'log'


class BuildMessages(build_ext):
    """
    The build_ext command: messages out of msg/ instead of an extension out of C.

    On failure nothing is installed and the stage has no stamp, so that the next run starts anew.
    """

    build_base: str | None

    def initialize_options(self) -> None:
        """Declare the options, unset."""
        super().initialize_options()
        self.build_base = None

    def finalize_options(self) -> None:
        """Take the build folder from the build command."""
        super().finalize_options()
        self.set_undefined_options('build', ('build_base', 'build_base'))

    def run(self) -> None:
        """Build the messages unless nothing changed, then place them."""
        environment, prefixes = build_environment()
        stage = self._stage
        fingerprint = fingerprint_of(prefixes)
        if not stage.stamp.is_file() or stage.stamp.read_text() != fingerprint:
            require_tools(environment, prefixes)
            build(stage, environment, prefixes)
            stage.stamp.write_text(fingerprint)
        target = SOURCE / NAME if self.inplace else Path(self.build_lib) / NAME
        paths = package_files(stage)
        for path in (target / 'msg').glob('*.py'):
            if path.relative_to(target) not in paths:
                path.unlink()
        for path in paths:
            place(stage.package / path, target / path)
        # setup.py gives this list, and the commands that install data files hold the same one.
        static = self.distribution.data_files or []
        static.extend(data_files(stage))
        if self.editable_mode:
            # setuptools leaves the data files out of an editable wheel.
            self.run_command('install_data')

    def get_outputs(self) -> list[str]:
        """Return what run() placed, for the record of the installed files."""
        return [str(Path(self.build_lib) / NAME / path) for path in package_files(self._stage)]

    def get_output_mapping(self) -> dict[str, str]:
        """Return which file of the source tree stands for which installed file, when editable."""
        if not self.inplace:
            return {}
        return {
            str(Path(self.build_lib) / NAME / path): str(SOURCE / NAME / path)
            for path in package_files(self._stage)
        }

    @property
    def _stage(self) -> Stage:
        return Stage(Path(self.build_base or 'build').resolve() / STAGE)


def build_environment() -> tuple[dict[str, str], list[Path]]:
    """
    Return the environment that CMake and the generators run in, and the ament prefixes.

    Where AMENT_PREFIX_PATH is not set, this Python's own prefix is taken: a virtual environment
    with the ROS wheels is one. pip's isolated build hides the packages that are installed there,
    and what PYTHONPATH named; both are put back for the generators alone.
    """
    environment = dict(os.environ)
    # colcon replaces sys.prefix by the install folder and keeps the former here.
    own = getattr(sys, 'real_prefix', sys.prefix)
    named = environment.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    prefixes = [Path(entry) for entry in named if entry] or [Path(own)]
    entries = [entry for entry in environment.get('PYTHONPATH', '').split(os.pathsep) if entry]
    # pip's isolation and colcon's replaced prefix work by a sitecustomize module.
    python_path = [e for e in entries if not Path(e, 'sitecustomize.py').exists()]
    if len(python_path) < len(entries):
        environment.pop('PYTHONNOUSERSITE', None)
    for prefix in prefixes:
        site = sysconfig.get_path('purelib', 'posix_prefix', {'base': str(prefix)})
        if site not in python_path and Path(site).is_dir():
            python_path.append(site)
    environment['AMENT_PREFIX_PATH'] = os.pathsep.join(map(str, prefixes))
    environment['PYTHONPATH'] = os.pathsep.join(python_path)
    environment['PATH'] = os.pathsep.join([f'{own}/bin', environment.get('PATH', os.defpath)])
    return environment, prefixes


def fingerprint_of(prefixes: list[Path]) -> str:
    """Return a digest of all that the built messages depend on."""
    digest = hashlib.sha256()
    facts = [sys.version, sys.executable, sysconfig.get_platform(), *map(str, prefixes)]
    facts += [os.environ.get(name, '') for name in ('CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS')]
    for fact in facts:
        digest.update(fact.encode() + b'\0')
    manifests = [
        manifest
        for prefix in prefixes
        for pattern in ('rosidl_*', 'rmw*', *GENERATOR_PACKAGES)
        for manifest in sorted(prefix.glob(f'share/{pattern}/package.xml'))
    ]
    inputs = [Path(__file__), *(SOURCE / name for name in INPUTS), *messages()]
    for path in [*inputs, *manifests]:
        digest.update(str(path.name).encode() + b'\0' + path.read_bytes() + b'\0')
    return digest.hexdigest()


def messages() -> list[Path]:
    """Return the message definitions of this package."""
    return sorted((SOURCE / 'msg').glob('*.msg'))


def require_tools(environment: dict[str, str], prefixes: list[Path]) -> None:
    """
    Check that everything the build needs is there.

    :param environment: what build_environment() returned
    :param prefixes: ament prefixes
    :raises SystemExit: one line that names what is missing and how to install it; setuptools and
        pip let it through without a traceback
    """
    missing = missing_tool(environment) or missing_generator(environment, prefixes)
    if missing:
        what = f'error: cannot build the messages of {NAME}: {missing}'
        raise SystemExit(what)


def missing_tool(environment: dict[str, str]) -> str | None:
    """Return what is said of the first missing build tool, None when all are there."""
    path = environment['PATH']

    def found(*names: str | None) -> bool:
        return any(shutil.which(name.split()[0], path=path) for name in names if name)

    if not found('cmake'):
        return 'CMake is missing (apt install cmake, or pip install cmake)'
    if not found(environment.get('CC'), 'cc', 'gcc', 'clang'):
        return 'a C compiler is missing (apt install gcc)'
    if not found(environment.get('CXX'), 'c++', 'g++', 'clang++'):
        return 'a C++ compiler is missing (apt install g++)'
    if not found('make'):
        return 'make is missing (apt install make)'
    if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        return 'the headers of Python, Python.h, are missing (apt install python3-dev)'
    return None


def missing_generator(environment: dict[str, str], prefixes: list[Path]) -> str | None:
    """Return what is said of the first missing part of the generators, None when all are there."""
    roots = [*prefixes, *map(Path, environment.get('CMAKE_PREFIX_PATH', '').split(os.pathsep))]
    distribution = environment.get('ROS_DISTRO', 'jazzy')
    for package in GENERATOR_PACKAGES:
        config = f'share/{package}/cmake/{package}Config.cmake'
        if not any((root / config).is_file() for root in roots):
            name = f'ros-{distribution}-{package.replace("_", "-")}'
            return (
                f'{package} is missing (source the setup file of your ROS 2, '
                f'or apt install {name}, or pip install -r requirements.lock)'
            )
    for module in GENERATOR_MODULES:
        command = [sys.executable, '-c', f'import {module}']
        probe = subprocess.run(  # noqa: S603 - this Python and a name from above
            command, env=environment, capture_output=True, check=False
        )
        if probe.returncode:
            package = {'em': 'empy', 'catkin_pkg': 'catkin-pkg'}.get(module, module)
            return (
                f'the Python module {module} is missing '
                f'(apt install python3-{package}, or pip install -r requirements.lock)'
            )
    return None


def build(stage: Stage, environment: dict[str, str], prefixes: list[Path]) -> None:
    """
    Run CMake in a fresh stage.

    :param stage: removed first; on failure it holds the log and no stamp
    :param environment: what build_environment() returned
    :param prefixes: ament prefixes
    :raises SystemExit: CMake or the compiler failed; the end of their output is on stderr
    """
    shutil.rmtree(stage.root, ignore_errors=True)
    (stage.source / 'msg').mkdir(parents=True)
    for name in INPUTS:
        shutil.copy(SOURCE / name, stage.source)
    for path in messages():
        shutil.copy(path, stage.source / 'msg')
    configure = [
        'cmake',
        *('-S', str(stage.source)),
        *('-B', str(stage.build)),
        *('-G', 'Unix Makefiles'),
        f'-DCMAKE_PREFIX_PATH={";".join(map(str, prefixes))}',
        f'-DCMAKE_INSTALL_PREFIX={stage.prefix}',
        f'-DCMAKE_INSTALL_RPATH={RUN_PATH}',
        '-DCMAKE_BUILD_TYPE=Release',
        '-DBUILD_TESTING=OFF',
        f'-DPython3_EXECUTABLE={sys.executable}',
        f'-DPYTHON_EXECUTABLE={sys.executable}',
        '-DPYTHON_INSTALL_DIR=python',
    ]
    compile_all = ['cmake', '--build', str(stage.build), '--parallel', str(os.cpu_count() or 1)]
    install = ['cmake', '--install', str(stage.build)]
    with stage.log.open('wb') as log:
        for command in (configure, compile_all, install):
            done = subprocess.run(  # noqa: S603 - the three commands above
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
            )
            if done.returncode:
                break
        else:
            return
    lines = stage.log.read_text(errors='replace').splitlines()
    sys.stderr.write('\n'.join([*lines[-LOG_LINES_SHOWN:], '']))
    what = f'error: building the messages of {NAME} failed; all of the output is in {stage.log}'
    raise SystemExit(what)


def package_files(stage: Stage) -> list[Path]:
    """Return the generated files of the package, relative to it; its own __init__.py stays."""
    found = (path.relative_to(stage.package) for path in stage.package.rglob('*'))
    return sorted(
        path
        for path in found
        if path.suffix in {'.py', '.pyi', '.so'} and path != Path('__init__.py')
    )


def data_files(stage: Stage) -> list[tuple[str, list[str]]]:
    """Return the generated files outside the package, as setup() takes them."""
    return [
        (str(path.parent.relative_to(stage.prefix)), [str(path)])
        for folder, pattern in INSTALLED
        for path in sorted((stage.prefix / folder).glob(pattern))
        if path.is_file()
    ]


def place(source: Path, target: Path) -> None:
    """
    Copy a file so that a process which has the former one loaded keeps it whole.

    :param source: the file
    :param target: where it goes; the folder is made, a file of the same content is left alone
    """
    if target.is_file() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f'.{target.name}.new')
    shutil.copy2(source, staged)
    staged.replace(target)
