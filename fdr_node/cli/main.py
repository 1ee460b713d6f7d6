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
Runs the fdr command: finds the verb, loads only that one, and turns failures into one line.

A verb is a module with ``add_arguments`` and ``run``. It is imported when it is asked for, so
that reading a log needs neither ROS nor what a demonstration needs.

Exit codes: 0 done; 1 cannot be done; 2 wrong usage; 3 done, with findings.
"""

from __future__ import annotations

import argparse
from importlib import import_module
import os
import sys
import traceback
from typing import Final, TYPE_CHECKING

from fdr_node import __version__
from fdr_node.cli.output import CANNOT, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# As shells have it for a command that SIGINT ended.
INTERRUPTED: Final = 130

_DEBUG: Final = '--debug'

# Module and summary of each verb.
VERBS: Final[Mapping[str, tuple[str, str]]] = {
    'info': ('fdr_node.cli.info', 'show what is in a flight, and whether it adds up'),
    'recover': ('fdr_node.cli.recover', 'put an interrupted flight in order'),
    'doctor': ('fdr_node.cli.doctor', 'say before take-off whether the recorder will record'),
    'demo': ('fdr_node.cli.demo', 'publish a simulated sortie, or a PX4 log, as records'),
}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param argv: its arguments; those of the process by default
    :return: the exit code
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(words)
        # Here and not at exit, where nobody could catch what a closed pipe raises.
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output, such as head, has gone; nothing must be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CANNOT
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the wall: whatever it is, it becomes one line
        text = traceback.format_exc() if _DEBUG in words else f'fdr: {in_words(error)}\n'
        sys.stderr.write(text)
        return CANNOT
    return code


def _run(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog='fdr',
        description='Works with flights that the flight data recorder fdr_node recorded.',
        epilog='Exit codes: 0 done, 1 cannot be done, 2 wrong usage, 3 done, with findings.',
    )
    parser.add_argument('--version', action='version', version=f'fdr {__version__}')
    _add_debug(parser)
    # The options of the command itself take no value, so the first other word is the verb.
    asked = next((word for word in words if not word.startswith('-')), '')
    verbs = parser.add_subparsers(metavar='VERB', required=True)
    for name, (module, summary) in VERBS.items():
        verb_parser = verbs.add_parser(
            name, help=summary, description=f'{summary[0].upper()}{summary[1:]}.'
        )
        _add_debug(verb_parser)
        if name == asked:
            verb = import_module(module)
            verb.add_arguments(verb_parser)
            verb_parser.set_defaults(run=verb.run)
    args = parser.parse_args(words)
    code: int = args.run(args)
    return code


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(_DEBUG, action='store_true', help='show where in the program a failure is')
