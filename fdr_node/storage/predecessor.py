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
Says which flight a new one continues: the newest of the root, if nobody ended it.

It only reads, and before anything is put in order: a recovery gives the flight a footer, which
says as well that it was interrupted. How long ago that was is not judged: after a power cut no
clock can tell, and whoever reads both headers can.
"""

from __future__ import annotations

from typing import Final, TYPE_CHECKING
from uuid import UUID

from fdr_node.clock import NS_PER_S
from fdr_node.errors import PayloadError
from fdr_node.schema import FlightFooter, FlightHeader, FOOTER_NAME, HEADER_NAME
from fdr_node.storage import bag_format, fs
from fdr_node.storage.flight_root import is_flight_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_METADATA_BYTES_MAX: Final = 64 << 20
_TIME_ORDERED: Final = 7
_NS_PER_MS: Final = NS_PER_S // 1000


def interrupted_flight(flight_root: Path) -> str | None:
    """
    Return the id of the newest flight of a root, if it was interrupted.

    A directory without a flight header counts for nothing: nothing was recorded in it.

    :param flight_root: may be missing.
    :return: None when the newest flight was closed, when there is none, or when the root cannot
        be read: a flight is never refused for it.
    """
    try:
        directories = [path for path in flight_root.iterdir() if is_flight_directory(path)]
    except OSError:
        return None
    for directory in sorted(directories, key=_started_ms, reverse=True):
        custom_data = _custom_data(directory)
        if HEADER_NAME in custom_data:
            return None if _is_closed(custom_data) else directory.name
    return None


def _started_ms(directory: Path) -> int:
    """Return when a flight started, wall clock since the epoch (ms); 0 when it does not say."""
    name = UUID(directory.name)
    if name.version == _TIME_ORDERED:
        return name.int >> 80
    try:
        header = FlightHeader.from_json(_custom_data(directory).get(HEADER_NAME, ''))
    except PayloadError:
        return 0
    return header.start_wall_ns // _NS_PER_MS


def _is_closed(custom_data: Mapping[str, str]) -> bool:
    try:
        return FlightFooter.from_json(custom_data.get(FOOTER_NAME, '')).clean_shutdown
    except PayloadError:
        return False


def _custom_data(directory: Path) -> Mapping[str, str]:
    try:
        data = fs.read_file(directory / bag_format.METADATA_NAME, _METADATA_BYTES_MAX)
    except OSError:
        return {}
    found = bag_format.parse_metadata(data).get('custom_data')
    if not isinstance(found, dict):
        return {}
    return {str(name): str(text) for name, text in found.items()}
