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
Launches as ``ros2 launch --noninteractive`` does: ``python run_launch.py FILE NAME:=VALUE ...``.

It ends when what it launched has ended; SIGINT is passed on to that. (Without a terminal nobody
else would tell it.)
"""

from __future__ import annotations

import sys

from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


def main(file: str, *arguments: str) -> int:
    """Launch, and return the exit code of the launch."""
    pairs = [argument.split(':=', maxsplit=1) for argument in arguments]
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(file), launch_arguments=[tuple(pair) for pair in pairs]
    )
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([include]))
    return int(service.run())


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
