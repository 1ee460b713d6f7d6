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
"""Holds what all verbs share: exit codes, and how text, JSON and failures come out."""

from __future__ import annotations

import json
import sys
from typing import Final

OK: Final = 0
CANNOT: Final = 1
FINDINGS: Final = 3


def write(text: str) -> None:
    """Write a line or several to stdout, at once: who pipes them waits for them."""
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


def tell(text: str) -> None:
    """Write a line to stderr, at once."""
    sys.stderr.write(f'{text}\n')
    sys.stderr.flush()


def as_json(value: object) -> str:
    """Return JSON for people and programs."""
    return json.dumps(value, indent=2)


def safe(text: str) -> str:
    """Return text without what moves a terminal's cursor: anyone can publish under any name."""
    return ''.join(char if char.isprintable() else '?' for char in text)


def in_words(error: Exception) -> str:
    """
    Return what went wrong in one line: of an error of the system the file and the reason.

    An error without a text is named by its type.
    """
    text = str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        text = f'{error.filename}: {error.strerror}'
    return ' '.join(text.split()) or type(error).__name__
