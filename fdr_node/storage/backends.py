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
"""Chooses what writes the segments of a flight; the only place that names a concrete class."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fdr_node import __version__
from fdr_node.errors import FdrOpenError
from fdr_node.events import Event, Level
from fdr_node.storage.bag_format import ROS_DISTRO
from fdr_node.storage.flight_directory import FlightDirectory
from fdr_node.storage.flight_root import prepare_root
from fdr_node.storage.mcap_segment import McapSegment
from fdr_node.storage.rosbag2_segment import Rosbag2Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fdr_node.config import RecorderConfig
    from fdr_node.events import Report
    from fdr_node.recording.ports import FlightStore
    from fdr_node.storage.flight_directory import MakeSegment

LIBRARY = f'fdr_node {__version__}'


# What is said at the start of a flight with the stock writer.
STOCK_WRITER = Event(
    name='stock_writer',
    level=Level.WARN,
    facts={
        'reason': 'storage_backend rosbag2 tells of no error of the disk by itself, and promises '
        'less than mcap; docs/operations.md has what'
    },
)


def _compression(config: RecorderConfig) -> str:
    return '' if config.compression == 'none' else config.compression


def _mcap(config: RecorderConfig) -> MakeSegment:
    return partial(
        McapSegment, library=LIBRARY, sync=config.sync, compression=_compression(config)
    )


def _rosbag2(config: RecorderConfig) -> MakeSegment:
    try:
        # Only where it is asked for: it comes with ROS, and not with every ROS.
        from fdr_node.storage import rosbag2_writer  # noqa: PLC0415
    except ImportError as error:
        reason = (
            f'storage_backend rosbag2 needs rosbag2_py ({error}): install '
            f'ros-{ROS_DISTRO}-rosbag2-py and ros-{ROS_DISTRO}-rosbag2-storage-mcap'
        )
        raise FdrOpenError(config.flight_root, reason=reason) from error
    if not rosbag2_writer.has_mcap():
        reason = (
            'storage_backend rosbag2 needs the MCAP plugin of rosbag2: install '
            f'ros-{ROS_DISTRO}-rosbag2-storage-mcap'
        )
        raise FdrOpenError(config.flight_root, reason=reason)
    return partial(
        Rosbag2Segment,
        make_writer=rosbag2_writer.Rosbag2Writer,
        sync=config.sync,
        compression=_compression(config),
    )


_BACKENDS: Mapping[str, Callable[[RecorderConfig], MakeSegment]] = {
    'mcap': _mcap,
    'rosbag2': _rosbag2,
}


def _tell_nobody(event: Event) -> None:
    del event


def root_path(config: RecorderConfig) -> Path:
    """
    Return the directory of all flights, absolute.

    :raises FdrOpenError: ``flight_root`` names a home directory that cannot be found.
    """
    return _absolute(config.flight_root)


def _absolute(root: str) -> Path:
    try:
        return Path(root).expanduser().absolute()
    except RuntimeError as error:
        raise FdrOpenError(root, reason=str(error)) from error


def open_store(
    config: RecorderConfig,
    *,
    flight_id: str,
    report: Report = _tell_nobody,
    is_fallback: bool = False,
) -> FlightStore:
    """
    Return where a flight will be written; nothing is touched yet.

    :param config: where, how large, and what writes the segments.
    :param flight_id: UUID of the flight.
    :param is_fallback: the place in ``fallback_root``, not that in ``flight_root``.
    :param report: is told of interrupted flights that are put in order, and of old ones that go
        for ``root_bytes_max``.
    :raises FdrOpenError: the root names a home directory that cannot be found, or what writes
        the segments is not installed.
    """

    def prepare(flight_root: Path) -> None:
        if config.storage_backend == 'rosbag2' and not is_fallback:
            report(STOCK_WRITER)
        prepare_root(flight_root, config=config, report=report)

    return FlightDirectory(
        _absolute(config.fallback_root if is_fallback else config.flight_root),
        flight_id=flight_id,
        segment_bytes_max=config.segment_bytes_max,
        make_segment=_BACKENDS[config.storage_backend](config),
        prepare=prepare,
    )
