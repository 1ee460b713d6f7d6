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
degraded: it takes nothing more, keeps what was not committed, and tries again at the next
:meth:`FlightRecorder.tick`. It knows neither ROS nor files; the store does every step on disk.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fdr_node.clock import ClockWatch, Instant, iso_utc, LogClock, now, NS_PER_S
from fdr_node.errors import FdrOpenError, FlightStateError, PayloadError, StorageError
from fdr_node.events import Event, Level
from fdr_node.record import encode_cdr, peek
from fdr_node.recording.failure import errno_name, Failure
from fdr_node.recording.flight import Flight, OWN_PRODUCER
from fdr_node.recording.footer import producer_totals, with_producers
from fdr_node.recording.identity import header_fault
from fdr_node.schema import ClockStep, FlightFooter, Recovered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from fdr_node.events import Fact, Report
    from fdr_node.record import FdrRecord, RecordHead
    from fdr_node.recording.ports import FlightStore
    from fdr_node.schema import FlightHeader, Payload, ProducerTotals

# A commit begins this early, so that it is done when commit_interval_s has passed.
_COMMIT_MARGIN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """
    The recorder at one moment.

    :param header: of the open flight, or None when none is open.
    :param directory: of the open flight, or None.
    :param segment_index: number of the open segment.
    :param segment_bytes: bytes of the open segment on disk.
    :param size_bytes: bytes of the flight directory.
    :param is_rolling: the oldest segments are being dropped.
    :param degraded_reason: why it takes nothing; empty when it does.
    :param records_written: records taken, its own included.
    :param producers: the same by producer.
    :param bytes_written: bytes of all segments, dropped ones included.
    :param rollover_count: segments dropped.
    :param commit_age_ns: time since the last commit; None before the first.
    """

    header: FlightHeader | None
    directory: Path | None
    segment_index: int
    segment_bytes: int
    size_bytes: int
    is_rolling: bool
    degraded_reason: str
    records_written: int
    producers: Mapping[str, int]
    bytes_written: int
    rollover_count: int
    commit_age_ns: int | None


