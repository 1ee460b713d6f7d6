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
Records one flight after the other: opens it, takes records, keeps time, closes it.

Used by one thread at a time; it waits for nothing but the disk. A disk that fails leaves it
degraded: it takes nothing more, keeps what was not committed, and at a later
:meth:`FlightRecorder.tick` does what the error calls for and tries again. It knows neither ROS nor
files; the store does every step on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.clock import ClockWatch, Instant, iso_utc, now, NS_PER_S
from fdr_node.errors import FlightStateError, PayloadError, StorageError
from fdr_node.events import Event, Level
from fdr_node.record import encode_cdr, peek
from fdr_node.recording.beginning import begin
from fdr_node.recording.degradation import Degradation
from fdr_node.recording.disk_watch import DiskWatch
from fdr_node.recording.ending import Ending
from fdr_node.recording.recorder_status import RecorderStatus, status_of
from fdr_node.schema import ClockStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from fdr_node.events import Fact, Report
    from fdr_node.record import FdrRecord, RecordHead
    from fdr_node.recording.batch import Received
    from fdr_node.recording.flight import Flight
    from fdr_node.recording.ports import FlightStore
    from fdr_node.schema import FlightFooter, FlightHeader, Payload, ProducerTotals

# A commit begins this early, so that it is done when commit_interval_s has passed.
_COMMIT_MARGIN = 0.8


