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
Looks at a flight root in a process of its own: a call to a disk that hangs cannot be ended.

It is also that process: ``python -m fdr_node.preflight.probe ROOT`` prints the facts as JSON.
"""

from __future__ import annotations

from dataclasses import asdict
import json
from pathlib import Path
import subprocess
import sys
from typing import Final

from fdr_node.preflight.roots import look_at, RootFacts

# Where Python, or ROS, is slow to start (s).
START_S: Final = 5.0

# Processes in a call that the disk has not answered yet. They end with the call, and are kept
# until then because the end of each has to be taken note of.
_left: Final[list[subprocess.Popen[str]]] = []


def probe(root: Path, *, patience_s: float, start_s: float = START_S) -> RootFacts | None:
    """
    Return what there is of a flight root.

    :param root: absolute; it need not exist
    :param patience_s: how long the disk may take for all of it (s)
    :param start_s: how long the process may take to start (s)
    :return: None when the disk did not answer in time
    """
    command = [sys.executable, '-m', 'fdr_node.preflight.probe', str(root)]
    process = subprocess.Popen(  # noqa: S603  # our own module
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        text, _ = process.communicate(timeout=start_s + patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        _left.append(process)
        return None
    return RootFacts.from_json(json.loads(text))


def main(root: str) -> None:
    """Print what there is of a flight root."""
    sys.stdout.write(json.dumps(asdict(look_at(Path(root)))) + '\n')


if __name__ == '__main__':
    main(sys.argv[1])
