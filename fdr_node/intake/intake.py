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
Takes what the subscription had waiting: reads the heads, keeps the ledger, fills the ring.

Payloads are not looked at, but for the few in which a producer says how many records its own queue
dropped. Nothing here waits for the disk.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from itertools import count, islice
from operator import attrgetter, itemgetter
from typing import Final, TYPE_CHECKING

from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.intake.ring import Entry, make_entry
from fdr_node.record import decode_cdr, peek
from fdr_node.schema import decode_record_payload, Kind, LossCause, ProducerStats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fdr_node.intake.lanes import Lanes
    from fdr_node.intake.ledger import Ledger
    from fdr_node.intake.policy import Policy
    from fdr_node.record import RecordHead

# A larger producer_stats record is none, and is not decoded (bytes).
STATS_BYTES_MAX: Final = 1024

_STATS: Final = str(Kind.PRODUCER_STATS)
_kind_of: Final = attrgetter('kind')
_seq_of: Final = attrgetter('seq')
_session_of: Final = itemgetter(2, 5)


def drain(take: Callable[[], tuple[bytes, object] | None], *, limit: int) -> list[bytes]:
    """
    Take all messages that wait.

    :param take: returns the oldest one and what is known of its way, or None when none waits.
    :param limit: messages at most, so that a flood cannot keep the intake here for ever.
    """
    return [data for data, _ in islice(iter(take, None), limit)]


class Intake:
    """
    The way from serialised messages to the ring.

    :param ledger: is told of every record, and of every one that does not get through.
    :param lanes: where the records wait for the writer.
    :param policy: which records may be recorded.
    """

    def __init__(self, *, ledger: Ledger, lanes: Lanes, policy: Policy) -> None:
        self._ledger = ledger
        self._lanes = lanes
        self._policy = policy
        # What the records are put down to that find no room: a disk that takes none, or the ring.
        self.overflow_cause = LossCause.RING

    def accept(self, batch: Sequence[bytes], received_ns: int, *, is_full: bool = False) -> int:
        """
        Take a batch in.

        :param batch: serialised FdrRecords in the order in which they came.
        :param received_ns: CLOCK_MONOTONIC when they were drained.
        :param is_full: whether the history that they waited in was full: more may have come.
        :return: records that were lost in this step, of whatever cause.
        """
        records, heads = _in_turn(*_whole(batch))
        malformed = len(batch) - len(records)
        self._ledger.observe(heads, received_ns, is_full=is_full)
        if malformed:
            self._ledger.note_malformed(malformed)
        # A nanosecond apart: their order must be known when they wait in different lanes.
        entries = [*map(make_entry, zip(records, heads, count(received_ns)))]
        # What is decided by kind is decided once for each kind of the batch.
        kinds = set(map(_kind_of, heads))
        if _STATS in kinds:
            self._hear(entries)
        allowed = entries
        if not self._policy.allows_all(kinds, bytes_max=max(map(len, records), default=0)):
            allowed = self._allowed(entries, received_ns)
        evicted = self._lanes.push(allowed, kinds=kinds)
        self._give_up(evicted, self.overflow_cause)
        return malformed + len(entries) - len(allowed) + len(evicted)

    def give_back(self, entries: list[Entry]) -> None:
        """Put records back that the writer could not write; the ring may have no room by now."""
        self._give_up(self._lanes.give_back(entries), self.overflow_cause)

    def _hear(self, entries: Iterable[Entry]) -> None:
        """Read what producers say about themselves, the last word of each session."""
        latest: dict[tuple[str, int], Entry] = {}
        for entry in entries:
            head = entry.head
            if head.kind == _STATS and self._ledger.follows(head):
                key = (head.producer_id, head.session_id)
                known = latest.get(key)
                if known is None or head.seq >= known.head.seq:
                    latest[key] = entry
        for entry in latest.values():
            stats = _read_stats(entry)
            if stats is not None:
                self._ledger.note_stats(entry.head, stats)

    def _allowed(self, entries: list[Entry], now_ns: int) -> list[Entry]:
        judge = self._policy.judge
        allowed: list[Entry] = []
        refused: dict[LossCause, list[Entry]] = {}
        for entry in entries:
            cause = judge(entry.head.kind, size=len(entry.data), now_ns=now_ns)
            if cause is None:
                allowed.append(entry)
            else:
                refused.setdefault(cause, []).append(entry)
        for cause, some in refused.items():
            self._give_up(some, cause)
        return allowed

    def _give_up(self, entries: list[Entry], cause: LossCause) -> None:
        if entries:
            self._ledger.give_up((entry.head for entry in entries), cause)


def _whole(batch: Sequence[bytes]) -> tuple[Sequence[bytes], list[RecordHead]]:
    """Return the messages that are whole records, and the head of each."""
    with suppress(RecordDecodeError):
        return batch, [*map(peek, batch)]
    records: list[bytes] = []
    heads: list[RecordHead] = []
    for data in batch:
        with suppress(RecordDecodeError):
            heads.append(peek(data))
            records.append(data)
    return records, heads


def _in_turn(
    records: Sequence[bytes], heads: list[RecordHead]
) -> tuple[Sequence[bytes], list[RecordHead]]:
    """
    Return records with those of each session in the order of their numbers.

    They come by two ways and are of one sequence; between sessions the order stays as it is.
    """
    seqs = [*map(_seq_of, heads)]
    places: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for place, session in enumerate(map(_session_of, heads)):
        places[session].append(place)
    order: list[int] | None = None
    for own in places.values():
        in_turn = sorted(own, key=seqs.__getitem__)
        if in_turn != own:
            order = order or [*range(len(heads))]
            for place, taken in zip(own, in_turn, strict=True):
                order[place] = taken
    if order is None:
        return records, heads
    return [records[place] for place in order], [heads[place] for place in order]


def _read_stats(entry: Entry) -> ProducerStats | None:
    """Return what a producer says; None when nobody can understand it."""
    if entry.head.payload_bytes > STATS_BYTES_MAX:
        return None
    record = decode_cdr(entry.data)
    try:
        payload = decode_record_payload(record.kind, record.schema_version, record.payload)
    except PayloadError:
        return None
    return payload.typed if isinstance(payload.typed, ProducerStats) else None
