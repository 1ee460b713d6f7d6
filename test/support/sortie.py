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
A flight of the real node over DDS whose disk fails and is cured again, as its operator sees it.

The producer publishes at a steady rate all the time. Each step waits for what can be seen from
outside: alerts, status, and in the end the bag.
"""

from __future__ import annotations

from contextlib import contextmanager, redirect_stdout
from io import StringIO
import json
from pathlib import Path
import time
from typing import NamedTuple, TYPE_CHECKING

from bag_reader import metadata_of, rosbags_records
from fdr_node.cli.main import main as fdr
from fdr_node.record import decode_cdr
from ground_station import GroundStation, recorded
from mcap.reader import make_reader
from own_context import own_context, random_domain
from processes import field_of
from radio import Radio
from rigs import payload_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fdr_node.msg import FdrStatus
    from fdr_node.record import FdrRecord
    from processes import Field, Producer, Recorder
    from radio import Heard

PRODUCER = 'camera'
RATE_HZ = 200
# Some 0.8 MB/s, with which the smallest segment lasts about half a second.
FILLER_BYTES = 4000

# Memory for half a second of it, so that records are lost soon and by name.
SETTINGS = (
    'ring_records_max:=100',
    'segment_bytes_max:=524288',
    'record_bytes_max:=65536',
    'free_bytes_min:=0',
)
NOTICE = 5


class Fault(NamedTuple):
    """
    What was seen of a fault.

    :param alert: what was heard first.
    :param alert_s: from the fault to the alert.
    :param back_s: from the cure to the alert that it records again.
    """

    alert: Heard
    alert_s: float
    back_s: float


class Landed(NamedTuple):
    """
    What became of the flight.

    :param info: as ``fdr info --json`` has it.
    :param records: all of them, in the order of play.
    :param published: by the producer.
    """

    info: dict[str, object]
    records: list[FdrRecord]
    published: int

    @property
    def seqs(self) -> list[int]:
        """Return the numbers of the producer's records, as they stand in the bag."""
        return seqs_of(self.records)

    def payloads(self, kind: str) -> list[dict[str, object]]:
        """Return the payloads of the recorder's own records of a kind."""
        own = [record for record in self.records if record.producer_id == 'fdr']
        return [payload_of(record) for record in own if record.kind == kind]

    def lost_by(self) -> dict[str, int]:
        """Return how many of the producer's records were lost, by cause."""
        producers = self.info['producers']
        assert isinstance(producers, dict)
        lost: dict[str, int] = producers[PRODUCER]['lost_by']
        return lost


