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
Says what payloads may hold: record kinds, their typed layouts and versions, the MessagePack codec.

``kinds`` names the kinds, ``messagepack`` makes bytes within limits, ``layout`` checks fields,
``flight`` and ``vehicle`` hold one class per kind, ``versions`` reads any record. This module only
gathers their names.
"""

from fdr_node.schema.flight import (
    ClockStep,
    Degraded,
    FlightFooter,
    FlightHeader,
    FOOTER_NAME,
    FOOTER_PRODUCERS_MAX,
    HEADER_NAME,
    MANIFEST_FILES_MAX,
    OTHERS,
    Overrun,
    PARTS_NAME,
    ProducerStats,
    ProducerTotals,
    Recovered,
    SEGMENT_FOOTER_NAME,
    SegmentDropped,
    SigningKeyRotation,
)
from fdr_node.schema.kinds import DropReason, Kind, LossCause, PRIORITY_KINDS
from fdr_node.schema.layout import Payload
from fdr_node.schema.messagepack import (
    decode_payload,
    DEFAULT_LIMITS,
    encode_payload,
    PayloadLimits,
    Value,
)
from fdr_node.schema.vehicle import (
    Estimate,
    EstimatorHealth,
    FailedTileThumbnail,
    IMAGE_BYTES_MAX,
    Imu,
    MAVLINK_FRAME_BYTES_MAX,
    MavlinkTx,
    SpoofPromotionBlock,
    SystemHealth,
    Tile,
    ZOOM_MAX,
)
from fdr_node.schema.versions import decode_record_payload, DecodedPayload, PAYLOAD_TYPES

__all__ = [
    'DEFAULT_LIMITS',
    'FOOTER_NAME',
    'FOOTER_PRODUCERS_MAX',
    'HEADER_NAME',
    'IMAGE_BYTES_MAX',
    'MANIFEST_FILES_MAX',
    'MAVLINK_FRAME_BYTES_MAX',
    'OTHERS',
    'PARTS_NAME',
    'PAYLOAD_TYPES',
    'PRIORITY_KINDS',
    'SEGMENT_FOOTER_NAME',
    'ZOOM_MAX',
    'ClockStep',
    'DecodedPayload',
    'Degraded',
    'DropReason',
    'Estimate',
    'EstimatorHealth',
    'FailedTileThumbnail',
    'FlightFooter',
    'FlightHeader',
    'Imu',
    'Kind',
    'LossCause',
    'MavlinkTx',
    'Overrun',
    'Payload',
    'PayloadLimits',
    'ProducerStats',
    'ProducerTotals',
    'Recovered',
    'SegmentDropped',
    'SigningKeyRotation',
    'SpoofPromotionBlock',
    'SystemHealth',
    'Tile',
    'Value',
    'decode_payload',
    'decode_record_payload',
    'encode_payload',
]
