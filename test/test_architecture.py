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
Walks every module: imports go one way, each module has its test, and none grows too long.

Only the source text is read; nothing is imported. What a module does is not judged here.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from project import modules, PACKAGE, ROOT, sources, TESTS
import pytest

if TYPE_CHECKING:
    from pathlib import Path

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
HEADER_LINES = 13  # the copyright block

VALUES = {'clock', 'config', 'errors', 'events', 'record', 'schema', 'versions'}
# Which room (a folder or a module directly in the package) may import which, beside itself.
ROOMS = {
    'clock': {'errors'},
    'config': {'errors', 'schema'},
    'errors': set[str](),
    'mavlink': set[str](),
    'events': {'clock', 'errors', 'record', 'schema'},
    'record': {'errors'},
    'schema': {'errors', 'record'},
    'versions': set[str](),
    'alerts': VALUES | {'mavlink'},
    'intake': VALUES,
    'recording': VALUES,
    'storage': VALUES | {'recording'},
    'producer': {'clock', 'errors', 'record', 'schema'},
    'listener': {'producer', 'record'},
    'debrief': VALUES | {'storage'},
    'preflight': VALUES | {'alerts', 'debrief', 'intake', 'recording', 'storage'},
    'demo': VALUES | {'mavlink', 'producer'},
    'bench': VALUES | {'producer'},
    'ros': VALUES | {'alerts', 'intake', 'recording', 'storage'},
    'cli': VALUES | {'debrief', 'demo', 'listener', 'preflight'},
}
# Of a room that is open only through its door.
DOORS = {('storage', 'recording'): 'fdr_node.recording.ports'}
# ROS, the generated messages included, is known in these rooms alone.
ROS_ROOMS = {'bench', 'listener', 'producer', 'ros'}
ROS_LIBRARIES = {
    'builtin_interfaces',
    'diagnostic_msgs',
    'lifecycle_msgs',
    'mavros_msgs',
    'rcl_interfaces',
    'rclpy',
    'std_msgs',
    'std_srvs',
}
# Libraries without types or with side effects: one module each knows them.
ONE_MODULE_LIBRARIES = {'filelock', 'msgpack', 'pymavlink', 'pyulog', 'rosbag2_py'}
# Rooms that decide: values in, decision out.
DECIDING_ROOMS = {'config', 'events', 'intake', 'record', 'recording', 'schema'}
OUTSIDE_WORLD = {
    'asyncio',
    'datetime',
    'fcntl',
    'io',
    'logging',
    'os',
    'queue',
    'random',
    'shutil',
    'signal',
    'socket',
    'subprocess',
    'tempfile',
    'time',
}

