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
Starts a process, listens to the JSON lines it prints, and ends it within a deadline.

What the events mean is not known here. The process gets a session of its own, so that Ctrl-C in
the terminal reaches only the program that started it, which then ends the others in order.
"""

from __future__ import annotations

from contextlib import suppress
import json
import os
from queue import Empty, SimpleQueue
import signal
import subprocess
from threading import Thread
import time
from typing import Final, IO, Self, TYPE_CHECKING

from fdr_node.errors import FdrError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

# How often a wait looks whether it is to be stopped (s).
_LOOK_S: Final = 0.05

# How long a killed process may take to be gone: it has nothing left to do (s).
_REAP_S: Final = 5.0


class DemoError(FdrError):
    """The demo could not run; says why to the person who started it."""


class EventProcess:
    """
    A running process that prints JSON objects with the key ``event``, one a line.

    Leaving its context kills it when it still runs.

    :param name: what it is called in errors
    :param command: program and arguments
    :raises OSError: it cannot be started
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        environment = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', **os.environ}
        self._process = subprocess.Popen(  # noqa: S603  (programs of this package)
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        # None says that the process will print no more.
        self._events: SimpleQueue[Mapping[str, object] | None] = SimpleQueue()
        if self._process.stdin is None or self._process.stdout is None:
            # subprocess makes both pipes that it was asked for.
            raise AssertionError
        self._input: IO[bytes] = self._process.stdin
        Thread(
            target=self._listen,
            args=(self._process.stdout,),
            name=f'listen to {name}',
            daemon=True,
        ).start()

    def wait_for(
        self, *events: str, timeout_s: float, stop: Event | None = None
    ) -> Mapping[str, object]:
        """
        Wait for one of some events; others before it are passed over.

        :param events: their names
        :param timeout_s: how long at most (s)
        :param stop: ends the wait when it is set
        :return: the whole JSON object
        :raises DemoError: it did not come
        """
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0.0:
            if stop is not None and stop.is_set():
                what = f'stopped while waiting for {self.name}'
                raise DemoError(what)
            try:
                found = self._events.get(timeout=min(left_s, _LOOK_S))
            except Empty:
                continue
            if found is None:
                what = f'{self.name} ended with exit code {self.end(timeout_s=_REAP_S)}'
                raise DemoError(what)
            if found['event'] in events:
                return found
        what = f'{self.name} did not say {events[0]!r} within {timeout_s:g} s'
        raise DemoError(what)

    def tell(self, line: str) -> None:
        """Write a line to its standard input; a process that has ended does not hear it."""
        with suppress(BrokenPipeError):
            self._input.write(f'{line}\n'.encode())

    def close_input(self) -> None:
        """Close its standard input, which it reads as the end."""
        self._input.close()

    def interrupt(self) -> None:
        """Send SIGINT."""
        self._process.send_signal(signal.SIGINT)

    def end(self, *, timeout_s: float) -> int:
        """
        Close its standard input and wait for its end; kill it when that takes too long.

        :param timeout_s: how long it may take (s)
        :return: its exit code, negative when a signal ended it
        """
        self.close_input()
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(_REAP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end(timeout_s=0.0 if any(exc_info) else _REAP_S)

    def _listen(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                event = _event_of(line)
                if event is not None:
                    self._events.put(event)
        self._events.put(None)


def _event_of(line: bytes) -> Mapping[str, object] | None:
    """Return the event that a line is, None for anything else that a program may print."""
    try:
        found: object = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and 'event' in found else None
