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
Notices a file that does not grow although records were written to it.

A storage that fails without saying so is the worst kind: the sizes come from the file system, not
from what the writer believes. Pure: sizes, counts and instants in.
"""

from __future__ import annotations


class GrowthWatch:
    """
    The last growth of the open segment.

    :param patience_ns: how long records may come without any.
    """

    def __init__(self, patience_ns: int) -> None:
        self._patience_ns = patience_ns
        self._file: tuple[str, int] = ('', 0)
        self._records = 0
        self._since_ns: int | None = None

    def is_stuck(self, *, name: str, size_bytes: int, records: int, now_ns: int) -> bool:
        """
        Return whether records came and the file has not grown for too long.

        :param name: file that is written.
        :param size_bytes: its size as the file system says.
        :param records: records that the flight takes for written so far.
        :param now_ns: CLOCK_MONOTONIC.
        """
        file = (name, size_bytes)
        if file != self._file or records == self._records:
            self._file, self._records, self._since_ns = file, records, None
            return False
        if self._since_ns is None:
            self._since_ns = now_ns
        return now_ns - self._since_ns >= self._patience_ns
