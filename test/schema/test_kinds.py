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
"""The names of kinds and causes, which stand in every log and so can never change."""

from fdr_node.record import ID_BYTES_MAX
from fdr_node.schema import Kind, LossCause


def test_the_kinds_are_the_ones_that_logs_hold() -> None:
    """Written out once more: a renamed kind would make old logs unreadable."""
    assert [str(kind) for kind in Kind] == [
        'flight_header',
        'flight_footer',
        'overrun',
        'estimate',
        'imu',
        'mavlink_tx',
        'system_health',
        'tile',
        'failed_tile_thumbnail',
        'signing_key_rotation',
        'spoof_promotion_block',
        'producer_stats',
        'segment_dropped',
        'clock_step',
        'degraded',
        'recovered',
    ]


def test_the_causes_are_the_ones_that_logs_hold() -> None:
    """The same for the causes of a loss."""
    assert [str(cause) for cause in LossCause] == [
        'producer_queue',
        'transport',
        'intake_queue',
        'ring',
        'policy',
        'too_large',
        'malformed',
        'disk',
        'unknown',
    ]


def test_a_kind_is_a_name_that_a_record_can_carry() -> None:
    """A member is used as text, and fits the field of the message."""
    assert all(1 <= len(kind.encode()) <= ID_BYTES_MAX for kind in Kind)
    assert f'{Kind.IMU}' == 'imu'
