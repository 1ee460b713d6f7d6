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
"""The command finds its verb, loads that one alone, and ends with a code and one line."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from crafted import HEADER, own, segment, write_flight
from fdr_node import __version__
from fdr_node.cli import main as command
from project import ROOT
import pytest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], int]], None]:
    """Return what makes a verb ``act WORD`` out of a function."""

    def install(act: Callable[[str], int]) -> None:
        def add_arguments(parser: argparse.ArgumentParser) -> None:
            parser.add_argument('word')

        module = ModuleType('verb_of_a_test')
        vars(module).update(add_arguments=add_arguments, run=lambda args: act(args.word))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(
            command,
            'VERBS',
            {'act': (module.__name__, 'do what a test says'), 'gone': ('no_such_module', 'fail')},
        )

    return install


def failing(error: BaseException) -> Callable[[str], int]:
    """Return a verb that raises this."""

    def act(_word: str) -> int:
        raise error

    return act


def usage(words: list[str]) -> object:
    """Return the code with which argparse ends the process."""
    with pytest.raises(SystemExit) as caught:
        command.main(words)
    return caught.value.code


@pytest.mark.parametrize('code', [0, 1, 3])
def test_the_code_is_that_of_the_verb(
    code: int, verb: Callable[[Callable[[str], int]], None]
) -> None:
    """The verb gets its arguments, before or behind the options of the command."""
    words: list[str] = []

    def act(word: str) -> int:
        words.append(word)
        return code

    verb(act)
    assert [
        command.main(line.split()) for line in ('act a', '--debug act b', 'act c --debug')
    ] == [code] * 3
    assert words == ['a', 'b', 'c']


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        ([], 'the following arguments are required: VERB'),
        (['fly'], "invalid choice: 'fly'"),
        (['act'], 'the following arguments are required: word'),
        (['act', 'a', '--fast'], 'unrecognized arguments: --fast'),
    ],
)
def test_wrong_usage_ends_with_2(
    words: list[str],
    text: str,
    verb: Callable[[Callable[[str], int]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The way to use it is on stderr."""
    verb(lambda _word: 0)
    assert usage(words) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert err.startswith('usage: fdr ')
    assert text in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package."""
    assert usage(['--version']) == 0
    assert capsys.readouterr().out == f'fdr {__version__}\n'


def test_help_names_every_verb_and_loads_none(
    verb: Callable[[Callable[[str], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A verb whose module cannot be loaded does not keep the others from being shown."""
    verb(lambda _word: 0)
    assert usage(['--help']) == 0
    out = capsys.readouterr().out
    assert 'do what a test says' in out
    assert 'Exit codes: 0 done, 1 cannot be done, 2 wrong usage, 3 done, with findings.' in out


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (ValueError('over\n  two lines'), 'fdr: over two lines\n'),
        (FileNotFoundError(2, 'No such file', 'x'), 'fdr: x: No such file\n'),
    ],
)
def test_a_failure_is_one_line_and_1(
    error: Exception,
    line: str,
    verb: Callable[[Callable[[str], int]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where in the program it is, is shown to those who ask."""
    verb(failing(error))
    assert command.main(['act', 'a']) == 1
    assert capsys.readouterr() == ('', line)
    assert command.main(['act', 'a', '--debug']) == 1
    out, err = capsys.readouterr()
    assert (out, err.startswith('Traceback (most recent call last):\n')) == ('', True)
    assert type(error).__name__ in err


def test_a_verb_that_cannot_be_loaded_is_one_line(
    verb: Callable[[Callable[[str], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A library that is not installed is no traceback."""
    verb(lambda _word: 0)
    assert command.main(['gone']) == 1
    assert capsys.readouterr().err == "fdr: No module named 'no_such_module'\n"


def test_an_interrupt_ends_quietly(
    verb: Callable[[Callable[[str], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who presses Ctrl-C knows it."""
    verb(failing(KeyboardInterrupt()))
    assert command.main(['act', 'a']) == 130
    assert capsys.readouterr() == ('', '')


def test_a_reader_that_goes_is_no_failure_to_talk_about(
    verb: Callable[[Callable[[str], int]], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``fdr info ... | head -1`` prints its line and nothing else."""

    def act(_word: str) -> int:
        sys.stdout.write('more than head reads\n')
        return 0

    verb(act)
    readable, writable = os.pipe()
    os.close(readable)
    with os.fdopen(writable, 'w') as pipe:
        monkeypatch.setattr(sys, 'stdout', pipe)
        assert command.main(['act', 'a']) == 1
    assert capsys.readouterr().err == ''


def test_reading_a_flight_needs_neither_ros_nor_mavlink(tmp_path: Path) -> None:
    """The log can be read on a computer that has nothing but this package and its reader."""
    directory = write_flight(tmp_path, {0: segment([own(0, HEADER)])})
    code = (
        'import sys\n'
        'from fdr_node.cli.main import main\n'
        'code = main(["info", sys.argv[1]])\n'
        'loaded = {name.split(".")[0] for name in sys.modules}\n'
        'print(code, sorted(loaded & {"rclpy", "pymavlink", "pyulog", "filelock"}))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, str(directory)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == '3 []'


def test_every_verb_is_documented() -> None:
    """docs/cli.md has a section for each verb, and for nothing else."""
    text = (ROOT / 'docs' / 'cli.md').read_text(encoding='utf-8')
    sections = {line for line in text.splitlines() if line.startswith('## ')}
    assert sections == {f'## fdr {name}' for name in command.VERBS}


def test_verbs_are_modules_that_are_there() -> None:
    """Each verb has its module."""
    there = {path.stem for path in Path(command.__file__).parent.glob('*.py')}
    assert {module.rpartition('.')[2] for module, _ in command.VERBS.values()} <= there
