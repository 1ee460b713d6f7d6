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

It decides nothing. The subscription is in a group that no executor waits on: waking an executor
for each record costs some 100 us in rclpy, so the intake, a thread of its own, drains it in
batches. The writer group is the only one that touches the open segment.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import wraps
import json
import sys
from threading import Lock
import traceback
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from fdr_node.clock import SystemClock
from fdr_node.errors import FdrError
from fdr_node.events import Event, Level
from fdr_node.intake.intake import drain
from fdr_node.msg import FdrRecord, FdrStatus
from fdr_node.ros import parameters
from fdr_node.ros.event_log import EventLog
from fdr_node.ros.session import FlightSession
from fdr_node.ros.status import diagnostics_message, status_message, View
from fdr_node.ros.ticker import Ticker
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock as RosClock
from rclpy.clock_type import ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from rcl_interfaces.msg import SetParametersResult
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter
    from rclpy.subscription import Subscription
    from rclpy.timer import Timer

    _Transition = Callable[['FdrNode', LifecycleState], TransitionCallbackReturn]

# Relative names: in the root namespace /fdr/records and so on.
RECORDS_TOPIC = 'fdr/records'
STATUS_TOPIC = 'fdr/status'
DIAGNOSTICS_TOPIC = '/diagnostics'

_WRITER_PERIOD_S = 0.05
# How quickly a change shows in the status, and how often it is repeated without one.
_STATUS_PERIOD_S = 0.1
_STATUS_REPEAT_TICKS = 10

_STATES_WITH_SHUTDOWN = ('unconfigured', 'inactive', 'active')


