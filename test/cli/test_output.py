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
"""What all verbs print is safe for a terminal, and a failure is one line."""

from __future__ import annotations

import errno

from fdr_node.cli.output import in_words, safe
from fdr_node.errors import StorageError
import pytest


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (ValueError('over\n  two lines'), 'over two lines'),
        (RuntimeError(), 'RuntimeError'),
        (FileNotFoundError(2, 'No such file', 'x'), 'x: No such file'),
        (StorageError('read', path='x', errno=errno.EIO, reason='it is none'), 'x: it is none'),
        (OSError('no number'), 'no number'),
        (ConnectionRefusedError(errno.ECONNREFUSED, 'refused'), '[Errno 111] refused'),
    ],
)
def test_a_failure_in_words(error: Exception, words: str) -> None:
    """Numbers and names of steps are left to those who ask for the traceback."""
    assert in_words(error) == words


def test_safe() -> None:
    """What moves the cursor or rings is replaced, a letter of any language is not."""
    assert safe('\x1b[2Jé\a\n日') == '?[2Jé??日'
