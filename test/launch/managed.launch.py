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
A vehicle as its own bringup brings it up: the recorder is one of its managed nodes.

It is included in a namespace, told to take its time from a simulation that is not there, and
configured and activated by the launch system; ``flight_root:=DIR`` is passed on. Launched by
test_launch.py.
"""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    EmitEvent,
    GroupAction,
    IncludeLaunchDescription,
    RegisterEventHandler,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace, SetParameter
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.events.matchers import matches_node_name
from lifecycle_msgs.msg import Transition

LAUNCH_FILE = Path(__file__).resolve().parents[2] / 'launch' / 'fdr.launch.py'


def generate_launch_description() -> LaunchDescription:
    """
    Describe the launch.

    :return: the recorder, and what manages it.
    """
    recorder = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(LAUNCH_FILE)),
        launch_arguments={'autostart': 'false'}.items(),
    )
    return LaunchDescription(
        [
            RegisterEventHandler(
                OnStateTransition(
                    goal_state='inactive',
                    start_state='configuring',
                    entities=[_order(Transition.TRANSITION_ACTIVATE)],
                )
            ),
            GroupAction(
                [
                    PushRosNamespace('fleet'),
                    PushRosNamespace('uav1'),
                    SetParameter('use_sim_time', value=True),
                    recorder,
                ]
            ),
            _order(Transition.TRANSITION_CONFIGURE),
        ]
    )


def _order(transition: int) -> EmitEvent:
    return EmitEvent(
        event=ChangeState(
            lifecycle_node_matcher=matches_node_name('/fleet/uav1/fdr'),
            transition_id=transition,
        )
    )
