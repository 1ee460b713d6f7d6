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
Starts the flight data recorder and two producers of a simulated sortie: an example to copy.

The producers begin when the recorder listens, and end with the sortie; the recorder goes on until
the launch is ended. ``ros2 launch fdr_node fdr_with_producers.launch.py --show-args`` lists the
arguments.
"""

from __future__ import annotations

from ament_index_python.packages import get_package_share_path
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

_PRODUCERS = ('estimator', 'imu')


def generate_launch_description() -> LaunchDescription:
    """
    Describe the launch.

    :return: the arguments, the recorder as ``fdr.launch.py`` starts it, and its producers.
    """
    recorder = get_package_share_path('fdr_node') / 'launch' / 'fdr.launch.py'
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'flight_root',
                default_value='',
                description='Directory with one directory per flight; empty: that of the '
                'parameters file.',
            ),
            DeclareLaunchArgument(
                'namespace',
                default_value='',
                description='Namespace of the recorder and of its producers.',
            ),
            DeclareLaunchArgument(
                'seconds', default_value='20', description='Length of the simulated sortie [s].'
            ),
            DeclareLaunchArgument(
                'seed', default_value='0', description='Of the noise in what is simulated.'
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(recorder)),
                launch_arguments={
                    'flight_root': LaunchConfiguration('flight_root'),
                    'namespace': LaunchConfiguration('namespace'),
                }.items(),
            ),
            *(_producer(name) for name in _PRODUCERS),
        ]
    )


def _producer(name: str) -> Node:
    return Node(
        package='fdr_node',
        executable='fdr_demo_producer',
        namespace=LaunchConfiguration('namespace'),
        arguments=[
            *('--producer', name),
            *('--seconds', LaunchConfiguration('seconds')),
            *('--seed', LaunchConfiguration('seed')),
            '--now',
        ],
        # A producer publishes to /fdr/records wherever it is, a recorder listens in its namespace.
        remappings=[('/fdr/records', 'fdr/records')],
        output='screen',
    )
