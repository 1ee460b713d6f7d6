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
"""What a failed step means: the words for it, when to try again, when to log again."""

from __future__ import annotations

import errno

from fdr_node.clock import NS_PER_S
from fdr_node.recording.failure import errno_name, Failure
import pytest

START_NS = 1_000 * NS_PER_S
FULL = OSError(errno.ENOSPC, 'No space left on device')


@pytest.mark.parametrize(
    ('error', 'name'),
    [
        (FULL, 'ENOSPC'),
        (OSError(errno.EROFS, 'x'), 'EROFS'),
        (OSError('without a number'), 'EIO'),
        (OSError(9999, 'x'), 'errno 9999'),
    ],
)
def test_an_error_number_has_a_name(error: OSError, name: str) -> None:
    """Which an operator can look up."""
    assert errno_name(error) == name


def test_the_first_failure() -> None:
    """It is tried again soon, and logged again late."""
    assert Failure.first('commit', FULL, START_NS) == Failure(
        step='commit',
        errno=errno.ENOSPC,
        reason='commit: ENOSPC: No space left on device',
        since_ns=START_NS,
        retry_at_ns=START_NS + NS_PER_S // 4,
        log_at_ns=START_NS + 10 * NS_PER_S,
        tries=1,
    )


def test_an_error_without_number_or_text() -> None:
    """It counts as EIO and says what it can."""
    failure = Failure.first('cut', OSError('cable fell out'), START_NS)
    assert (failure.errno, failure.reason) == (errno.EIO, 'cut: EIO: cable fell out')


def test_it_is_due_when_its_time_has_come() -> None:
    """Not a nanosecond earlier."""
    failure = Failure.first('commit', FULL, START_NS)
    assert [failure.is_due(failure.retry_at_ns + late_ns) for late_ns in (-1, 0, 1)] == [
        False,
        True,
        True,
    ]


def test_the_pauses_double_up_to_two_seconds() -> None:
    """Also after very many failures."""
    failure = Failure.first('commit', FULL, START_NS)
    pauses_s = []
    for _ in range(1000):
        now_ns = failure.retry_at_ns
        failure = failure.again(now_ns)
        pauses_s.append((failure.retry_at_ns - now_ns) / NS_PER_S)
    assert pauses_s == [0.5, 1.0] + [2.0] * 998
    assert (failure.tries, failure.since_ns) == (1001, START_NS)


def test_what_stays_is_logged_every_ten_seconds() -> None:
    """``log_at_ns`` moves when a failure is to be logged, and only then."""
    failure = Failure.first('commit', FULL, START_NS)
    logged_s = []
    while failure.retry_at_ns < START_NS + 60 * NS_PER_S:
        now_ns, before = failure.retry_at_ns, failure
        failure = failure.again(now_ns)
        if failure.log_at_ns != before.log_at_ns:
            logged_s.append((now_ns - START_NS) / NS_PER_S)
            assert failure.log_at_ns == now_ns + 10 * NS_PER_S
    assert logged_s == [11.75, 21.75, 31.75, 41.75, 51.75]
