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
"""Starts a program, talks with it in lines, ends it and says what it has used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import IO, Self, TYPE_CHECKING

from fdr_node.errors import FdrError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What a recorder may take to close its bag (s).
_END_S = 30.0
_LOOK_S = 0.01


class BenchError(FdrError):
    """The benchmark could not go on; says why to the person who started it."""


class Child:
    """
    A running program; leaving its context kills it when it still runs.

    It has a session of its own, so that Ctrl-C reaches the benchmark alone.

    :param command: program and arguments
    :param log: where its standard error goes
    :raises OSError: it cannot be started
    """

    def __init__(self, command: Sequence[str], *, log: Path) -> None:
        self._log = log
        with log.open('wb') as errors:
            self._process = subprocess.Popen(  # noqa: S603  # the programs of the benchmark
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                start_new_session=True,
            )
        if self._process.stdin is None or self._process.stdout is None:
            # subprocess makes both pipes that it was asked for.
            raise AssertionError
        self._input: IO[bytes] = self._process.stdin
        self._output: IO[bytes] = self._process.stdout
        self.pid = self._process.pid

    def tell(self, line: str) -> None:
        """
        Give an order.

        :param line: without its end
        :raises BenchError: the program has ended
        """
        try:
            self._input.write(f'{line}\n'.encode())
        except BrokenPipeError as error:
            raise BenchError(self._ended()) from error

    def answer(self) -> Mapping[str, object]:
        """
        Wait for the JSON object that answers an order.

        :raises BenchError: the program has ended, or said something else
        """
        # Fast DDS writes some of its complaints on the same stream.
        line = next((line for line in self._output if line.startswith(b'{')), b'')
        try:
            found: object = json.loads(line)
        except ValueError as error:
            raise BenchError(self._ended()) from error
        if not isinstance(found, dict):
            raise BenchError(self._ended())
        return found

    def end(self) -> float:
        """
        Send SIGINT and wait.

        :return: the CPU that the process has used in its whole life (s)
        :raises BenchError: it did not end by itself
        """
        self._process.send_signal(signal.SIGINT)
        deadline_s = time.monotonic() + _END_S
        while time.monotonic() < deadline_s:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return usage.ru_utime + usage.ru_stime
            time.sleep(_LOOK_S)
        message = f'{self._process.args!r} does not end'
        raise BenchError(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._input.close()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _ended(self) -> str:
        said = self._log.read_text(encoding='utf-8', errors='replace').strip()
        return f'{self._process.args!r} has ended: {said[-2000:]}'
