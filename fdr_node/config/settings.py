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
Lists every setting with its unit, its bounds and what it does.

The ROS parameters, their documentation and the parameters file are made from this table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.config.limits import (
    ALERT_SINKS,
    BACKENDS,
    COMPRESSIONS,
    FLIGHT_BYTES_MIN,
    GIB,
    KIB,
    MIB,
    SYNC_POLICIES,
)
from fdr_node.config.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Mapping

SPECS: Mapping[str, Spec] = {
    'flight_root': Spec(
        description='Directory that holds one directory per flight; ~ is the home directory. '
        'Created when it is missing; its parent must exist.',
        unit='characters',
        maximum=4096,
    ),
    'flight_id': Spec(
        description='UUID of the flight; empty draws a time-ordered one (UUID version 7).',
        unit='characters',
        maximum=36,
    ),
    'flight_bytes_max': Spec(
        description='Cap of the flight directory; the oldest segment goes first. It holds at '
        'every moment, so the open segment counts with its full size.',
        unit='bytes',
        minimum=FLIGHT_BYTES_MIN,
        maximum=1 << 50,
    ),
    'segment_bytes_max': Spec(
        description='Size of a segment file at most. Small ones lose less when the oldest goes, '
        'large ones cost fewer files.',
        unit='bytes',
        minimum=512 * KIB,
        maximum=16 * GIB,
    ),
    'segment_duration_max_s': Spec(
        description='Age at which a segment is cut although it is not full.',
        unit='s',
        minimum=1.0,
        maximum=86400.0,
        zero_is_off=True,
    ),
    'chunk_bytes': Spec(
        description='Records are written and synced when this much has gathered. A chunk is also '
        'what one torn write can cost at most.',
        unit='bytes',
        minimum=4 * KIB,
        maximum=64 * MIB,
    ),
    'commit_interval_s': Spec(
        description='Records are written and synced at least this often: what a power cut costs.',
        unit='s',
        minimum=0.1,
        maximum=10.0,
    ),
    'sync': Spec(
        description='When data is made durable. A power cut costs with commit what came within '
        'commit_interval_s, with segment the open segment, with never what the kernel held.',
        choices=SYNC_POLICIES,
    ),
    'commit_now_kinds': Spec(
        description='Kinds that are made durable at once, before anything else is written.',
        unit='kinds',
        maximum=32,
    ),
    'free_bytes_min': Spec(
        description='Free space below which no flight is opened. With less than the cap, the '
        'cap is lowered to what is free, and the log says so.',
        unit='bytes',
        minimum=MIB,
        maximum=1 << 50,
        zero_is_off=True,
    ),
    'root_bytes_max': Spec(
        description='Cap of all flights in flight_root together, the new one with its own cap '
        'included; when a flight is opened, the oldest closed ones go. Lowers flight_bytes_max.',
        unit='bytes',
        minimum=FLIGHT_BYTES_MIN,
        maximum=1 << 50,
        zero_is_off=True,
    ),
    'record_bytes_max': Spec(
        description='Largest serialised record that is taken; a larger one is counted as lost '
        '(too_large).',
        unit='bytes',
        minimum=KIB,
        maximum=64 * MIB,
    ),
    'history_depth': Spec(
        description='Depth of the subscription (keep last), the first buffer: 1 s of peak load.',
        unit='records',
        minimum=1,
        maximum=1_000_000,
    ),
    'drain_period_s': Spec(
        description='How often the subscription is drained. history_depth divided by this is '
        'the rate above which records are lost.',
        unit='s',
        minimum=0.001,
        maximum=1.0,
    ),
    'ring_records_max': Spec(
        description='Buffer between intake and writer: a disk stall lasts this many records.',
        unit='records',
        minimum=1,
        maximum=10_000_000,
    ),
    'ring_bytes_max': Spec(
        description='Buffer between intake and writer: memory at most; the oldest goes first.',
        unit='bytes',
        minimum=64 * KIB,
        maximum=16 * GIB,
    ),
    'priority_kinds': Spec(
        description='Kinds that have a quarter of the ring for themselves, so that a flood of '
        'others cannot push them out; FdrClient publishes these on a topic of their own.',
        unit='kinds',
        maximum=64,
    ),
    'kind_rules': Spec(
        description='What may be recorded of a kind: "KIND deny", or "KIND" and some of '
        'rate_hz=N burst=N bytes_max=N. What is refused is counted as lost (policy).',
        unit='rules',
        maximum=256,
    ),
    'shutdown_deadline_s': Spec(
        description='Time to drain what is queued before the footer is written.',
        unit='s',
        minimum=0.1,
        maximum=60.0,
    ),
    'fallback_root': Spec(
        description='Directory on a second disk, where the flight goes on when the first one '
        'takes nothing more; empty: none. As flight_root, its parent must exist.',
        unit='characters',
        maximum=4096,
    ),
    'degraded_keep_bytes': Spec(
        description='On a full disk the oldest segments of the flight go until this much of it is '
        'left; after that nothing more is given up.',
        unit='bytes',
        minimum=0,
        maximum=1 << 50,
    ),
    'io_stall_s': Spec(
        description='A disk that has not answered for this long is told to the operator.',
        unit='s',
        minimum=0.5,
        maximum=60.0,
    ),
    'no_growth_s': Spec(
        description='Records that are not durable this long after their commit was due are a '
        'failure of the storage, whatever it says itself.',
        unit='s',
        minimum=1.0,
        maximum=300.0,
    ),
    'open_retry_s': Spec(
        description='With autostart: how often a flight that could not be opened is tried again; '
        'off: the process ends with exit code 1.',
        unit='s',
        minimum=0.5,
        maximum=3600.0,
        zero_is_off=True,
    ),
    'alert_sinks': Spec(
        description='Where alerts go: topic (fdr/statustext), mavros (mavros_msgs needed), '
        'mavlink (mavlink_url). Each fails alone.',
        maximum=3,
        items=ALERT_SINKS,
    ),
    'alert_repeat_s': Spec(
        description='An alert whose reason stays is repeated this often.',
        unit='s',
        minimum=1.0,
        maximum=3600.0,
    ),
    'prearm_alert_s': Spec(
        description='The "PreArm: FDR ..." alert is repeated this often while no flight is open.',
        unit='s',
        minimum=1.0,
        maximum=3600.0,
    ),
    'mavlink_url': Spec(
        description='Link of the mavlink sink: udpout:HOST:PORT, udpin:HOST:PORT, tcp:HOST:PORT, '
        'tcpin:HOST:PORT, or a serial device with its rate, /dev/ttyS1:57600.',
        unit='characters',
        maximum=256,
    ),
    'mavlink_system_id': Spec(
        description='MAVLink system of the aircraft.', minimum=1, maximum=255
    ),
    'mavlink_component_id': Spec(
        description='MAVLink component of the recorder; 191 is MAV_COMP_ID_ONBOARD_COMPUTER.',
        minimum=1,
        maximum=255,
    ),
    'mavlink_signing_key_path': Spec(
        description='File with the MAVLink 2 signing key of the link (32 bytes, or 64 hexadecimal '
        'digits); empty: not signed.',
        unit='characters',
        maximum=4096,
    ),
    'storage_backend': Spec(
        description='What writes the segments: mcap, the writer of this package, or rosbag2, the '
        'stock one behind a guard; docs/operations.md has what that cannot promise.',
        choices=BACKENDS,
    ),
    'compression': Spec(
        description='How the chunks of a segment are compressed; zstd takes hardly more CPU than '
        'none, and a fifth of the space (docs/adr/0006).',
        choices=COMPRESSIONS,
    ),
    'manifest_paths': Spec(
        description='Files whose SHA-256 goes into the flight header, for example the mission '
        'plan; one that cannot be read refuses the flight.',
        unit='paths',
        maximum=64,
    ),
    'signing_key_id': Spec(
        description='Identifier of the MAVLink signing key in force at take-off; empty: none.',
        unit='characters',
        maximum=128,
    ),
    'autostart': Spec(
        description='Configure and activate by itself; false leaves both to a lifecycle manager.'
    ),
}