class UnwatchedGroup(CallbackGroup):
    """Keeps an entity out of every executor's wait set; who made it takes from it."""

    def can_execute(self, entity: object) -> bool:
        """Return False: no executor waits for this entity."""
        del entity
        return False

    def beginning_execution(self, entity: object) -> bool:
        """Return False: no executor runs this entity."""
        del entity
        return False

    def ending_execution(self, entity: object) -> None:
        """Do nothing, as nothing was begun."""


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
        # Why the last flight could not be opened.
        self.refusal: FdrError | OSError | None = None
        self._session: FlightSession | None = None
        self._subscription: Subscription | None = None
        self._timers_of_flight: list[Timer] = []
        self._intake: Ticker | None = None
        self._not_ready_reason = 'no flight is open'
        self._status_key: tuple[object, ...] = ()
        self._status_ticks = 0
        self._dropped_before = 0
        self._intake_lock = Lock()
        self._unwatched = UnwatchedGroup()
        self._writer_group = MutuallyExclusiveCallbackGroup()
        self._status_group = MutuallyExclusiveCallbackGroup()
        self._status_publisher = self.create_publisher(FdrStatus, STATUS_TOPIC, _latched())
        self._diagnostics_publisher = self.create_publisher(DiagnosticArray, DIAGNOSTICS_TOPIC, 10)
        self._make_timer(_STATUS_PERIOD_S, 'status', self._publish_status, self._status_group)
        self.add_on_set_parameters_callback(self._judge_parameters)

    @_told
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the flight; on failure nothing is left behind and the reason is in the log."""
        del state
        try:
            self.config = parameters.current(self)
            session = FlightSession(self.config, clock=self._system_clock, report=self._log)
            session.open_flight()
        except (FdrError, OSError) as error:
            self.refusal = error
            self._refuse('flight_not_opened', str(error))
            return TransitionCallbackReturn.FAILURE
        self._session = session
        self._not_ready_reason = 'the flight is open but not recording'
        return TransitionCallbackReturn.SUCCESS

    @_told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to record."""
        session = self._session
        if session is None:
            return TransitionCallbackReturn.ERROR
        session.listen()
        self._subscription = self.create_subscription(
            FdrRecord,
            RECORDS_TOPIC,
            _never_called,
            _best_effort(self.config.history_depth),
            callback_group=self._unwatched,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=True,
        )
        self._intake = Ticker(
            self._guard('intake', self._take_in),
            period_s=self.config.drain_period_s,
            name='intake',
        )
        self._timers_of_flight = [
            self._make_timer(_WRITER_PERIOD_S, 'writer', session.write_out, self._writer_group),
        ]
        self._not_ready_reason = ''
        self._announce(session)
        return super().on_activate(state)

    @_told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take in what waits, commit it, and stop; the flight stays open."""
        self._stop_recording()
        if self._session is not None:
            self._session.flush()
        self._not_ready_reason = 'the flight is open but not recording'
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
        self._refuse('transition_failed', f'a transition from {state.label} failed')
        return self.on_shutdown(state)

    def end(self) -> bool:
        """
        Close what is open, whatever state the node is in; nothing is done twice.

        :return: False when that failed; the reason is in the log.
        """
        if self._state() not in _STATES_WITH_SHUTDOWN:
            return True
        return self.trigger_shutdown() is TransitionCallbackReturn.SUCCESS

    @property
    def not_ready_reason(self) -> str:
        """Why the aircraft must not take off; empty when it may."""
        session = self._session
        degraded = session.status().degraded_reason if session else ''
        return self._not_ready_reason or degraded

    def _take_in(self) -> None:
        # A transition takes in too, while the timer may be at it; the order must stay, and the
        # timer must not come to it with a subscription or a flight that has ended.
        with self._intake_lock:
            self._drain()

    def _drain(self) -> None:
        session, subscription = self._session, self._subscription
        if session is None or subscription is None:
            return
        handle, message_type = subscription.handle, subscription.msg_type

        def take() -> bytes | None:
            taken = handle.take_message(message_type, subscription.raw)
            return taken[0] if taken else None

        with handle:
            session.take_in(drain(take, limit=2 * self.config.history_depth))

    def _stop_recording(self) -> None:
        """Stop timers and intake, then take in what the subscription still holds."""
        for timer in self._timers_of_flight:
            self.destroy_timer(timer)
        self._timers_of_flight = []
        if self._intake is not None:
            self._intake.end()
        with self._intake_lock:
            self._drain()
            subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self.destroy_subscription(subscription)

    def _close_flight(self) -> None:
        session, self._session = self._session, None
        self._not_ready_reason = 'no flight is open'
        if session is not None:
            session.finish()

    def _announce(self, session: FlightSession) -> None:
        """Say on stdout that it records, for whoever started the process and waits."""
        status = session.status()
        if status.header is None:
            return
        line = {
            'event': 'recording',
            'flight_id': status.header.flight_id,
            'directory': str(status.directory),
            'topic': self.resolve_topic_name(RECORDS_TOPIC),
        }
        # Whoever started the process may have gone since, and stdout with it.
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.write(json.dumps(line) + '\n')
            sys.stdout.flush()

    def _publish_status(self) -> None:
        view = self._view()
        self._status_ticks += 1
        is_repeat = self._status_ticks >= _STATUS_REPEAT_TICKS
        if not is_repeat and view.key() == self._status_key:
            return
        wall_ns = self._system_clock.wall_ns()
        if self._session is not None:
            view = replace(view, free_disk_bytes=self._session.free_bytes())
        self._status_publisher.publish(status_message(view, wall_ns))
        self._status_key = view.key()
        if is_repeat:
            self._status_ticks = 0
            self._diagnostics_publisher.publish(
                diagnostics_message(
                    view,
                    wall_ns=wall_ns,
                    has_new_loss=view.records_dropped > self._dropped_before,
                )
            )
            self._dropped_before = view.records_dropped

    def _view(self) -> View:
        session = self._session
        state = self._state()
        if session is None:
            return View(lifecycle_state=state, not_ready_reason=self.not_ready_reason)
        return View(
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

    def _refuse(self, name: str, reason: str) -> None:
        self._not_ready_reason = reason
        self._log(Event(name=name, level=Level.ERROR, facts={'reason': reason}))

    def tell_fault(self, step: str, error: Exception) -> None:
        """
        Log a fault of the program; to be called where it was caught.

        :param step: what was being done.
        """
        facts = {'step': step, 'error': repr(error), 'trace': traceback.format_exc()}
        self._log(Event(name='step_failed', level=Level.ERROR, facts=facts))

    def _make_timer(
        self, period_s: float, name: str, step: Callable[[], None], group: CallbackGroup
    ) -> Timer:
        # The node's own clock stands still where use_sim_time is set and nobody simulates.
        clock = RosClock(clock_type=ClockType.STEADY_TIME)
        return self.create_timer(period_s, self._guard(name, step), group, clock=clock)

    def _guard(self, name: str, step: Callable[[], None]) -> Callable[[], None]:
        """Return a timer callback that cannot stop the node: a fault becomes an event."""

        def guarded() -> None:
            try:
                step()
            except Exception as error:  # noqa: BLE001  # the wall of the worker loops
                self.tell_fault(name, error)

        return guarded


def _never_called(message: bytes) -> None:
    """Stand in for the callback that rclpy demands; the subscription is in no wait set."""
    del message


def _best_effort(depth: int) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT
    )


def _latched() -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
