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
"""What fdr recover shows for people and for programs, and the code that it ends with."""

from __future__ import annotations

from functools import partial
from io import StringIO
from itertools import count
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from crafted import HEADER, name_of, own, records, segment, Style, write_flight
from fdr_node.cli.info import Progress
from fdr_node.cli.main import main
from fdr_node.storage.recovery import Verdict
import mcap_bytes
from on_disk import tree
from project import documented, ROOT, TESTS
import pytest
from rigs import FLIGHT_ID, TwoDiskRig

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = segment([own(0, HEADER), *records('imu', range(6))], style=Style(chunk_bytes=200))
FIRST_CHUNK, *_, LAST_CHUNK = [
    item.offset for item in mcap_bytes.records_of(WHOLE) if item.opcode == mcap_bytes.CHUNK
]
FIRST, SECOND = name_of(0), name_of(1)

PLANNED = f"""\
{FIRST}: 7 records, kept
{SECOND}: 4 records, given its end
lost: {SECOND}: 40 bytes behind the last whole record
nothing was changed; --apply does it
"""


def interrupted(root: Path, cut_bytes: int = 40) -> Path:
    """Leave a flight whose last segment is torn, a little behind what is whole."""
    return write_flight(root, {0: WHOLE, 1: WHOLE[: LAST_CHUNK + cut_bytes]}, listed=[FIRST])


def test_a_loss_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Planned and done; afterwards the flight is in order, and what is left of it is not lost."""
    directory = str(interrupted(tmp_path))
    before = tree(tmp_path)
    assert main(['recover', directory]) == 3
    assert capsys.readouterr() == (PLANNED, '')
    assert tree(tmp_path) == before
    assert main(['recover', directory, '--apply']) == 3
    done = PLANNED.replace(
        'nothing was changed; --apply does it', 'recovered: 11 records can be read'
    )
    assert capsys.readouterr() == (done, '')
    in_order = f'{FIRST}: 7 records, kept\n{SECOND}: 4 records, kept\nin order: nothing to do\n'
    for words in ([], ['--apply']):
        assert main(['recover', directory, *words]) == 0
        assert capsys.readouterr() == (in_order, '')


def test_no_loss_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A flight whose recorder was killed between two commits."""
    directory = str(interrupted(tmp_path, cut_bytes=0))
    for words in ([], ['--apply'], ['--apply']):
        assert main(['recover', directory, *words]) == 0
    assert 'lost' not in capsys.readouterr().out


def test_nothing_that_can_be_read_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is there is shown all the same."""
    directory = write_flight(tmp_path, {0: WHOLE[: FIRST_CHUNK + 40]}, flight_id=FLIGHT_ID)
    assert main(['recover', str(directory)]) == 1
    out, err = capsys.readouterr()
    assert (out.splitlines()[0], err) == (f'{FIRST}: 0 records, set aside, unreadable', '')


@pytest.mark.parametrize('words', [[], ['--apply'], ['--json']], ids=' '.join)
@pytest.mark.parametrize('name', ['nothing', 'notes.txt', 'root'])
def test_what_is_no_flight_ends_with_1(
    name: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the path; nothing is made."""
    (tmp_path / 'root').mkdir()
    interrupted(tmp_path / 'root')
    (tmp_path / 'notes.txt').write_text('text', encoding='utf-8')
    before = tree(tmp_path)
    assert main(['recover', str(tmp_path / name), *words]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    assert err.startswith(f'fdr: {tmp_path / name}: ')
    assert ('name one of its flights' in err) == (name == 'root')
    assert tree(tmp_path) == before


def test_a_flight_that_is_being_recorded_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names who records it."""
    root = tmp_path / 'root'
    command = [sys.executable, str(TESTS / 'support' / 'endless_flight.py'), str(root), '1']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert main(['recover', str(root / FLIGHT_ID), '--apply']) == 1
        process.kill()
        process.stdout.read()
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    assert f'pid {process.pid} on ' in err
    assert f'flight {FLIGHT_ID} holds the lock' in err


def test_the_rest_of_a_flight_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is in another directory, and nothing is called lost for it."""
    rig = TwoDiskRig(tmp_path)
    rig.open_flight()
    rig.move()
    rig.recorder.close_flight()
    assert main(['recover', str(rig.spare)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [f'the rest of the flight is in {rig.first}', 'in order: nothing to do']


@pytest.mark.parametrize('is_terminal', [False, True])
def test_progress_is_for_terminals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool
) -> None:
    """A log file does not get it; nothing of it stays on a terminal."""
    stream = StringIO()
    monkeypatch.setattr(stream, 'isatty', lambda: is_terminal)
    monkeypatch.setattr(sys, 'stderr', stream)
    seconds = count()
    slow = partial(Progress, now_s=lambda: next(seconds))
    monkeypatch.setattr('fdr_node.cli.recover.Progress', slow)
    assert main(['recover', str(interrupted(tmp_path))]) == 3
    shown = stream.getvalue()
    assert (shown != '') == is_terminal
    if is_terminal:
        assert shown.startswith('\r\x1b[Kreading ')
        assert shown.endswith('\r\x1b[K')


def test_the_documented_json_is_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example in docs/cli.md is what comes out of such a flight."""
    directory = interrupted(tmp_path)
    assert main(['recover', str(directory), '--json', '--apply']) == 3
    found = json.loads(capsys.readouterr().out)
    assert documented('fdr recover') == {**found, 'directory': '/data/flights/flight-a'}
    assert found['directory'] == str(directory)


def test_the_documented_verdicts_are_all() -> None:
    """None comes that the documentation does not explain."""
    text = (ROOT / 'docs' / 'cli.md').read_text(encoding='utf-8')
    assert [verdict for verdict in Verdict if f'\n| `{verdict}` | ' not in text] == []
