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
Runs the recorder for one demo flight, as a user would: the executable with a flight root.

It asks the recorder for nothing but what that prints on its standard output.
"""

from __future__ import annotations

from pathlib import Path
import sys
from typing import Final, Self, TYPE_CHECKING

from fdr_node.demo.process import EventProcess

if TYPE_CHECKING:
    from threading import Event

# Loading Python and ROS on a busy computer, then opening the flight (s).
_RECORDING_S: Final = 30.0
# The drain, the last commits and the footer: more than the recorder allows itself (s).
_LANDED_S: Final = 30.0

_EXECUTABLE: Final = 'fdr_node'


class Recorder:
    """
    A recorder process; leaving its context ends it.

    :param root: flight root
    :param stop: ends the wait when it is set
    :raises DemoError: it does not come to record
    :raises OSError: it cannot be started
    """

    def __init__(self, root: Path, *, stop: Event) -> None:
        self._process = EventProcess('the recorder', command(root))
        try:
            said = self._process.wait_for('recording', timeout_s=_RECORDING_S, stop=stop)
        except BaseException:
            self._process.end(timeout_s=0.0)
            raise
        self.directory = Path(str(said['directory']))

    def land(self) -> int:
        """
        End the flight.

        :return: the recorder's exit code; negative when a signal ended it
        """
        self._process.interrupt()
        return self._process.end(timeout_s=_LANDED_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if any(exc_info):
            # Whatever went wrong with the demo, the flight is to be closed.
            self.land()


def command(root: Path) -> list[str]:
    """
    Return how the recorder is started.

    :param root: flight root
    """
    beside = Path(sys.executable).with_name(_EXECUTABLE)
    program = [str(beside)] if beside.exists() else [sys.executable, '-m', 'fdr_node.ros.main']
    # Quoted, because ROS reads the value of a parameter as YAML.
    quoted = str(root.absolute()).replace("'", "''")
    root_setting = f"flight_root:='{quoted}'"
    # A demo does not wait until a disk has been made good.
    return [*program, '--ros-args', '-p', root_setting, '-p', 'open_retry_s:=0.0']
