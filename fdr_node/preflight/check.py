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
"""What a check before take-off came to. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """Whether the aircraft may fly with it."""

    GO = 'go'
    WARN = 'warn'
    NO_GO = 'no-go'


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One thing that was looked at.

    :param name: what it is, such as ``flight root``
    :param verdict: what it came to
    :param text: what was found, in words
    :param advice: what to do about it; empty where there is nothing to do
    """

    name: str
    verdict: Verdict
    text: str
    advice: str = ''

    def to_json(self) -> dict[str, str]:
        """Return it as JSON can hold it; docs/cli.md says what the keys mean."""
        return {
            'name': self.name,
            'verdict': str(self.verdict),
            'text': self.text,
            'advice': self.advice,
        }


def go(name: str, text: str) -> Check:
    """Return a check that is passed."""
    return Check(name=name, verdict=Verdict.GO, text=text)


def warn(name: str, text: str, advice: str) -> Check:
    """Return a check that is passed, with something to look after."""
    return Check(name=name, verdict=Verdict.WARN, text=text, advice=advice)


def no_go(name: str, text: str, advice: str) -> Check:
    """Return a check that is not passed."""
    return Check(name=name, verdict=Verdict.NO_GO, text=text, advice=advice)


def overall(checks: Iterable[Check]) -> Verdict:
    """Return the worst verdict; go when there is no check."""
    order = list(Verdict)
    return max((check.verdict for check in checks), key=order.index, default=Verdict.GO)
