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
"""Holds every setting of the recorder with its unit, default, bounds and the reason for them."""

from fdr_node.config.limits import (
    ALERT_SINKS,
    BACKENDS,
    COMPRESSIONS,
    FLIGHT_BYTES_MIN,
    FOOTER_JSON_BYTES_MAX,
    GIB,
    HEADER_JSON_BYTES_MAX,
    KIB,
    METADATA_ALLOWANCE_BYTES,
    MIB,
    SEGMENT_OVERHEAD_BYTES_MAX,
    SYNC_POLICIES,
)
from fdr_node.config.recorder_config import RecorderConfig
from fdr_node.config.settings import SPECS
from fdr_node.config.spec import Setting, Spec

__all__ = [
    'ALERT_SINKS',
    'BACKENDS',
    'COMPRESSIONS',
    'FLIGHT_BYTES_MIN',
    'FOOTER_JSON_BYTES_MAX',
    'GIB',
    'HEADER_JSON_BYTES_MAX',
    'KIB',
    'METADATA_ALLOWANCE_BYTES',
    'MIB',
    'SEGMENT_OVERHEAD_BYTES_MAX',
    'SPECS',
    'SYNC_POLICIES',
    'RecorderConfig',
    'Setting',
    'Spec',
]
