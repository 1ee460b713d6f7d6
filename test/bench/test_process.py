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
"""Tests of programs that are started, asked and ended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fdr_node.bench.process import BenchError, Child
import pytest

if TYPE_CHECKING:
    from pathlib import Path

ECHO = """
import sys, time
sys.stdout.write('{"n": 1}\\n')
sys.stdout.flush()
try:
    for line in sys.stdin:
        sys.stdout.write(line)
        sys.stdout.flush()
except KeyboardInterrupt:
    while time.process_time() < 0.3:
        pass
"""


def test_orders_are_answered_and_the_end_says_what_was_used(tmp_path: Path) -> None:
    """The whole life of the process counts, what it does after the signal too."""
    noise = "print('[RTPS_TRANSPORT_SHM Error] of Fast DDS')"
    with Child([sys.executable, '-c', f'{noise}\n{ECHO}'], log=tmp_path / 'log') as child:
        assert child.answer() == {'n': 1}
        child.tell('{"n": 2}')
        assert child.answer() == {'n': 2}
        assert 0.3 <= child.end() < 5.0


@pytest.mark.parametrize('said', ['', 'no JSON', '[1]'])
def test_a_program_that_does_not_answer_is_quoted(tmp_path: Path, said: str) -> None:
    """Its last words are in the error."""
    code = f'import sys; print({said!r}); sys.stderr.write("no disk")'
    with (
        Child([sys.executable, '-c', code], log=tmp_path / 'log') as child,
        pytest.raises(BenchError),
    ):
        child.answer()


def test_leaving_kills_and_an_order_to_the_dead_is_an_error(tmp_path: Path) -> None:
    """Nothing goes on behind the benchmark's back."""
    with Child([sys.executable, '-c', 'raise SystemExit("gone")'], log=tmp_path / 'log') as child:
        child._process.wait()
        with pytest.raises(BenchError, match='gone'):
            child.tell('match 1')
    with Child([sys.executable, '-c', ECHO], log=tmp_path / 'log') as child:
        child.answer()
    assert child._process.returncode is not None
