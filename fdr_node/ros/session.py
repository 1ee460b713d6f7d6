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
Joins intake and recorder for one flight: one thread takes in, another writes out.

It imports no ROS: the node gives it serialised messages and calls its steps. Intake and writer
meet only in the ring and in the ledger, so a stalled disk never stops the intake.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, ExitStack
from dataclasses import replace
from threading import Lock, RLock
import time
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.events import Event, Level
from fdr_node.intake.intake import Intake
from fdr_node.intake.lanes import Lanes
from fdr_node.intake.ledger import Ledger
from fdr_node.intake.policy import parse_rules, Policy
from fdr_node.intake.totals import totals_of
from fdr_node.recording.recorder import FlightRecorder
from fdr_node.recording.stall import stall_event, StallWatch
from fdr_node.recording.states import after, Change, NOT_READY, seen, State
from fdr_node.ros.opening import fitted, header_for
from fdr_node.ros.outflow import Outflow
from fdr_node.schema import LossCause
from fdr_node.storage.backends import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from fdr_node.events import Report
    from fdr_node.intake.ledger import Account
    from fdr_node.recording.ports import FlightStore
    from fdr_node.recording.recorder_status import RecorderStatus
    from fdr_node.schema import FlightFooter

# Batches that the writer takes at a time, a large ring full: then it looks after what else there
# is to do.
_BATCHES_MAX = 128

# How long the end of a flight waits between two tries on a disk that refuses data.
_RETRY_PAUSE_S = 0.05

# A stall that goes on is told again this often.
_STALL_AGAIN_NS = 10 * NS_PER_S

_STALLED = 'stall: the disk does not answer'


