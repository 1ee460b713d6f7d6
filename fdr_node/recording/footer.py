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
Builds what stands at the end of a segment and of a flight.

Pure: counts in, bounded texts and values out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fdr_node.clock import iso_utc
from fdr_node.config import FOOTER_JSON_BYTES_MAX
from fdr_node.schema import FlightFooter, FOOTER_PRODUCERS_MAX

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from fdr_node.schema import Payload, ProducerTotals

# Producers that a segment's footer and a segment_dropped record name, the busiest first.
PRODUCERS_LISTED_MAX = 64

_U64_MAX = 2**64 - 1


def as_json(payload: Payload) -> str:
    """Return a payload as one line of JSON."""
    return json.dumps(payload.to_payload(), ensure_ascii=False, separators=(',', ':'))


def segment_footer(producers: Counter[str]) -> str:
    """
    Return the JSON text that stands at the end of a segment.

    :param producers: records in the segment by producer.
    """
    listed = dict(producers.most_common(PRODUCERS_LISTED_MAX))
    footer = {
        'records': producers.total(),
        'producers': listed,
        'producers_omitted': len(producers) - len(listed),
    }
    return json.dumps(footer, ensure_ascii=False, separators=(',', ':'))


def flight_footer(
    totals: Mapping[str, ProducerTotals],
    *,
    flight_id: str,
    wall_ns: int,
    monotonic_ns: int,
    records_written: int,
    records_rolled_off: int,
    bytes_written: int,
    rollover_count: int,
    segment_count: int,
    clean_shutdown: bool,
) -> FlightFooter:
    """
    Return the footer of a flight.

    :param totals: what became of each producer's records; those with the largest loss are kept
        when they do not all fit.
    :param wall_ns: end of the flight, nanoseconds since the UNIX epoch.
    :param monotonic_ns: the same instant on CLOCK_MONOTONIC.
    """
    dropped: dict[str, int] = {}
    for total in totals.values():
        for cause, count in total.lost.items():
            dropped[cause] = min(_U64_MAX, dropped.get(cause, 0) + count)
    ranked = sorted(totals, key=lambda name: (-sum(totals[name].lost.values()), name))
    kept = ranked[:FOOTER_PRODUCERS_MAX]
    while True:
        footer = FlightFooter.from_payload({
            'flight_id': flight_id,
            'end_utc': iso_utc(wall_ns),
            'end_wall_ns': wall_ns,
            'end_monotonic_ns': monotonic_ns,
            'records_written': records_written,
            'records_dropped_by_cause': dropped,
            'records_rolled_off': records_rolled_off,
            'bytes_written': bytes_written,
            'rollover_count': rollover_count,
            'segment_count': segment_count,
            'clean_shutdown': clean_shutdown,
            'producers': {name: totals[name].to_payload() for name in sorted(kept)},
            'producers_omitted': len(totals) - len(kept),
        })
        if len(as_json(footer).encode()) <= FOOTER_JSON_BYTES_MAX:
            return footer
        kept = kept[: len(kept) // 2]
