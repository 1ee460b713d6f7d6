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
"""The recorder is started, heard and landed; one that fails is not left running."""

from __future__ import annotations

from pathlib import Path
import sys
from threading import Event

from fdr_node.demo import recorder
from fdr_node.demo.process import DemoError
from fdr_node.demo.recorder import command, Recorder
import pytest

# A recorder as far as the demo can tell; it leaves a mark when it is landed.
PROGRAM = """
import json, signal, sys
from pathlib import Path
root, code = Path(sys.argv[1]), int(sys.argv[2])
def land(number, frame):
    (root / 'landed').touch()
    sys.exit(code)
signal.signal(signal.SIGINT, land)
print(json.dumps({"event": "recording", "directory": str(root / 'flight')}), flush=True)
signal.pause()
"""


def stand_in(monkeypatch: pytest.MonkeyPatch, *, program: str = PROGRAM, code: int = 0) -> None:
    """Put a program of the test in the place of the recorder."""
    monkeypatch.setattr(
        recorder, 'command', lambda root: [sys.executable, '-c', program, str(root), str(code)]
    )


@pytest.mark.parametrize('code', [0, 1])
def test_landing_gives_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """And the directory is the one that it named."""
    stand_in(monkeypatch, code=code)
    with Recorder(tmp_path, stop=Event()) as found:
        assert found.directory == tmp_path / 'flight'
        assert not (tmp_path / 'landed').exists()
        assert found.land() == code

    assert (tmp_path / 'landed').exists()


def test_an_error_of_the_demo_still_closes_the_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By landing it, not by killing it."""
    stand_in(monkeypatch)
    with pytest.raises(ZeroDivisionError), Recorder(tmp_path, stop=Event()):
        raise ZeroDivisionError

    assert (tmp_path / 'landed').exists()


def test_a_recorder_that_does_not_record_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named with its exit code."""
    stand_in(monkeypatch, program='raise SystemExit(2)')

    with pytest.raises(DemoError, match='the recorder ended with exit code 2'):
        Recorder(tmp_path, stop=Event())


def test_the_executable_beside_python_is_taken_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the module; the root is quoted for ROS's YAML either way."""
    monkeypatch.setattr('sys.executable', str(tmp_path / 'python'))
    root = Path("/data/it's here")
    setting = "flight_root:='/data/it''s here'"
    arguments = ['--ros-args', '-p', setting, '-p', 'open_retry_s:=0.0']

    assert command(root) == [str(tmp_path / 'python'), '-m', 'fdr_node.ros.main', *arguments]
    (tmp_path / 'fdr_node').touch()
    assert command(root) == [str(tmp_path / 'fdr_node'), *arguments]
