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
Stands between the recorder and the operating system, and fails the calls that a test names.

Python's ``os`` module is replaced call by call, so what fails is what would fail on a dying disk,
whoever makes the call: ``storage/fs.py``, ``pathlib`` or ``filelock``. Calls are made in earnest
unless they fail.
"""

from __future__ import annotations

from collections import Counter
import ctypes
import errno
import fcntl
import os
from types import SimpleNamespace
from typing import Protocol, TYPE_CHECKING

from fdr_node.storage import fs

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

NAMES = (
    'close',
    'fdatasync',
    'fsync',
    'ftruncate',
    'mkdir',
    'open',
    'pwrite',
    'replace',
    'rmdir',
    'unlink',
)


class Call(Protocol):
    """Any system call."""

    def __call__(self, *args: object, **options: object) -> object:
        """Make it."""


class FailingCalls:
    """
    The system calls of this process, from now until ``monkeypatch`` undoes it.

    :param watch: is called after every call; between two of them nothing changes on disk.
    :ivar made: the calls that were made, by name, in order.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, watch: Callable[[], None] | None = None
    ) -> None:
        self.made: list[str] = []
        self._watch = watch
        self._numbers: dict[tuple[str, int], int] = {}
        self._failing: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._tear = False
        self._is_torn = False
        for name in NAMES:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))
        monkeypatch.setattr(fcntl, 'flock', self._wrap('flock', vars(fcntl)['flock']))
        fallocate = self._wrap('fallocate', fs._libc.fallocate)
        monkeypatch.setattr(fs, '_libc', SimpleNamespace(fallocate=fallocate))

    def fail(self, name: str, *, nth: int = 1, number: int = errno.EIO) -> None:
        """Fail one call: the n-th of that name from the beginning; '' counts all calls."""
        self._numbers[name, nth] = number

    def fail_always(self, name: str, number: int = errno.EIO) -> None:
        """Fail every call of that name from now on."""
        self._failing[name] = number

    def mend(self) -> None:
        """Fail no further call."""
        self._numbers.clear()
        self._failing.clear()

    def tear_writes(self) -> None:
        """Let every other write be of half of what is asked for, and one that fails too."""
        self._tear = True

    def count(self, name: str) -> int:
        """Return how many calls of that name were made."""
        return self._counts[name]

    def _wrap(self, name: str, call: Call) -> Call:
        def made(*args: object, **options: object) -> object:
            number = self._note(name)
            if number is None:
                result = call(*self._shorten(name, args), **options)
                if self._watch is not None:
                    self._watch()
                return result
            if name == 'close' or (name == 'pwrite' and self._tear):
                # A close that reports an error has closed; a write may have written some.
                call(*self._shorten(name, args), **options)
            if name == 'fallocate':
                ctypes.set_errno(number)
                return -1
            raise OSError(number, os.strerror(number))

        return made

    def _note(self, name: str) -> int | None:
        """Count a call. :return: the error number with which it fails, or None."""
        self.made.append(name)
        self._counts[name] += 1
        number = self._numbers.get((name, self._counts[name]))
        if number is None:
            number = self._numbers.get(('', len(self.made)))
        return self._failing.get(name) if number is None else number

    def _shorten(self, name: str, args: tuple[object, ...]) -> tuple[object, ...]:
        if name != 'pwrite' or not self._tear:
            return args
        self._is_torn = not self._is_torn
        if not self._is_torn:
            return args
        descriptor, data, offset = args
        assert isinstance(data, memoryview)
        return descriptor, data[: max(1, len(data) // 2)], offset