class FlightSession:
    """
    One flight, from its opening to its footer.

    :param config: settings.
    :param clock: wall and monotonic time.
    :param report: is told of everything that happens.
    :param pause: waits for so many seconds.
    """

    def __init__(
        self,
        config: RecorderConfig,
        *,
        clock: Clock,
        report: Report,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._clock = clock
        self._pause = pause
        self._lanes = Lanes(
            records_max=config.ring_records_max,
            bytes_max=config.ring_bytes_max,
            priority_kinds=config.priority_kinds,
        )
        self._ledger = Ledger(started_ns=clock.monotonic_ns())
        self._intake = Intake(
            ledger=self._ledger,
            lanes=self._lanes,
            policy=Policy(
                parse_rules(config.kind_rules), record_bytes_max=config.record_bytes_max
            ),
        )
        self._outflow = Outflow(
            intake=self._intake, lanes=self._lanes, ledger=self._ledger, report=report
        )
        self._report = report
        self._recorder = self._make_recorder(config)
        self._stall = StallWatch(int(config.io_stall_s * NS_PER_S))
        self._stall_told_ns = 0
        self._state = State.UNREADY
        self._state_lock = Lock()
        self._is_listening = False
        self._intake_fill = 0.0
        # Each step runs in one thread at a time; the end of the flight needs both.
        self._intake_lock = RLock()
        self._writer_lock = Lock()
        # One for each who waits for the writer to come to an end.
        self._waiting: deque[float] = deque()

    @property
    def state(self) -> State:
        """Return what it is fit for."""
        return self._state

    @property
    def degraded_reason(self) -> str:
        """Why nothing gets to the disk; empty when it does."""
        if self._stall.since_ns is not None:
            return _STALLED
        return self._recorder.degraded_reason

    @property
    def not_ready_reason(self) -> str:
        """Why the aircraft must not take off; empty when it may."""
        if self._state is State.RECORDING:
            return self.degraded_reason
        return self.degraded_reason or NOT_READY[self._state]

    @property
    def cap_bytes(self) -> int:
        """Cap of the flight, as it was lowered when there was too little space."""
        return self._config.flight_bytes_max

    @property
    def intake_fill(self) -> float:
        """How full the subscription's history was at the last drain [0..1]."""
        return self._intake_fill

    @property
    def ring_fill(self) -> float:
        """How full the ring is [0..1]."""
        return self._lanes.fill

    @property
    def malformed(self) -> int:
        """Messages that were no FdrRecord."""
        return self._ledger.malformed

    @property
    def untracked(self) -> int:
        """Return records of sessions beyond those that are followed."""
        return self._ledger.untracked

    def status(self) -> RecorderStatus:
        """Return the recorder as it is now."""
        return replace(self._recorder.status(), degraded_reason=self.degraded_reason)

    def open_file(self) -> Path | None:
        """Return the open segment; None without a flight."""
        return self._recorder.open_file()

    def accounts(self) -> dict[str, Account]:
        """Return what is known of every producer."""
        return self._ledger.accounts()

    def open_flight(self) -> None:
        """
        Open the flight.

        :raises FdrOpenError: it cannot be opened; nothing is left behind.
        :raises ConfigError: ``flight_id`` is not a UUID.
        """
        # Told once the flight is open: an opening that fails is tried again and again.
        findings: list[Event] = []
        self._config = fitted(self._config, report=findings.append)
        self._recorder = self._make_recorder(self._config)
        header = header_for(self._config, clock=self._clock)
        with ExitStack() as undone:
            undone.callback(self._recorder.discard_flight)
            self._recorder.open_flight(header)
            for event in findings:
                self._report(event)
            self._move(Change.OPENED)
            undone.pop_all()

    def _make_recorder(self, config: RecorderConfig) -> FlightRecorder:
        return FlightRecorder(
            config,
            store_of=lambda flight_id: open_store(
                config, flight_id=flight_id, report=self._report
            ),
            clock=self._clock,
            report=self._report,
            spare_of=self._spare_of if config.fallback_root else None,
            lost_to_disk=self._lost_to_disk,
        )

    def _spare_of(self, flight_id: str) -> FlightStore:
        return open_store(self._config, flight_id=flight_id, report=self._report, is_fallback=True)

    def _lost_to_disk(self) -> dict[str, int]:
        """
        Return what was lost for want of the disk; the disk is back.

        What waits is taken out of the ring at the same moment: while it is written, more comes,
        and what that pushed out would be missing in these counts.
        """
        with self._intake_lock:
            self._outflow.hold()
            lost = {name: item.lost[LossCause.DISK] for name, item in self.accounts().items()}
        return {name: count for name, count in lost.items() if count}

    def listen(self) -> None:
        """Begin to listen: what producers published before now is not this flight's."""
        self._ledger.listen(self._clock.monotonic_ns())
        self._stall.beat(self._clock.monotonic_ns())
        with self._state_lock:
            # Both at once: who looks after the state must not start it a second time.
            self._is_listening, self._state = True, after(self._state, Change.STARTED)

    def watch(self) -> None:
        """
        Look whether the writer gets anywhere; to be called by neither intake nor writer.

        It waits for nothing, least of all for the disk.
        """
        now_ns = self._clock.monotonic_ns()
        waited_ns = self._stall.look(now_ns)
        if waited_ns is not None and now_ns >= self._stall_told_ns:
            self._stall_told_ns = now_ns + _STALL_AGAIN_NS
            self._report(stall_event(waited_ns, self._recorder.status().directory))
        self._note_state()

    def retry(self) -> None:
        """Try a failed disk again at once; may be called from any thread."""
        self._recorder.retry()

    def split(self) -> bool:
        """
        Begin a new segment now.

        :return: False when the disk refused, or did not answer within the deadline.
        """
        with self._writer(self._config.shutdown_deadline_s) as is_mine:
            return is_mine and self._recorder.split()

    def _note_state(self) -> None:
        is_failing = bool(self.degraded_reason)
        with self._state_lock:
            self._state = seen(self._state, is_failing=is_failing, is_listening=self._is_listening)

    def _move(self, change: Change) -> None:
        with self._state_lock:
            self._state = after(self._state, change)

    def take_in(self, batch: list[bytes], *, fill: float = 0.0) -> None:
        """
        Take what the subscriptions had waiting; to be called by the intake alone.

        :param batch: serialised messages, oldest first.
        :param fill: how full the fuller one of their histories was [0..1].
        """
        with self._intake_lock:
            self._intake_fill = fill
            # What a full ring is to be put down to.
            cause = LossCause.DISK if self.degraded_reason else LossCause.RING
            self._intake.overflow_cause = cause
            self._intake.accept(batch, self._clock.monotonic_ns(), is_full=fill >= 1.0)

    def write_out(self) -> None:
        """Write what waits and do what is due; to be called by the writer alone."""
        try:
            with self._writer_lock:
                self._beat()
                self._end_stall()
                self._write_losses()
                self._write_batches()
        finally:
            if self._state is State.CLOSED:
                # It hung when the flight was to end, and nobody has waited for it.
                with self._writer_lock:
                    self._close(self._deadline_ns())

    def _write_batches(self) -> None:
        for _ in range(_BATCHES_MAX):
            is_more = not self._waiting and self._write_batch()
            self._recorder.tick()
            self._beat()
            self._end_stall()
            # A disk that has just come back gets what waited for it without delay.
            is_back = self._outflow.has_backlog and not self._recorder.degraded_reason
            if self._waiting or not (is_more or is_back):
                return

    def flush(self) -> bool:
        """
        Write and commit all that was taken in, and listen no more.

        :return: False when the disk refused, or did not answer within ``shutdown_deadline_s``.
        """
        self._is_listening = False
        self._move(Change.STOPPED)
        with self._writer(self._config.shutdown_deadline_s) as is_mine:
            if not is_mine:
                return False
            self._write_losses()
            while self._write_batch():
                self._recorder.tick()
            self._end_stall()
            return self._recorder.commit()

    def finish(self) -> FlightFooter | None:
        """
        Write what waits, then the footer, and close the flight.

        Records that the disk still refuses when ``shutdown_deadline_s`` has passed are lost by
        name (``disk``).

        :return: the footer; None when the writer hangs in a disk that does not answer: what was
            committed is there. Should it answer yet, the writer closes the flight.
        """
        deadline_ns = self._deadline_ns()
        self._is_listening = False
        with self._writer(self._config.shutdown_deadline_s) as is_mine:
            self._move(Change.CLOSED)
            if is_mine:
                return self._close(deadline_ns)
        # A writer that comes back from here on closes it; it may have come back just before.
        with self._writer(0.0) as is_mine:
            if is_mine:
                return self._close(self._deadline_ns())
        facts = {'reason': _STALLED}
        self._report(Event(name='flight_not_closed', level=Level.ERROR, facts=facts))
        return None

    def _deadline_ns(self) -> int:
        wait_ns = int(self._config.shutdown_deadline_s * NS_PER_S)
        return self._clock.monotonic_ns() + wait_ns

    def _close(self, deadline_ns: int) -> FlightFooter:
        """Close the flight, once; the disk may refuse that until the deadline."""
        with self._intake_lock:
            while self._recorder.is_open and self._clock.monotonic_ns() < deadline_ns:
                self._recorder.tick()
                if not self._write_batch() and not self._try_to_close():
                    self._pause(_RETRY_PAUSE_S)
            if self._recorder.is_open:
                self._outflow.give_up()
                self._write_losses(is_final=True)
            return self._recorder.close_flight(totals_of(self.accounts()))

    def _try_to_close(self) -> bool:
        """Close the flight once nothing waits any more. :return: whether it is closed."""
        if len(self._outflow) or not self._write_losses(is_final=True):
            return False
        return self._recorder.try_to_close(totals_of(self.accounts())) is not None

    @contextmanager
    def _writer(self, timeout_s: float) -> Iterator[bool]:
        """Take the writer's part, unless it hangs; from then on nobody waits for its beat."""
        self._waiting.append(timeout_s)
        is_mine = self._writer_lock.acquire(timeout=timeout_s)
        self._waiting.pop()
        try:
            if is_mine:
                self._stall.rest()
            yield is_mine
        finally:
            if is_mine:
                self._writer_lock.release()

    def _beat(self) -> None:
        if self._is_listening:
            self._stall.beat(self._clock.monotonic_ns())
        else:
            # It hung when it was to stop; nobody calls it any more.
            self._stall.rest()

    def _end_stall(self) -> None:
        """Record a stall that is over, before anything that came later."""
        since_ns = self._stall.take()
        if since_ns is not None:
            self._stall_told_ns = 0
            self._recorder.bridge(step='stall', since_ns=since_ns)

    def _write_batch(self) -> bool:
        """Write some of what waits. :return: whether there may be more."""
        return self._outflow.write(self._recorder, is_to_go_on=self._is_to_go_on)

    def _is_to_go_on(self) -> bool:
        """Give a sign of life, unless somebody waits for the writer to come to an end."""
        if self._waiting:
            return False
        self._beat()
        return True

    def _write_losses(self, *, is_final: bool = False) -> bool:
        """Tell of losses in the flight. :return: whether all of them are told."""
        now_ns = self._clock.monotonic_ns()
        return self._outflow.write_losses(self._recorder, now_ns, is_final=is_final)
