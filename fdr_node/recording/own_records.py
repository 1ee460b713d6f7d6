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
"""Makes the records of the recorder itself, numbered as those of any producer; it puts none."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

from fdr_node.record import encode_cdr, FdrRecord, stamp_of
from fdr_node.schema import encode_payload

if TYPE_CHECKING:
    from fdr_node.clock import Clock
    from fdr_node.schema import Payload

# The producer of the recorder's own records.
OWN_PRODUCER = 'fdr'


class OwnRecord(NamedTuple):
    """A serialised record, and when it was made."""

    data: bytes
    sequence: int
    made_ns: int
    monotonic_ns: int


class OwnRecords:
    """
    The recorder as a producer.

    :param session_id: of this start.
    :param clock: wall and monotonic time.
    """

    def __init__(self, session_id: int, *, clock: Clock) -> None:
        self._session_id = session_id
        self._clock = clock
        self._next = 0

    @property
    def taken(self) -> int:
        """Return the records that were taken so far."""
        return self._next

    def make(self, payload: Payload) -> OwnRecord:
        """Return the next record; the one after it has the same number until it was taken."""
        made_ns, monotonic_ns = stamp_of(self._clock.wall_ns()), self._clock.monotonic_ns()
        record = FdrRecord(
            stamp_ns=made_ns,
            monotonic_ns=monotonic_ns,
            session_id=self._session_id,
            seq=self._next,
            schema_version=payload.VERSION,
            producer_id=OWN_PRODUCER,
            kind=payload.KIND,
            payload=encode_payload(payload.to_payload()),
        )
        return OwnRecord(encode_cdr(record), self._next, made_ns, monotonic_ns)

    def was_taken(self) -> None:
        """Go on with the next number."""
        self._next += 1

    def take_back(self) -> None:
        """Give the last number that was taken once more."""
        self._next -= 1
