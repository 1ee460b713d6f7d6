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
Holds one alert: a severity and a text as MAVLink STATUSTEXT has them.

A text that exists fits every way an alert can take, MAVROS included, which shortens what has 50
bytes. What the texts say is in the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from fdr_node.errors import PayloadError

# STATUSTEXT holds 50 bytes, and MAVROS puts a NUL at the end.
TEXT_BYTES_MAX: Final = 49

_PRINTABLE: Final = (' ', '~')


class Severity(IntEnum):
    """MAV_SEVERITY of MAVLink; smaller is worse."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    What the operator reads.

    :param severity: how bad it is.
    :param text: 1 to 49 printable ASCII characters.
    :raises PayloadError: the text is empty, too long, or not printable ASCII.
    """

    severity: Severity
    text: str

    def __post_init__(self) -> None:
        """Check the text."""
        low, high = _PRINTABLE
        is_printable = all(low <= character <= high for character in self.text)
        if not is_printable or not 1 <= len(self.text) <= TEXT_BYTES_MAX:
            bound = f'1 to {TEXT_BYTES_MAX} printable ASCII characters'
            raise PayloadError(field='text', value=self.text, bound=bound)
