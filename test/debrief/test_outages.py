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
"""An outage is what two records say of it; a record of it that cannot be read leaves the other."""

from __future__ import annotations

from fdr_node.debrief import outages as outages_module
from fdr_node.debrief.outages import Outage, OutageLog
from fdr_node.schema import Degraded, Recovered
import pytest

CAUSE = Degraded(cause='commit', errno_name='EIO', detail='commit: EIO: Input/output error')
END = Recovered(cause='commit', duration_ns=40, lost={'imu': 2, 'camera': 3})


def test_the_end_of_an_outage_tells_when_it_began() -> None:
    """The record of its cause is written with that of its end, once the storage is back."""
    log = OutageLog()
    log.begin(CAUSE, 100)
    log.end(END, 101)
    log.end_of_log()
    (outage,) = log.kept
    assert outage == Outage(
        cause='commit',
        errno_name='EIO',
        detail='commit: EIO: Input/output error',
        end_ns=101,
        duration_ns=40,
        lost={'imu': 2, 'camera': 3},
    )
    assert (outage.start_ns, outage.records_lost) == (61, 5)
    assert (log.count, log.records_lost) == (1, 5)


def test_an_end_without_a_cause() -> None:
    """The record of the cause cannot be read."""
    log = OutageLog()
    log.end(END, 101)
    assert log.kept == [Outage(cause='commit', end_ns=101, duration_ns=40, lost=END.lost)]


@pytest.mark.parametrize('is_last', [False, True])
def test_a_cause_without_an_end(*, is_last: bool) -> None:
    """The record of the end cannot be read: another outage follows, or nothing."""
    log = OutageLog()
    log.begin(CAUSE, 100)
    if is_last:
        log.end_of_log()
    else:
        log.begin(CAUSE, 200)
    first = Outage(cause='commit', errno_name='EIO', detail=CAUSE.detail, end_ns=100)
    assert log.kept == [first]
    assert (first.start_ns, first.records_lost) == (None, 0)


def test_no_more_are_kept_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is counted, with what was lost in it."""
    monkeypatch.setattr(outages_module, 'OUTAGES_MAX', 2)
    log = OutageLog()
    for at_ns in (100, 200, 300):
        log.end(END, at_ns)
    assert [outage.end_ns for outage in log.kept] == [100, 200]
    assert (log.count, log.records_lost) == (3, 15)
