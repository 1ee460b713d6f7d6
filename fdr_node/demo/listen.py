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
Says what a record that was heard is, in one line, and keeps count of whom it was heard from.

Where the bytes come from is not known here (listener), and no flight is judged by what was heard:
who begins to listen in the middle has missed the beginning.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
import json
import math
from typing import Final, TYPE_CHECKING

from fdr_node.clock import iso_utc
from fdr_node.errors import PayloadError, RecordDecodeError
from fdr_node.record import decode_cdr
from fdr_node.schema import decode_payload, OTHERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fdr_node.record import FdrRecord
    from fdr_node.schema import Value

# Producer sessions that are followed one by one; whoever invents more is counted together.
SESSIONS_MAX: Final = 1024

# What a person sees of a payload at most, in characters.
_PAYLOAD_CHARACTERS_MAX: Final = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """
    What came.

    :param size_bytes: of the serialised record
    :param record: None when it is no FdrRecord
    :param payload: None when the payload is no map
    :param fault: why one of both is None; empty otherwise
    """

    size_bytes: int
    record: FdrRecord | None = None
    payload: Mapping[str, Value] | None = None
    fault: str = ''

    def line(self) -> str:
        """Return it for a person: when, who, what, its number and its payload, cut to size."""
        if self.record is None:
            return f'{self.size_bytes} bytes that are no record: {self.fault}'
        record = self.record
        if self.payload is None:
            text = f'{len(record.payload)} bytes: {self.fault}'
        else:
            text = json.dumps(_shown(self.payload, _size_of), ensure_ascii=False)
        if len(text) > _PAYLOAD_CHARACTERS_MAX:
            text = f'{text[: _PAYLOAD_CHARACTERS_MAX - 3]}...'
        head = f'{iso_utc(record.stamp_ns)} {record.producer_id} {record.kind} {record.seq}'
        return f'{head} {text}'

    def to_json(self) -> dict[str, object]:
        """Return all of it as JSON can hold it (docs/cli.md)."""
        record = self.record
        if record is None:
            return {'event': 'malformed', 'size_bytes': self.size_bytes, 'fault': self.fault}
        found: dict[str, object] = {
            'event': 'record',
            'stamp_ns': record.stamp_ns,
            'monotonic_ns': record.monotonic_ns,
            'producer_id': record.producer_id,
            'session_id': record.session_id,
            'seq': record.seq,
            'kind': record.kind,
            'schema_version': record.schema_version,
            'payload': None if self.payload is None else _shown(self.payload, _base64_of),
        }
        if self.payload is None:
            found['fault'] = self.fault
        return found


def read(data: bytes) -> Heard:
    """Return what a message is; bytes from anyone on the network are no error."""
    try:
        record = decode_cdr(data)
    except RecordDecodeError as error:
        return Heard(size_bytes=len(data), fault=str(error))
    try:
        payload = decode_payload(record.payload)
    except PayloadError as error:
        return Heard(size_bytes=len(data), record=record, fault=str(error))
    return Heard(size_bytes=len(data), record=record, payload=payload)


@dataclass(slots=True, kw_only=True)
class Count:
    """
    What was heard of one producer.

    :param records: records
    :param missing: numbers that were left out between those that were heard
    :param repeated: records with a number that is not above the one before: played again
    """

    records: int = 0
    missing: int = 0
    repeated: int = 0


@dataclass(slots=True)
class Tally:
    """What was heard so far, in all and by producer."""

    counts: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    records: int = 0
    malformed: int = 0
    _next: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, heard: Heard) -> None:
        """Count what came."""
        record = heard.record
        if record is None:
            self.malformed += 1
            return
        self.records += 1
        session = (record.producer_id, record.session_id)
        if session not in self._next and len(self._next) >= SESSIONS_MAX:
            self.counts[OTHERS].records += 1
            return
        expected = self._next.get(session, record.seq)
        count = self.counts[record.producer_id]
        count.records += 1
        count.missing += max(0, record.seq - expected)
        count.repeated += record.seq < expected
        self._next[session] = record.seq + 1

    def lines(self) -> list[str]:
        """Return the sum for a person: a line for each producer, and one for all."""
        shown = [
            f'{name}: {count.records:,} records, {count.missing:,} missing between them, '
            f'{count.repeated:,} again'
            for name, count in sorted(self.counts.items())
        ]
        bad = f', and {self.malformed:,} messages that are no record' if self.malformed else ''
        return [*shown, f'{self.records:,} records of {len(shown)} producers{bad}']

    def to_json(self) -> dict[str, object]:
        """Return the sum as JSON (docs/cli.md)."""
        return {
            'event': 'summary',
            'records': self.records,
            'malformed': self.malformed,
            'producers': {
                name: {
                    'records': count.records,
                    'missing': count.missing,
                    'repeated': count.repeated,
                }
                for name, count in sorted(self.counts.items())
            },
        }


def _shown(value: Value, of_bytes: Callable[[bytes], str]) -> object:
    """Return what JSON can hold of a value: bytes in words, and null for what is no number."""
    if isinstance(value, bytes):
        return of_bytes(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _shown(item, of_bytes) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item, of_bytes) for item in value]
    return value


def _size_of(data: bytes) -> str:
    return f'({len(data)} bytes)'


def _base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()
