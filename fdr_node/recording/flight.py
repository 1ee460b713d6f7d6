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
Keeps the segments of one open flight: fills them, cuts them, drops the oldest, ends them.

Every method either does its step on disk or raises ``OSError`` and can be called again: it goes
on where it stopped. When to commit, and what a failure means, is not decided here.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.config import FOOTER_JSON_BYTES_MAX
from fdr_node.record import encode_cdr, FdrRecord, stamp_of
from fdr_node.recording import rotation
from fdr_node.recording.footer import drop_note, segment_footer
from fdr_node.schema import (
    encode_payload,
    FOOTER_NAME,
    HEADER_NAME,
    OTHERS,
    SEGMENT_FOOTER_NAME,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fdr_node.clock import Clock, LogClock
    from fdr_node.config import RecorderConfig
    from fdr_node.recording.ports import FlightStore, PendingRecord, Segment, SegmentFacts
    from fdr_node.schema import FlightFooter, FlightHeader, Payload, SegmentDropped

# The producer of the recorder's own records.
OWN_PRODUCER = 'fdr'

# Producers that are counted by name: memory must not follow a hostile publisher that invents them.
PRODUCERS_MAX = 2048


class Closed(NamedTuple):
    """A segment that is never written again."""

    facts: SegmentFacts
    producers: Counter[str]


class Flight:
    """
    An open flight.

    :param header: what the flight is; repeated in every segment.
    :param config: sizes and the cap.
    :param store: where it is written; already open.
    :param clock: for the recorder's own records and for the age of segments.
    :param log_clock: log time of the flight.
    """

    def __init__(
        self,
        header: FlightHeader,
        *,
        config: RecorderConfig,
        store: FlightStore,
        clock: Clock,
        log_clock: LogClock,
    ) -> None:
        self.header = header
        self.store = store
        self.records = 0
        self.producers: Counter[str] = Counter()
        # The same at the last commit: what is pending may be lost yet.
        self.producers_durable: Counter[str] = Counter()
        self.rollover_count = 0
        self._rolled_off: Counter[str] = Counter()
        # Segments that were dropped and that nobody was told of yet.
        self.dropped: list[SegmentFacts] = []
        # CLOCK_MONOTONIC of the last commit, and of the oldest record that is not committed.
        self.committed_ns: int | None = None
        self.pending_since_ns: int | None = None
        self._config = config
        self._clock = clock
        self._log_clock = log_clock
        self._custom_data = {HEADER_NAME: header.to_json()}
        self._closed: deque[Closed] = deque()
        self._bytes_in_closed = 0
        self._bytes_of_dropped = 0
        self._metadata_bytes = 0
        self._segment: Segment | None = None
        self._segment_index = -1
        # CLOCK_MONOTONIC of the first record in the open segment.
        self._segment_began_ns = 0
        self._segment_producers: Counter[str] = Counter()
        self._is_listed = False
        # A cut failed half way; whatever comes next has to finish it.
        self._is_cut_short = False
        # Records of a segment that had to be left, for the next one.
        self._left_over: list[PendingRecord] = []
        self._notes: deque[SegmentDropped] = deque()
        self._own_seq = 0
        self._last_log_ns = 0

    @property
    def segment_index(self) -> int:
        """Return the number of the segment that is open or was open last; 0 for the first."""
        return max(0, self._segment_index)

    @property
    def segment_count(self) -> int:
        """Segments that the flight has had, dropped ones included."""
        return self._segment_index + 1

    @property
    def segment_bytes(self) -> int:
        """Bytes of the open segment on disk."""
        segment = self._segment  # once: another thread may ask while it is cut
        return segment.facts.size_bytes if segment else 0

    @property
    def pending_bytes(self) -> int:
        """Bytes of records that are not committed."""
        segment = self._segment
        return segment.pending_bytes if segment else sum(len(r.data) for r in self._left_over)

    @property
    def size_bytes(self) -> int:
        """Bytes of the flight directory."""
        return self._bytes_in_closed + self.segment_bytes + self._metadata_bytes

    @property
    def bytes_written(self) -> int:
        """Bytes of all segments that the flight has had, dropped ones included."""
        return self._bytes_in_closed + self._bytes_of_dropped + self.segment_bytes

    @property
    def records_rolled_off(self) -> int:
        """Return records in segments that were dropped."""
        return self._rolled_off.total()

    @property
    def records_durable(self) -> int:
        """Return records that are on disk or were, in segments dropped since."""
        in_open = self._segment.facts.records if self._segment else 0
        return self.records_rolled_off + in_open + sum(c.facts.records for c in self._closed)

    def put(
        self, data: bytes, *, producer_id: str, sequence: int, received_ns: int, made_ns: int
    ) -> None:
        """
        Add a record to the open segment, or to a new one when it does not fit.

        :param data: the serialised FdrRecord.
        :param sequence: its number in its session.
        :param received_ns: CLOCK_MONOTONIC when it was received.
        :param made_ns: wall clock when it was made.
        :raises OSError: the segment could not be cut; the record was not taken.
        """
        segment = self._open_segment()
        if not segment.fits(len(data)):
            segment = self._next_segment()
        # Records of several sources may be handed over a little out of turn; play needs order.
        log_time_ns = max(self._last_log_ns, self._log_clock.log_time_ns(received_ns))
        self._last_log_ns = log_time_ns
        segment.add(data, sequence=sequence, log_time_ns=log_time_ns, publish_time_ns=made_ns)
        since_ns = self.pending_since_ns  # of a note, when the cut took long and left one
        self.pending_since_ns = received_ns if since_ns is None else min(since_ns, received_ns)
        if not self._segment_producers:
            self._segment_began_ns = received_ns
        known = self.producers
        name = producer_id if producer_id in known or len(known) < PRODUCERS_MAX else OTHERS
        self._segment_producers[name] += 1
        self.producers[name] += 1
        self.records += 1

    def put_own(self, payload: Payload) -> None:
        """
        Add a record of the recorder itself.

        :raises OSError: as :meth:`put`.
        """
        data, made_ns, now_ns = self._own_record(payload)
        self.put(
            data,
            producer_id=OWN_PRODUCER,
            sequence=self._own_seq,
            received_ns=now_ns,
            made_ns=made_ns,
        )
        self._own_seq += 1

    def commit(self) -> None:
        """
        Make everything durable that was put, and list the segment once it holds something.

        A cut that failed half way is finished first.

        :raises OSError: what was not committed is kept for the next call.
        """
        segment = self._open_segment()
        self._commit(segment)
        if not self._is_listed and segment.facts.records:
            self._publish(self._custom_data)
            self._is_listed = True
        self._mark_committed()

    def cut(self) -> None:
        """End a segment that holds records and begin the next. :raises OSError: call it again."""
        if self._segment_producers:
            self._next_segment()
        else:
            self._open_segment()

    def is_old(self) -> bool:
        """
        Return whether the open segment has held records for its longest duration.

        An empty one never grows old: idle hours would fill the flight with empty files, and the
        cap would drop what was recorded for them.
        """
        age_ns = self._clock.monotonic_ns() - self._segment_began_ns
        is_old = rotation.is_old(age_ns=age_ns, duration_max_s=self._config.segment_duration_max_s)
        return is_old and bool(self._segment_producers)

    def close(self, make_footer: Callable[[int], FlightFooter]) -> FlightFooter:
        """
        Write the footer, end the last segment, and list the flight as closed.

        :param make_footer: returns the footer for a number of bytes written.
        :return: the footer as it was written, its own bytes included.
        :raises OSError: what was committed is on disk, the footer is not.
        """
        self.commit()
        footer = self._settle(make_footer)
        metadata = self._end_metadata(footer)
        self.put_own(footer)
        self._end_segment(self._open_segment(), metadata)
        self._publish({**self._custom_data, FOOTER_NAME: metadata[FOOTER_NAME]})
        return footer

    def abandon(self) -> None:
        """Let go of the open segment when the flight cannot be closed; never raises."""
        if self._segment is not None:
            self._segment.abandon()

    def discard(self) -> None:
        """Undo an opening: no file is left, and the store is given back."""
        if self._segment is not None:
            self._segment.abort()
            self._segment = None
        self.store.close_flight(discard=True)

    def _settle(self, make_footer: Callable[[int], FlightFooter]) -> FlightFooter:
        """Return a footer whose own bytes are in the number of bytes that it tells."""
        footer = make_footer(0)
        segment = self._open_segment()
        if not segment.fits(FOOTER_JSON_BYTES_MAX):
            segment = self._next_segment()
            self._commit(segment)
        before = self._bytes_in_closed + self._bytes_of_dropped
        while True:
            data, _, _ = self._own_record(footer)
            total = before + segment.size_if_closed(len(data), self._end_metadata(footer))
            if total == footer.bytes_written:
                return footer
            # A larger number takes at least as many bytes as a smaller one, so this ends.
            footer = make_footer(total)

    def _own_record(self, payload: Payload) -> tuple[bytes, int, int]:
        stamp_ns, now_ns = stamp_of(self._clock.wall_ns()), self._clock.monotonic_ns()
        record = FdrRecord(
            stamp_ns=stamp_ns,
            monotonic_ns=now_ns,
            session_id=self.header.session_id,
            seq=self._own_seq,
            schema_version=payload.VERSION,
            producer_id=OWN_PRODUCER,
            kind=payload.KIND,
            payload=encode_payload(payload.to_payload()),
        )
        return encode_cdr(record), stamp_ns, now_ns

    def _open_segment(self) -> Segment:
        """Return the segment that takes records."""
        if self._segment is None or self._is_cut_short:
            return self._next_segment()
        return self._segment

    def _next_segment(self) -> Segment:
        """End the open segment if there is one, keep the cap, begin the next."""
        self._is_cut_short = True
        if self._segment is not None:
            self._end_segment(self._segment, self._end_metadata(None))
        self._make_room()
        index = self._segment_index + 1
        try:
            segment = self.store.open_segment(index, self._custom_data)
        except FileExistsError:
            # Left by an opening that failed and could not be undone: the number is used up.
            self._segment_index = index
            raise
        self._segment = segment
        self._segment_index = index
        self._is_cut_short = False
        self._is_listed = False
        for record in self._left_over:
            segment.add(
                record.data,
                sequence=record.sequence,
                log_time_ns=record.log_time_ns,
                publish_time_ns=record.publish_time_ns,
            )
        self._left_over = []
        while self._notes:
            self.put_own(self._notes[0])
            self._notes.popleft()
        return segment

    def _end_segment(self, segment: Segment, metadata: Mapping[str, str]) -> None:
        self._commit(segment)
        try:
            facts = segment.close(metadata)
        except OSError:
            self._leave_if_suspect(segment)
            raise
        self._closed.append(Closed(facts, self._segment_producers))
        self._bytes_in_closed += facts.size_bytes
        self._segment = None
        self._segment_producers = Counter()
        self._mark_committed()

    def _commit(self, segment: Segment) -> None:
        try:
            segment.commit()
        except OSError:
            self._leave_if_suspect(segment)
            raise
        self.producers_durable = Counter(self.producers)

    def _leave_if_suspect(self, segment: Segment) -> None:
        """After a failed sync, end a segment at its last good commit; the rest goes elsewhere."""
        if not segment.is_suspect:
            return
        pending = self.producers - self.producers_durable
        self._left_over = segment.take_pending()
        facts = segment.facts
        if facts.records:
            segment.abandon()
            self._closed.append(Closed(facts, self._segment_producers - pending))
            self._bytes_in_closed += facts.size_bytes
        else:
            # Nothing in it counts, and its number is free again.
            segment.abort()
            self._segment_index -= 1
        self._segment = None
        self._segment_producers = pending

    def _mark_committed(self) -> None:
        self.committed_ns = self._clock.monotonic_ns()
        self.pending_since_ns = None

    def _make_room(self) -> None:
        """List what is closed, without the oldest that must go for the next segment; drop them."""
        metadata_bytes = rotation.on_disk(self._metadata_bytes + FOOTER_JSON_BYTES_MAX)
        count = rotation.count_to_drop(
            [item.facts.size_bytes for item in self._closed],
            reserved_bytes=rotation.on_disk(self._config.segment_bytes_max) + 2 * metadata_bytes,
            cap_bytes=self._config.flight_bytes_max,
        )
        if not self._closed:
            return
        oldest = [self._closed[place] for place in range(count)]
        # The list goes first: rosbag2 refuses a bag that lists a file which is not there. It is
        # written at every cut, as a segment may fill up before its first commit lists it.
        self._publish(self._custom_data, without=count)
        for item in oldest:
            self.store.drop_segment(item.facts.name)
            self._closed.popleft()
            self._note_drop(item)

    def _note_drop(self, item: Closed) -> None:
        facts = item.facts
        self._bytes_in_closed -= facts.size_bytes
        self._bytes_of_dropped += facts.size_bytes
        self.rollover_count += 1
        self._rolled_off += item.producers
        self.dropped.append(facts)
        self._notes.append(drop_note(facts, producers=item.producers, rolled_off=self._rolled_off))

    def _publish(self, custom_data: Mapping[str, str], *, without: int = 0) -> None:
        segments = [item.facts for item in self._closed][without:]
        if self._segment is not None and self._segment.facts.records:
            segments.append(self._segment.facts)
        self._metadata_bytes = self.store.publish(segments, custom_data)

    def _end_metadata(self, footer: FlightFooter | None) -> dict[str, str]:
        """Return what stands at the end of a segment; the footer's record is yet to be put."""
        if footer is None:
            return {SEGMENT_FOOTER_NAME: segment_footer(self._segment_producers)}
        producers = self._segment_producers + Counter({OWN_PRODUCER: 1})
        return {SEGMENT_FOOTER_NAME: segment_footer(producers), FOOTER_NAME: footer.to_json()}
