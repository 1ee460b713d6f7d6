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
"""Each event becomes the right alert, and no fact of it can make one that does not fit."""

from __future__ import annotations

import errno

from fdr_node.alerts import catalogue
from fdr_node.alerts.alert import Severity
from fdr_node.alerts.wording import (
    alert_of,
    count_text,
    duration_text,
    Notice,
    notice_of,
    together,
)
from fdr_node.events import Event, Fact
from hypothesis import example, given
from hypothesis import strategies as st
import pytest

# Every event that the log documents, and one that it does not.
NAMES = [
    'cap_lowered',
    'clock_step',
    'fallback_opened',
    'flight_closed',
    'flight_dropped',
    'flight_not_closed',
    'flight_not_dropped',
    'flight_not_opened',
    'flight_not_recovered',
    'flight_opened',
    'flight_recovered',
    'no_fallback',
    'parameter_refused',
    'records_lost',
    'recovered',
    'root_over_cap',
    'segment_dropped',
    'step_failed',
    'storage_failed',
    'storage_stalled',
    'transition_failed',
    'what_nobody_knows',
]
FACT_NAMES = [
    'clean_shutdown',
    'duration_s',
    'errno',
    'error',
    'parameter',
    'reason',
    'records',
    'records_lost',
    'stalled_s',
    'step',
]
FACTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.sampled_from(['ENOSPC', 'ENOTCONN', 'ConfigError', 'space', 'missing']),
    st.sampled_from([10**400, -(10**400)]),
)


def told(name: str, **facts: Fact) -> tuple[Severity, str] | None:
    """Return the alert of an event."""
    notice = notice_of(Event(name=name, facts=facts))
    if notice is None:
        return None
    alert = alert_of(notice)
    return alert.severity, alert.text


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FACT_NAMES), FACTS))
@example('recovered', {'duration_s': 10**400, 'records_lost': 10**400})
@example('storage_stalled', {'stalled_s': float('nan')})
@example('storage_stalled', {'stalled_s': -float('inf')})
def test_no_fact_makes_an_alert_that_does_not_fit(name: str, facts: dict[str, Fact]) -> None:
    """Whatever an event says, its alert exists or there is none."""
    notice = notice_of(Event(name=name, facts=facts))
    if notice is not None:
        alert_of(notice)
        alert_of(together(notice, notice))


@pytest.mark.parametrize(
    ('facts', 'text'),
    [
        ({'errno': 'ENOSPC'}, 'FDR: disk full, not recording'),
        ({'errno': 'EDQUOT'}, 'FDR: disk quota used up, not recording'),
        ({'errno': 'EROFS'}, 'FDR: disk read-only, not recording'),
        ({'errno': 'EIO'}, 'FDR: disk I/O error, not recording'),
        ({'errno': 'ENODEV'}, 'FDR: disk gone, not recording'),
        ({'errno': 'ENOTCONN'}, 'FDR: disk gone, not recording'),
        ({'errno': 'ENXIO'}, 'FDR: disk gone, not recording'),
        ({'errno': 'ESTALE'}, 'FDR: network disk lost, not recording'),
        ({'errno': 'ENOENT'}, 'FDR: directory removed, not recording'),
        ({'errno': 'ENOTDIR'}, 'FDR: directory removed, not recording'),
        ({'errno': 'EACCES'}, 'FDR: permission denied, not recording'),
        ({'errno': 'EPERM'}, 'FDR: permission denied, not recording'),
        ({'errno': 'EMFILE'}, 'FDR: out of file handles, not recording'),
        ({'errno': 'ENFILE'}, 'FDR: out of file handles, not recording'),
        ({'errno': 'EPROTONOSUPPORT'}, 'FDR: disk EPROTONOSUPP, not recording'),
        ({'errno': 'errno 9999'}, 'FDR: disk errno_9999, not recording'),
        ({}, 'FDR: disk ?, not recording'),
        ({'errno': 'EIO', 'step': 'growth'}, 'FDR: file does not grow, not recording'),
        ({'errno': 'ENOENT', 'step': 'growth'}, 'FDR: directory removed, not recording'),
    ],
)
def test_a_failing_disk_is_critical(facts: dict[str, Fact], text: str) -> None:
    """By errno; what the operator would do the same about reads the same."""
    assert told('storage_failed', **facts) == (Severity.CRITICAL, text)


@pytest.mark.parametrize(
    ('facts', 'text'),
    [
        ({'errno': 'ENOSPC'}, 'PreArm: FDR disk has too little space'),
        ({'errno': 'EDQUOT'}, 'PreArm: FDR disk quota used up'),
        ({'errno': 'EROFS'}, 'PreArm: FDR disk is read-only'),
        ({'errno': 'EIO'}, 'PreArm: FDR disk I/O error'),
        ({'errno': 'ENOMEDIUM'}, 'PreArm: FDR disk is gone'),
        ({'errno': 'ESTALE'}, 'PreArm: FDR network disk lost'),
        ({'errno': 'ENOENT'}, 'PreArm: FDR flight root missing'),
        ({'errno': 'EPERM'}, 'PreArm: FDR may not write to flight root'),
        ({'errno': 'EMFILE'}, 'PreArm: FDR out of file handles'),
        (
            {'error': 'FdrConcurrentWriterError', 'errno': ''},
            'PreArm: FDR locked by another recorder',
        ),
        (
            {'error': 'ConfigError', 'parameter': 'manifest_paths'},
            'PreArm: FDR parameter manifest_paths',
        ),
        ({'error': 'ConfigError'}, 'PreArm: FDR parameter ?'),
        ({'error': 'FdrOpenError', 'errno': ''}, 'PreArm: FDR cannot open a flight, see log'),
    ],
)
def test_a_flight_that_does_not_open_is_not_armed(facts: dict[str, Fact], text: str) -> None:
    """By the class of the error, else by errno."""
    assert told('flight_not_opened', **facts) == (Severity.CRITICAL, text)


