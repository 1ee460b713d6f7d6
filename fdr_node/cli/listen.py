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
Shows what is published on a topic, such as a flight that is played: ``fdr demo --listen``.

What came is decoded and counted in demo, heard in listener.
"""

from __future__ import annotations

import json
from typing import Final, TYPE_CHECKING

from fdr_node.cli.output import FINDINGS, OK, safe, tell, write
from fdr_node.demo.listen import read, Tally
from fdr_node.listener import Inlet

if TYPE_CHECKING:
    import argparse
    from threading import Event

# How often a silent listener looks whether it is to end (s).
_LOOK_S: Final = 0.1


def listen(args: argparse.Namespace, stop: Event) -> int:
    """
    Show what comes, until enough has come or it is told to stop; then the sum.

    :param args: ``topic``, ``count`` (0: no end) and ``json``
    :param stop: ends it when it is set; what has come until then is shown
    :return: 0, or 3 when something came that is no record, or that found no room here
    """
    tally = Tally()
    with Inlet(args.topic) as inlet:
        tell(f'listening to {args.topic}')
        while not args.count or tally.records < args.count:
            data = inlet.take(0.0 if stop.is_set() else _LOOK_S)
            if data is not None:
                heard = read(data)
                tally.add(heard)
                write(_line(heard.to_json()) if args.json else safe(heard.line()))
            elif stop.is_set():
                break
        dropped = inlet.dropped
    if args.json:
        write(_line({**tally.to_json(), 'dropped': dropped}))
    else:
        write('\n'.join(['', *map(safe, tally.lines())]))
        if dropped:
            write(f'{dropped:,} more came faster than they could be shown')
    return FINDINGS if tally.malformed or dropped else OK


def _line(value: dict[str, object]) -> str:
    return json.dumps(value, allow_nan=False)
