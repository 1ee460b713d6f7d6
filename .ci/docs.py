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
Writes the tables of the documentation that follow from the code, or says that they are stale.

``docs.py`` rewrites them in place; ``docs.py --check`` changes nothing and exits 1 when a table
differs. It writes only between its own markers.
"""

from __future__ import annotations

from dataclasses import fields, MISSING
import json
from pathlib import Path
import re
import sys
import textwrap
from typing import TYPE_CHECKING

from fdr_node.alerts.catalogue import entries
from fdr_node.config import RecorderConfig, SPECS
from fdr_node.schema import PAYLOAD_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

_LINE = 99
_COMMENT = '    # '


def parameters() -> Iterator[str]:
    """Yield the table of the parameters."""
    yield '| parameter | default | bound | |'
    yield '|---|---|---|---|'
    config = RecorderConfig()
    for name, spec in SPECS.items():
        default = config.to_settings()[name]
        text = 'none' if default in {'', ()} else str(default).lower()
        yield f'| `{name}` | {text} | {spec.bound()} | {spec.description} |'


def parameters_file() -> Iterator[str]:
    """Yield the parameters file to copy: every parameter at its default."""
    for name, default in RecorderConfig().to_settings().items():
        spec = SPECS[name]
        text = f'{spec.description} [{spec.bound()}]'
        yield from textwrap.wrap(text, _LINE, initial_indent=_COMMENT, subsequent_indent=_COMMENT)
        # ROS cannot tell the type of an empty list, so [''] stands for it.
        value = list(default) or [''] if isinstance(default, tuple) else default
        yield f'    {name}: {json.dumps(value)}'


def kinds() -> Iterator[str]:
    """Yield a heading and a table for each kind."""
    for kind, payload in PAYLOAD_TYPES.items():
        meaning, described = _docstring(payload)
        yield f'### `{kind}`'
        yield ''
        yield meaning
        yield ''
        yield '| key | |'
        yield '|---|---|'
        for field in fields(payload):
            is_needed = field.default is MISSING and field.default_factory is MISSING
            mark = '' if is_needed else ' ?'
            yield f'| `{field.name}`{mark} | {described[field.name]} |'
        yield ''


def alerts() -> Iterator[str]:
    """Yield the table of the alerts."""
    yield '| text | severity | meaning | what to do |'
    yield '|---|---|---|---|'
    for entry in entries():
        yield f'| `{entry.text}` | {entry.severity.name} | {entry.meaning} | {entry.action} |'


def _docstring(payload: type) -> tuple[str, dict[str, str]]:
    """Return what a payload says it is, and what it and its bases say of their fields."""
    described: dict[str, str] = {}
    meaning = ''
    for layout in reversed(payload.__mro__):
        text = re.sub(r'\n\s+', ' ', layout.__doc__ or '').strip().replace('``', '`')
        text = re.sub(r':class:`(\w+)`', r'`\1`', text).replace('|', '\\|')
        meaning, *parts = text.split(':param ')
        for part in parts:
            name, _, words = part.partition(': ')
            described[name] = words.strip()
    return meaning.strip(), described


# Name of each block, the file it stands in, how its markers look, and what makes it.
BLOCKS = (
    ('parameters', ROOT / 'docs' / 'parameters.md', '<!-- {} -->', parameters),
    ('kinds', ROOT / 'docs' / 'format.md', '<!-- {} -->', kinds),
    ('alerts', ROOT / 'docs' / 'operations.md', '<!-- {} -->', alerts),
    ('parameters', ROOT / 'launch' / 'fdr.params.yaml', '    # {}', parameters_file),
)


def main() -> int:
    """Write or check every table; return the exit code."""
    stale = []
    for name, path, marker, make in BLOCKS:
        begin, end = marker.format(f'{name}: begin') + '\n', marker.format(f'{name}: end')
        text = path.read_text(encoding='utf-8')
        before, rest = text.split(begin)
        _, after = rest.split(end)
        table = '\n'.join(make()).rstrip() + '\n'
        wanted = f'{before}{begin}{table}{end}{after}'
        if wanted != text:
            stale.append(str(path.relative_to(ROOT)))
            if '--check' not in sys.argv:
                path.write_text(wanted, encoding='utf-8')
    if stale and '--check' in sys.argv:
        sys.stderr.write(f'stale: {", ".join(stale)}; run .venv/bin/python .ci/docs.py\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
