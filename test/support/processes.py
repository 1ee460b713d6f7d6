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
The recorder and its producers in processes of their own, in a domain that nobody else is in.

Nothing is waited for by sleeping: the recorder says when it records, its status says whom it
hears, and a producer answers every order. Each process has a group of its own, by which it is
ended, so that nothing is left of a launch either.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
import json
import os
from pathlib import Path
import select
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Discovery takes up to 3 s now and then, and a busy computer is slow to start Python (s).
WAIT_S = 15.0

# How long a producer may take to end by itself (s).
PATIENCE_S = 3.0

PRODUCER_PROGRAM = Path(__file__).with_name('plain_producer.py')
LAUNCH_PROGRAM = Path(__file__).with_name('run_launch.py')


def environment(domain_id: int, log_directory: Path) -> dict[str, str]:
    """Return the environment of a process in a domain of this computer alone."""
    return {
        **os.environ,
        'ROS_DOMAIN_ID': str(domain_id),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_LOG_DIR': str(log_directory),
    }


class Process:
    """A process of ours that talks in lines."""

    def __init__(self, command: list[str], *, domain_id: int, log: Path) -> None:
        self._log = log
        with log.open('wb') as errors:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # A line that waits in a buffer of ours would not show in select.
                bufsize=0,
                env=environment(domain_id, log.with_suffix('.ros')),
                start_new_session=True,
            )

    @property
    def errors(self) -> str:
        """Return what it has written on stderr so far."""
        return self._log.read_text(errors='replace')

    def read_line(self) -> str:
        """Return its next line; fail when none comes in time, or when it has ended."""
        output = _pipe(self.popen.stdout)
        ready, _, _ = select.select([output], [], [], WAIT_S)
        line = output.readline().decode() if ready else ''
        assert line, f'no line came; stderr: {self.errors}'
        return line

    def wait_errors(self, *texts: str) -> str:
        """Return the first of some texts that is on its stderr, which may still be to come."""
        until_s = time.monotonic() + WAIT_S
        while not (found := [text for text in texts if text in self.errors]):
            assert time.monotonic() < until_s, f'none of {texts}; stderr: {self.errors}'
            select.select([], [], [], 0.02)
        return found[0]

    def write_line(self, line: str) -> None:
        """Give it an order."""
        pipe = _pipe(self.popen.stdin)
        pipe.write(line.encode() + b'\n')
        pipe.flush()

    def close_stdout(self) -> None:
        """Be gone for it."""
        _pipe(self.popen.stdout).close()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end. :return: the exit code."""
        self.popen.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end. :return: the exit code."""
        return self.popen.wait(WAIT_S)

    def clear(self) -> None:
        """Kill it, and what it has started, if it still lives; close the pipes."""
        sys.stderr.write(self.errors)
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(WAIT_S)
        for pipe in (self.popen.stdin, self.popen.stdout):
            with suppress(OSError):
                _pipe(pipe).close()


class Recorder(Process):
    """The node ``fdr_node`` in a process of its own."""

    def __init__(
        self,
        root: Path,
        *arguments: str,
        domain_id: int,
        log: Path,
        prefix: Sequence[str] = (),
    ) -> None:
        command = [*prefix, sys.executable, '-m', 'fdr_node.ros.main', '--ros-args']
        # Less than any computer has, where the default would be lowered, and say so.
        command += ['-p', f'flight_root:={root}', '-p', f'flight_bytes_max:={1 << 30}', *arguments]
        super().__init__(command, domain_id=domain_id, log=log)

    def wait_recording(self) -> dict[str, str]:
        """Return what it says when it records."""
        line: dict[str, str] = json.loads(self.read_line())
        assert line['event'] == 'recording'
        return line

    def events(self, name: str = '') -> list[dict[str, object]]:
        """Return the events in its log, or those of a name."""
        lines = [line for line in self.errors.splitlines() if line.startswith('{')]
        events = [json.loads(line) for line in lines]
        return [event for event in events if name in {'', event['event']}]

    def wait_event(self, name: str) -> dict[str, object]:
        """Return the first event of a name, which may still be to come."""
        until_s = time.monotonic() + WAIT_S
        while not (found := self.events(name)):
            assert time.monotonic() < until_s, f'no {name}; stderr: {self.errors}'
            select.select([], [], [], 0.02)
        return found[0]


class Producer(Process):
    """A component in a process of its own."""

    def __init__(self, producer_id: str, topic: str, *, domain_id: int, log: Path) -> None:
        self.producer_id = producer_id
        command = [sys.executable, str(PRODUCER_PROGRAM), producer_id, topic]
        super().__init__(command, domain_id=domain_id, log=log)

    def clear(self) -> None:
        """Let it end by itself, so that nothing of DDS stays in /dev/shm, or kill it."""
        _pipe(self.popen.stdin).close()
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(PATIENCE_S)
        super().clear()

    def order(self, order: str) -> None:
        """Let it do something; :meth:`answer` waits until it is done."""
        self.write_line(order)

    def answer(self) -> int:
        """Return how many records it has published once its order is done."""
        return int(self.read_line())

    def send(self, count: int, rate: int = 0) -> int:
        """Let it publish. :return: how many records it has published."""
        self.order(f'send {count} {rate}')
        return self.answer()

    def stream(self, rate: int, filler_bytes: int = 0) -> None:
        """Let it publish at a steady rate until :meth:`pause`."""
        self.order(f'stream {rate} {filler_bytes}')

    def pause(self) -> int:
        """End a stream. :return: how many records it has published."""
        self.order('pause')
        self.answer()
        return self.answer()


class Field:
    """All processes of a test: started here, ended with it."""

    def __init__(self, place: Path, domain_id: int) -> None:
        self.place = place
        self.root = place / 'flights'
        self.domain_id = domain_id
        # What begins the command of a recorder, such as a program that takes rights from it.
        self.recorder_prefix: Sequence[str] = ()
        self._processes: list[Process] = []

    def recorder(self, *arguments: str) -> Recorder:
        """Start a recorder."""
        log = self.place / f'{len(self._processes)}.log'
        recorder = Recorder(
            self.root,
            *arguments,
            domain_id=self.domain_id,
            log=log,
            prefix=self.recorder_prefix,
        )
        self._processes.append(recorder)
        return recorder

    def producer(self, producer_id: str, topic: str = '/fdr/records') -> Producer:
        """Start a producer; it greets until its first order."""
        log = self.place / f'{len(self._processes)}.log'
        producer = Producer(producer_id, topic, domain_id=self.domain_id, log=log)
        self._processes.append(producer)
        return producer

    def launch(self, file: Path, *arguments: str) -> Process:
        """Launch a launch file with arguments of the form ``name:=value``."""
        log = self.place / f'{len(self._processes)}.log'
        command = [sys.executable, str(LAUNCH_PROGRAM), str(file), *arguments]
        launch = Process(command, domain_id=self.domain_id, log=log)
        self._processes.append(launch)
        return launch

    def clear(self) -> None:
        """End whatever is left."""
        for process in self._processes:
            process.clear()


@contextmanager
def field_of(place: Path, domain_id: int) -> Iterator[Field]:
    """Return a field, and end its processes."""
    field = Field(place, domain_id)
    try:
        yield field
    finally:
        field.clear()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
