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
Looks at the computer that the recorder will run on: ROS environment, messages, clocks.

What is found is of the environment that this is called in, so call it where the recorder starts.
"""

from __future__ import annotations

import ctypes
from datetime import datetime, UTC
from pathlib import Path
import subprocess
import sys
from typing import Final, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.preflight.check import go, no_go, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.clock import Instant
    from fdr_node.preflight.check import Check

RMW_DEFAULT: Final = 'rmw_fastrtps_cpp'
_PACKAGES: Final = 'share/ament_index/resource_index/packages'

# Above the first, DDS takes ports that Linux gives to others; the second is the end of all ports.
_DOMAIN_SAFE_MAX: Final = 101
_DOMAIN_MAX: Final = 232

_MESSAGE_PROGRAM: Final = 'fdr_node.ros.message_check'
_MESSAGE_SECONDS_MAX: Final = 30
_SAID_CHARACTERS_MAX: Final = 200

# This package is younger: a clock before it was never set.
_YEAR_LEAST: Final = 2024
# A clock that is being slewed is off by 0.05 % at most.
_STEP_NS: Final = NS_PER_S // 10

# Of the system call adjtimex: what it returns then, and more than its buffer takes.
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512


def environment_checks(environment: Mapping[str, str]) -> list[Check]:
    """Return what the environment variables of ROS say."""
    return [_middleware(environment), _domain(environment.get('ROS_DOMAIN_ID', ''))]


def _middleware(environment: Mapping[str, str]) -> Check:
    # Whether it can be loaded is for message_check: wheels of ROS need no variables for that.
    name = 'ROS environment'
    rmw = environment.get('RMW_IMPLEMENTATION') or RMW_DEFAULT
    prefixes = [Path(item) for item in environment.get('AMENT_PREFIX_PATH', '').split(':') if item]
    advice = 'source the setup.bash of ROS 2 and of the workspace'
    if not prefixes:
        return warn(name, 'AMENT_PREFIX_PATH is not set: ros2 run and launch find nothing', advice)
    if not any((prefix / _PACKAGES / rmw).is_file() for prefix in prefixes):
        text = f'{rmw} is not installed in AMENT_PREFIX_PATH'
        return warn(name, text, f'{advice}; install {rmw}, or set RMW_IMPLEMENTATION')
    return go(name, rmw)


def _domain(text: str) -> Check:
    name = 'ROS domain'
    if not text:
        return go(name, '0')
    if not text.isascii() or not text.isdigit() or int(text) > _DOMAIN_MAX:
        found = f'ROS_DOMAIN_ID is {text[:20]!r}, allowed: 0 to {_DOMAIN_MAX}'
        return no_go(name, found, 'set the one of the producers')
    if int(text) > _DOMAIN_SAFE_MAX:
        found = f'{int(text)}: its ports may be taken by other programs'
        return warn(name, found, f'choose one of 0 to {_DOMAIN_SAFE_MAX}')
    return go(name, str(int(text)))


def message_check(
    program: str = _MESSAGE_PROGRAM, *, seconds_max: float = _MESSAGE_SECONDS_MAX
) -> Check:
    """
    Return whether rclpy reads and writes records as this package does.

    :param program: a module that ends with 0 when it does, and says why not otherwise
    :param seconds_max: how long that may take (s)
    """
    name, advice = 'rclpy and messages', 'build the package again in this environment'
    command = [sys.executable, '-m', program]
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            command, check=False, capture_output=True, text=True, timeout=seconds_max
        )
    except subprocess.TimeoutExpired:
        return no_go(name, f'rclpy took more than {seconds_max:g} s', advice)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f'exit code {done.returncode}']
        return no_go(name, said[-1][:_SAID_CHARACTERS_MAX], advice)
    return go(name, 'rclpy writes and reads a record as the recorder does')


def clock_checks(begin: Instant, end: Instant, *, is_synchronised: bool) -> list[Check]:
    """
    Return whether the clocks can be trusted.

    :param begin: both clocks
    :param end: the same, a while later
    :param is_synchronised: the kernel says that the wall clock is
    """
    return [_wall_clock(begin, end), _synchronisation(is_synchronised=is_synchronised)]


def _wall_clock(begin: Instant, end: Instant) -> Check:
    name, advice = 'clock', 'set it, or wait for GNSS; log time never steps in flight'
    now = datetime.fromtimestamp(end.wall_ns / NS_PER_S, UTC)
    text = f'{now:%Y-%m-%d %H:%M:%S} UTC'
    if now.year < _YEAR_LEAST:
        return no_go(name, text, advice)
    step_ns = (end.wall_ns - begin.wall_ns) - (end.monotonic_ns - begin.monotonic_ns)
    if abs(step_ns) > _STEP_NS:
        return warn(name, f'{text}, stepped by {step_ns / NS_PER_S:+.1f} s just now', advice)
    return go(name, text)


def _synchronisation(*, is_synchronised: bool) -> Check:
    name = 'clock synchronisation'
    if is_synchronised:
        return go(name, 'the kernel says that it is')
    advice = 'start chrony or systemd-timesyncd, if times have to agree with other logs'
    return warn(name, 'not synchronised', advice)


def is_clock_synchronised() -> bool:
    """Return whether the kernel takes the wall clock for synchronised (NTP, PTP, GNSS)."""
    # Nothing is set: modes is 0, as all of the buffer.
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR
