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
Reads the payload of any record: typed where its kind and version are known, as a map elsewhere.

A record of a newer version or of an unknown kind is never refused for that, and one whose fields
do not fit its kind is still given as a map with the reason beside it: an investigator reads all of
it. Only bytes that are no payload map are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fdr_node.errors import PayloadError
from fdr_node.schema import flight, vehicle
from fdr_node.schema.layout import Payload
from fdr_node.schema.messagepack import decode_payload, DEFAULT_LIMITS, PayloadLimits, Value

# Kind -> the class of its payload.
PAYLOAD_TYPES: Final[Mapping[str, type[Payload]]] = MappingProxyType(
    {
        payload_type.KIND: payload_type
        for payload_type in (
            flight.FlightHeader,
            flight.FlightFooter,
            flight.Overrun,
            vehicle.Estimate,
            vehicle.Imu,
            vehicle.MavlinkTx,
            vehicle.SystemHealth,
            vehicle.Tile,
            vehicle.FailedTileThumbnail,
            flight.SigningKeyRotation,
            vehicle.SpoofPromotionBlock,
            flight.ProducerStats,
            flight.SegmentDropped,
            flight.ClockStep,
            flight.Degraded,
            flight.Recovered,
        )
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPayload:
    """
    What the payload of a record says.

    :param value: the map as it was recorded
    :param typed: the same as the class of its kind; None where there is none to read it with
    :param is_known_kind: the kind is a standard one
    :param is_newer_version: the version is newer than the one known here; ``typed`` is None then,
        because a newer version may mean something else by the same name
    :param mismatch: why a payload of a known kind and version is not typed; None if it is
    """

    value: Mapping[str, Value]
    typed: Payload | None
    is_known_kind: bool
    is_newer_version: bool
    mismatch: PayloadError | None


def decode_record_payload(
    kind: str,
    schema_version: int,
    payload: bytes,
    *,
    limits: PayloadLimits = DEFAULT_LIMITS,
    payload_types: Mapping[str, type[Payload]] = PAYLOAD_TYPES,
) -> DecodedPayload:
    """
    Read the payload of a record.

    :param kind: the record's kind
    :param schema_version: the record's version of the payload's layout [0..65535]
    :param payload: the record's payload, MessagePack bytes
    :param limits: what the payload may be at most
    :param payload_types: the kinds to know
    :return: the map, and the typed payload where it can be made
    :raises PayloadError: the bytes are not one map within the limits
    """
    value = decode_payload(payload, limits)
    payload_type = payload_types.get(kind)
    is_newer_version = payload_type is not None and schema_version > payload_type.VERSION
    typed: Payload | None = None
    mismatch: PayloadError | None = None
    if payload_type is not None and not is_newer_version:
        try:
            typed = payload_type.from_payload(value)
        except PayloadError as err:
            mismatch = err
    return DecodedPayload(
        value=value,
        typed=typed,
        is_known_kind=payload_type is not None,
        is_newer_version=is_newer_version,
        mismatch=mismatch,
    )
