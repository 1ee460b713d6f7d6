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
Decides which event becomes which alert, and fills in its words; pure.

Whatever an event's facts are, the alert fits. When it is told is decided by the cadence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TYPE_CHECKING

from fdr_node.alerts import catalogue
from fdr_node.alerts.alert import Alert
from fdr_node.alerts.catalogue import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.alerts.catalogue import Entry
    from fdr_node.events import Event, Fact

# Numbers that mean the same to the operator.
_SAME_ERRNO: Final[Mapping[str, str]] = {
    'ENOMEDIUM': 'ENODEV',
    'ENOTCONN': 'ENODEV',
    'ENXIO': 'ENODEV',
    'ENOTDIR': 'ENOENT',
    'EPERM': 'EACCES',
    'ENFILE': 'EMFILE',
}

# Events with one alert whatever their facts are.
_SIMPLE: Final[Mapping[str, Entry]] = {
    'storage_stalled': catalogue.STALLED,
    'fallback_opened': catalogue.FALLBACK,
    'no_fallback': catalogue.NO_FALLBACK,
    'recovered': catalogue.RECOVERED,
    'parameter_refused': catalogue.BAD_PARAMETER,
    'records_lost': catalogue.LOST,
    'cap_lowered': catalogue.CAP_LOWERED,
    'flight_recovered': catalogue.FLIGHT_RECOVERED,
    'flight_not_recovered': catalogue.FLIGHT_NOT_RECOVERED,
    'root_over_cap': catalogue.ROOT_OVER_CAP,
    'step_failed': catalogue.FAULT,
    'transition_failed': catalogue.BROKEN_OFF,
    'flight_not_closed': catalogue.NOT_CLOSED,
}

_DROPPED: Final[Mapping[Fact, Entry]] = {
    'space': catalogue.SPACE_GIVEN,
    'missing': catalogue.SEGMENT_MISSING,
}

_COUNT_FACTS: Final[Mapping[Entry, str]] = {
    catalogue.RECOVERED: 'records_lost',
    catalogue.LOST: 'records',
}
_DURATION_FACTS: Final[Mapping[Entry, str]] = {
    catalogue.RECOVERED: 'duration_s',
    catalogue.STALLED: 'stalled_s',
}

_COUNT_EXACT_MAX: Final = 9999
_COUNT_UNITS: Final = ((10**9, 'G'), (10**6, 'M'), (10**3, 'k'))
_COUNT_TOO_LARGE: Final = 10**12

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DURATION_MAX_S: Final = 100 * _HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    An alert that is to be told, before its words are filled in.

    :param entry: which one.
    :param facts: of the event.
    :param count: records, where the text has a count.
    """

    entry: Entry
    facts: Mapping[str, Fact] = field(default_factory=dict)
    count: int = 0


def notice_of(event: Event) -> Notice | None:
    """Return what the operator has to know of an event, or None."""
    entry = _entry_of(event)
    if entry is None:
        return None
    count = _whole(event.facts.get(_COUNT_FACTS.get(entry, '')))
    return Notice(entry=entry, facts=event.facts, count=count)


def together(first: Notice, second: Notice) -> Notice:
    """Return one notice for two of the same entry: the later facts, both counts."""
    return Notice(entry=second.entry, facts=second.facts, count=first.count + second.count)


def alert_of(notice: Notice) -> Alert:
    """Fill in the words; each is cut to its width."""
    facts, entry = notice.facts, notice.entry
    words = {
        'count': count_text(notice.count),
        'duration': duration_text(facts.get(_DURATION_FACTS.get(entry, ''))),
        'errno': _word('errno', facts),
        'parameter': _word('parameter', facts),
        'step': _word('step', facts),
    }
    return Alert(severity=entry.severity, text=entry.text.format_map(words))


def count_text(count: int) -> str:
    """Return a count in at most 4 characters: 9999, 12k, 3M, 7G; what is cut off is rounded."""
    if count <= _COUNT_EXACT_MAX:
        return str(max(0, count))
    if count >= _COUNT_TOO_LARGE:
        return '>1T'
    size, unit = next(item for item in _COUNT_UNITS if count >= item[0])
    return f'{count // size}{unit}'


def duration_text(seconds: Fact) -> str:
    """Return a duration in at most 6 characters: <1 s, 42 s, 17 min, 3 h."""
    # A number that is none is not equal to itself.
    if not isinstance(seconds, int | float) or seconds != seconds:  # noqa: PLR0124
        return '? s'
    if seconds < 1:
        return '<1 s'
    if seconds < _MINUTE_S:
        return f'{int(seconds)} s'
    if seconds < _HOUR_S:
        return f'{int(seconds / _MINUTE_S)} min'
    return f'{int(seconds / _HOUR_S)} h' if seconds < _DURATION_MAX_S else '>99 h'


def _entry_of(event: Event) -> Entry | None:
    facts = event.facts
    match event.name:
        case 'storage_failed':
            return _failure(facts)
        case 'flight_not_opened':
            return _refusal(facts)
        case 'flight_closed':
            return None if facts.get('clean_shutdown') else catalogue.NOT_CLOSED
        case 'segment_dropped':
            return _DROPPED.get(facts.get('reason'))
        case name:
            return _SIMPLE.get(name)


def _failure(facts: Mapping[str, Fact]) -> Entry:
    number = _errno(facts)
    if facts.get('step') == 'growth' and number == 'EIO':
        return catalogue.NOT_GROWING
    return catalogue.FAILURES.get(number, catalogue.FAILURE_OTHER)


def _refusal(facts: Mapping[str, Fact]) -> Entry:
    match facts.get('error'):
        case 'FdrConcurrentWriterError':
            return catalogue.LOCKED
        case 'ConfigError':
            return catalogue.BAD_PARAMETER
        case _:
            return catalogue.REFUSALS.get(_errno(facts), catalogue.REFUSAL_OTHER)


def _errno(facts: Mapping[str, Fact]) -> str:
    name = str(facts.get('errno'))
    return _SAME_ERRNO.get(name, name)


def _whole(fact: Fact) -> int:
    return fact if isinstance(fact, int) and fact > 0 else 0


def _word(name: str, facts: Mapping[str, Fact]) -> str:
    """Return a fact as one word: no space, only printable ASCII, not too long."""
    text = str(facts.get(name) or '').strip()
    plain = ''.join(letter if '!' <= letter <= '~' else '_' for letter in text)
    return plain[: WIDTHS[name]] or '?'
