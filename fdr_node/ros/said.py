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
"""Says on stdout that it records, for whoever started the process and waits."""

from __future__ import annotations

from contextlib import suppress
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fdr_node.recording.recorder_status import RecorderStatus


def say_recording(status: RecorderStatus, topic: str) -> None:
    """
    Write one line of JSON.

    :param status: of the recorder; without a flight nothing is said.
    :param topic: where it listens, fully resolved.
    """
    if status.header is None:
        return
    line = {
        'event': 'recording',
        'flight_id': status.header.flight_id,
        'directory': str(status.directory),
        'topic': topic,
    }
    # Whoever started the process may have gone since, and stdout with it.
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.write(json.dumps(line) + '\n')
        sys.stdout.flush()
