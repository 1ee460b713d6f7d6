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
Holds the definition of FdrRecord that every segment carries, so that a bag explains itself.

It is kept here as text because a flight must be written, repaired and read where no messages were
built. A test holds it against ``msg/FdrRecord.msg`` and against the generated type description.
"""

# REP 2011: the hash of the type description that rosidl generates from it.
TYPE_HASH = 'RIHS01_b3c333d0e727d2dd36cc0f74a9c48fe7f6266b85f65ceeba633e3b93602ee0d8'

FDR_RECORD_MSG = """\
# One record of the flight data recorder, published to /fdr/records (best effort, keep last).
#
# Fixed-size fields come first, so that a recorder reads the whole head from the serialised bytes
# without deserialising the message.

# Wall clock of the producer when the record was made (UNIX epoch; steps when GNSS time arrives).
builtin_interfaces/Time stamp

# CLOCK_MONOTONIC of the producer's computer when the record was made [ns].
uint64 monotonic_ns

# Random number, drawn once per start of the producer: tells a restart from a lost record.
uint64 session_id

# 0, 1, 2 ... per session_id, assigned before any queue: every lost record is a hole in this count.
uint64 seq

# Version of the payload's layout for this kind [1..65535]. A newer one than the recorder knows is
# recorded as it is.
uint16 schema_version

# Who made the record, such as "estimator" [1..64 bytes of UTF-8]. "fdr" is the recorder itself.
string<=64 producer_id

# What the payload is, for example "imu" or "mavlink_tx" [1..64 bytes of UTF-8].
string<=64 kind

# A MessagePack map. Unbounded in the type; the recorder's parameter record_bytes_max is the limit.
uint8[] payload
"""

# builtin_interfaces/msg/Time of ROS 2 Jazzy.
TIME_MSG = """\
# This message communicates ROS Time defined here:
# https://design.ros2.org/articles/clock_and_time.html

# The seconds component, valid over all int32 values.
int32 sec

# The nanoseconds component, valid in the range [0, 1e9), to be added to the seconds component.
# e.g.
# The time -1.7 seconds is represented as {sec: -2, nanosec: 3e8}
# The time 1.7 seconds is represented as {sec: 1, nanosec: 7e8}
uint32 nanosec
"""
