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
from fdr_node.recording.failure import as_os_error, errno_name, Failure, Reaction, reaction
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


@pytest.mark.parametrize(
    ('fault', 'reason'),
    [
        (FULL, 'cut: ENOSPC: No space left on device'),
        (ValueError('cannot be'), 'cut: EIO: ValueError: cannot be'),
        (MemoryError(), 'cut: ENOMEM: MemoryError: '),
    ],
)
def test_a_fault_of_the_program_counts_as_an_error(fault: Exception, reason: str) -> None:
    """And says what it was."""
    assert Failure.first('cut', as_os_error(fault), START_NS).reason == reason


def test_the_first_failure() -> None:
    """It is tried again soon, and logged again late."""
    assert Failure.first('commit', FULL, START_NS) == Failure(
        step='commit',
        errno=errno.ENOSPC,
        errno_name='ENOSPC',
        told=frozenset({errno.ENOSPC}),
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
        failure = failure.again('commit', FULL, now_ns)
        pauses_s.append((failure.retry_at_ns - now_ns) / NS_PER_S)
    assert pauses_s == [0.5, 1.0] + [2.0] * 998
    assert (failure.tries, failure.since_ns) == (1001, START_NS)


def test_what_stays_is_logged_every_ten_seconds() -> None:
    """``log_at_ns`` moves when a failure is to be logged, and only then."""
    failure = Failure.first('commit', FULL, START_NS)
    logged_s = []
    while failure.retry_at_ns < START_NS + 60 * NS_PER_S:
        now_ns, before = failure.retry_at_ns, failure
        failure = failure.again('commit', FULL, now_ns)
        if failure.log_at_ns != before.log_at_ns:
            logged_s.append((now_ns - START_NS) / NS_PER_S)
            assert failure.log_at_ns == now_ns + 10 * NS_PER_S
    assert logged_s == [11.75, 21.75, 31.75, 41.75, 51.75]


def test_another_error_is_logged_at_once() -> None:
    """The operator must not believe that the card is full when it is gone."""
    failure = Failure.first('commit', FULL, START_NS)
    gone = OSError(errno.ENODEV, 'No such device')
    latest = failure.again('cut', gone, START_NS + NS_PER_S)
    assert latest.log_at_ns == START_NS + 11 * NS_PER_S
    assert (latest.reason, latest.errno_name) == ('cut: ENODEV: No such device', 'ENODEV')
    assert latest.since_ns == START_NS


def test_errors_that_take_turns_do_not_flood_the_log() -> None:
    """Two disks that fail in different ways: each error once, then one line in 10 s."""
    errors = [OSError(errno.EIO, 'x'), OSError(errno.ENODEV, 'x')]
    failure = Failure.first('commit', errors[0], START_NS)
    logged = 1
    for turn in range(1, 1000):
        now_ns, before_ns = failure.retry_at_ns, failure.log_at_ns
        failure = failure.again('commit', errors[turn % 2], now_ns)
        logged += failure.log_at_ns != before_ns
    assert logged <= 2 + (now_ns - START_NS) / (10 * NS_PER_S)


NONE, OLD, SPARE, BOTH = (False, False), (True, False), (False, True), (True, True)


@pytest.mark.parametrize(
    ('number', 'tries', 'has', 'wanted'),
    [
        # A full disk is helped by what goes, and only where enough is left; then by another disk.
        (errno.ENOSPC, 1, BOTH, Reaction.GIVE_BACK),
        (errno.ENOSPC, 9, OLD, Reaction.GIVE_BACK),
        (errno.EDQUOT, 1, OLD, Reaction.GIVE_BACK),
        (errno.ENOSPC, 1, SPARE, Reaction.MOVE),
        (errno.EDQUOT, 1, SPARE, Reaction.MOVE),
        (errno.ENOSPC, 1, NONE, Reaction.RETRY),
        # A disk that fails gets a new file once, then the flight goes elsewhere if it can.
        (errno.EIO, 1, BOTH, Reaction.NEW_SEGMENT),
        (errno.EIO, 2, BOTH, Reaction.MOVE),
        (errno.EIO, 2, OLD, Reaction.NEW_SEGMENT),
        (errno.EROFS, 1, SPARE, Reaction.NEW_SEGMENT),
        (errno.EROFS, 2, SPARE, Reaction.MOVE),
        (errno.ENODEV, 2, SPARE, Reaction.MOVE),
        (errno.ESTALE, 2, NONE, Reaction.NEW_SEGMENT),
        (errno.ENOTCONN, 2, SPARE, Reaction.MOVE),
        (errno.ENOENT, 1, NONE, Reaction.NEW_SEGMENT),
        (errno.EACCES, 2, SPARE, Reaction.MOVE),
        # Where somebody else is there is nothing to be tried; the other place is free.
        (errno.EBUSY, 1, BOTH, Reaction.MOVE),
        (errno.EBUSY, 5, OLD, Reaction.RETRY),
        # What the process is short of would be missing elsewhere too.
        (errno.EMFILE, 5, BOTH, Reaction.RETRY),
        (errno.ENOMEM, 1, BOTH, Reaction.RETRY),
    ],
)
def test_what_an_error_calls_for(
    number: int, tries: int, has: tuple[bool, bool], wanted: Reaction
) -> None:
    """The whole table."""
    can_give_back, has_spare = has
    step = reaction(number, tries=tries, can_give_back=can_give_back, has_spare=has_spare)
    assert step is wanted


@pytest.mark.parametrize('number', sorted(errno.errorcode))
@pytest.mark.parametrize('has', [NONE, OLD, SPARE, BOTH])
def test_every_error_has_an_answer_that_can_be_given(number: int, has: tuple[bool, bool]) -> None:
    """Nothing is given back that is not there, and nobody moves to where nothing is."""
    can_give_back, has_spare = has
    for tries in range(1, 5):
        step = reaction(number, tries=tries, can_give_back=can_give_back, has_spare=has_spare)
        assert step is not Reaction.GIVE_BACK or can_give_back
        assert step is not Reaction.MOVE or has_spare
