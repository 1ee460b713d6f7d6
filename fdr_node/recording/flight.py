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
Keeps the segments of one open flight: fills them, cuts them, moves to another disk, ends them.

Every method either does its step on disk or raises ``OSError`` and can be called again: it goes
on where it stopped. When to commit, and what a failure means, is not decided here.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from errno import EIO
from typing import TYPE_CHECKING

from fdr_node.record import peek
from fdr_node.recording import rotation
from fdr_node.recording.batch import RECORD_OVERHEAD_BYTES_MAX, share
from fdr_node.recording.drops import Closed, Drops
from fdr_node.recording.footer import segment_footer
from fdr_node.recording.own_records import OWN_PRODUCER, OwnRecords
from fdr_node.recording.place import Place, Places
from fdr_node.recording.tally import Tally
from fdr_node.recording.times import Times
from fdr_node.schema import HEADER_NAME, PARTS_NAME, SEGMENT_FOOTER_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fdr_node.clock import Clock, LogClock
    from fdr_node.config import RecorderConfig
    from fdr_node.recording.batch import Received
    from fdr_node.recording.ports import FlightStore, PendingRecord, Segment, SegmentFacts
    from fdr_node.recording.spare import Spare
    from fdr_node.schema import FlightHeader, Payload


class Flight:
    """
    An open flight.

    :param header: what the flight is; repeated in every segment.
    :param config: sizes and the cap.
    :param store: where it is written; already open.
    :param spare: where it goes on when that fails; claimed. None without a second disk.
    :param clock: for the recorder's own records and for the age of segments.
    :param log_clock: log time of the flight.
    """

    def __init__(  # noqa: PLR0913  # all of them are keywords
        self,
        header: FlightHeader,
        *,
        config: RecorderConfig,
        store: FlightStore,
        clock: Clock,
        log_clock: LogClock,
        spare: Spare | None = None,
    ) -> None:
        self.header = header
        self.records = 0
        self.tally = Tally()
        self.drops = Drops()
        self.times = Times()
        self._config = config
        self._clock = clock
        self._log_clock = log_clock
        self._custom_data = {HEADER_NAME: header.to_json()}
        places = [(store, config)] if spare is None else [(store, config), spare]
        self.places = Places(
            [Place(item, config=limits) for item, limits in places], drops=self.drops
        )
        self._segment: Segment | None = None
        self._segment_index = -1
        self._is_listed = False
        # A cut failed half way; whatever comes next has to finish it.
        self._is_cut_short = False
        # Records of a segment that had to be left, for the next one.
        self._left_over: list[PendingRecord] = []
        self._own = OwnRecords(header.session_id, clock=clock)
        self._last_log_ns = 0

    @property
    def store(self) -> FlightStore:
        """Return where it is written now."""
        return self.places.here.store

    @property
    def received(self) -> int:
        """Return the records that were taken, but for those of the recorder itself."""
        return self.records - self._own.taken

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
        """Bytes of the flight, in all its directories."""
        return self.places.size_bytes + self.segment_bytes

    @property
    def bytes_written(self) -> int:
        """Bytes of all segments that the flight has had, dropped ones included."""
        return self.places.bytes_ended + self.segment_bytes

    @property
    def _open_facts(self) -> SegmentFacts | None:
        """Of the open segment, once it holds records."""
        facts = self._segment.facts if self._segment else None
        return facts if facts and facts.records else None

    @property
    def records_durable(self) -> int:
        """Return records that are on disk or were, in segments dropped since."""
        in_open = self._segment.facts.records if self._segment else 0
        return in_open + self.places.records_ended

    def put(self, records: Sequence[Received], *, chunk_bytes: int = 0) -> int:
        """
        Add records to the open segment, or to a new one when the first does not fit.

        :param records: at least one.
        :param chunk_bytes: with so many bytes pending it takes no more.
        :return: how many it took, from the first on.
        :raises OSError: the segment could not be cut; no record was taken.
        :raises Exception: a fault of the program; ``received`` says how many were taken.
        """
        segment = self._open_segment()
        if not segment.fits(len(records[0][0])):
            segment = self._next_segment()
        bytes_max = chunk_bytes - segment.pending_bytes
        taken = records[: share(records, bytes_max=bytes_max, fits=segment.fits)]
        count, log_time_ns, add = 0, self._log_clock.log_time_ns, segment.add
        last_ns = self._last_log_ns
        try:
            for data, head, received_ns in taken:
                # Several sources may hand over a little out of turn; play needs order.
                last_ns = max(last_ns, log_time_ns(received_ns))
                add(data, sequence=head.seq, log_time_ns=last_ns, publish_time_ns=head.stamp_ns)
                count += 1
        finally:
            # After a fault at one of them, those before it are taken all the same.
            self._last_log_ns = last_ns
            self._count(taken[:count])
        return count

    def _count(self, taken: Sequence[Received]) -> None:
        if taken:
            self.times.take(taken[0][2], is_first=not self.tally.segment)
            self.tally.add([head.producer_id for _, head, _ in taken])
            self.records += len(taken)

    def put_own(self, payload: Payload) -> None:
        """
        Add a record of the recorder itself.

        :raises OSError: as :meth:`put`.
        """
        record = self._own.make(payload)
        self.put([(record.data, peek(record.data), record.monotonic_ns)])
        self._own.was_taken()

    def watched_file(self) -> tuple[str, int] | None:
        """Return the name and the known size of the file that is to grow; None without one."""
        segment = self._segment
        return (segment.facts.name, segment.facts.size_bytes) if segment else None

    def commit(self) -> None:
        """
        Make everything durable that was put, and list the segment once it holds something.

        A cut that failed half way is finished first.

        :raises OSError: what was not committed is kept for the next call.
        """
        segment = self._open_segment()
        self._commit(segment)
        if not self._is_listed and segment.facts.records:
            self.places.here.publish(self._custom_data, open_facts=self._open_facts)
            self._is_listed = True
        self.times.commit(self._clock.monotonic_ns())

    def cut(self) -> None:
        """End a segment that holds records and begin the next. :raises OSError: call it again."""
        if self.tally.segment:
            self._next_segment()
        else:
            self._open_segment()

    def give_back(self) -> None:
        """
        Drop the oldest segment for the space that it takes; there is one that may go.

        :raises OSError: it is still there.
        """
        # Listed again with the next commit, should there be no room for the list yet.
        self._is_listed = False
        self.places.drop_oldest(self._custom_data, open_facts=self._open_facts)

    def leave(self, *, is_trusted: bool) -> None:
        """
        Leave the open segment for another one, which the next step begins.

        :param is_trusted: close it, where that can be done; else it ends at its last good commit.
        """
        segment = self._segment
        if is_trusted and self.tally.segment and segment is not None and not segment.is_suspect:
            with suppress(Exception):
                self._end_segment(segment, self._end_metadata())
        if self._segment is not None:
            self._leave(self._segment)

    def move(self) -> None:
        """
        Go on in the other place; there is one, and no segment is open.

        What is in the place before stays there, and its bag says where the flight goes on, as far
        as its disk still takes that.
        """
        self._custom_data[PARTS_NAME] = self.places.move()
        self.places.tell_others(self._custom_data)

    def is_old(self) -> bool:
        """
        Return whether the open segment has held records for its longest duration.

        An empty one never grows old: idle hours would fill the flight with empty files, and the
        cap would drop what was recorded for them.
        """
        age_ns = self.times.segment_age_ns(self._clock.monotonic_ns())
        is_old = rotation.is_old(age_ns=age_ns, duration_max_s=self._config.segment_duration_max_s)
        return is_old and bool(self.tally.segment)

    def size_if_ended(self, last: Payload, metadata: Mapping[str, str]) -> int:
        """
        Return the bytes of all its segments, should it end with one more record of its own.

        :param metadata: name and text of what stands at its end; nothing may be pending.
        """
        size = len(self._own.make(last).data)
        return self.places.bytes_ended + self._open_segment().size_if_closed(size, metadata)

    def make_room(self, size: int) -> None:
        """Cut, and commit, unless a record of so many bytes fits. :raises OSError: as commit."""
        if not self._open_segment().fits(size):
            self._commit(self._next_segment())

    def take_back(self) -> bool:
        """
        Take back its own last record, which was put when nothing was pending.

        The open segment is left for that: what has failed there may be in it in part.

        :return: False when it is durable and stays.
        """
        if self.records == self.records_durable:
            self.tally.commit()
            return False
        if self._segment is not None:
            self._leave(self._segment)
        self._left_over.pop()
        self._own.take_back()
        self.tally.take_back(OWN_PRODUCER)
        self.records -= 1
        return True

    def end(self, metadata: Mapping[str, str]) -> None:
        """
        Commit, and end the last segment; both or neither, unless only its space is not given back.

        :param metadata: name and text of what stands at its end.
        :raises OSError: call it again.
        """
        if self._segment is None:
            raise OSError(EIO, 'the last segment was left before its end')
        self._close_segment(self._segment, metadata)

    def publish_end(self, texts: Mapping[str, str]) -> None:
        """List it as closed. :param texts: for its bags. :raises OSError: call it again."""
        custom_data = {**self._custom_data, **texts}
        self.places.here.publish(custom_data)
        self.places.tell_others(custom_data)

    def abandon(self) -> None:
        """Let go of the open segment when the flight cannot be closed; never raises."""
        if self._segment is not None:
            self._segment.abandon()

    def discard(self) -> None:
        """Undo an opening: no file is left, and the store is given back."""
        if self._segment is not None:
            self._segment.abort()
            self._segment = None
        self.places.give_back(discard=True)

    def release(self) -> None:
        """Let others write where it was written."""
        self.places.give_back()

    def _open_segment(self) -> Segment:
        """Return the segment that takes records."""
        if self._segment is None or self._is_cut_short:
            return self._next_segment()
        return self._segment

    def _next_segment(self) -> Segment:
        """End the open segment if there is one, keep the cap, begin the next."""
        self._is_cut_short = True
        if self._segment is not None:
            self._end_segment(self._segment, self._end_metadata())
        self.places.make_room(self._custom_data)
        index = self._segment_index + 1
        segment = self.store.open_segment(index, self._custom_data)
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
        self._put_notes(segment)
        return segment

    def _put_notes(self, segment: Segment) -> None:
        """
        Put what is to be known of segments that are gone; of a great many the next takes the rest.

        A record of the largest size must find room beside them.
        """
        room = self._config.record_bytes_max + RECORD_OVERHEAD_BYTES_MAX
        while notes := self.drops.notes:
            if not segment.fits(len(self._own.make(notes[0]).data) + room):
                return
            self.put_own(notes[0])
            notes.popleft()

    def _end_segment(self, segment: Segment, metadata: Mapping[str, str]) -> None:
        self._commit(segment)
        self._close_segment(segment, metadata)

    def _close_segment(self, segment: Segment, metadata: Mapping[str, str]) -> None:
        with self._sync(segment):
            facts = segment.close(metadata)
        self.tally.commit()
        self.places.here.add(Closed(facts, self.tally.end_segment()))
        self._segment = None
        self.times.commit(self._clock.monotonic_ns())

    def _commit(self, segment: Segment) -> None:
        with self._sync(segment):
            segment.commit()
        self.tally.commit()

    @contextmanager
    def _sync(self, segment: Segment) -> Iterator[None]:
        """After a failed sync, end a segment at its last good commit; the rest goes elsewhere."""
        try:
            yield
        except OSError:
            if segment.is_suspect:
                self._leave(segment)
            raise

    def _leave(self, segment: Segment) -> None:
        durable = self.tally.leave_segment()
        self._left_over = segment.take_pending()
        facts = segment.facts
        if facts.records:
            segment.abandon()
            self.places.here.leave(segment, Closed(facts, durable))
        else:
            # Nothing in it counts, and its number is free again.
            segment.abort()
            self._segment_index -= 1
        self._segment = None

    def _end_metadata(self) -> dict[str, str]:
        return {SEGMENT_FOOTER_NAME: segment_footer(self.tally.segment)}
