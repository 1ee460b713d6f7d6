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
The lifecycle node ``fdr``: subscription, timers, status and transitions around a flight session.

It decides nothing. The intake, a thread of its own, takes the records in batches. The writer
group is the only one that touches the open segment.
"""

from __future__ import annotations

from errno import errorcode
from functools import wraps
from threading import Lock
import traceback
from typing import TYPE_CHECKING

from fdr_node.clock import NS_PER_S, SystemClock
from fdr_node.errors import ConfigError, FdrError
from fdr_node.events import Event, Level
from fdr_node.ros import parameters
from fdr_node.ros.alert_topics import CLOSE_S, open_alerts
from fdr_node.ros.closing import close_within
from fdr_node.ros.event_log import EventLog
from fdr_node.ros.record_topics import RecordTopics
from fdr_node.ros.said import say_recording
from fdr_node.ros.services import offer_services, SplitTeller
from fdr_node.ros.session import FlightSession
from fdr_node.ros.status import View
from fdr_node.ros.status_board import STATUS_PERIOD_S, StatusBoard
from fdr_node.ros.ticker import Ticker
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock as RosClock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from fdr_node.alerts.desk import Diagnosis
    from fdr_node.events import Fact
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter
    from rclpy.timer import Timer

    _Transition = Callable[['FdrNode', LifecycleState], TransitionCallbackReturn]

_WRITER_PERIOD_S = 0.05
# An opening that fails again for the same reason is logged this often.
_REFUSAL_AGAIN_NS = 10 * NS_PER_S

_NO_FLIGHT = 'no flight is open'

_STATES_WITH_SHUTDOWN = ('unconfigured', 'inactive', 'active')


def _told(transition: _Transition) -> _Transition:
    """Log the fault that ends a transition: rclpy keeps no more of it than that there was one."""

    @wraps(transition)
    def told(node: FdrNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            node.tell_fault(transition.__name__, error)
            raise

    return told


class FdrNode(LifecycleNode):
    """
    The recorder as a lifecycle node.

    configure opens a flight, activate records, deactivate drains and commits, cleanup writes the
    footer and closes, shutdown does what is left of these from any state.

    :raises ConfigError: a parameter is unknown, of the wrong type or out of its range.
    """

    def __init__(self) -> None:
        super().__init__('fdr')
        self._system_clock = SystemClock()
        self._log = EventLog(clock=self._system_clock, logger=self.get_logger())
        self.config = parameters.declare(self, self._parameter_overrides)
        self._alerts = open_alerts(self.config, clock=self._system_clock, node=self)
        # What has been said of the sinks, of which there are a few.
        self._alert_faults: set[str] = set()
        # Why the last flight could not be opened.
        self.refusal: FdrError | OSError | None = None
        # Whether one could be, since the start.
        self.has_flown = False
        # Whether a thread hangs in a disk that does not answer: the process cannot wait for it.
        self.is_stuck = False
        # Whether the last flight has its footer; there may have been none.
        self.is_clean = True
        self._is_starting = self._is_ending = False
        # Held while a flight is opened, which may hang in the disk.
        self._opening = Lock()
        self._refusal_told_ns: int | None = None
        self._session: FlightSession | None = None
        self._topics: RecordTopics | None = None
        self._timers_of_flight: list[Timer] = []
        self._intake: Ticker | None = None
        self._not_ready_reason = _NO_FLIGHT
        self._intake_lock = Lock()
        self._writer_group = MutuallyExclusiveCallbackGroup()
        self._status_group = MutuallyExclusiveCallbackGroup()
        self._opening_group = MutuallyExclusiveCallbackGroup()
        self._board = StatusBoard(self, clock=self._system_clock)
        self._split_teller = SplitTeller(self)
        self._make_timer(STATUS_PERIOD_S, 'status', self._watch, self._status_group)
        offer_services(self, recheck=self._recheck, split=self._split, group=self._opening_group)
        self.add_on_set_parameters_callback(self._judge_parameters)

    @_told
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the flight; on failure nothing is left behind and the reason is in the log."""
        del state
        try:
            self.config = parameters.current(self)
            session = FlightSession(self.config, clock=self._system_clock, report=self._report)
            session.open_flight()
        except (FdrError, OSError) as error:
            self._refuse_flight(error)
            return TransitionCallbackReturn.FAILURE
        self._session = session
        self.has_flown, self._refusal_told_ns = True, None
        return TransitionCallbackReturn.SUCCESS

    @_told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to record; on failure the flight stays open, and it can be tried again."""
        session = self._session
        if session is None:
            return TransitionCallbackReturn.ERROR
        try:
            topics = RecordTopics(self, history_depth=self.config.history_depth)
        except Exception as error:  # noqa: BLE001  # whatever ROS has against it
            self.tell_fault('subscribe', error)
            return TransitionCallbackReturn.FAILURE
        self._topics = topics
        session.listen()
        self._intake = Ticker(
            self._guard('intake', self._take_in),
            period_s=self.config.drain_period_s,
            name='intake',
        )
        self._timers_of_flight = [
            self._make_timer(_WRITER_PERIOD_S, 'writer', session.write_out, self._writer_group),
        ]
        say_recording(session.status(), topics.name)
        return super().on_activate(state)

    @_told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take in what waits, commit it, and stop; the flight stays open."""
        self._stop_recording()
        if self._session is not None:
            self._session.flush()
        return super().on_deactivate(state)

    @_told
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Write the footer and close the flight."""
        del state
        self._close_flight()
        return TransitionCallbackReturn.SUCCESS

    @_told
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Drain what is queued, write the footer and close the flight, from any state."""
        del state
        self._stop_recording()
        self._close_flight()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close what is open; the node can be configured again."""
        # rclpy keeps the exception of a transition to itself.
        reason = self._not_ready_reason = f'a transition from {state.label} failed'
        self._report(Event(name='transition_failed', level=Level.ERROR, facts={'reason': reason}))
        return self.on_shutdown(state)

    def end(self) -> bool:
        """
        Close what is open, whatever state the node is in; nothing is done twice.

        :return: False when that failed; the reason is in the log.
        """
        self._is_ending = True
        if not self._opening.acquire(timeout=self.config.shutdown_deadline_s):
            self.is_stuck = True
            facts = {'reason': 'the disk does not answer the opening'}
            self._report(Event(name='flight_not_closed', level=Level.ERROR, facts=facts))
            return False
        self._opening.release()
        if self._state() not in _STATES_WITH_SHUTDOWN:
            return True
        return self.trigger_shutdown() is TransitionCallbackReturn.SUCCESS

    @property
    def not_ready_reason(self) -> str:
        """Why the aircraft must not take off; empty when it may."""
        session = self._session
        return session.not_ready_reason if session else self._not_ready_reason

    def start(self) -> bool:
        """
        Configure and activate by itself, as far as that is not done.

        :return: whether it records. Otherwise it is tried again every ``open_retry_s``.
        """
        self._is_starting = True
        if period_s := self.config.open_retry_s:
            self._make_timer(period_s, 'opening', self._start_again, self._opening_group)
        return self._start_again()

    def _start_again(self) -> bool:
        with self._opening:
            if self._is_starting and not self._is_ending:
                if self._state() == 'unconfigured':
                    self.trigger_configure()
                if self._state() == 'inactive':
                    self.trigger_activate()
                self._is_starting = self._state() != 'active'
            return not self._is_starting

    def _recheck(self) -> str:
        """Try at once what is not well. :return: why it is not ready; empty when it is."""
        self._start_again()
        if self._session is not None:
            self._session.retry()
        return self.not_ready_reason

    def _split(self) -> str:
        """Begin a new segment. :return: why that could not be done; empty when it was."""
        session = self._session
        if session is None:
            return self.not_ready_reason
        return '' if session.split() else session.degraded_reason or 'the writer did not answer'

    def _watch(self) -> None:
        """Look at the writer, show how things are, alert; it waits for no disk."""
        session = self._session
        if session is not None:
            session.watch()
        view = self._view()
        self._board.show(view)
        self._alerts.tick(view.not_ready_reason)
        self._note_alerts(view.alerts)
        self._split_teller.note(session.open_file() if session else None)

    def _note_alerts(self, health: Diagnosis | None) -> None:
        """Log what keeps alerts from the operator, once: not everybody reads /diagnostics."""
        if health is None or health.level is Level.INFO or health.text in self._alert_faults:
            return
        self._alert_faults.add(health.text)
        facts: dict[str, Fact] = {'reason': health.text, **health.values}
        self._log(Event(name='alerts_failed', level=Level.WARN, facts=facts))

    def destroy_node(self) -> None:
        """Send the alerts that wait, then let go of everything."""
        # At shutdown rclpy of Kilted destroys every node, also one that a parameter has refused.
        if hasattr(self, '_alerts'):
            self._alerts.close(CLOSE_S)
        super().destroy_node()

    def _take_in(self) -> None:
        # A transition takes in too, while the timer may be at it; the order must stay, and the
        # timer must not come to it with subscriptions or a flight that have ended.
        with self._intake_lock:
            self._drain()

    def _drain(self) -> None:
        session, topics = self._session, self._topics
        if session is not None and topics is not None:
            waiting = topics.take()
            session.take_in(waiting.records, fill=waiting.fill)

    def _stop_recording(self) -> None:
        """Stop timers and intake, then take in what the subscriptions still hold."""
        for timer in self._timers_of_flight:
            self.destroy_timer(timer)
        self._timers_of_flight = []
        if self._intake is not None:
            self._intake.end()
        with self._intake_lock:
            self._drain()
            topics, self._topics = self._topics, None
        if topics is not None:
            topics.close()

    def _close_flight(self) -> None:
        session, self._session = self._session, None
        self._not_ready_reason = _NO_FLIGHT
        if session is not None:
            # Two deadlines of its own, for the writer and for what waits, and a moment more.
            limit_s = 2 * self.config.shutdown_deadline_s + self.config.io_stall_s
            if close_within(session, limit_s, report=self._report) is None:
                self.is_stuck, self.is_clean = True, False

    def _view(self) -> View:
        session = self._session
        state, alerts = self._state(), self._alerts.health()
        if session is None:
            reason = self.not_ready_reason
            return View(lifecycle_state=state, not_ready_reason=reason, alerts=alerts)
        return View(
            alerts=alerts,
            recorder_state=session.state,
            lifecycle_state=state,
            not_ready_reason=self.not_ready_reason,
            recorder=session.status(),
            cap_bytes=session.cap_bytes,
            accounts=session.accounts(),
            malformed=session.malformed,
            untracked=session.untracked,
            kind_rules=self.config.kind_rules,
            intake_fill=session.intake_fill,
            ring_fill=session.ring_fill,
        )

    def _judge_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        return parameters.judge(self, changes, is_flight_open=self._session is not None)

    def _state(self) -> str:
        return str(self._state_machine.current_state[1])

    def _refuse_flight(self, error: FdrError | OSError) -> None:
        """Note why the flight cannot be opened; in the log at once, and then now and again."""
        now_ns, before_ns = self._system_clock.monotonic_ns(), self._refusal_told_ns
        is_same = str(error) == str(self.refusal) and before_ns is not None
        self.refusal, self._not_ready_reason = error, str(error)
        if is_same and before_ns is not None and now_ns - before_ns < _REFUSAL_AGAIN_NS:
            return
        self._refusal_told_ns = now_ns
        facts: dict[str, Fact] = {
            'reason': str(error),
            'error': type(error).__name__,
            'errno': errorcode.get(getattr(error, 'errno', None) or 0, ''),
        }
        if isinstance(error, ConfigError):
            facts['parameter'] = error.name
        self._report(Event(name='flight_not_opened', level=Level.ERROR, facts=facts))

    def _report(self, event: Event) -> None:
        """Tell the operator where that is called for, and the log, which may be on that disk."""
        self._alerts.tell(event)
        self._log(event)
        if event.name == 'flight_closed':
            # Also late, by a writer that hung when the flight was to end.
            self.is_stuck, self.is_clean = False, bool(event.facts['clean_shutdown'])

    def tell_fault(self, step: str, error: Exception) -> None:
        """
        Log a fault of the program; to be called where it was caught.

        :param step: what was being done.
        """
        facts = {'step': step, 'error': repr(error), 'trace': traceback.format_exc()}
        self._report(Event(name='step_failed', level=Level.ERROR, facts=facts))

    def _make_timer(
        self, period_s: float, name: str, step: Callable[[], object], group: CallbackGroup
    ) -> Timer:
        # The node's own clock stands still where use_sim_time is set and nobody simulates.
        clock = RosClock(clock_type=ClockType.STEADY_TIME)
        return self.create_timer(period_s, self._guard(name, step), group, clock=clock)

    def _guard(self, name: str, step: Callable[[], object]) -> Callable[[], None]:
        """Return a timer callback that cannot stop the node: a fault becomes an event."""

        def guarded() -> None:
            try:
                step()
            except Exception as error:  # noqa: BLE001  # the wall of the worker loops
                self.tell_fault(name, error)

        return guarded
