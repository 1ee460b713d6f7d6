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
Lists every alert: its text, how bad it is, what it means and what to do about it.

The table in docs/operations.md is made from this list. Which event becomes which alert is decided
in the wording; words in braces are filled in there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TYPE_CHECKING

from fdr_node.alerts.alert import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Manner(StrEnum):
    """How an alert is told."""

    # At once, then again and again until the recorder records.
    FAILURE = 'failure'
    # At once, then again and again until the recorder is ready for take-off.
    PREARM = 'prearm'
    # At once, whatever was told just before.
    RECOVERY = 'recovery'
    # At once, but not again within the repeat time; what came in between follows as one.
    PASSING = 'passing'


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One alert of the catalogue.

    :param manner: how it is told.
    :param severity: how bad it is.
    :param text: what the operator reads; {words} are filled in, see ``WIDTHS``.
    :param meaning: what has happened.
    :param action: what to do.
    """

    manner: Manner
    severity: Severity
    text: str
    meaning: str
    action: str


# Longest filling of each {word} (characters).
WIDTHS: Final[Mapping[str, int]] = {
    'count': 4,
    'duration': 6,
    'errno': 12,
    'parameter': 24,
    'step': 12,
}


def _failure(text: str, meaning: str, action: str) -> Entry:
    return Entry(
        manner=Manner.FAILURE,
        severity=Severity.CRITICAL,
        text=f'FDR: {text}, not recording',
        meaning=meaning,
        action=action,
    )


def _prearm(text: str, meaning: str, action: str) -> Entry:
    return Entry(
        manner=Manner.PREARM,
        severity=Severity.CRITICAL,
        text=f'PreArm: FDR {text}',
        meaning=meaning,
        action=action,
    )


def _passing(severity: Severity, text: str, meaning: str, action: str) -> Entry:
    return Entry(
        manner=Manner.PASSING,
        severity=severity,
        text=f'FDR: {text}',
        meaning=meaning,
        action=action,
    )


_LAND: Final = 'Fly on; what memory cannot hold is lost by name. Check the disk after landing.'

# The disk refuses data in flight, by errno.
FAILURES: Final[Mapping[str, Entry]] = {
    'ENOSPC': _failure(
        'disk full',
        'No space is left; the oldest segments of this flight are given back for it, down to '
        '`degraded_keep_bytes`.',
        'Free space on the disk; it goes on by itself.',
    ),
    'EDQUOT': _failure(
        'disk quota used up',
        "The user's quota is used up.",
        'Raise the quota or free space; it goes on by itself.',
    ),
    'EROFS': _failure(
        'disk read-only',
        'The file system was remounted read-only, mostly after an error of the medium.',
        _LAND,
    ),
    'EIO': _failure('disk I/O error', 'The medium does not take data.', _LAND),
    'ENODEV': _failure('disk gone', 'Pulled out, unplugged or unmounted.', _LAND),
    'ESTALE': _failure(
        'network disk lost', 'The file server has gone or restarted.', 'Look at the network.'
    ),
    'ENOENT': _failure(
        'directory removed', 'The flight directory was deleted in flight.', 'Find out who did it.'
    ),
    'EACCES': _failure(
        'permission denied',
        'The rights of the flight directory were changed in flight.',
        'Give them back; it goes on by itself.',
    ),
    'EBUSY': _failure(
        'another recorder writes here',
        'The lock file of the flight root was removed, and a second recorder has taken the root.',
        'End one of them; the log says which process it is.',
    ),
    'EMFILE': _failure(
        'out of file handles',
        'The process or the computer has too many files open.',
        'Raise `LimitNOFILE`; find out what keeps files open.',
    ),
}
FAILURE_OTHER: Final = _failure(
    'disk {errno}', 'Another error of the system, named as in errno.h.', _LAND
)
NOT_GROWING: Final = _failure(
    'file does not grow',
    'Records were written without an error, and the file has not grown for `no_growth_s`.',
    _LAND,
)
STALLED: Final = Entry(
    manner=Manner.FAILURE,
    severity=Severity.ERROR,
    text='FDR: disk stalled for {duration}, buffering',
    meaning='A write or sync has not come back; memory takes the records as long as it lasts.',
    action='Fly on; a medium that stalls often is worn out or too slow.',
)

# The flight could not be opened, by errno.
REFUSALS: Final[Mapping[str, Entry]] = {
    'ENOSPC': _prearm(
        'disk has too little space',
        'Less than `free_bytes_min` or than two segments is free.',
        'Free space; on a small disk lower `free_bytes_min` and `segment_bytes_max`.',
    ),
    'EDQUOT': _prearm('disk quota used up', "The user's quota is used up.", 'Raise the quota.'),
    'EROFS': _prearm(
        'disk is read-only', 'The file system is mounted read-only.', 'Check and remount it.'
    ),
    'EIO': _prearm('disk I/O error', 'The medium does not take data.', 'Replace it.'),
    'ENODEV': _prearm('disk is gone', 'No medium, or not connected.', 'Connect it.'),
    'ESTALE': _prearm(
        'network disk lost', 'The file server has gone or restarted.', 'Mount it anew.'
    ),
    'ENOENT': _prearm(
        'flight root missing',
        '`flight_root` and the directory above it are not there; mostly a disk is not mounted.',
        'Mount the disk or correct `flight_root`.',
    ),
    'EACCES': _prearm(
        'may not write to flight root',
        'The user of the recorder has no right to write there.',
        'Give it, or correct `flight_root`.',
    ),
    'EMFILE': _prearm(
        'out of file handles', 'Too many files are open.', 'Raise `LimitNOFILE`, or restart.'
    ),
}
LOCKED: Final = _prearm(
    'locked by another recorder',
    'Another recorder writes to the same `flight_root`.',
    'Stop one of the two; the log names the process.',
)
BAD_PARAMETER: Final = _prearm(
    'parameter {parameter}',
    'This parameter is unknown or out of its bound; the process ends.',
    'Correct it; the log has the bound.',
)
REFUSAL_OTHER: Final = _prearm(
    'cannot open a flight, see log', 'For a reason that has no text of its own.', 'Read the log.'
)
NOT_RECORDING: Final = _prearm(
    'not recording',
    'No flight is open, or it is open and not active.',
    'Configure and activate the node.',
)

READY: Final = Entry(
    manner=Manner.RECOVERY,
    severity=Severity.NOTICE,
    text='FDR: ready for take-off, recording',
    meaning='What a PreArm alert said is over.',
    action='None.',
)
RECOVERED: Final = Entry(
    manner=Manner.RECOVERY,
    severity=Severity.NOTICE,
    text='FDR: recording again, out {duration}, {count} lost',
    meaning='The disk takes data again; how long it did not, and the records lost meanwhile.',
    action='Check the disk after landing.',
)
FALLBACK: Final = _passing(
    Severity.WARNING,
    'recording to fallback disk',
    'The first disk failed; the flight goes on in `fallback_root`.',
    'Take both directories after landing.',
)
NO_FALLBACK: Final = _passing(
    Severity.WARNING,
    'fallback disk cannot be used',
    '`fallback_root` is set and cannot be written to; the flight has one disk only.',
    'Read the log before you fly.',
)
NOT_CLOSED: Final = _passing(
    Severity.ERROR,
    'flight not closed cleanly',
    'The disk refused the footer or did not answer; what was committed is there.',
    'Run `fdr recover` on the flight.',
)
LOST: Final = _passing(
    Severity.WARNING,
    '{count} records lost',
    'Since the last such alert, all producers and causes together.',
    '`/fdr/status` and `fdr info` name producer and cause.',
)
SPACE_GIVEN: Final = _passing(
    Severity.WARNING,
    'disk full, dropping oldest segments',
    'The oldest segments of this flight go, down to `degraded_keep_bytes`.',
    'Free space on the disk.',
)
SEGMENT_MISSING: Final = _passing(
    Severity.WARNING,
    'a segment was removed from outside',
    'A closed segment is no longer there; the recorder did not drop it.',
    'Find out who did it.',
)
CAP_LOWERED: Final = _passing(
    Severity.WARNING,
    'little disk space, cap lowered',
    'Less space is free than `flight_bytes_max`; the flight has a lower cap.',
    'Free space before the next flight.',
)
FLIGHT_RECOVERED: Final = _passing(
    Severity.NOTICE,
    'interrupted flight put in order',
    'An earlier flight ended without a footer; it was mended at the start.',
    'The log says what of it is lost.',
)
FLIGHT_NOT_RECOVERED: Final = _passing(
    Severity.WARNING,
    'an earlier flight is damaged',
    'It could not be put in order and is as it was.',
    'Run `fdr recover` on it.',
)
ROOT_OVER_CAP: Final = _passing(
    Severity.WARNING,
    'flights exceed root_bytes_max',
    'What is left of the old flights cannot go.',
    'Move flights away.',
)
FAULT: Final = _passing(
    Severity.ERROR,
    'internal fault in {step}, see log',
    'A fault of the program; it goes on.',
    'Report it, with the trace in the log.',
)
BROKEN_OFF: Final = _passing(
    Severity.CRITICAL,
    'internal fault, flight closed, see log',
    'A fault of the program in a transition of its life cycle.',
    'Report it, with the trace in the log.',
)


def entries() -> Iterator[Entry]:
    """Yield every alert there is, in the order of the documentation."""
    yield from FAILURES.values()
    yield from (FAILURE_OTHER, NOT_GROWING, STALLED, FALLBACK, RECOVERED)
    yield from REFUSALS.values()
    yield from (LOCKED, BAD_PARAMETER, REFUSAL_OTHER, NOT_RECORDING, READY)
    yield from (LOST, SPACE_GIVEN, SEGMENT_MISSING, CAP_LOWERED, NOT_CLOSED)
    yield from (FLIGHT_RECOVERED, FLIGHT_NOT_RECOVERED, ROOT_OVER_CAP, NO_FALLBACK)
    yield from (FAULT, BROKEN_OFF)
