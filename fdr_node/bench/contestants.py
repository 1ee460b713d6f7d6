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
Who is measured: how each is started and how many records it has in the end.

Those of rclpy subscribe with the history that is the recorder's default; ``ros2 bag record``
runs with its own defaults, as people use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
import shlex
import shutil
import sys
from typing import Final, TYPE_CHECKING

from fdr_node.bench.counting import count_records
from fdr_node.bench.drain_only import COUNT_FILE
from fdr_node.config import RecorderConfig
from fdr_node.record import TOPIC

if TYPE_CHECKING:
    from pathlib import Path

DEPTH: Final = RecorderConfig().history_depth


class Contestant(ABC):
    """
    A program that receives the records; SIGINT ends it.

    Unless it says otherwise it can be run anywhere, and writes a bag.
    """

    name: str
    title: str
    writes = True

    def missing(self) -> str:
        """Return why it cannot be run here; empty when it can."""
        return ''

    @abstractmethod
    def command(self, folder: Path) -> list[str]:
        """
        Return how it is started.

        :param folder: empty, for whatever it writes
        """

    def recorded(self, folder: Path) -> int:
        """
        Return how many records it has.

        :param folder: as it was started with
        """
        return count_records(folder)


class Recorder(Contestant):
    """The recorder of this package, with its defaults."""

    name = 'fdr_node'
    title = 'fdr_node, with its defaults'

    def command(self, folder: Path) -> list[str]:
        """Return the command of the node."""
        # Quoted, because ROS reads the value of a parameter as YAML.
        root = str(folder / 'flights').replace("'", "''")
        program = [sys.executable, '-m', 'fdr_node.ros.main']
        return [*program, '--ros-args', '-p', f"flight_root:='{root}'"]


class CallbackRecorder(Contestant):
    """rclpy as everybody uses it."""

    name = 'callback'
    title = 'rclpy, a callback for each message, mcap library'

    def command(self, folder: Path) -> list[str]:
        """Return the command."""
        return [sys.executable, '-m', 'fdr_node.bench.callback_recorder', str(folder), str(DEPTH)]


class Rosbag2(Contestant):
    """
    ``ros2 bag record``.

    :param ros2: command line of ``ros2``
    """

    name = 'ros2 bag'
    title = 'ros2 bag record, with its defaults (mcap)'

    def __init__(self, ros2: str) -> None:
        self._ros2 = shlex.split(ros2)

    def missing(self) -> str:
        """Return why it cannot be run here; empty when it can."""
        if shutil.which(self._ros2[-1]) is None:
            return f'{self._ros2[-1]} is not on the PATH'
        return ''

    def command(self, folder: Path) -> list[str]:
        """Return the command."""
        return [
            *self._ros2,
            *('bag', 'record', '--storage', 'mcap', '--output', str(folder / 'bag')),
            *('--disable-keyboard-controls', TOPIC),
        ]


class DrainOnly(Contestant):
    """Takes and writes nothing: what no recorder with rclpy can be cheaper than."""

    name = 'drain only'
    title = 'drain of the subscription, nothing written'
    writes = False

    def command(self, folder: Path) -> list[str]:
        """Return the command."""
        return [sys.executable, '-m', 'fdr_node.bench.drain_only', str(folder), str(DEPTH)]

    def recorded(self, folder: Path) -> int:
        """Return how many records it took."""
        return int((folder / COUNT_FILE).read_text(encoding='ascii'))


def contestants(ros2: str) -> list[Contestant]:
    """
    Return all, in the order in which they take turns.

    :param ros2: command line of ``ros2``
    """
    return [Recorder(), CallbackRecorder(), Rosbag2(ros2), DrainOnly()]
