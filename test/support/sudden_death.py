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
Lets this process be as good as killed at a system call: from there on, nothing reaches the disk.

What clears up behind an exception reaches it neither, as it would not after ``kill -9``. Only
``close`` is still made, because the test goes on and has to give its descriptors back.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

from failing_calls import NAMES
from fdr_node.storage import fs

if TYPE_CHECKING:
    from failing_calls import Call
    import pytest


class Killed(BaseException):
    """The process is gone."""


class SuddenDeath:
    """
    The system calls of this process, from now until ``monkeypatch`` undoes it.

    :param nth: the call that is not made any more.
    :param is_torn: a write that is this call still writes the half of its bytes.
    :ivar made: how many calls were made.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, nth: int, is_torn: bool = False
    ) -> None:
        self.made = 0
        self._nth = nth
        self._is_torn = is_torn
        for name in NAMES:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))
        fallocate = self._wrap('fallocate', fs._libc.fallocate)
        monkeypatch.setattr(fs, '_libc', SimpleNamespace(fallocate=fallocate))

    def _wrap(self, name: str, call: Call) -> Call:
        def made(*args: object, **options: object) -> object:
            if name == 'close':
                return call(*args, **options)
            self.made += 1
            if self.made < self._nth:
                return call(*args, **options)
            if name == 'pwrite' and self._is_torn and self.made == self._nth:
                descriptor, data, offset = args
                assert isinstance(data, memoryview)
                call(descriptor, data[: len(data) // 2], offset)
            raise Killed

        return made
