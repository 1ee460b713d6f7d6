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
Says before take-off whether the recorder will record: ``fdr doctor``.

The table goes to stdout. Nothing is decided here, and nothing is left on a disk.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TYPE_CHECKING

from fdr_node.cli.output import as_json, CANNOT, in_words, OK, safe, write
from fdr_node.errors import ConfigError
from fdr_node.preflight.check import go, no_go, overall, Verdict
from fdr_node.preflight.doctor import examine
from fdr_node.preflight.params_file import config_from, read_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from fdr_node.config import RecorderConfig
    from fdr_node.preflight.check import Check

_HEAD: Final = ('CHECK', 'VERDICT', 'FOUND')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fdr doctor``."""
    parser.add_argument(
        '--params-file', metavar='FILE', type=Path, help='ROS parameters file of the recorder'
    )
    parser.add_argument('--root', metavar='DIR', type=Path, help='flight root, before the file')
    parser.add_argument(
        '--node', default='/fdr', metavar='NAME', help='full name of the node [%(default)s]'
    )
    parser.add_argument('--json', action='store_true', help='print JSON (docs/cli.md)')


def run(args: argparse.Namespace) -> int:
    """
    Make every check and show what it came to.

    :param args: as :func:`add_arguments` declares them
    :return: 0 for go, with warnings or not; 1 for no-go
    """
    checks = _checks(args)
    write(as_json(to_json(checks)) if args.json else render(checks))
    return CANNOT if overall(checks) is Verdict.NO_GO else OK


def render(checks: Sequence[Check]) -> str:
    """Return the checks as text for people; the last line has the verdict."""
    rows = [_HEAD, *((check.name, check.verdict.upper(), safe(check.text)) for check in checks)]
    first, second = (max(len(row[place]) for row in rows) for place in range(2))
    lines = [f'{name:<{first}}  {verdict:<{second}}  {text}' for name, verdict, text in rows]
    todo = [f'- {check.name}: {check.advice}' for check in checks if check.advice]
    if todo:
        lines += ['', 'TO DO', *todo]
    return '\n'.join([*lines, '', overall(checks).upper()])


def to_json(checks: Sequence[Check]) -> dict[str, object]:
    """Return the checks as JSON can hold them."""
    return {
        'verdict': str(overall(checks)),
        'checks': [check.to_json() for check in checks],
    }


def _checks(args: argparse.Namespace) -> list[Check]:
    try:
        config = _config(args.params_file, args.root, args.node)
    except (ConfigError, OSError) as error:
        # Without settings there is nothing to look at.
        return [no_go('parameters', in_words(error), 'correct it; the recorder would not start')]
    where = 'defaults' if args.params_file is None else str(args.params_file)
    return [go('parameters', where), *examine(config, os.environ)]


def _config(path: Path | None, root: Path | None, node: str) -> RecorderConfig:
    return config_from({} if path is None else read_settings(path, node), root)