class FlightRecorder:
    """
    The recorder.

    :param config: its settings.
    :param store_of: returns the place for a flight id; nothing is touched before it is opened.
    :param clock: wall and monotonic time.
    :param report: is told of everything that happens; must not raise.
    :param spare_of: returns a place on a second disk, or None without one.
    :param lost_to_disk: returns the records that were lost for want of the disk so far, by
        producer, from whoever counts them.
    """

    def __init__(  # noqa: PLR0913  # all of them are keywords
        self,
        config: RecorderConfig,
        *,
        store_of: Callable[[str], FlightStore],
        clock: Clock,
        report: Report,
        spare_of: Callable[[str], FlightStore] | None = None,
        lost_to_disk: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._config = config
        self._commit_now_kinds = frozenset(config.commit_now_kinds)
        self._store_of = store_of
        self._clock = clock
        self._report = report
        self._flight: Flight | None = None
        self._ending: Ending | None = None
        self._footer: FlightFooter | None = None
        self._spare_of = spare_of
        self._lost_to_disk = lost_to_disk
        self._clock_watch = ClockWatch(now(clock))
        self._degradation = self._sound()
        self._disk_watch = DiskWatch(config)

    def open_flight(self, header: FlightHeader) -> None:
        """
        Open a flight and write its header durably.

        :raises FlightStateError: a flight is open.
        :raises FdrOpenError: it cannot be opened; no lock is held and no file is left.
        """
        if self._flight is not None:
            state = f'flight {self._flight.header.flight_id} is open'
            raise FlightStateError(operation='open_flight', state=state)
        flight = begin(
            header,
            config=self._config,
            store=self._store_of(header.flight_id),
            spare_of=self._spare_of,
            clock=self._clock,
            report=self._report,
        )
        self._flight, self._footer = flight, None
        self._degradation = self._sound()
        self._disk_watch = DiskWatch(self._config)
        self._clock_watch = ClockWatch(Instant(header.start_wall_ns, header.start_monotonic_ns))

    def discard_flight(self) -> None:
        """Undo an opening, before anything was recorded; without one it does nothing."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.discard()

    def _sound(self) -> Degradation:
        """Return the state of a storage that has not failed."""
        return Degradation(clock=self._clock, report=self._report, lost_to_disk=self._lost_to_disk)

    def write_record(self, record: FdrRecord) -> None:
        """
        Take one record; it is durable within ``commit_interval_s``.

        :raises FlightStateError: no flight is open.
        :raises PayloadError: a field of the record is out of its range, or the record is larger
            than ``record_bytes_max``.
        :raises StorageError: the disk refuses data; the record was not taken.
        """
        data = encode_cdr(record)
        if not self.write(data, peek(data), received_ns=self._clock.monotonic_ns()):
            failure = self._degradation.failure
            path = self._open_flight('write_record').store.directory
            raise StorageError(
                operation='write_record', path=path, errno=failure.errno if failure else 0
            )

    def write(self, data: bytes, head: RecordHead, *, received_ns: int) -> bool:
        """
        Take one serialised record as it came.

        :param head: what stands at its beginning.
        :param received_ns: CLOCK_MONOTONIC when it was received.
        :return: False while the recorder is degraded; the record was not taken.
        :raises FlightStateError: no flight is open.
        :raises PayloadError: the record is larger than ``record_bytes_max``: a segment may not
            have room for it.
        """
        return self.write_all([(data, head, received_ns)]) == 1

    def write_all(self, records: Sequence[Received]) -> int:
        """
        Take serialised records as they came, as :meth:`write` would one by one.

        :param records: data, head, and when it was received of each.
        :return: how many were taken, from the first on; while it is degraded not all.
        :raises FlightStateError: no flight is open.
        :raises PayloadError: one is larger than ``record_bytes_max``; none was taken.
        """
        flight = self._open_flight('write_record')
        size, size_max = max(len(data) for data, _, _ in records), self._config.record_bytes_max
        if size > size_max:
            raise PayloadError(field='record', value=size, bound=f'at most {size_max} bytes')
        taken = 0
        while taken < len(records) and self._degradation.failure is None:
            taken += self._put(flight, self._up_to_urgent(records[taken:]))
        return taken

    def _put(self, flight: Flight, records: Sequence[Received]) -> int:
        """Take as many as go into one chunk, and commit when it is time. :return: how many."""
        before = flight.received
        try:
            taken = flight.put(records, chunk_bytes=self._config.chunk_bytes)
        except Exception as error:  # noqa: BLE001  # what was not taken still waits
            self._degradation.meet(flight, 'cut', error)
            return flight.received - before
        self._degradation.tell_drops(flight)
        is_urgent = records[taken - 1][1].kind in self._commit_now_kinds
        if is_urgent or flight.pending_bytes >= self._config.chunk_bytes:
            # They are taken either way: they are in memory until a commit succeeds.
            self._try(flight, 'commit', flight.commit)
        return taken

    def _up_to_urgent(self, records: Sequence[Received]) -> Sequence[Received]:
        """Return the records up to the first that is committed at once, that one included."""
        kinds = [head.kind for _, head, _ in records]
        if self._commit_now_kinds.isdisjoint(kinds):
            return records
        ends = (end for end, kind in enumerate(kinds, 1) if kind in self._commit_now_kinds)
        return records[: next(ends)]

    def write_own(self, payload: Payload) -> bool:
        """
        Take a record of the recorder itself, such as an ``overrun``.

        :return: False while the recorder is degraded; the record was not taken.
        :raises FlightStateError: no flight is open.
        """
        flight = self._open_flight('write_own')
        is_well = self._degradation.failure is None
        is_taken = is_well and self._try(flight, 'cut', lambda: flight.put_own(payload))
        if is_taken and payload.KIND in self._commit_now_kinds:
            self._try(flight, 'commit', flight.commit)
        return is_taken

    def tick(self) -> None:
        """
        Do what is due: commit, cut an old segment, try again after a failure.

        To be called a few times per ``commit_interval_s``; without an open flight it does nothing.
        """
        flight = self._flight
        if flight is None or (self._ending is not None and self._ending.has_footer):
            return
        instant = now(self._clock)
        now_ns = instant.monotonic_ns
        if self._degradation.failure is not None:
            if self._degradation.is_due(now_ns):
                self._degradation.try_again(flight)
            return
        self._watch_clock(instant)
        if flight.is_old():
            self._try(flight, 'cut', flight.cut)
        since_ns = flight.times.pending_since_ns
        due_ns = _COMMIT_MARGIN * self._config.commit_interval_s * NS_PER_S
        if since_ns is not None and now_ns - since_ns >= due_ns:
            self._try(flight, 'commit', flight.commit)
        # Behind the commit: what waited for it is no lack of growth.
        self._try(flight, 'growth', lambda: self._disk_watch.look(flight, now_ns))

    def commit(self) -> bool:
        """
        Make durable now what was taken.

        :return: False when the disk refused.
        :raises FlightStateError: no flight is open.
        """
        flight = self._open_flight('commit')
        if self._degradation.failure is None:
            return self._try(flight, 'commit', flight.commit)
        self._degradation.try_again(flight)
        return self._degradation.failure is None

    def split(self) -> bool:
        """
        Begin a new segment now, unless the open one holds nothing.

        :return: False when the disk refused.
        :raises FlightStateError: no flight is open.
        """
        flight = self._open_flight('split')
        return self._degradation.failure is None and self._try(flight, 'cut', flight.cut)

    @property
    def degraded_reason(self) -> str:
        """Why it takes nothing; empty when it does. May be asked from any thread."""
        return self._degradation.reason

    def retry(self) -> None:
        """Try again at the next tick, when it is degraded; may be called from any thread."""
        self._degradation.ask()

    def bridge(self, *, step: str, since_ns: int) -> None:
        """
        Record a time in which the storage did not answer and nobody could say so; it is over.

        :param step: what was waited for.
        :param since_ns: CLOCK_MONOTONIC of its beginning.
        """
        if self._flight is not None:
            self._degradation.bridge(self._flight, step=step, since_ns=since_ns)

    @property
    def is_open(self) -> bool:
        """Whether a flight is open."""
        return self._flight is not None

    def try_to_close(
        self, totals: Mapping[str, ProducerTotals] | None = None
    ) -> FlightFooter | None:
        """
        Close the flight as :meth:`close_flight` does, as soon as the disk takes its footer.

        :return: None when it refuses: to be called again after a :meth:`tick`, or given up with
            :meth:`close_flight`.
        :raises FlightStateError: no flight is open.
        """
        flight = self._open_flight('try_to_close')
        if self._degradation.failure is not None and not self._ending_of(flight).has_footer:
            return None
        footer = self._close(flight, totals or {})
        if footer is not None:
            self._end(flight, footer)
        return footer

    def close_flight(self, totals: Mapping[str, ProducerTotals] | None = None) -> FlightFooter:
        """
        Write the footer and close the flight; a second call returns the stored footer.

        :param totals: what became of each producer's records, from whoever counted them; without
            it every record that was written counts as all that was published.
        :return: the footer; not ``clean_shutdown`` when the disk refused it, and it is not there.
        :raises FlightStateError: no flight was opened.
        """
        flight = self._flight
        if flight is None:
            if self._footer is None:
                raise FlightStateError(operation='close_flight', state='no flight was opened')
            return self._footer
        try:
            footer = self._close(flight, totals or {})
            if footer is None:
                footer = self._ending_of(flight).unclean(totals or {})
        except Exception:
            self._let_go(flight)
            raise
        self._end(flight, footer)
        return footer

    def _ending_of(self, flight: Flight) -> Ending:
        if self._ending is None:
            self._ending = Ending(flight, clock=self._clock)
        return self._ending

    def _close(self, flight: Flight, totals: Mapping[str, ProducerTotals]) -> FlightFooter | None:
        ending = self._ending_of(flight)
        if not self._try(flight, 'close', lambda: ending.put_footer(totals)):
            return None
        try:
            # The footer says which segments are there: none is given back for this any more.
            footer = ending.finish()
        except Exception as error:  # noqa: BLE001  # whatever it is, the footer is there
            self._degradation.fail(flight, 'close', error)
            return None
        self._degradation.failure = None
        return footer

    def _let_go(self, flight: Flight) -> None:
        flight.abandon()
        flight.release()
        self._flight = self._ending = None

    def _end(self, flight: Flight, footer: FlightFooter) -> None:
        self._let_go(flight)
        self._footer = footer
        self._degradation.tell_drops(flight)
        self._tell(
            'flight_closed',
            Level.INFO if footer.clean_shutdown else Level.ERROR,
            flight_id=footer.flight_id,
            clean_shutdown=footer.clean_shutdown,
            records_written=footer.records_written,
            bytes_written=footer.bytes_written,
        )

    def open_file(self) -> Path | None:
        """Return the open segment; None without one. May be called from any thread."""
        flight = self._flight
        watched = flight.watched_file() if flight else None
        return flight.store.directory / watched[0] if flight and watched else None

    def current_size_bytes(self) -> int:
        """Return the bytes of the flight directory; 0 when no flight is open."""
        return self._flight.size_bytes if self._flight else 0

    def is_rolling(self) -> bool:
        """Return whether the cap was reached and the oldest segments are being dropped."""
        return self._flight is not None and self._flight.drops.segments > 0

    def status(self) -> RecorderStatus:
        """Return the recorder as it is now; may be called from any thread and never waits."""
        return status_of(
            self._flight,
            degraded_reason=self._degradation.reason,
            free_bytes=self._disk_watch.free_bytes,
            now_ns=self._clock.monotonic_ns(),
        )

    def _open_flight(self, operation: str) -> Flight:
        if self._flight is None:
            state = 'the flight is closed' if self._footer else 'no flight is open'
            raise FlightStateError(operation, state=state)
        return self._flight

    def _try(self, flight: Flight, step: str, action: Callable[[], None]) -> bool:
        return self._degradation.attempt(flight, step, action)

    def _watch_clock(self, instant: Instant) -> None:
        """Record a step of the wall clock; log time goes on without it."""
        step_ns = self._clock_watch.step(instant)
        if not step_ns:
            return
        before = Instant(instant.wall_ns - step_ns, instant.monotonic_ns)
        step = ClockStep(
            wall_before_ns=before.wall_ns,
            wall_after_ns=instant.wall_ns,
            monotonic_ns=instant.monotonic_ns,
            step_ns=step_ns,
        )
        if self.write_own(step):
            self._tell('clock_step', step_s=step_ns / NS_PER_S, wall=iso_utc(instant.wall_ns))
        else:
            # The disk refuses it; it is noticed again when the disk does not.
            self._clock_watch = ClockWatch(before)

    def _tell(self, name: str, level: Level = Level.INFO, **facts: Fact) -> None:
        self._report(Event(name=name, level=level, facts=facts))
