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
Says what a failed step on disk means: the words for it, and when to try again.

Pure: errors and instants in, decisions out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import errno as errno_numbers

from fdr_node.clock import NS_PER_S

# Soon at first, as most faults are short; then seldom enough not to wear out a dying card.
_RETRY_FIRST_NS = NS_PER_S // 4
_RETRY_LONGEST_NS = 2 * NS_PER_S

# A fault that stays is logged again at most this often.
_LOG_AGAIN_NS = 10 * NS_PER_S


def errno_name(error: OSError) -> str:
    """Return the name of an error number, such as ENOSPC; EIO when the error has none."""
    return errno_numbers.errorcode.get(error.errno or errno_numbers.EIO, f'errno {error.errno}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    A storage that refuses data.

    :param step: what failed first: ``commit``, ``cut`` or ``close``.
    :param errno: error number of the system.
    :param reason: for the operator.
    :param since_ns: CLOCK_MONOTONIC of the first failure.
    :param retry_at_ns: CLOCK_MONOTONIC of the next try.
    :param log_at_ns: CLOCK_MONOTONIC from which a further failure is logged again.
    :param tries: failures so far.
    """

    step: str
    errno: int
    reason: str
    since_ns: int
    retry_at_ns: int
    log_at_ns: int
    tries: int = 1

    @classmethod
    def first(cls, step: str, error: OSError, now_ns: int) -> Failure:
        """Return the state after a first failure."""
        return cls(
            step=step,
            errno=error.errno or errno_numbers.EIO,
            reason=f'{step}: {errno_name(error)}: {error.strerror or error}',
            since_ns=now_ns,
            retry_at_ns=now_ns + _RETRY_FIRST_NS,
            log_at_ns=now_ns + _LOG_AGAIN_NS,
        )

    def again(self, now_ns: int) -> Failure:
        """Return the state after a further failure: the pause doubles up to its longest."""
        pause_ns = min(_RETRY_LONGEST_NS, _RETRY_FIRST_NS << min(self.tries, 8))
        is_logged = now_ns >= self.log_at_ns
        return replace(
            self,
            retry_at_ns=now_ns + pause_ns,
            log_at_ns=now_ns + _LOG_AGAIN_NS if is_logged else self.log_at_ns,
            tries=self.tries + 1,
        )

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is time to try again."""
        return now_ns >= self.retry_at_ns