# Modules without a test module of the same path, each with where it is tested instead.
WITHOUT_TWIN = {
    'alerts/ports.py': 'a Protocol and a plain value; test/alerts/test_courier.py',
    'bench/__main__.py': 'a call of main; test/bench/test_course.py starts the rest',
    'bench/callback_recorder.py': 'a program that test/bench/test_course.py starts',
    'bench/drain_only.py': 'a program that test/bench/test_course.py starts',
    'bench/sender.py': 'a program that test/bench/test_course.py starts',
    'config/limits.py': 'plain values',
    'config/settings.py': 'plain values; test/config/test_recorder_config.py tries each bound',
    'config/spec.py': 'test/config/test_recorder_config.py, with the settings',
    'events.py': 'plain values; test/recording/test_recorder.py compares them',
    'recording/ports.py': 'Protocols and plain values; the contract suite in test/storage',
    'recording/beginning.py': 'test/recording/test_recorder.py, with the recorder',
    'recording/disk_watch.py': 'test/recording/test_degradation.py, with the recorder',
    'recording/drops.py': 'test/recording/test_flight.py, with the flight',
    'recording/own_records.py': 'test/recording/test_flight.py, with the flight',
    'recording/spare.py': 'test/recording/test_degradation.py, with the recorder',
    'recording/place.py': 'test/recording/test_degradation.py and test_flight.py',
    'recording/recorder_status.py': 'test/recording/test_recorder.py',
    'recording/times.py': 'test/recording/test_flight.py, with the flight',
    'ros/main.py': 'test/node, in a process of its own',
    'ros/node.py': 'test/node, with real publishers',
    'ros/closing.py': 'test/fault/test_session_outage.py, with a disk that hangs',
    'ros/opening.py': 'test/ros/test_session.py, with the session',
    'ros/qos.py': 'plain values',
    'ros/refusal.py': 'test/node/test_node_start.py',
    'ros/said.py': 'test/node, which waits for the line',
    'ros/services.py': 'test/node/test_node_services.py',
    'ros/status_board.py': 'test/node, with real subscribers',
    'ros/unwatched_group.py': 'test/node, with real publishers',
    'intake/totals.py': 'test/ros/test_session.py, where the ledger meets the log',
    'ros/session.py': 'test/node, with real publishers',
}
# Folders of test/ that mirror no room.
WITHOUT_ROOM = {'docs', 'fault', 'launch', 'node', 'package', 'rosbag2', 'support'}
# Test modules at the top that look at the whole package.
WHOLE_PACKAGE = {
    'test_architecture.py',
    'test_copyright.py',
    'test_flake8.py',
    'test_pep257.py',
}


def name_of(module: Path) -> str:
    """Return the path below the package, which is how a failure names it."""
    return module.relative_to(PACKAGE).as_posix()


def room_of(path: str) -> str:
    """Return the room of a path below the package."""
    return path.split('/', maxsplit=1)[0].removesuffix('.py')


def imports(text: str) -> set[str]:
    """Return the full name of everything that a source text imports, wherever it does."""
    found = set[str]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = '.' * node.level + (node.module or '')
            found.update(f'{base}.{alias.name}' for alias in node.names)
    return found


def own_room(imported: str) -> str | None:
    """Return the room that an import names, None for a library or the package itself."""
    parts = imported.split('.')
    if parts[0] != 'fdr_node' or len(parts) < 2 or parts[1].startswith('__'):
        return None
    return parts[1]


def broken_edges(path: str, text: str) -> list[str]:
    """Return what a module imports against the rules."""
    room = room_of(path)
    broken = []
    for imported in sorted(imports(text)):
        library = imported.split('.')[0]
        target = own_room(imported)
        if imported.startswith('.'):
            broken.append(f'{imported}: relative')
        elif target == 'msg' or library in ROS_LIBRARIES:
            if room not in ROS_ROOMS:
                broken.append(f'{imported}: ROS outside of {sorted(ROS_ROOMS)}')
        elif target is not None and target != room:
            door = DOORS.get((room, target), '')
            if target not in ROOMS[room] or not imported.startswith(door):
                broken.append(f'{imported}: not open to {room}')
        elif library in OUTSIDE_WORLD and room in DECIDING_ROOMS:
            broken.append(f'{imported}: {room} decides, it does not act')
    return broken


@pytest.mark.parametrize('module', modules(), ids=name_of)
def test_imports_go_one_way(module: Path) -> None:
    """Every import of every module is an edge that the rules allow."""
    path = name_of(module)
    if path != '__init__.py':
        assert broken_edges(path, module.read_text()) == []


@pytest.mark.parametrize(
    ('path', 'text'),
    [
        ('storage/lock.py', 'from fdr_node.ros.node import FdrNode'),
        ('storage/lock.py', 'from fdr_node.recording.recorder import FlightRecorder'),
        ('record.py', 'from fdr_node import storage'),
        ('recording/flight.py', 'import fdr_node.storage.fs'),
        ('recording/flight.py', 'def f():\n    import time'),
        ('intake/ring.py', 'from rclpy.node import Node'),
        ('cli/info.py', 'from fdr_node.msg import FdrRecord'),
        ('debrief/info.py', 'from . import tally'),
        ('debrief/info.py', 'if TYPE_CHECKING:\n    from fdr_node.cli import table'),
    ],
)
def test_a_forbidden_import_is_found(path: str, text: str) -> None:
    """The walk sees an import in every form and place."""
    assert len(broken_edges(path, text)) == 1


