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
"""Draws the CPU for each record as an SVG bar chart, with text alone and no library."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from fdr_node.bench.summary import summaries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fdr_node.bench.results import Results
    from fdr_node.bench.summary import Spread, Summary

_LEFT = 190
_WIDTH = 430
_RIGHT = 190
_TOP = 70
_BAR = 13
_GAP = 12
_COLOURS = ('#1f6feb', '#d29922', '#57606a', '#2da44e')


def picture(results: Results) -> str:
    """
    Return an SVG document.

    It has a group for each load, a bar for each contestant, a line from least to most, and the
    loss beside it. The axis is logarithmic.

    :param results: at least one run
    """
    found = summaries(results)
    names = [entry.name for entry in results.entries if not entry.missing]
    axis = _Axis([s.cpu_us for by_name in found.values() for s in by_name.values()])
    parts: list[str] = []
    y = _TOP
    for cell, by_name in found.items():
        parts.append(_text(_LEFT - 10, y + _BAR, cell.title, anchor='end'))
        for name in names:
            if name in by_name:
                parts += _bar(y, by_name[name], axis, _colour(names, name))
                y += _BAR
        y += _GAP
    head = [
        _text(10, 20, 'CPU of the receiving process for each record (us, median, least to most)'),
        *_legend(names),
        *axis.lines(y - _GAP),
    ]
    size = f'width="{_LEFT + _WIDTH + _RIGHT}" height="{y}"'
    style = 'font-family="sans-serif" font-size="11"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return '\n'.join([opening, _rect(0, 0, '100%', '100%', '#fff'), *head, *parts, '</svg>', ''])


class _Axis:
    """Whole decades around all values (us)."""

    def __init__(self, spreads: Iterable[Spread | None]) -> None:
        found = [spread for spread in spreads if spread is not None]
        ends = [v for s in found for v in (s.minimum, s.maximum) if v > 0.0] or [1.0]
        self._low = floor(log10(min(ends)))
        self._high = max(ceil(log10(max(ends))), self._low + 1)

    def x(self, value: float) -> float:
        part = (log10(max(value, 10.0**self._low)) - self._low) / (self._high - self._low)
        return round(_LEFT + part * _WIDTH, 1)

    def lines(self, bottom: int) -> list[str]:
        parts: list[str] = []
        for power in range(self._low, self._high + 1):
            x = self.x(10.0**power)
            parts.append(
                f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{bottom}" stroke="#d0d7de"/>'
            )
            parts.append(_text(x, _TOP - 12, f'{10.0**power:g}', anchor='middle'))
        return parts


def _bar(y: int, summary: Summary, axis: _Axis, colour: str) -> list[str]:
    lost = f'lost {summary.loss.median:.1%}' if summary.lost else 'lost 0'
    if summary.cpu_us is None:
        return [_text(_LEFT + 4, y + _BAR - 3, f'nothing recorded, {lost}')]
    values = summary.cpu_us
    middle = y + _BAR / 2
    least, end, most = axis.x(values.minimum), axis.x(values.median), axis.x(values.maximum)
    parts = [_rect(_LEFT, y, f'{end - _LEFT:.1f}', f'{_BAR - 2}', colour)]
    if most > least:
        parts.append(f'<line x1="{least}" y1="{middle}" x2="{most}" y2="{middle}" stroke="#000"/>')
    return [*parts, _text(most + 5, y + _BAR - 3, f'{values.median:.1f}, {lost}')]


def _legend(names: list[str]) -> list[str]:
    parts: list[str] = []
    for place, name in enumerate(names):
        x = _LEFT + 110 * place
        parts.append(_rect(x, 30, '10', '10', _colour(names, name)))
        parts.append(_text(x + 14, 39, name))
    return parts


def _colour(names: list[str], name: str) -> str:
    return _COLOURS[names.index(name) % len(_COLOURS)]


def _rect(x: float, y: float, width: str, height: str, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = 'start') -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
