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
"""The node in this process, so that a test can stall its disk or come between two steps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
import json
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from fdr_node.ros import alert_topics
from fdr_node.ros.node import FdrNode
from fdr_node.ros.session import FlightSession
from fdr_node.schema import LossCause
from fdr_node.storage import fs
from heads import serialised
from manual_clock import ManualClock
from node_flight import check_complete, LandedFlight
from own_context import random_domain
from processes import WAIT_S
import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.clock import Clock
    from fdr_node.events import Event
    from ground_station import GroundStation
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.timeout(60)]

SUCCESS = TransitionCallbackReturn.SUCCESS


@pytest.fixture(autouse=True)
def _wait_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No one hears the last alert of most of these nodes."""
    monkeypatch.setattr(alert_topics, '_FOUND_WITHIN_S', 0.0)


@contextmanager
def node_here(root: Path, domain_id: int, *arguments: str) -> Iterator[FdrNode]:
    """Return an unconfigured node in this process."""
    parameters = ['-p', f'flight_root:={root}', '-p', 'autostart:=false', *arguments]
    rclpy.init(args=['--ros-args', *parameters], domain_id=domain_id)
    node = FdrNode()
    try:
        yield node
    finally:
        node.end()
        node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FdrNode]:
    """Return an unconfigured node that nobody spins."""
    with node_here(tmp_path / 'flights', random_domain()) as own_node:
        yield own_node


@contextmanager
def spinning(node: FdrNode) -> Iterator[None]:
    """Run the callbacks of a node as the executable does."""
    executor = MultiThreadedExecutor(num_threads=4)
    executor.add_node(node)
    thread = Thread(target=executor.spin)
    thread.start()
    try:
        yield
    finally:
        executor.shutdown()
        thread.join(WAIT_S)


