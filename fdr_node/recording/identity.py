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
Says which flight this is and what it is flown with: the flight header.

Pure but for :func:`new_flight_id`, which draws random bits; clocks and facts are passed in.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING
from uuid import UUID

from fdr_node.clock import iso_utc
from fdr_node.config import HEADER_JSON_BYTES_MAX
from fdr_node.errors import ConfigError, PayloadError
from fdr_node.schema import encode_payload, FlightHeader, SigningKeyRotation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.clock import Instant
    from fdr_node.config import RecorderConfig

_NS_PER_MS = 1_000_000
_UUID_VERSION = 0x7 << 76
_UUID_VARIANT = 0b10 << 62


def new_flight_id(wall_ns: int) -> str:
    """
    Draw a flight id that sorts by time: UUID version 7 (RFC 9562, section 5.7).

    :param wall_ns: nanoseconds since the UNIX epoch.
    """
    milliseconds = (wall_ns // _NS_PER_MS) & ((1 << 48) - 1)
    value = milliseconds << 80 | _UUID_VERSION | secrets.randbits(12) << 64
    return str(UUID(int=value | _UUID_VARIANT | secrets.randbits(62)))


def flight_id_of(config: RecorderConfig, *, wall_ns: int) -> str:
    """
    Return the flight's id: the configured one in its canonical form, or a new one.

    :raises ConfigError: the configured one is not a UUID.
    """
    if not config.flight_id:
        return new_flight_id(wall_ns)
    try:
        return str(UUID(config.flight_id))
    except ValueError as error:
        raise ConfigError(
            name='flight_id', value=config.flight_id, bound='a UUID, or empty'
        ) from error


def is_flight_id(text: str) -> bool:
    """Return whether a text is a UUID in its canonical form, and so the name of a directory."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def flight_header(  # noqa: PLR0913  (keywords, each a fact that is passed in)
    config: RecorderConfig,
    *,
    start: Instant,
    host: str,
    software_versions: Mapping[str, str],
    manifest_hashes: Mapping[str, str],
    predecessor_flight_id: str | None = None,
) -> FlightHeader:
    """
    Return the header of a new flight.

    :param start: when the flight starts.
    :param host: name of the computer.
    :param software_versions: version by package name.
    :param manifest_hashes: SHA-256 in hexadecimal by path.
    :param predecessor_flight_id: the interrupted flight that this one continues, if any.
    :raises ConfigError: ``flight_id`` is not a UUID.
    """
    key_id = config.signing_key_id
    in_force = SigningKeyRotation(new_key_id=key_id, reason='in force at the start')
    return FlightHeader(
        flight_id=flight_id_of(config, wall_ns=start.wall_ns),
        start_utc=iso_utc(start.wall_ns),
        start_wall_ns=start.wall_ns,
        start_monotonic_ns=start.monotonic_ns,
        session_id=secrets.randbits(64),
        configuration=json.loads(json.dumps(config.to_settings())),
        signing_key_rotation=in_force if key_id else None,
        manifest_hashes=dict(manifest_hashes),
        host=host,
        software_versions=dict(software_versions),
        predecessor_flight_id=predecessor_flight_id,
    )


def header_fault(header: FlightHeader) -> str:
    """Return why a header cannot be written, in words; empty when it can."""
    if not is_flight_id(header.flight_id):
        return f'the flight id {header.flight_id!r} is no UUID in lower case'
    try:
        encode_payload(header.to_payload())
    except PayloadError as error:
        return f'the flight header: {error}'
    size = len(header.to_json().encode())
    if size > HEADER_JSON_BYTES_MAX:
        return f'the flight header is {size} bytes of JSON, allowed: {HEADER_JSON_BYTES_MAX}'
    return ''