@pytest.mark.parametrize(
    ('name', 'facts', 'wanted'),
    [
        (
            'storage_stalled',
            {'step': 'commit', 'stalled_s': 2.5},
            (Severity.ERROR, 'FDR: disk stalled for 2 s, buffering'),
        ),
        (
            'recovered',
            {'duration_s': 754.0, 'records_lost': 12_345},
            (Severity.NOTICE, 'FDR: recording again, out 12 min, 12k lost'),
        ),
        (
            'recovered',
            {'duration_s': 0.25},
            (Severity.NOTICE, 'FDR: recording again, out <1 s, 0 lost'),
        ),
        ('fallback_opened', {}, (Severity.WARNING, 'FDR: recording to fallback disk')),
        (
            'parameter_refused',
            {'parameter': 'mavlink_signing_key_path'},
            (Severity.CRITICAL, 'PreArm: FDR parameter mavlink_signing_key_path'),
        ),
        (
            'records_lost',
            {'records': 17, 'producer_id': 'imu'},
            (Severity.WARNING, 'FDR: 17 records lost'),
        ),
        ('cap_lowered', {}, (Severity.WARNING, 'FDR: little disk space, cap lowered')),
        (
            'flight_closed',
            {'clean_shutdown': False},
            (Severity.ERROR, 'FDR: flight not closed cleanly'),
        ),
        ('flight_closed', {'clean_shutdown': True}, None),
        (
            'flight_recovered',
            {},
            (Severity.NOTICE, 'FDR: interrupted flight put in order'),
        ),
        (
            'flight_not_recovered',
            {},
            (Severity.WARNING, 'FDR: an earlier flight is damaged'),
        ),
        ('root_over_cap', {}, (Severity.WARNING, 'FDR: flights exceed root_bytes_max')),
        (
            'segment_dropped',
            {'reason': 'space'},
            (Severity.WARNING, 'FDR: disk full, dropping oldest segments'),
        ),
        (
            'segment_dropped',
            {'reason': 'missing'},
            (Severity.WARNING, 'FDR: a segment was removed from outside'),
        ),
        ('segment_dropped', {'reason': 'cap'}, None),
        (
            'step_failed',
            {'step': 'writer'},
            (Severity.ERROR, 'FDR: internal fault in writer, see log'),
        ),
        (
            'transition_failed',
            {},
            (Severity.CRITICAL, 'FDR: internal fault, flight closed, see log'),
        ),
        ('flight_not_closed', {}, (Severity.ERROR, 'FDR: flight not closed cleanly')),
        ('no_fallback', {}, (Severity.WARNING, 'FDR: fallback disk cannot be used')),
        ('flight_opened', {}, None),
        ('clock_step', {'step_s': 7.0}, None),
    ],
)
def test_what_the_operator_reads(
    name: str, facts: dict[str, Fact], wanted: tuple[Severity, str] | None
) -> None:
    """The other events."""
    assert told(name, **facts) == wanted


def test_every_number_of_the_catalogue_is_one_of_the_system() -> None:
    """A misspelt name would never be found."""
    assert {*catalogue.FAILURES, *catalogue.REFUSALS} <= set(errno.errorcode.values())


@pytest.mark.parametrize(
    ('count', 'text'),
    [
        (0, '0'),
        (9999, '9999'),
        (10_000, '10k'),
        (999_999, '999k'),
        (1_000_000, '1M'),
        (10**9, '1G'),
        (10**12 - 1, '999G'),
        (10**12, '>1T'),
        (-1, '0'),
    ],
)
def test_a_count_is_short(count: int, text: str) -> None:
    """Exact as long as four characters last."""
    assert count_text(count) == text


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (0.999, '<1 s'),
        (1.0, '1 s'),
        (59.9, '59 s'),
        (60, '1 min'),
        (3599, '59 min'),
        (3600, '1 h'),
        (359_999, '99 h'),
        (360_000, '>99 h'),
        (float('inf'), '>99 h'),
        (float('nan'), '? s'),
        ('soon', '? s'),
        (None, '? s'),
    ],
)
def test_a_duration_is_short(seconds: Fact, text: str) -> None:
    """Cut off, not rounded, so that a minute is not an hour."""
    assert duration_text(seconds) == text


def test_two_notices_are_one_with_both_counts() -> None:
    """The later facts count."""
    first = Notice(entry=catalogue.LOST, facts={'records': 3}, count=3)
    second = Notice(entry=catalogue.LOST, facts={'records': 4}, count=4)

    both = together(first, second)
    assert (both.facts, alert_of(both).text) == ({'records': 4}, 'FDR: 7 records lost')
