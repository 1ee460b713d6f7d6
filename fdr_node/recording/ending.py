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

"""Says how a flight went, in its footer; when it ends is not decided here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fdr_node.clock import iso_utc
from fdr_node.recording.footer import producer_totals, with_producers
from fdr_node.recording.own_records import OWN_PRODUCER
from fdr_node.schema import FlightFooter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.clock import Instant
    from fdr_node.recording.flight import Flight
    from fdr_node.schema import ProducerTotals


def footer_of(
    flight: Flight,
    totals: Mapping[str, ProducerTotals],
    end: Instant,
    bytes_written: int,
    *,
    is_clean: bool = True,
) -> FlightFooter:
    """
    Return the footer of a flight that ends now.

    :param totals: what became of each producer's records, from whoever counted them.
    :param bytes_written: of all segments, with that footer.
    :param is_clean: it is the next record; else it is not in the flight, which ends with what is
        durable.
    """
    if is_clean:
        # The footer is a record too, and counts itself.
        records, recorded = flight.records + 1, flight.tally.taken + Counter({OWN_PRODUCER: 1})
    else:
        records, recorded = flight.records_durable, flight.tally.durable
    footer = FlightFooter(
        flight_id=flight.header.flight_id,
        end_utc=iso_utc(end.wall_ns),
        end_wall_ns=end.wall_ns,
        end_monotonic_ns=end.monotonic_ns,
        records_written=records,
        records_rolled_off=flight.drops.records,
        bytes_written=bytes_written,
        rollover_count=flight.drops.segments,
        segment_count=flight.segment_count,
        clean_shutdown=is_clean,
    )
    refused = flight.tally.taken - recorded
    return with_producers(footer, producer_totals(totals, recorded=recorded, refused=refused))
