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
"""What became of a flight of the real node: the bag, the footer, and the balance of both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bag_reader import Bag, read_bag
from fdr_node.schema import FlightFooter, FlightHeader, ProducerTotals
from rigs import payload_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class LandedFlight:
    """
    A flight that was closed.

    :param said: the line with which the node said that it records.
    """

    def __init__(self, said: Mapping[str, str]) -> None:
        self.directory = Path(said['directory'])
        self.bag: Bag = read_bag(self.directory)
        self.footer = FlightFooter.from_json(self.bag.custom_data['fdr_flight_footer'])
        self.header = FlightHeader.from_json(self.bag.custom_data['fdr_flight_header'])
        assert self.footer.flight_id == said['flight_id'] == self.directory.name
        assert self.footer.clean_shutdown
        self._check_balance()

    def seqs(self, producer_id: str) -> list[int]:
        """Return the numbers of a producer's records, as they stand in the bag."""
        return [r.seq for r in self.bag.records if r.producer_id == producer_id]

    def totals(self, producer_id: str) -> ProducerTotals:
        """Return what the footer says of a producer."""
        return self.footer.producers[producer_id]

    def overrun_records(self, producer_id: str) -> int:
        """Return how many lost records of a producer the bag itself tells of."""
        payloads = [payload_of(r) for r in self.bag.records if r.kind == 'overrun']
        return sum(int(str(p['count'])) for p in payloads if p['producer_id'] == producer_id)

    def _check_balance(self) -> None:
        recorded = Counter(r.producer_id for r in self.bag.records)
        for producer_id, totals in self.footer.producers.items():
            assert totals.recorded == recorded[producer_id]
            lost = sum(totals.lost.values())
            assert totals.published + totals.duplicates == totals.recorded + lost


def check_complete(flight: LandedFlight, producer_id: str, published: int) -> None:
    """Check that every record of a producer is in the flight, in its order."""
    assert flight.seqs(producer_id) == list(range(published))
    assert flight.totals(producer_id) == ProducerTotals(published=published, recorded=published)
