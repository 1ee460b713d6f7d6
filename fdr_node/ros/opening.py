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
Finds out what a flight needs before it is opened: its space, its header.

It changes nothing on disk.
"""

from __future__ import annotations

from dataclasses import replace
from errno import ENOSPC
from pathlib import Path
import socket
from typing import TYPE_CHECKING

from fdr_node.clock import now
from fdr_node.errors import FdrOpenError
from fdr_node.events import Event, Level
from fdr_node.recording.identity import flight_header
from fdr_node.recording.space import space_for
from fdr_node.storage import fs
from fdr_node.storage.backends import root_path
from fdr_node.storage.flight_root import root_use, RootUse
from fdr_node.storage.predecessor import interrupted_flight
from fdr_node.versions import software_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from fdr_node.events import Report
    from fdr_node.schema import FlightHeader

_LIBRARIES = ('mcap', 'msgpack', 'filelock', 'rclpy')


def header_for(config: RecorderConfig, *, clock: Clock) -> FlightHeader:
    """
    Return the header of a flight that begins now.

    :raises FdrOpenError: a manifest cannot be read.
    :raises ConfigError: ``flight_id`` is not a UUID.
    """
    return flight_header(
        config,
        start=now(clock),
        host=socket.gethostname(),
        software_versions=software_versions(_LIBRARIES),
        manifest_hashes=_manifest_hashes(config.manifest_paths),
        predecessor_flight_id=interrupted_flight(root_path(config)),
    )


def fitted(config: RecorderConfig, *, report: Report) -> RecorderConfig:
    """
    Return the settings with the cap that the disk has space for.

    :param report: is told when the cap is lower than the one that was asked for.
    :raises FdrOpenError: there is too little space, or nobody can say how much there is.
    """
    root = root_path(config)
    try:
        is_there = root.exists()
        free = fs.free_bytes(root if is_there else root.parent)
        counts = is_there and config.root_bytes_max
        use = root_use(root) if counts else RootUse(flights_bytes=0, closed_bytes=0)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FdrOpenError(path=root, reason=reason, errno=error.errno) from error
    space = space_for(
        config, free_bytes=free, flights_bytes=use.flights_bytes, closed_bytes=use.closed_bytes
    )
    if space.refusal:
        raise FdrOpenError(path=root, reason=space.refusal, errno=ENOSPC)
    if space.cap_bytes < config.flight_bytes_max:
        facts = {'cap_bytes': space.cap_bytes, 'wanted': config.flight_bytes_max}
        report(Event(name='cap_lowered', level=Level.WARN, facts=facts))
    return replace(config, flight_bytes_max=min(space.cap_bytes, config.flight_bytes_max))


def _manifest_hashes(paths: Iterable[str]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for path in paths:
        try:
            hashes[path] = fs.sha256_of(Path(path).expanduser())
        except OSError as error:
            reason = f'the manifest cannot be read: {error.strerror or error}'
            # Without the errno: what is missing is not the flight root.
            raise FdrOpenError(path, reason=reason) from error
    return hashes
