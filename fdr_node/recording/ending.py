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
Ends a flight: says in its footer how it went, and puts that where it belongs.

Each step can be done again after an error, and the footer is in the flight once. How often that is
tried is not decided here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fdr_node.clock import iso_utc, now
from fdr_node.config import FOOTER_JSON_BYTES_MAX
from fdr_node.errors import FlightStateError
from fdr_node.recording.footer import producer_totals, segment_footer, with_producers
from fdr_node.recording.own_records import OWN_PRODUCER
from fdr_node.schema import FlightFooter, FOOTER_NAME, SEGMENT_FOOTER_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.clock import Clock, Instant
    from fdr_node.recording.flight import Flight
    from fdr_node.schema import ProducerTotals


class Ending:
    """
    The end of one flight.

    :param flight: it is open.
    :param clock: says when it ends.
    """

    def __init__(self, flight: Flight, *, clock: Clock) -> None:
        self._flight = flight
        self._clock = clock
        self._footer: FlightFooter | None = None
        self._metadata: dict[str, str] = {}
        self._is_ended = False

    @property
    def has_footer(self) -> bool:
        """Whether the footer is durable: from then on nothing else may be put."""
        return self._footer is not None

    def put_footer(self, totals: Mapping[str, ProducerTotals]) -> None:
        """
        Write the footer and the end of the last segment, unless they are there.

        :param totals: what became of each producer's records, from whoever counted them.
        :raises OSError: it is not there, and nothing of it is.
        """
        if self._footer is not None:
            return
        flight = self._flight
        flight.commit()
        flight.make_room(FOOTER_JSON_BYTES_MAX)
        footer = self._settled(totals)
        metadata = self._metadata_of(footer)
        flight.put_own(footer)
        try:
            flight.end(metadata)
            self._is_ended = True
        except Exception:
            # What it says may be wrong by the next time.
            if flight.take_back():
                raise
        self._footer, self._metadata = footer, metadata

    def finish(self) -> FlightFooter:
        """
        Do what is left of the last segment, and list the flight as closed; the footer is there.

        :raises OSError: call it again.
        """
        if self._footer is None:
            raise FlightStateError(operation='finish', state='the footer is not written')
        if not self._is_ended:
            self._flight.end(self._metadata)
            self._is_ended = True
        self._flight.publish_end({FOOTER_NAME: self._metadata[FOOTER_NAME]})
        return self._footer

    def unclean(self, totals: Mapping[str, ProducerTotals]) -> FlightFooter:
        """Return the footer of a flight that could not be ended: it counts what is durable."""
        flight = self._flight
        return footer_of(
            flight, totals, now(self._clock), bytes_written=flight.bytes_written, is_clean=False
        )

    def _settled(self, totals: Mapping[str, ProducerTotals]) -> FlightFooter:
        """Return a footer whose own bytes are in the number of bytes that it tells."""
        size, end = 0, now(self._clock)
        while True:
            footer = footer_of(self._flight, totals, end, bytes_written=size)
            size = self._flight.size_if_ended(footer, self._metadata_of(footer))
            # A larger number takes at least as many bytes as a smaller one, so this ends.
            if size == footer.bytes_written:
                return footer

    def _metadata_of(self, footer: FlightFooter) -> dict[str, str]:
        """Return what stands at the end of the last segment; the footer is yet to be put."""
        producers = self._flight.tally.segment + Counter({OWN_PRODUCER: 1})
        return {SEGMENT_FOOTER_NAME: segment_footer(producers), FOOTER_NAME: footer.to_json()}


def footer_of(
    flight: Flight,
    totals: Mapping[str, ProducerTotals],
    end: Instant,
    *,
    bytes_written: int,
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
