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
"""Flights to record in tests: settings, headers, records, and a recorder with what it reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from faulty_store import Faults, FaultyStore
from fdr_node.config import KIB, MIB, RecorderConfig
from fdr_node.record import FdrRecord
from fdr_node.recording.identity import flight_header
from fdr_node.recording.recorder import FlightRecorder
from fdr_node.storage.backends import open_store
from manual_clock import ManualClock, WALL_NS
from memory_store import MemoryDisk, MemoryFlight, MemoryStore, ROOT, SPARE_ROOT
import msgpack  # type: ignore[import-untyped]  # ships no annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from fdr_node.clock import Clock
    from fdr_node.config import Setting
    from fdr_node.events import Event
    from fdr_node.recording.ports import FlightStore
    from fdr_node.schema import FlightHeader

FLIGHT_ID = '01890a5d-ac96-774b-bcce-b302099a8057'
OTHER_FLIGHT_ID = '01890a5d-ac96-774b-bcce-b302099a8058'
SESSION_ID = 0xC0FFEE

# The smallest segments, and a cap that holds three of them.
SMALL: Mapping[str, Setting] = {
    # So that sizes follow from what is written.
    'compression': 'none',
    'segment_bytes_max': 512 * KIB,
    'flight_bytes_max': 2 * MIB,
    'record_bytes_max': 256 * KIB,
    'chunk_bytes': 32 * KIB,
    'free_bytes_min': 0,
}


def config_of(
    root: Path | str = '/memory', settings: Mapping[str, Setting] | None = None
) -> RecorderConfig:
    """Return small settings for flights below a root, but for those that are named."""
    return RecorderConfig.from_settings({**SMALL, 'flight_root': str(root), **(settings or {})})


def header_of(config: RecorderConfig, clock: Clock, flight_id: str = FLIGHT_ID) -> FlightHeader:
    """Return the header of a flight that starts now."""
    return flight_header(
        replace(config, flight_id=flight_id, signing_key_id='key-7'),
        start=ManualClock(wall_ns=clock.wall_ns(), monotonic_ns=clock.monotonic_ns()).now(),
        host='companion',
        software_versions={'fdr_node': '9.8.7', 'python': '3.14'},
        manifest_hashes={'/missions/grün.plan': 'ab' * 32},
    )


def record_of(seq: int, *, payload_bytes: int = 100, producer_id: str = 'imu_1') -> FdrRecord:
    """Return a record that is like no other: everything in it follows from ``seq``."""
    pattern = f'{producer_id} {seq} '.encode()
    return FdrRecord(
        stamp_ns=WALL_NS + seq % 10**15 + 7,
        monotonic_ns=5_000_000 + seq % 10**15,
        session_id=SESSION_ID,
        seq=seq,
        schema_version=3,
        producer_id=producer_id,
        kind='imu',
        payload=(pattern * (payload_bytes // len(pattern) + 1))[:payload_bytes],
    )


def payload_of(record: FdrRecord) -> dict[str, object]:
    """Return the payload of a record, read by the library alone."""
    payload: dict[str, object] = msgpack.unpackb(record.payload)
    return payload


class Rig:
    """A recorder, its clock, and the events that it reported."""

    def __init__(
        self,
        config: RecorderConfig,
        store_of: Callable[[str], FlightStore],
        clock: Clock | None = None,
        *,
        spare_of: Callable[[str], FlightStore] | None = None,
    ) -> None:
        self.config = config
        # What the recorder is told of losses for want of the disk, by producer.
        self.lost_to_disk: dict[str, int] = {}
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.recorder = FlightRecorder(
            config,
            store_of=store_of,
            clock=clock or self.clock,
            report=self.events.append,
            spare_of=spare_of,
            lost_to_disk=lambda: self.lost_to_disk,
        )

    def open_flight(self, flight_id: str = FLIGHT_ID) -> FlightHeader:
        """Open a flight."""
        header = header_of(self.config, self.clock, flight_id)
        self.recorder.open_flight(header)
        return header

    def write(self, seqs: Iterable[int], *, payload_bytes: int = 100) -> None:
        """Write a record for each number."""
        for seq in seqs:
            self.recorder.write_record(record_of(seq, payload_bytes=payload_bytes))

    def told(self) -> list[str]:
        """Return the names of the events."""
        return [event.name for event in self.events]


class MemoryRig(Rig):
    """
    A recorder whose store is in memory and fails when told to.

    :param has_spare: it has a second disk, which fails apart from the first.
    """

    def __init__(
        self, settings: Mapping[str, Setting] | None = None, *, has_spare: bool = False
    ) -> None:
        config = config_of(settings=settings)
        self.disk, self.spare_disk = MemoryDisk(), MemoryDisk()
        self.faults, self.spare_faults = Faults(), Faults()
        super().__init__(config, self._store_of, spare_of=self._spare_of if has_spare else None)

    def _store_of(self, flight_id: str) -> FaultyStore:
        return self._store(self.disk, flight_id, self.faults)

    def _spare_of(self, flight_id: str) -> FaultyStore:
        return self._store(self.spare_disk, flight_id, self.spare_faults)

    def _store(self, disk: MemoryDisk, flight_id: str, faults: Faults) -> FaultyStore:
        size_max = self.config.segment_bytes_max
        root = SPARE_ROOT if disk is self.spare_disk else ROOT
        store = MemoryStore(disk, flight_id=flight_id, segment_bytes_max=size_max, root=root)
        return FaultyStore(store, faults)

    @property
    def flight(self) -> MemoryFlight:
        """Return the flight on the disk."""
        return self.disk.flights[FLIGHT_ID]

    @property
    def spare_flight(self) -> MemoryFlight:
        """Return the flight on the second disk."""
        return self.spare_disk.flights[FLIGHT_ID]


class DiskRig(Rig):
    """A recorder that writes files."""

    def __init__(
        self,
        root: Path,
        settings: Mapping[str, Setting] | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        config = config_of(root, settings)
        super().__init__(config, self._store_of, clock)
        self.directory = root / FLIGHT_ID

    def _store_of(self, flight_id: str) -> FlightStore:
        return open_store(self.config, flight_id=flight_id, report=self.events.append)


class TwoDiskRig(Rig):
    """
    A recorder that writes files below two roots, which fail apart from each other when told to.

    :param root: of the first; the other is beside it.
    """

    def __init__(self, root: Path, settings: Mapping[str, Setting] | None = None) -> None:
        root.mkdir(exist_ok=True)
        roots = [root / 'first', root / 'spare']
        config = config_of(roots[0], {'fallback_root': str(roots[1]), **(settings or {})})
        self.faults = Faults(), Faults()
        self.first, self.spare = (place / FLIGHT_ID for place in roots)
        super().__init__(config, self._store_of, spare_of=self._spare_of)

    def _store_of(self, flight_id: str) -> FlightStore:
        return FaultyStore(open_store(self.config, flight_id=flight_id), self.faults[0])

    def _spare_of(self, flight_id: str) -> FlightStore:
        store = open_store(self.config, flight_id=flight_id, is_fallback=True)
        return FaultyStore(store, self.faults[1])

    def move(self, *, is_listed: bool = True) -> None:
        """
        Let the disk that is written to fail until the flight goes on on the other one.

        :param is_listed: the disk works again, and is told where the flight goes on; else it has
            failed for good.
        """
        before = self.recorder.status().directory
        faults = self.faults[before == self.spare]
        steps = ['commit', 'open_segment', *([] if is_listed else ['publish'])]
        for step in steps:
            faults.arm(step, times=10**9)
        self.recorder.commit()
        for _ in range(100):
            self.clock.advance(0.1)
            self.recorder.tick()
            if self.recorder.status().directory != before:
                break
        assert self.recorder.status().degraded_reason == ''
        if is_listed:
            faults.pending.clear()
