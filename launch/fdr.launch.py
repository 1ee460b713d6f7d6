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
Starts the flight data recorder.

``ros2 launch fdr_node fdr.launch.py --show-args`` lists the arguments. An argument that is left
empty leaves the parameter as the parameters file has it. Included from another launch file it
keeps to the namespace that this one pushes, and to what it sets for all nodes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from ament_index_python.packages import get_package_share_path
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode

if TYPE_CHECKING:
    from launch import LaunchContext

# Time to drain and to write the footer before the launch system loses its patience, in seconds.
_SHUTDOWN_TIMEOUT_S = '30'


def generate_launch_description() -> LaunchDescription:
    """
    Describe the launch.

    :return: the arguments and the lifecycle node ``fdr``.
    """
    defaults = get_package_share_path('fdr_node') / 'launch' / 'fdr.params.yaml'
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'params_file',
                default_value=str(defaults),
                description='Parameters file of the recorder (YAML).',
            ),
            DeclareLaunchArgument(
                'flight_root',
                default_value='',
                description='Directory with one directory per flight; empty: as in params_file.',
            ),
            DeclareLaunchArgument(
                'namespace',
                default_value='',
                description='Namespace of the node; records arrive on /<namespace>/fdr/records.',
            ),
            DeclareLaunchArgument(
                'autostart',
                default_value='',
                choices=['', 'true', 'false'],
                description='Record at once; false leaves configure and activate to a lifecycle '
                'manager; empty: as in params_file.',
            ),
            DeclareLaunchArgument(
                'respawn',
                default_value='false',
                choices=['true', 'false'],
                description='Start the node again when it has ended by itself; what is recorded '
                'then is a new flight, which names the one that was interrupted.',
            ),
            DeclareLaunchArgument(
                'respawn_delay',
                default_value='1.0',
                description='How long after its end the node is started again [s].',
            ),
            DeclareLaunchArgument(
                'log_level',
                default_value='info',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
                description='Level of the ROS logger.',
            ),
            OpaqueFunction(function=_recorder),
        ]
    )


def _recorder(context: LaunchContext) -> list[LifecycleNode]:
    def text(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    # launch_ros warns of a file that is not there, and the recorder would fly with the defaults.
    if not Path(text('params_file')).is_file():
        reason = f'params_file is {text("params_file")}, allowed: a file that is there'
        raise ValueError(reason)
    overrides: dict[str, str | bool] = {}
    if text('flight_root'):
        overrides['flight_root'] = text('flight_root')
    if text('autostart'):
        overrides['autostart'] = text('autostart') == 'true'
    return [
        LifecycleNode(
            package='fdr_node',
            executable='fdr_node',
            name='fdr',
            namespace=text('namespace'),
            parameters=[text('params_file'), overrides],
            arguments=['--ros-args', '--log-level', text('log_level')],
            output='screen',
            respawn=text('respawn') == 'true',
            respawn_delay=_seconds('respawn_delay', text('respawn_delay')),
            sigterm_timeout=_SHUTDOWN_TIMEOUT_S,
            sigkill_timeout=_SHUTDOWN_TIMEOUT_S,
        )
    ]


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < math.inf:
        reason = f'{name} is {text}, allowed: 0 or more seconds'
        raise ValueError(reason)
    return seconds
