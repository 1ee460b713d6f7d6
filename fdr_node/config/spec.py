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
"""Says what one setting may be: its type, its bound, and both in words."""

from __future__ import annotations

from dataclasses import dataclass

Setting = bool | int | float | str | tuple[str, ...]


def _are_items(value: tuple[str, ...], allowed: tuple[str, ...]) -> bool:
    return set(value) <= set(allowed) and len(set(value)) == len(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """
    What one setting may be.

    :param description: what it does, as ``ros2 param describe`` shows it.
    :param unit: unit of the value; empty where it has none.
    :param minimum: smallest number allowed, or None.
    :param maximum: largest number allowed; for text its longest length, for lists their length.
    :param choices: texts that are allowed; empty allows all.
    :param zero_is_off: 0 lies below the minimum, is allowed, and switches the function off.
    :param items: texts that a list may have, each once; empty allows all.
    """

    description: str
    unit: str = ''
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    zero_is_off: bool = False
    items: tuple[str, ...] = ()

    def bound(self) -> str:
        """Return the bound in words, as messages and documentation show it."""
        if self.choices:
            return 'one of: ' + ', '.join(self.choices)
        if self.items:
            return 'each at most once: ' + ', '.join(self.items)
        if self.maximum is None:
            return 'true or false'
        if self.minimum is None:
            return f'at most {self.maximum:.0f} {self.unit}'
        off = '0 (off) or ' if self.zero_is_off else ''
        return f'{off}{_number(self.minimum)} to {_number(self.maximum)} {self.unit}'.rstrip()

    def allows(self, value: Setting) -> bool:
        """Return whether a value of the right type is within the bound."""
        if isinstance(value, bool):
            return True
        if isinstance(value, str):
            short = self.maximum is None or len(value) <= self.maximum
            return value in self.choices if self.choices else short
        if isinstance(value, tuple):
            is_short = self.maximum is None or len(value) <= self.maximum
            return is_short and (not self.items or _are_items(value, self.items))
        if self.zero_is_off and value == 0:
            return True
        low = -float('inf') if self.minimum is None else self.minimum
        high = float('inf') if self.maximum is None else self.maximum
        return low <= value <= high
