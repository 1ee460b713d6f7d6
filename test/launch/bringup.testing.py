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
The recorder and two producers, as launch_testing tests a bringup: from start to a clean end.

A file for launch_testing, which test_launch_testing.py runs; by hand:
``PYTHONPATH=test/support launch_test test/launch/bringup.testing.py flight_root:=DIR``.
"""

# launch_testing is not typed.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
import unittest

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_testing import post_shutdown_test
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes
from node_flight import LandedFlight

if TYPE_CHECKING:
    from launch_testing.io_handler import ActiveIoHandler
    from launch_testing.proc_info_handler import ProcInfoHandler

LAUNCH_FILE = Path(__file__).resolve().parents[2] / 'launch' / 'fdr_with_producers.launch.py'
WAIT_S = 30.0


def generate_test_description() -> LaunchDescription:
    """
    Describe the launch.

    :return: the example launch file, ready to test at once.
    """
    return LaunchDescription(
        [
            DeclareLaunchArgument('flight_root'),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(LAUNCH_FILE)),
                launch_arguments={
                    'flight_root': LaunchConfiguration('flight_root'),
                    'seconds': '5',
                }.items(),
            ),
            ReadyToTest(),
        ]
    )


class TestBringup(unittest.TestCase):
    """While it runs."""

    def test_the_recorder_records(self, proc_output: ActiveIoHandler) -> None:
        """It says so, and where."""
        proc_output.assertWaitFor('"event": "recording"', timeout=WAIT_S, stream='stdout')

    def test_the_producers_fly_and_land(self, proc_output: ActiveIoHandler) -> None:
        """Both."""
        for name in ('estimator', 'imu'):
            wanted = f'"event": "landed", "producer_id": "{name}"'
            proc_output.assertWaitFor(wanted, timeout=WAIT_S, stream='stdout')


@post_shutdown_test()
class TestEnd(unittest.TestCase):
    """Once all of it has ended."""

    def test_every_process_ended_well(self, proc_info: ProcInfoHandler) -> None:
        """The recorder at SIGINT, the producers before."""
        assertExitCodes(proc_info)

    def test_the_flight_is_closed_and_adds_up(self, test_args: dict[str, str]) -> None:
        """Every record of both producers is in it."""
        root = Path(test_args['flight_root'])
        (directory,) = (path for path in root.iterdir() if path.is_dir())
        flight = LandedFlight({'directory': str(directory), 'flight_id': directory.name})
        assert flight.footer.producers.keys() == {'fdr', 'estimator', 'imu'}
        for totals in flight.footer.producers.values():
            assert totals.published == totals.recorded