def test_every_room_has_its_rule() -> None:
    """A new folder or module at the top of the package needs a line in ROOMS."""
    rooms = {room_of(name_of(module)) for module in modules()} - {'__init__'}
    assert rooms <= ROOMS.keys()


@pytest.mark.parametrize('library', sorted(ONE_MODULE_LIBRARIES))
def test_one_module_knows_the_library(library: str) -> None:
    """The library can be replaced, or typed, in one place."""
    users = [
        name_of(module)
        for module in modules()
        if any(i.split('.')[0] == library for i in imports(module.read_text()))
    ]
    assert len(users) <= 1, users


def twin_of(path: str) -> str:
    """Return where the test module of a module is, below test/."""
    parent, _, file = path.rpartition('/')
    return f'{parent}/test_{file.lstrip("_")}'.lstrip('/')


def twins_wanted() -> set[str]:
    """Return the test modules that the modules of the package ask for."""
    paths = {name_of(m) for m in modules() if m.name != '__init__.py'}
    return {twin_of(path) for path in paths - WITHOUT_TWIN.keys()}


def twins_there() -> set[str]:
    """Return the test modules that are there for a module of the package."""
    found = {p.relative_to(TESTS) for p in TESTS.rglob('test_*.py')}
    return {
        p.as_posix()
        for p in found
        if p.parts[0] not in WITHOUT_ROOM and p.as_posix() not in WHOLE_PACKAGE
    }


def test_every_module_has_its_test() -> None:
    """A module is tested in the file of the same path, or WITHOUT_TWIN says where."""
    assert twins_wanted() - twins_there() == set()


def test_every_test_has_its_module() -> None:
    """A test module does not outlive the module that it tests."""
    exempt = {twin_of(path) for path in WITHOUT_TWIN}
    assert twins_there() - twins_wanted() - exempt == set()


def test_exemptions_are_of_modules_that_exist() -> None:
    """An exemption does not outlive its module."""
    assert WITHOUT_TWIN.keys() <= {name_of(module) for module in modules()}


@pytest.mark.parametrize('module', [m for m in modules() if m.name == '__init__.py'], ids=name_of)
def test_a_package_file_only_gathers(module: Path) -> None:
    """An __init__.py has no code of its own, so that it needs no test."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [n.name for n in ast.walk(ast.parse(module.read_text())) if isinstance(n, kinds)]
    assert found == []


def long_functions(text: str, lines_max: int) -> list[str]:
    """Return the functions whose body, docstring not counted, is longer than that."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 > lines_max:
                found.append(node.name)
    return found


@pytest.mark.parametrize('module', modules(), ids=name_of)
def test_no_module_grows_too_long(module: Path) -> None:
    """A module fits in the head of who reads it; its tests are as long as they have to be."""
    assert len(module.read_text().splitlines()) - HEADER_LINES <= MODULE_LINES_MAX


@pytest.mark.parametrize('path', sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_function_grows_too_long(path: Path) -> None:
    """A function is read in one piece, in tests too."""
    assert long_functions(path.read_text(), FUNCTION_LINES_MAX) == []


def test_a_long_function_is_found() -> None:
    """The count is of the body, without its docstring."""
    text = 'def f():\n    """\n    One.\n    """\n    a = 1\n    b = 2\n    return a + b\n'
    assert long_functions(text, 2) == ['f']
    assert long_functions(text, 3) == []


def test_the_rules_name_libraries_only() -> None:
    """A misspelt module of the standard library would never be found."""
    assert sys.stdlib_module_names >= OUTSIDE_WORLD
