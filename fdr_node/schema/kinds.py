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
Names the standard record kinds and the causes of a loss.

The lists are not closed: a record of any other kind is recorded as well.
"""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds that this package knows a layout for."""

    FLIGHT_HEADER = 'flight_header'
    FLIGHT_FOOTER = 'flight_footer'
    OVERRUN = 'overrun'
    ESTIMATE = 'estimate'
    IMU = 'imu'
    MAVLINK_TX = 'mavlink_tx'
    SYSTEM_HEALTH = 'system_health'
    TILE = 'tile'
    FAILED_TILE_THUMBNAIL = 'failed_tile_thumbnail'
    SIGNING_KEY_ROTATION = 'signing_key_rotation'
    SPOOF_PROMOTION_BLOCK = 'spoof_promotion_block'
    PRODUCER_STATS = 'producer_stats'
    SEGMENT_DROPPED = 'segment_dropped'
    CLOCK_STEP = 'clock_step'
    DEGRADED = 'degraded'
    RECOVERED = 'recovered'


# What the audit trail cannot do without: a flood of other kinds must not push it out anywhere.
PRIORITY_KINDS: Final[tuple[str, ...]] = (
    Kind.FLIGHT_HEADER.value,
    Kind.OVERRUN.value,
    Kind.SIGNING_KEY_ROTATION.value,
    Kind.SPOOF_PROMOTION_BLOCK.value,
    Kind.MAVLINK_TX.value,
    Kind.PRODUCER_STATS.value,
)


class LossCause(StrEnum):
    """Where a record was lost on its way from the producer to the disk."""

    # The producer's own queue was full; the producer says so itself.
    PRODUCER_QUEUE = 'producer_queue'
    # Between the producer and the recorder: a hole in seq that nobody else accounts for.
    TRANSPORT = 'transport'
    # The subscription's history was full when it was drained.
    INTAKE_QUEUE = 'intake_queue'
    # The buffer between intake and writer was full.
    RING = 'ring'
    # The kind is forbidden, or came more often than it may.
    POLICY = 'policy'
    TOO_LARGE = 'too_large'
    # The bytes were no FdrRecord.
    MALFORMED = 'malformed'
    # The storage refused it for longer than memory could hold it.
    DISK = 'disk'
    UNKNOWN = 'unknown'


class DropReason(StrEnum):
    """Why a segment of a flight is gone."""

    # The oldest, to keep the cap.
    CAP = 'cap'
    # The oldest, as the disk was full.
    SPACE = 'space'
    # Somebody removed the file.
    MISSING = 'missing'
