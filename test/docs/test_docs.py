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
"""The documentation says what the code does: tables, parameters file, links, examples."""

from __future__ import annotations

from contextlib import contextmanager, ExitStack, suppress
import json
from pathlib import Path
import re
import signal
import subprocess
import sys
from threading import Event
import time
from typing import TYPE_CHECKING

from crafted import record
from fdr_node.config import RecorderConfig, SPECS
from fdr_node.debrief.info import inspect_flight
from fdr_node.record import decode_cdr
from fdr_node.schema import decode_payload
from mcap.exceptions import McapError
from mcap.reader import make_reader
from own_context import random_domain
import pytest
from rigs import DiskRig
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fdr_node.record import FdrRecord

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]


def example(path: Path, name: str) -> str:
    """Return the code block behind a marker of a document."""
    text = path.read_text(encoding='utf-8')
    found = re.search(rf'<!-- example: {name} -->\n```\w+\n(.*?)```', text, re.DOTALL)
    assert found, f'{path.name} has no example {name}'
    return found[1]


@contextmanager
def recorder(root: Path) -> Iterator[Path]:
    """Run a node, and yield its flight directory; the flight is closed at the end."""
    command = [sys.executable, '-m', 'fdr_node.ros.main', '--ros-args']
    with subprocess.Popen(
        [*command, '-p', f'flight_root:={root}'], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Path(json.loads(process.stdout.readline())['directory'])
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(timeout=15) == 0
            finally:
                process.kill()


@contextmanager
def component(code: str, number: signal.Signals) -> Iterator[None]:
    """Run a program; at the end a signal ends it, without a word of complaint."""
    command = [sys.executable, '-c', code]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield
            process.send_signal(number)
            assert process.communicate(timeout=15)[1] == ''
            assert process.returncode == 0
        finally:
            process.kill()


def records_of(directory: Path) -> list[FdrRecord]:
    """Return the records of a flight, as far as what is being written can be read."""
    records = []
    for path in directory.glob('*.mcap'):
        with path.open('rb') as file, suppress(McapError):
            records += [decode_cdr(item[2].data) for item in make_reader(file).iter_messages()]
    return records


def wait_for_records(directory: Path, producer_id: str) -> None:
    """Wait until a segment has records of a producer on disk."""
    deadline = time.monotonic() + 15
    while not any(record.producer_id == producer_id for record in records_of(directory)):
        assert time.monotonic() < deadline, 'nothing was recorded'
        Event().wait(0.05)


def test_tables_follow_from_the_code() -> None:
    """The tables are those that the code gives."""
    subprocess.run([sys.executable, ROOT / '.ci' / 'docs.py', '--check'], check=True)


def test_parameters_file_has_every_default() -> None:
    """The parameters file to copy has every parameter at its default, and says its bound."""
    path = ROOT / 'launch' / 'fdr.params.yaml'
    text = path.read_text(encoding='utf-8')
    values = yaml.safe_load(text)['/**/fdr']['ros__parameters']
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    # ROS cannot tell the type of an empty list, so [''] stands for it.
    assert lists.pop('manifest_paths') == ('',)
    assert values | lists | {'manifest_paths': ()} == RecorderConfig().to_settings()
    comments = ' '.join(line.strip(' #') for line in text.splitlines() if '#' in line)
    assert [name for name, spec in SPECS.items() if spec.bound() not in comments] == []


@pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a document names a file that is there."""
    links = re.findall(r'\]\(([^)#]+)', path.read_text(encoding='utf-8'))
    local = [link for link in links if '://' not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.ros
def test_examples_of_components_are_recorded_to_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown for Python arrives in the bag, and a signal ends it with its last word."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    examples = {
        'wind_estimator': (example(ROOT / 'README.md', 'python'), signal.SIGINT),
        'battery': (example(ROOT / 'docs' / 'producers.md', 'standalone'), signal.SIGTERM),
    }
    with recorder(tmp_path / 'flights') as directory, ExitStack() as ending:
        for code, number in examples.values():
            ending.enter_context(component(code, number))
        for name in examples:
            wait_for_records(directory, name)
    info = inspect_flight(directory)
    assert (info.problems, info.open_ends) == ((), ())
    kinds = {name: set(info.producers[name].kinds) for name in examples}
    assert kinds == {
        'wind_estimator': {'wind', 'producer_stats'},
        'battery': {'battery_cell', 'producer_stats'},
    }
    records = records_of(directory)
    winds = [record for record in records if record.kind == 'wind']
    assert decode_payload(winds[0].payload) == {'speed_m_s': 4.2, 'from_deg': 270.0}
    assert [record.seq for record in records if record.producer_id == 'wind_estimator'][:1] == [0]


@pytest.mark.parametrize('name', ['read with fdr_node', 'read without fdr_node'])
@pytest.mark.parametrize('is_closed', [True, False], ids=['closed', 'killed'])
def test_examples_of_readers_read_every_record(
    tmp_path: Path, name: str, *, is_closed: bool
) -> None:
    """With this package or without it, also of a flight without an end."""
    rig = DiskRig(tmp_path)
    rig.open_flight()
    for seq in range(3):
        rig.recorder.write_record(record('wind', seq))
    rig.recorder.commit()
    if is_closed:
        rig.recorder.close_flight()
    code = example(ROOT / 'docs' / 'replay.md', name)
    command = [sys.executable, '-c', code, str(rig.directory)]
    lines = subprocess.check_output(command, text=True).splitlines()
    winds = [line.partition(' ')[2] for line in lines if ' wind ' in line]
    assert winds == [f"wind {seq} wind {{'n': {seq}}}" for seq in range(3)]
    assert len(lines) == len(winds) + 1 + is_closed


def test_cpp_example_of_the_readme_is_the_one_that_compiles() -> None:
    """Every line that the README shows for C++ is in the example program."""
    program = ROOT / 'docs' / 'examples' / 'cpp_producer' / 'wind_estimator.cpp'
    lines = {line.strip() for line in program.read_text(encoding='utf-8').splitlines()}
    shown = {line.strip() for line in example(ROOT / 'README.md', 'cpp').splitlines()}
    assert shown - lines == set()
