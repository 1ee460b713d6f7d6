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
Counts the records of a flight as they are read, and keeps what the recorder's own records say.

Only heads are looked at, and the payloads of the recorder's own records; no record is kept. What
the counts mean is not decided here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final, TYPE_CHECKING

from fdr_node.debrief.outages import OutageLog
from fdr_node.debrief.sequences import Sequence
from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.record import decode_cdr, peek
from fdr_node.schema import (
    decode_record_payload,
    Degraded,
    FlightFooter,
    FlightHeader,
    Kind,
    LossCause,
    Overrun,
    Recovered,
    SegmentDropped,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

# The producer of the recorder's own records.
OWN_PRODUCER: Final = 'fdr'

# What is followed one by one. A hostile publisher can invent producers, sessions and kinds, and
# memory must not follow it; the recorder itself follows 1024 sessions.
SESSIONS_MAX: Final = 4096
KINDS_MAX: Final = 16384
CLAIMS_MAX: Final = 1024

# Counts the records of the kinds beyond KINDS_MAX; no kind can have this name, it is too long.
OTHER_KINDS: Final = '(kinds beyond the first 16384 pairs of a producer and a kind, all together)'

_OWN_KINDS: Final = frozenset(
    {
        Kind.FLIGHT_HEADER,
        Kind.FLIGHT_FOOTER,
        Kind.OVERRUN,
        Kind.SEGMENT_DROPPED,
        Kind.DEGRADED,
        Kind.RECOVERED,
    }
)


@dataclass(frozen=True, slots=True)
class Claim:
    """
    Records of one session that the log says were lost.

    :param first_seq: smallest number that may be lost
    :param last_seq: largest number that may be lost
    :param count: how many of those between the two, both included
    """

    first_seq: int
    last_seq: int
    count: int


@dataclass(slots=True)
class SegmentTally:
    """
    The records of one segment.

    :param records: those that can be read
    :param start_ns: smallest log time, since the epoch (ns); 0 without records
    :param end_ns: largest log time, since the epoch (ns); 0 without records
    :param steps_back: records whose log time is before that of the record before
    :param producers: records by producer
    """

    records: int = 0
    start_ns: int = 0
    end_ns: int = 0
    steps_back: int = 0
    producers: Counter[str] = field(default_factory=Counter)

    def add(self, log_time_ns: int) -> None:
        """Count a record that was recorded at this time."""
        if self.records and log_time_ns >= self.end_ns:
            self.end_ns = log_time_ns
        elif self.records:
            self.steps_back += 1
            self.start_ns = min(self.start_ns, log_time_ns)
        else:
            self.start_ns = self.end_ns = log_time_ns
        self.records += 1


class Tally:
    """
    The records of a flight.

    :ivar sessions: what was seen of each session, the first SESSIONS_MAX of them
    :ivar kinds: records by producer and kind
    :ivar claims: losses that the recorder's own records name, by session and cause
    :ivar drops: segments that the recorder's own records call dropped, by index
    :ivar rolled_off: records in those, by producer, as far as the records name producers
    :ivar records_rolled_off: records in all segments dropped so far, as the last of them says
    :ivar outages: times in which the storage took nothing, as the recorder's own records say
    :ivar words: largest number of a record in which a session speaks of itself, by session
    :ivar malformed: messages that are no FdrRecord
    :ivar untracked: records of further sessions
    :ivar unread_own: records of the recorder itself whose payload cannot be read
    :ivar foreign_own: records under the recorder's name, but of another session
    """

    def __init__(self) -> None:
        self.recorder_session_id: int | None = None
        self.header: FlightHeader | None = None
        self.footer: FlightFooter | None = None
        self.sessions: dict[tuple[str, int], Sequence] = {}
        self.kinds: dict[tuple[str, str], int] = {}
        self.claims: dict[tuple[str, int], dict[LossCause, list[Claim]]] = {}
        self.drops: dict[int, SegmentDropped] = {}
        self.rolled_off: Counter[str] = Counter()
        self.records_rolled_off = 0
        self.outages = OutageLog()
        self.words: dict[tuple[str, int], int] = {}
        self.malformed = 0
        self.untracked = 0
        self.unread_own = 0
        self.foreign_own = 0

    def recorded(self) -> Counter[str]:
        """Return the records by producer; those of untracked sessions are not in it."""
        recorded: Counter[str] = Counter()
        for (producer_id, _), sequence in self.sessions.items():
            recorded[producer_id] += sequence.distinct + sequence.duplicates
        return recorded

    def open_ends(self) -> tuple[str, ...]:
        """Return the producers that speak of themselves and have a session without a last word."""
        is_open = {
            key[0] for key, seq in self.words.items() if seq + 1 < self.sessions[key].next_seq
        }
        return tuple(sorted(is_open))

    def take(self, messages: Iterable[tuple[int, bytes]], segment: SegmentTally) -> None:
        """
        Count messages.

        :param messages: log time, in ns since the epoch, and bytes of each
        :param segment: the segment that they are in
        :raises ValueError: as ``messages`` raises it; what came before is counted
        """
        sessions, kinds = self.sessions, self.kinds
        for log_time_ns, data in messages:
            try:
                _, _, session_id, seq, _, producer_id, kind, _ = peek(data)
            except RecordDecodeError:
                self.malformed += 1
                continue
            segment.add(log_time_ns)
            sequence = sessions.get((producer_id, session_id)) or self._begin(
                producer_id, session_id, seq
            )
            if sequence is None:
                self.untracked += 1
                continue
            sequence.observe(seq)
            if kind == Kind.PRODUCER_STATS:
                word = self.words.get((producer_id, session_id), -1)
                self.words[producer_id, session_id] = max(word, seq)
            try:
                kinds[producer_id, kind] += 1
            except KeyError:
                self._add_kind(producer_id, kind)
            if producer_id == OWN_PRODUCER and kind in _OWN_KINDS:
                self._read_own(data, log_time_ns)

    def _begin(self, producer_id: str, session_id: int, seq: int) -> Sequence | None:
        if len(self.sessions) >= SESSIONS_MAX:
            return None
        sequence = Sequence(seq)
        self.sessions[producer_id, session_id] = sequence
        return sequence

    def _add_kind(self, producer_id: str, kind: str) -> None:
        if len(self.kinds) >= KINDS_MAX:
            kind = OTHER_KINDS
        self.kinds[producer_id, kind] = self.kinds.get((producer_id, kind), 0) + 1

    def _read_own(self, data: bytes, log_time_ns: int) -> None:
        record = decode_cdr(data)
        if self.recorder_session_id not in {None, record.session_id}:
            # Anyone may publish under this name. What such a record says is not believed.
            self.foreign_own += 1
            return
        try:
            payload = decode_record_payload(record.kind, record.schema_version, record.payload)
        except PayloadError:
            self.unread_own += 1
            return
        match payload.typed:
            case Overrun() as overrun:
                self._add_claim(overrun)
            case SegmentDropped() as drop:
                self._add_drop(drop)
            case Degraded() as degraded:
                self.outages.begin(degraded, log_time_ns)
            case Recovered() as recovered:
                self.outages.end(recovered, log_time_ns)
            case FlightHeader() as header:
                self.header = self.header or header
            case FlightFooter() as footer:
                self.footer = footer
            case _:
                self.unread_own += 1

    def _add_claim(self, overrun: Overrun) -> None:
        key = (overrun.producer_id, overrun.session_id)
        if key not in self.claims and len(self.claims) >= SESSIONS_MAX:
            self.unread_own += 1
            return
        claims = self.claims.setdefault(key, {}).setdefault(overrun.cause, [])
        claims.append(Claim(overrun.first_seq, overrun.last_seq, overrun.count))
        if len(claims) > CLAIMS_MAX:
            one, two = claims[:2]
            claims[:2] = [
                Claim(
                    min(one.first_seq, two.first_seq),
                    max(one.last_seq, two.last_seq),
                    one.count + two.count,
                )
            ]

    def _add_drop(self, drop: SegmentDropped) -> None:
        if drop.index in self.drops:
            return
        self.drops[drop.index] = replace(drop, producers={}, producers_rolled_off={})
        is_latest = drop.records_rolled_off > self.records_rolled_off
        if is_latest:
            self.records_rolled_off = drop.records_rolled_off
        if is_latest and drop.producers_rolled_off:
            # It counts those of all drops before, whose own records may be gone by now.
            self.rolled_off = Counter(drop.producers_rolled_off)
        elif not drop.producers_rolled_off:
            self.rolled_off.update(drop.producers)
