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
"""Holds the sizes that do not change, and the names that a setting chooses from."""

from __future__ import annotations

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

# Texts of the flight header and footer; both stand in segments of the smallest size.
HEADER_JSON_BYTES_MAX = 32 * KIB
FOOTER_JSON_BYTES_MAX = 64 * KIB

# What a segment holds beside records: flight header, schema, chunk index, summary and footers.
SEGMENT_OVERHEAD_BYTES_MAX = 256 * KIB

# metadata.yaml exists twice while it is replaced, and the cap holds at that moment too.
METADATA_ALLOWANCE_BYTES = 256 * KIB

# The smallest cap: of a smaller one its fixed parts would take most.
FLIGHT_BYTES_MIN = 2 * MIB

BACKENDS = ('mcap', 'rosbag2')

# How the chunks of a segment are compressed.
COMPRESSIONS = ('none', 'lz4', 'zstd')

# When bytes are made durable (fdatasync): at each commit, when a segment is closed, or never by
# the recorder itself.
SYNC_POLICIES = ('commit', 'segment', 'never')

# Where alerts can go; what each one needs is in docs/operations.md.
ALERT_SINKS = ('topic', 'mavros', 'mavlink')