@pytest.fixture
def told(node: FdrNode, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Return the events that the node logs from now on."""
    events: list[Event] = []
    monkeypatch.setattr(node, '_log', events.append)
    return events


def named(events: list[Event], name: str) -> list[Event]:
    """Return the events of a name."""
    return [event for event in events if event.name == name]


class StallingDisk:
    """Lets every ``fdatasync`` wait while it is stalled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.works = Flag()
        self.works.set()
        self.is_waited_for = Flag()
        self._sync = fs.sync_data
        monkeypatch.setattr(fs, 'sync_data', self._wait)

    def _wait(self, descriptor: int) -> None:
        if not self.works.is_set():
            self.is_waited_for.set()
            assert self.works.wait(WAIT_S)
        self._sync(descriptor)


@pytest.mark.slow
def test_a_stalled_disk_does_not_stop_the_intake(
    field: Field,
    station: GroundStation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three seconds of 5,000 records a second wait in the ring; nothing is lost."""
    with node_here(field.root, field.domain_id) as node:
        disk = StallingDisk(monkeypatch)
        with spinning(node):
            assert (node.trigger_configure(), node.trigger_activate()) == (SUCCESS, SUCCESS)
            producer = field.producer('camera')
            station.hears('camera')
            disk.works.clear()
            assert disk.is_waited_for.wait(WAIT_S)
            published = producer.send(15_000, rate=5000)
            waiting = station.status.wait_for(lambda status: status.ring_fill >= 0.39)
            assert waiting.records_dropped == 0
            disk.works.set()
            station.status.wait_for(lambda status: status.ring_fill == 0)
        assert node.end()
    said = json.loads(capsys.readouterr().out)
    check_complete(LandedFlight(said), 'camera', published)


def test_a_drain_that_comes_too_late_finds_nothing(
    node: FdrNode, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer of the intake was about to drain while the recording was ended."""
    node.trigger_configure()
    node.trigger_activate()
    lock = node._intake_lock

    class LateLock:
        """Lets the recording end before it is taken."""

        def __enter__(self) -> None:
            node._intake_lock = lock
            node.trigger_deactivate()
            node.trigger_cleanup()
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    monkeypatch.setattr(node, '_intake_lock', LateLock())
    node._guard('intake', node._take_in)()
    assert named(told, 'step_failed') == []
    assert len(named(told, 'flight_closed')) == 1
    assert node.not_ready_reason == 'no flight is open'


def test_a_step_that_fails_is_told_and_does_not_stop_the_node(
    node: FdrNode, told: list[Event]
) -> None:
    """A fault of ours in a timer becomes an event with its trace."""

    def fail() -> None:
        raise LookupError(7)

    node._guard('writer', fail)()
    (event,) = told
    assert (event.name, event.level, event.facts['step']) == ('step_failed', 'ERROR', 'writer')
    assert event.facts['error'] == 'LookupError(7)'
    assert 'raise LookupError(7)' in str(event.facts['trace'])


def test_a_transition_that_fails_is_told(
    node: FdrNode, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the trace of the fault, which rclpy would keep to itself."""
    node.trigger_configure()
    session = node._session
    assert session is not None
    finish = session.finish

    def fail() -> None:
        finish()
        message = 'as if by a bug'
        raise RuntimeError(message)

    monkeypatch.setattr(session, 'finish', fail)
    assert node.trigger_cleanup() is TransitionCallbackReturn.ERROR
    (event,) = named(told, 'step_failed')
    assert event.facts['step'] == 'on_cleanup'
    assert event.facts['error'] == "RuntimeError('as if by a bug')"
    assert len(named(told, 'transition_failed')) == 1
    # It can be used again.
    assert node.trigger_configure() is SUCCESS


def test_an_error_of_the_system_at_the_opening_is_told(
    node: FdrNode, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the storage lets through: the transition fails with the reason."""

    def fail(_: FlightSession) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(FlightSession, 'open_flight', fail)
    assert node.trigger_configure() is TransitionCallbackReturn.FAILURE
    (event,) = named(told, 'flight_not_opened')
    assert 'No space left on device' in str(event.facts['reason'])
    assert 'No space left on device' in node.not_ready_reason
    assert isinstance(node.refusal, OSError)


def test_the_recorder_listens_from_the_activation_on(
    node: FdrNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was published while it was configured only is no loss of the flight."""
    clock = ManualClock()
    own_clock: Clock = clock
    monkeypatch.setattr(node, '_system_clock', own_clock)
    node.trigger_configure()
    clock.advance(600)
    node.trigger_activate()
    session = node._session
    assert session is not None
    session.take_in([serialised(60_000)])
    account = session.accounts()['imu_1']
    assert (account.published, account.before_flight, account.lost_total) == (1, 60_000, 0)


def test_topics_that_cannot_be_subscribed_to_are_tried_again_in_the_same_flight(
    node: FdrNode, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not ready for take-off meanwhile, and no flight is opened for each try."""

    def refuse(*_: object, **__: object) -> None:
        message = 'no more topics'
        raise RuntimeError(message)

    with monkeypatch.context() as patch:
        patch.setattr(node, 'create_subscription', refuse)
        assert [node.start(), node._start_again()] == [False, False]
        assert node.not_ready_reason
    assert node._start_again()
    assert node.not_ready_reason == ''
    assert [event.facts['step'] for event in named(told, 'step_failed')] == ['subscribe'] * 2
    assert len(named(told, 'flight_opened')) == 1


def test_a_flight_that_a_writer_closes_late_is_closed(
    node: FdrNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process need not be killed at the end, and says that all is well."""
    disk = StallingDisk(monkeypatch)
    node.trigger_configure()
    node.trigger_activate()
    session = node._session
    assert session is not None
    monkeypatch.setattr(session, '_config', replace(session._config, shutdown_deadline_s=0.1))
    disk.works.clear()
    session.take_in([serialised(0)])

    def write() -> None:
        while not disk.is_waited_for.is_set():
            session.write_out()

    writer = Thread(target=write)
    writer.start()
    assert disk.is_waited_for.wait(WAIT_S)
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert (node.is_stuck, node.is_clean) == (True, False)
    disk.works.set()
    writer.join(WAIT_S)
    assert (node.is_stuck, node.is_clean) == (False, True)


def test_degraded_is_the_reason_not_to_take_off(
    node: FdrNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node records on, but the operator is told."""
    node.trigger_configure()
    node.trigger_activate()
    session = node._session
    assert session is not None
    assert node.not_ready_reason == ''

    def fail(_: int) -> None:
        raise OSError(5, 'Input/output error')

    with monkeypatch.context() as patch:
        patch.setattr(fs, 'sync_data', fail)
        session.take_in([serialised(0), serialised(2)])
        assert not session.flush()
        assert node.not_ready_reason == 'commit: EIO: Input/output error'
        assert node._view().recorder is not None
    assert node.end()
    assert session.accounts()['imu_1'].lost.keys() <= {LossCause.TRANSPORT}
