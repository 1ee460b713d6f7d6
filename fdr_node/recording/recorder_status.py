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
"""Takes a picture of a recorder at one moment, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fdr_node.recording.flight import Flight
    from fdr_node.schema import FlightHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """
    The recorder at one moment.

    :param header: of the open flight, or None when none is open.
    :param directory: where the open flight is written now, or None.
    :param segment_index: number of the open segment.
    :param segment_bytes: bytes of the open segment on disk.
    :param size_bytes: bytes of the flight, in all its directories.
    :param free_bytes: space left where it is written, as it was last seen; 0 when unknown.
    :param is_rolling: the oldest segments are being dropped.
    :param degraded_reason: why it takes nothing; empty when it does.
    :param records_written: records taken, its own included.
    :param producers: the same by producer.
    :param bytes_written: bytes of all segments, dropped ones included.
    :param rollover_count: segments dropped.
    :param commit_age_ns: time since the last commit; None before the first.
    """

    header: FlightHeader | None = None
    directory: Path | None = None
    segment_index: int = 0
    segment_bytes: int = 0
    size_bytes: int = 0
    free_bytes: int = 0
    is_rolling: bool = False
    degraded_reason: str = ''
    records_written: int = 0
    producers: Mapping[str, int]
    bytes_written: int = 0
    rollover_count: int = 0
    commit_age_ns: int | None = None


def status_of(
    flight: Flight | None, *, degraded_reason: str, free_bytes: int, now_ns: int
) -> RecorderStatus:
    """
    Return the recorder as it is now; may be called from any thread and never waits.

    :param flight: the open one, or None.
    :param now_ns: CLOCK_MONOTONIC.
    """
    if flight is None:
        return RecorderStatus(degraded_reason=degraded_reason, producers={})
    committed_ns = flight.times.committed_ns
    return RecorderStatus(
        header=flight.header,
        directory=flight.store.directory,
        segment_index=flight.segment_index,
        segment_bytes=flight.segment_bytes,
        size_bytes=flight.size_bytes,
        free_bytes=free_bytes,
        is_rolling=flight.drops.segments > 0,
        degraded_reason=degraded_reason,
        records_written=flight.records,
        producers=dict(flight.tally.taken),
        bytes_written=flight.bytes_written,
        rollover_count=flight.drops.segments,
        commit_age_ns=None if committed_ns is None else now_ns - committed_ns,
    )
