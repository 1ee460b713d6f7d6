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
Keeps a recorder going while its storage fails: tries a step, reacts to its error, tries again.

What an error calls for, and when, is decided in ``failure``; the flight does it. When the storage
is back, what is to be known of the time without it is put before anything that came later.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from functools import partial
import traceback
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.events import Event, Level
from fdr_node.recording.failure import as_os_error, errno_name, Failure, Reaction, reaction
from fdr_node.recording.footer import busiest
from fdr_node.schema import Degraded, DropReason, Recovered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fdr_node.clock import Clock
    from fdr_node.events import Fact, Report
    from fdr_node.recording.flight import Flight

# Levels of the log for a segment that is gone.
_DROP_LEVELS = {
    DropReason.CAP: Level.INFO,
    DropReason.SPACE: Level.WARN,
    DropReason.MISSING: Level.ERROR,
}

# Of a reason, in a record; a line of the schema holds it.
_DETAIL_CHARACTERS_MAX = 240


def _called_for(flight: Flight, errno: int, *, tries: int) -> Reaction:
    return reaction(
        errno,
        tries=tries,
        can_give_back=flight.places.here.can_give_back,
        has_spare=flight.places.has_spare,
    )


class Outage(NamedTuple):
    """A time in which the storage took nothing."""

    step: str
    errno_name: str | None
    reason: str
    since_ns: int


