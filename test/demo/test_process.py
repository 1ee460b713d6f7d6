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
"""A process is heard, told, and ended, however it behaves."""

from __future__ import annotations

import signal
import sys
from threading import Event

from fdr_node.demo.process import DemoError, EventProcess
import pytest

WAIT_S = 10.0


def process(source: str) -> EventProcess:
    """Start Python with a text."""
    return EventProcess('the child', [sys.executable, '-c', source])


def test_events_are_found_among_other_lines_and_what_is_told_arrives() -> None:
    """The whole object comes back; the end of the input ends the process."""
    source = (
        'import json, sys\n'
        'print("not JSON"); print("[1]"); print(json.dumps({"no": "event"}))\n'
        'print(json.dumps({"event": "other"}), flush=True)\n'
        'for line in sys.stdin:\n'
        '    print(json.dumps({"event": "heard", "text": line}), flush=True)\n'
    )
    with process(source) as child:
        child.tell('hello')

        assert child.wait_for('never', 'heard', timeout_s=WAIT_S) == {
            'event': 'heard',
            'text': 'hello\n',
        }
        assert child.end(timeout_s=WAIT_S) == 0
        # It hears no more, and that is no error.
        child.close_input()


def test_a_process_that_ends_instead_is_named_with_its_exit_code() -> None:
    """At once, and not at the end of the wait."""
    with process('raise SystemExit(7)') as child, pytest.raises(DemoError) as caught:
        child.wait_for('ready', timeout_s=WAIT_S)

    assert str(caught.value) == 'the child ended with exit code 7'


def test_telling_a_process_that_is_gone_does_nothing() -> None:
    """It is found out where something is expected of it."""
    with process('raise SystemExit(0)') as child, pytest.raises(DemoError):
        child.wait_for('ready', timeout_s=WAIT_S)
    with process('import os; os.close(0); print(\'{"event": "deaf"}\', flush=True)') as child:
        child.wait_for('deaf', timeout_s=WAIT_S)
        child.tell('hello')


def test_waiting_ends_at_the_deadline_or_when_it_is_stopped() -> None:
    """The event that did not come is named."""
    with process('import sys; sys.stdin.read()') as child:
        with pytest.raises(DemoError, match="did not say 'ready' within"):
            child.wait_for('ready', timeout_s=0.01)
        stop = Event()
        stop.set()
        with pytest.raises(DemoError, match='stopped'):
            child.wait_for('ready', timeout_s=WAIT_S, stop=stop)


def test_sigint_reaches_it_and_nothing_else_does() -> None:
    """It has a session of its own, so Ctrl-C of a terminal passes it by."""
    source = (
        'import os\n'
        'leads = os.getsid(0) == os.getpid()\n'
        'try:\n'
        '    print(\'{"event": "ready", "leads": %d}\' % leads, flush=True)\n'
        '    input()\n'
        'except KeyboardInterrupt:\n'
        '    os._exit(5)\n'
    )
    with process(source) as child:
        assert child.wait_for('ready', timeout_s=WAIT_S)['leads'] == 1
        child.interrupt()
        with pytest.raises(DemoError, match='exit code 5'):
            child.wait_for('never', timeout_s=WAIT_S)


def test_a_process_that_does_not_end_is_killed() -> None:
    """Also when the context is left by an error."""
    source = (
        'import signal, time\n'
        'print(\'{"event": "ready"}\', flush=True)\n'
        'while True: time.sleep(60)\n'
    )
    with process(source) as child:
        child.wait_for('ready', timeout_s=WAIT_S)
        assert child.end(timeout_s=0.0) == -signal.SIGKILL
    with pytest.raises(ZeroDivisionError), process(source) as child:
        raise ZeroDivisionError
    assert child.end(timeout_s=WAIT_S) == -signal.SIGKILL


def test_it_stays_on_this_computer_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The discovery range is set where the environment has none."""
    source = (
        'import json, os\n'
        'range_ = os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"]\n'
        'print(json.dumps({"event": "range", "is": range_}))\n'
    )
    for value, expected in ((None, 'LOCALHOST'), ('SUBNET', 'SUBNET')):
        if value is None:
            monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
        else:
            monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', value)
        with process(source) as child:
            assert child.wait_for('range', timeout_s=WAIT_S)['is'] == expected
