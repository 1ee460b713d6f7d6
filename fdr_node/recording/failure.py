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
Says what a failed step on disk means: the words for it, what to do, and when to try again.

Pure: errors and instants in, decisions out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
import errno as numbers

from fdr_node.clock import NS_PER_S

# Soon at first, as most faults are short; then seldom enough not to wear out a dying card.
_RETRY_FIRST_NS = NS_PER_S // 4
_RETRY_LONGEST_NS = 2 * NS_PER_S

# A fault that stays is logged again at most this often.
_LOG_AGAIN_NS = 10 * NS_PER_S

# The disk is sound and has no room: only what is removed helps.
FULL = frozenset({numbers.ENOSPC, numbers.EDQUOT})

# The process or the computer is short of something that comes back by itself; another file or
# another disk would meet the same.
PASSING = frozenset(
    {numbers.EMFILE, numbers.ENFILE, numbers.ENOMEM, numbers.EAGAIN, numbers.EINTR}
)

# Somebody else has the place, such as another recorder after the lock file was removed; it may be
# free again.
TAKEN = frozenset({numbers.EBUSY})


class Reaction(StrEnum):
    """What is done before a failed step is tried again."""

    RETRY = 'retry'
    GIVE_BACK = 'give back the oldest segment'
    NEW_SEGMENT = 'new segment'
    MOVE = 'go on in the other place'


def reaction(errno: int, *, tries: int, can_give_back: bool, has_spare: bool) -> Reaction:
    """
    Return what to do about an error.

    :param errno: error number of the system.
    :param tries: failures so far [1..].
    :param can_give_back: the flight has an old segment that it may lose.
    :param has_spare: there is a second place (``fallback_root``).
    """
    if errno in FULL:
        if can_give_back:
            return Reaction.GIVE_BACK
        return Reaction.MOVE if has_spare else Reaction.RETRY
    if errno in TAKEN and has_spare:
        return Reaction.MOVE
    if errno in PASSING | TAKEN:
        return Reaction.RETRY
    # EIO, EROFS, ENODEV, ESTALE, ENOTCONN, ENOENT ... One file may be hit, or the whole disk.
    return Reaction.MOVE if has_spare and tries > 1 else Reaction.NEW_SEGMENT


def as_os_error(fault: Exception) -> OSError:
    """
    Return a fault of the program as an error of the storage; it has no number, or ENOMEM.

    Whatever the reason is, nothing gets to the disk until that step works again.
    """
    if isinstance(fault, OSError):
        return fault
    text = f'{type(fault).__name__}: {fault}'
    return OSError(numbers.ENOMEM, text) if isinstance(fault, MemoryError) else OSError(text)


def errno_name(error: OSError) -> str:
    """Return the name of an error number, such as ENOSPC; EIO when the error has none."""
    return numbers.errorcode.get(error.errno or numbers.EIO, f'errno {error.errno}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    A storage that refuses data.

    :param step: what failed last: ``commit``, ``cut``, ``growth`` or ``close``.
    :param errno: error number of the system.
    :param errno_name: its name.
    :param reason: for the operator.
    :param since_ns: CLOCK_MONOTONIC of the first failure.
    :param retry_at_ns: CLOCK_MONOTONIC of the next try.
    :param log_at_ns: CLOCK_MONOTONIC from which the same failure is logged again.
    :param tries: failures so far.
    :param told: error numbers that were logged.
    """

    step: str
    errno: int
    errno_name: str
    reason: str
    since_ns: int
    retry_at_ns: int
    log_at_ns: int
    tries: int = 1
    told: frozenset[int] = frozenset()

    @classmethod
    def first(cls, step: str, error: OSError, now_ns: int) -> Failure:
        """Return the state after a first failure."""
        number = error.errno or numbers.EIO
        return cls(
            step=step,
            errno=number,
            told=frozenset({number}),
            errno_name=errno_name(error),
            reason=f'{step}: {errno_name(error)}: {error.strerror or error}',
            since_ns=now_ns,
            retry_at_ns=now_ns + _RETRY_FIRST_NS,
            log_at_ns=now_ns + _LOG_AGAIN_NS,
        )

    def again(self, step: str, error: OSError, now_ns: int) -> Failure:
        """
        Return the state after a further failure: the pause doubles up to its longest.

        It is to be logged when ``log_at_ns`` has changed: after a while, and at once when the
        error is one that was not logged yet.
        """
        latest = Failure.first(step, error, now_ns)
        is_logged = now_ns >= self.log_at_ns or latest.errno not in self.told
        return replace(
            latest,
            since_ns=self.since_ns,
            retry_at_ns=now_ns + min(_RETRY_LONGEST_NS, _RETRY_FIRST_NS << min(self.tries, 8)),
            log_at_ns=latest.log_at_ns if is_logged else self.log_at_ns,
            tries=self.tries + 1,
            told=self.told | latest.told,
        )

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is time to try again."""
        return now_ns >= self.retry_at_ns