class Sortie:
    """A recorder in flight, one producer, and the operator who listens."""

    def __init__(self, field: Field, station: GroundStation, radio: Radio) -> None:
        self.radio = radio
        self.station = station
        self.field = field
        self.recorder: Recorder
        self.producer: Producer
        self.directory = Path()

    def take_off(self, *settings: str) -> None:
        """Start to record, and wait until a good part of a second is on disk."""
        words = [word for item in (*SETTINGS, *settings) for word in ('-p', item)]
        self.recorder = self.field.recorder(*words)
        self.directory = Path(self.recorder.wait_recording()['directory'])
        self.producer = self.field.producer(PRODUCER)
        self.station.hears(PRODUCER)
        self.producer.stream(RATE_HZ, FILLER_BYTES)
        self.fly(RATE_HZ // 2)

    def fly(self, records: int) -> None:
        """Wait until so many further records are written."""
        now = recorded(self.status(), PRODUCER)
        self.station.status.wait_for(lambda status: recorded(status, PRODUCER) >= now + records)

    def miss(self, records: int) -> None:
        """Wait until so many further records are lost."""
        now = self.status().records_dropped
        self.station.status.wait_for(lambda status: status.records_dropped >= now + records)

    def status(self) -> FdrStatus:
        """Return the last status."""
        return self.station.status.messages[-1]

    def suffer(
        self,
        break_it: Callable[[], object],
        text: str,
        *,
        lost: int = 50,
        cure_it: Callable[[], object] | None = None,
    ) -> Fault:
        """
        Let the disk fail, wait for what follows, cure it, and wait until it records again.

        :param break_it: makes the fault.
        :param text: of the alert.
        :param lost: as many records are lost before the cure.
        :param cure_it: ends the fault; None: the recorder has to help itself.
        """
        broken_s = time.monotonic()
        break_it()
        alert = self.radio.wait_for(text, after_s=broken_s)
        cured_s = broken_s
        if cure_it is not None:
            for _ in range(-(-lost // RATE_HZ)):
                self.miss(min(lost, RATE_HZ))
            assert not self.status().ready_for_takeoff
            cured_s = time.monotonic()
            cure_it()
        back = self.radio.wait_for('recording again', after_s=cured_s)
        assert back.severity == NOTICE
        self.station.status.wait_for(lambda status: status.ready_for_takeoff)
        self.fly(RATE_HZ // 2)
        return Fault(alert, alert.at_s - broken_s, back.at_s - cured_s)

    def land(self) -> Landed:
        """End the flight, and check that it adds up and that others read it."""
        published = self.producer.pause()
        self.station.status.wait_for(lambda status: accounted(status) == published)
        assert self.recorder.stop() == 0
        return look_at(self.directory, published)


def accounted(status: FdrStatus) -> int:
    """Return how many of the producer's records are written or known to be lost."""
    items = [item for item in status.producers if item.producer_id == PRODUCER]
    return sum(item.records_recorded + item.records_dropped for item in items)


def look_at(directory: Path, published: int) -> Landed:
    """Return what is in a directory; it is balanced, and mcap and rosbags read the same."""
    info = flight_info(directory)
    facts = (info['balanced'], info['problems'], info['clean_shutdown'])
    assert facts == (True, [], True), facts
    landed = Landed(info, played(directory), published)
    lost = landed.lost_by()
    assert len(landed.seqs) == len(set(landed.seqs))
    assert len(landed.seqs) + sum(lost.values()) == published
    told = [item for item in landed.payloads('overrun') if item['producer_id'] == PRODUCER]
    counts = [int(str(item['count'])) for item in told]
    # Of those in segments that are gone other records tell.
    assert sum(counts) <= sum(lost.values()) - lost.get('rolled_off', 0)
    assert lost.get('rolled_off') or sum(counts) == sum(lost.values())
    return landed


def seqs_of(records: list[FdrRecord]) -> list[int]:
    """Return the numbers of the producer's records."""
    return [record.seq for record in records if record.producer_id == PRODUCER]


def played(directory: Path) -> list[FdrRecord]:
    """Return the records of a bag, in the order of play; mcap and rosbags read the same."""
    records = indexed_records(directory)
    assert [record for _, record in rosbags_records(directory)] == records
    return records


def flight_info(directory: Path) -> dict[str, object]:
    """Return what ``fdr info --json`` says."""
    out = StringIO()
    with redirect_stdout(out):
        assert fdr(['info', str(directory), '--json']) in {0, 3}
    info: dict[str, object] = json.loads(out.getvalue())
    return info


def indexed_records(directory: Path) -> list[FdrRecord]:
    """Return the records of all files that the bag lists, as mcap reads them with checksums."""
    names = metadata_of(directory)['relative_file_paths']
    assert isinstance(names, list)
    records = []
    for name in names:
        with (directory / name).open('rb') as stream:
            messages = make_reader(stream, validate_crcs=True).iter_messages()
            records += [decode_cdr(message.data) for _, _, message in messages]
    return records


@contextmanager
def sortie_of(place: Path, root: Path) -> Iterator[Sortie]:
    """
    Return a sortie that has not taken off, in a domain of its own; end its processes.

    :param place: for logs.
    :param root: flight root.
    """
    domain_id = random_domain()
    with field_of(place, domain_id) as field, own_context(domain_id) as context:
        field.root = root
        station, radio = GroundStation(context), Radio(context)
        try:
            yield Sortie(field, station, radio)
        finally:
            station.close()
            radio.close()