class FlightRecorder:
    """
    The recorder.

    :param config: its settings.
    :param store_of: returns the place for a flight id; nothing is touched before it is opened.
    :param clock: wall and monotonic time.
    :param report: is told of everything that happens; must not raise.
    """

    def __init__(
        self,
        config: RecorderConfig,
        *,
        store_of: Callable[[str], FlightStore],
        clock: Clock,
        report: Report,
    ) -> None:
        self._config = config
        self._commit_now_kinds = frozenset(config.commit_now_kinds)
        self._store_of = store_of
        self._clock = clock
        self._report = report
        self._flight: Flight | None = None
        self._footer: FlightFooter | None = None
        self._failure: Failure | None = None
        self._clock_watch = ClockWatch(now(clock))

    def open_flight(self, header: FlightHeader) -> None:
        """
        Open a flight and write its header durably.

        :raises FlightStateError: a flight is open.
        :raises FdrOpenError: it cannot be opened; no lock is held and no file is left.
        """
        if self._flight is not None:
            state = f'flight {self._flight.header.flight_id} is open'
            raise FlightStateError(operation='open_flight', state=state)
        store = self._store_of(header.flight_id)
        if fault := header_fault(header):
            raise FdrOpenError(store.directory, reason=fault)
        log_clock = LogClock(
            wall_at_open_ns=header.start_wall_ns, monotonic_at_open_ns=header.start_monotonic_ns
        )
        store.open_flight()
        flight = Flight(
            header, config=self._config, store=store, clock=self._clock, log_clock=log_clock
        )
        try:
            flight.put_own(header)
            flight.commit()
        except OSError as error:
            flight.discard()
            reason = f'{errno_name(error)}: {error.strerror or error}'
            raise FdrOpenError(store.directory, reason=reason) from error
        self._flight, self._footer, self._failure = flight, None, None
        self._clock_watch = ClockWatch(Instant(header.start_wall_ns, header.start_monotonic_ns))
        self._tell('flight_opened', flight_id=header.flight_id, directory=str(store.directory))

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
            failure = self._failure
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
        flight = self._open_flight('write_record')
        size_max = self._config.record_bytes_max
        if len(data) > size_max:
            raise PayloadError(field='record', value=len(data), bound=f'at most {size_max} bytes')
        if self._failure is not None:
            return False
        try:
            flight.put(
                data,
                producer_id=head.producer_id,
                sequence=head.seq,
                received_ns=received_ns,
                made_ns=head.stamp_ns,
            )
        except OSError as error:
            self._fail('cut', error)
            return False
        self._tell_drops(flight)
        is_urgent = head.kind in self._commit_now_kinds
        if is_urgent or flight.pending_bytes >= self._config.chunk_bytes:
            # The record is taken either way: it is in memory until a commit succeeds.
            self._try(flight, 'commit', flight.commit)
        return True

    def write_own(self, payload: Payload) -> bool:
        """
        Take a record of the recorder itself, such as an ``overrun``.

        :return: False while the recorder is degraded; the record was not taken.
        :raises FlightStateError: no flight is open.
        """
        flight = self._open_flight('write_own')
        is_well = self._failure is None
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
        if flight is None:
            return
        instant = now(self._clock)
        now_ns = instant.monotonic_ns
        if self._failure is not None:
            if self._failure.is_due(now_ns):
                self._try_again(flight, now_ns)
            return
        self._watch_clock(instant)
        if flight.is_old():
            self._try(flight, 'cut', flight.cut)
        since_ns = flight.pending_since_ns
        due_ns = _COMMIT_MARGIN * self._config.commit_interval_s * NS_PER_S
        if since_ns is not None and now_ns - since_ns >= due_ns:
            self._try(flight, 'commit', flight.commit)

    def commit(self) -> bool:
        """
        Make durable now what was taken.

        :return: False when the disk refused.
        :raises FlightStateError: no flight is open.
        """
        flight = self._open_flight('commit')
        return self._try(flight, 'commit', flight.commit)

    def close_flight(self, totals: Mapping[str, ProducerTotals] | None = None) -> FlightFooter:
        """
        Write the footer and close the flight; a second call returns the stored footer.

        :param totals: what became of each producer's records, from whoever counted them; without
            it every record that was written counts as all that was published.
        :return: the footer; ``clean_shutdown`` is False when the disk refused it, and then it is
            not in the flight.
        :raises FlightStateError: no flight was opened.
        """
        flight = self._flight
        if flight is None:
            if self._footer is None:
                raise FlightStateError(operation='close_flight', state='no flight was opened')
            return self._footer
        try:
            footer = flight.close(lambda size: self._make_footer(flight, totals or {}, size))
            self._failure = None
        except OSError as error:
            self._fail('close', error)
            flight.abandon()
            footer = self._make_footer(flight, totals or {}, flight.bytes_written, is_clean=False)
        flight.store.close_flight()
        self._flight, self._footer = None, footer
        self._tell(
            'flight_closed',
            Level.INFO if footer.clean_shutdown else Level.ERROR,
            flight_id=footer.flight_id,
            clean_shutdown=footer.clean_shutdown,
            records_written=footer.records_written,
            bytes_written=footer.bytes_written,
        )
        return footer

    def current_size_bytes(self) -> int:
        """Return the bytes of the flight directory; 0 when no flight is open."""
        return self._flight.size_bytes if self._flight else 0

    def is_rolling(self) -> bool:
        """Return whether the cap was reached and the oldest segments are being dropped."""
        return self._flight is not None and self._flight.rollover_count > 0

    def status(self) -> RecorderStatus:
        """Return the recorder as it is now; may be called from any thread and never waits."""
        flight, failure = self._flight, self._failure
        return RecorderStatus(
            header=flight.header if flight else None,
            directory=flight.store.directory if flight else None,
            segment_index=flight.segment_index if flight else 0,
            segment_bytes=flight.segment_bytes if flight else 0,
            size_bytes=flight.size_bytes if flight else 0,
            is_rolling=flight is not None and flight.rollover_count > 0,
            degraded_reason=failure.reason if failure else '',
            records_written=flight.records if flight else 0,
            producers=dict(flight.producers) if flight else {},
            bytes_written=flight.bytes_written if flight else 0,
            rollover_count=flight.rollover_count if flight else 0,
            commit_age_ns=(
                self._clock.monotonic_ns() - flight.committed_ns
                if flight and flight.committed_ns is not None
                else None
            ),
        )

    def _open_flight(self, operation: str) -> Flight:
        if self._flight is None:
            state = 'the flight is closed' if self._footer else 'no flight is open'
            raise FlightStateError(operation, state=state)
        return self._flight

    def _try(self, flight: Flight, step: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except OSError as error:
            self._fail(step, error)
            return False
        finally:
            self._tell_drops(flight)
        return True

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

    def _try_again(self, flight: Flight, now_ns: int) -> None:
        """Do the commit that failed, which also does an unfinished cut; then go on."""
        failure = self._failure
        if failure is None or not self._try(flight, 'commit', flight.commit):
            return
        self._failure = None
        duration_ns = now_ns - failure.since_ns
        self._tell('recovered', reason=failure.reason, duration_s=duration_ns / NS_PER_S)
        self.write_own(Recovered(cause=failure.step, duration_ns=duration_ns))

    def _fail(self, step: str, error: OSError) -> None:
        now_ns = self._clock.monotonic_ns()
        before = self._failure
        if before is None:
            self._failure = Failure.first(step, error, now_ns)
        else:
            self._failure = before.again(now_ns)
            if self._failure.log_at_ns == before.log_at_ns:
                return
        flight = self._flight
        self._tell(
            'storage_failed',
            Level.ERROR,
            step=step,
            errno=errno_name(error),
            text=error.strerror or str(error),
            path=str(flight.store.directory) if flight else None,
            tries=self._failure.tries,
        )

    def _tell_drops(self, flight: Flight) -> None:
        while flight.dropped:
            facts = flight.dropped.pop(0)
            self._tell(
                'segment_dropped',
                file=facts.name,
                size_bytes=facts.size_bytes,
                records=facts.records,
                rollover_count=flight.rollover_count,
            )

    def _tell(self, name: str, level: Level = Level.INFO, **facts: Fact) -> None:
        self._report(Event(name=name, level=level, facts=facts))

    def _make_footer(
        self,
        flight: Flight,
        totals: Mapping[str, ProducerTotals],
        bytes_written: int,
        *,
        is_clean: bool = True,
    ) -> FlightFooter:
        if is_clean:
            # The footer is a record too, and counts itself.
            records, recorded = flight.records + 1, flight.producers + Counter({OWN_PRODUCER: 1})
        else:
            records, recorded = flight.records_durable, flight.producers_durable
        end = now(self._clock)
        footer = FlightFooter(
            flight_id=flight.header.flight_id,
            end_utc=iso_utc(end.wall_ns),
            end_wall_ns=end.wall_ns,
            end_monotonic_ns=end.monotonic_ns,
            records_written=records,
            records_rolled_off=flight.records_rolled_off,
            bytes_written=bytes_written,
            rollover_count=flight.rollover_count,
            segment_count=flight.segment_count,
            clean_shutdown=is_clean,
        )
        refused = flight.producers - recorded
        return with_producers(footer, producer_totals(totals, recorded=recorded, refused=refused))
