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
"""Says on which computer and with which versions it was measured."""

from __future__ import annotations

import os
from pathlib import Path
import platform
from typing import TYPE_CHECKING

from fdr_node.bench.results import Machine
from fdr_node.versions import software_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIBRARIES = ('mcap', 'ros-jazzy-rclpy', 'ros-jazzy-rmw-fastrtps-cpp')


def this_machine(folder: Path) -> Machine:
    """
    Return this computer as it is now.

    :param folder: where it will be recorded to
    """
    return Machine(
        cpu=cpu_model(Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace')),
        cores=len(os.sched_getaffinity(0)),
        kernel=f'{platform.system()} {platform.release()} {platform.machine()}',
        file_system=file_system(
            folder.resolve(),
            Path('/proc/mounts').read_text(encoding='utf-8', errors='replace').splitlines(),
        ),
        load_before=round(os.getloadavg()[0], 2),
        versions=software_versions(_LIBRARIES),
    )


def cpu_model(cpuinfo: str) -> str:
    """
    Return the name of the processor, ``unknown`` when it is not said.

    :param cpuinfo: text of /proc/cpuinfo
    """
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(':')
        if name.strip() == 'model name':
            return value.strip()
    return 'unknown'


def file_system(folder: Path, mounts: Iterable[str]) -> str:
    """
    Return the type of the file system of a folder, ``unknown`` when it is not said.

    :param folder: absolute path
    :param mounts: lines of /proc/mounts
    """
    best, kind = '', 'unknown'
    for line in mounts:
        point, found = line.split()[1:3]
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind
