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

from collections import Counter
from dataclasses import replace
import json
from typing import TYPE_CHECKING

from fdr_node.config import FOOTER_JSON_BYTES_MAX
from fdr_node.schema import (
    DropReason,
    FOOTER_PRODUCERS_MAX,
    LossCause,
    OTHERS,
    ProducerTotals,
    SegmentDropped,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fdr_node.recording.ports import SegmentFacts
    from fdr_node.schema import FlightFooter

# Producers that a segment's footer and a segment_dropped record name, the busiest first.
PRODUCERS_LISTED_MAX = 64

# Producers that a record of the recorder counts by name: segment_dropped, for all dropped segments
# together, as it stands in the log of a crashed flight for the footer that it has not.
PRODUCERS_COUNTED_MAX = 256

# Beside a flight footer of its largest size, in what a segment keeps free for its end. Names of
# usual letters fit; JSON writes control characters in six.
_SEGMENT_FOOTER_BYTES_MAX = 7 * 1024

_U64_MAX = 2**64 - 1


def segment_footer(producers: Counter[str]) -> str:
    """
    Return the JSON text that stands at the end of a segment, of bounded length.

    :param producers: records in the segment by producer; the busiest are named, all are counted.
    """
    count = PRODUCERS_LISTED_MAX
    while True:
        # Who is counted together cannot be counted again by that name.
        listed = {name: n for name, n in producers.most_common(count) if name != OTHERS}
        footer = {
            'records': producers.total(),
            'producers': listed,
            'producers_omitted': len(producers) - len(listed),
        }
        text = json.dumps(footer, ensure_ascii=False, separators=(',', ':'))
        if len(text.encode()) <= _SEGMENT_FOOTER_BYTES_MAX:
            return text
        count //= 2


def drop_note(
    facts: SegmentFacts,
    *,
    producers: Counter[str],
    rolled_off: Counter[str],
    reason: DropReason = DropReason.CAP,
) -> SegmentDropped:
    """
    Return the record of a segment that was dropped, of bounded size.

    :param producers: records that were in it, by producer.
    :param rolled_off: those in all segments dropped so far, this one included.
    :param reason: why.
    """
    return SegmentDropped(
        file=facts.name,
        index=facts.index,
        records=facts.records,
        size_bytes=facts.size_bytes,
        start_ns=facts.start_ns,
        end_ns=facts.end_ns,
        producers=dict(producers.most_common(PRODUCERS_LISTED_MAX)),
        records_rolled_off=rolled_off.total(),
        producers_rolled_off=busiest(rolled_off),
        reason=reason,
    )


def busiest(counts: Counter[str]) -> dict[str, int]:
    """Return counts by producer, of bounded size: the largest by name, the rest under OTHERS."""
    listed = Counter(dict(counts.most_common(PRODUCERS_COUNTED_MAX - 1)))
    listed[OTHERS] += counts.total() - listed.total()
    return dict(+listed)


def producer_totals(
    totals: Mapping[str, ProducerTotals], *, recorded: Counter[str], refused: Counter[str]
) -> dict[str, ProducerTotals]:
    """
    Return what became of each producer's records.

    :param totals: from whoever counted them; a producer that is not in it published what was
        taken of it.
    :param recorded: records on disk, by producer.
    :param refused: records that were taken and that the disk then refused, by producer.
    """
    merged = dict(totals)
    for producer_id in recorded.keys() | refused.keys():
        count, lost = recorded[producer_id], refused[producer_id]
        known = totals.get(producer_id, ProducerTotals(published=count + lost, recorded=count))
        causes = dict(known.lost)
        if lost:
            causes[LossCause.DISK] = causes.get(LossCause.DISK, 0) + lost
        merged[producer_id] = replace(known, recorded=count, lost=causes)
    return merged


def with_producers(footer: FlightFooter, totals: Mapping[str, ProducerTotals]) -> FlightFooter:
    """
    Return a footer with what became of each producer's records.

    :param footer: its fields about producers are replaced.
    :param totals: by producer; those with the largest loss are kept when not all of them fit. When
        records of some are counted together, those that do not fit are counted among them.
    """
    dropped: dict[LossCause, int] = {}
    for total in totals.values():
        for cause, count in total.lost.items():
            dropped[cause] = min(_U64_MAX, dropped.get(cause, 0) + count)
    ranked = sorted(
        totals, key=lambda name: (name != OTHERS, -sum(totals[name].lost.values()), name)
    )
    kept = ranked[:FOOTER_PRODUCERS_MAX]
    while True:
        filled = replace(
            footer,
            records_dropped_by_cause=dropped,
            producers=_listed(totals, kept),
            producers_omitted=len(totals) - len(kept),
        )
        if len(filled.to_json().encode()) <= FOOTER_JSON_BYTES_MAX:
            return filled
        kept = kept[: len(kept) // 2]


def _listed(
    totals: Mapping[str, ProducerTotals], kept: Sequence[str]
) -> dict[str, ProducerTotals]:
    """Return the entries of those that are kept; OTHERS, where it is recorded, has the rest."""
    listed = {name: totals[name] for name in sorted(kept)}
    if OTHERS in listed and listed[OTHERS].recorded:
        rest = [totals[name] for name in totals.keys() - listed.keys()]
        listed[OTHERS] = _together([listed[OTHERS], *rest])
    return listed


def _together(totals: Sequence[ProducerTotals]) -> ProducerTotals:
    """Return the totals of several producers; none is more than its field holds."""
    lost: dict[LossCause, int] = {}
    for item in totals:
        for cause, count in item.lost.items():
            lost[cause] = min(_U64_MAX, lost.get(cause, 0) + count)
    return ProducerTotals(
        published=min(_U64_MAX, sum(item.published for item in totals)),
        recorded=sum(item.recorded for item in totals),
        lost=lost,
        duplicates=sum(item.duplicates for item in totals),
        before_flight=min(_U64_MAX, sum(item.before_flight for item in totals)),
    )