class Degradation:
    """
    The failure of one flight's storage, if there is one.

    :param clock: for the pauses and the durations.
    :param report: is told of failures, of recoveries and of segments that are gone.
    :param lost_to_disk: returns the records lost for want of the disk so far, by producer.
    """

    def __init__(
        self, *, clock: Clock, report: Report, lost_to_disk: Callable[[], Mapping[str, int]]
    ) -> None:
        self._clock = clock
        self._report = report
        self._lost_to_disk = lost_to_disk
        # What records tell of, and what the log was told of.
        self._lost_noted: Counter[str] = Counter()
        self._lost_told = 0
        # Set by other threads: try again without waiting for the time.
        self._is_retry_asked = False
        # Where the flight was written when it failed.
        self._failed_in: Path | None = None
        self.failure: Failure | None = None

    @property
    def reason(self) -> str:
        """Return why nothing is taken; empty when it is."""
        failure = self.failure
        return failure.reason if failure else ''

    def attempt(self, flight: Flight, step: str, action: Callable[[], None]) -> bool:
        """Do a step on disk, if need be for the price of old segments. :return: whether done."""
        while True:
            try:
                action()
            except Exception as error:  # noqa: BLE001  # what was taken is kept, and accounted for
                if not self.meet(flight, step, error):
                    return False
            else:
                return True
            finally:
                self.tell_drops(flight)

    def meet(self, flight: Flight, step: str, fault: Exception) -> bool:
        """
        Give back an old segment of a full disk, or else note a failure.

        A fault of the program is a failure like others: a segment that is in no state to go on is
        left for a new one, and until then the records wait where they would for a disk.

        A flight that fills its disk would otherwise fail at every cut. One segment may not be
        enough; each call takes one.

        :return: whether the step is to be done again at once.
        """
        is_over = True
        if _called_for(flight, as_os_error(fault).errno or 0, tries=1) is Reaction.GIVE_BACK:
            with suppress(OSError):
                flight.give_back()
                is_over = False
        if is_over:
            self.fail(flight, step, fault)
        return not is_over

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is time to try again."""
        return self.failure is not None and (self._is_retry_asked or self.failure.is_due(now_ns))

    def ask(self) -> None:
        """Make it due; may be called from any thread."""
        self._is_retry_asked = True

    def bridge(self, flight: Flight, *, step: str, since_ns: int) -> None:
        """Put what is to be known of a time without any answer; see the recorder."""
        # Where it failed in the end, that failure is told when it is over.
        if self.failure is None:
            outage = Outage(step, None, f'{step}: no answer', since_ns)
            self.attempt(flight, 'commit', partial(self._end, flight, outage))

    def try_again(self, flight: Flight) -> None:
        """Do what the error calls for, then what failed; say so in the log, and go on."""
        self._is_retry_asked = False
        failure = self.failure
        if failure is not None:
            self.attempt(flight, 'commit', partial(self._cure, flight, failure))

    def _cure(self, flight: Flight, failure: Failure) -> None:
        self._react(flight, failure)
        directory, reason = flight.store.directory, failure.reason
        # There may have been several tries and moves, and it may be back where it was.
        has_moved = directory != self._failed_in
        if has_moved:
            reason = f'{reason}; continued in {directory}'
        outage = Outage(failure.step, failure.errno_name, reason, failure.since_ns)
        self._end(flight, outage, has_moved=has_moved)

    def _react(self, flight: Flight, failure: Failure) -> None:
        step = _called_for(flight, failure.errno, tries=failure.tries)
        if step in {Reaction.NEW_SEGMENT, Reaction.MOVE}:
            # What has not grown, or was removed, would take data to nowhere.
            flight.leave(is_trusted=failure.step != 'growth')
        if step is Reaction.MOVE:
            flight.move()
        flight.commit()

    def _end(self, flight: Flight, outage: Outage, *, has_moved: bool = False) -> None:
        """Put what is to be known of an outage before anything that came later, durably."""
        duration_ns = self._clock.monotonic_ns() - outage.since_ns
        total = Counter(self._lost_to_disk())
        lost = total - self._lost_noted
        detail = outage.reason[:_DETAIL_CHARACTERS_MAX]
        flight.put_own(Degraded(cause=outage.step, errno_name=outage.errno_name, detail=detail))
        flight.put_own(Recovered(cause=outage.step, duration_ns=duration_ns, lost=busiest(lost)))
        # They are in memory now, should the commit fail; what is put then counts from here on.
        self._lost_noted = total
        flight.commit()
        self.failure = None
        directory = str(flight.store.directory)
        if has_moved:
            reason = outage.reason
            self._tell('fallback_opened', Level.WARN, directory=directory, reason=reason)
        self._tell(
            'recovered',
            reason=outage.reason,
            duration_s=duration_ns / NS_PER_S,
            records_lost=total.total() - self._lost_told,
            directory=directory,
        )
        self._lost_told = total.total()

    def fail(self, flight: Flight, step: str, fault: Exception) -> None:
        """Note a failure; it is logged at once, and then now and again."""
        now_ns, error = self._clock.monotonic_ns(), as_os_error(fault)
        before = self.failure
        if before is None:
            self.failure = Failure.first(step, error, now_ns)
            self._failed_in = flight.store.directory
        else:
            self.failure = before.again(step, error, now_ns)
            if self.failure.log_at_ns == before.log_at_ns:
                return
        if error is not fault:
            trace = ''.join(traceback.format_exception(fault))
            self._tell('step_failed', Level.ERROR, step=step, error=repr(fault), trace=trace)
        free_bytes = None
        with suppress(OSError):
            free_bytes = flight.store.free_bytes()
        self._tell(
            'storage_failed',
            Level.ERROR,
            step=step,
            errno=errno_name(error),
            text=error.strerror or str(error),
            path=str(flight.store.directory),
            free_bytes=free_bytes,
            tries=self.failure.tries,
        )

    def tell_drops(self, flight: Flight) -> None:
        """Log the segments that are gone and that nobody was told of yet."""
        while flight.drops.untold:
            facts, reason = flight.drops.untold.popleft()
            self._tell(
                'segment_dropped',
                _DROP_LEVELS[reason],
                file=facts.name,
                reason=reason,
                size_bytes=facts.size_bytes,
                records=facts.records,
                rollover_count=flight.drops.segments,
            )

    def _tell(self, name: str, level: Level = Level.INFO, **facts: Fact) -> None:
        self._report(Event(name=name, level=level, facts=facts))
