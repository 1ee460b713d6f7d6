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
"""The log: one JSON object a line, and nothing that can hurt who logs."""

from __future__ import annotations

from io import StringIO
import json
import sys

from fdr_node.events import Event, Level
from fdr_node.ros.event_log import EventLog
from manual_clock import ManualClock
import pytest
from rclpy.impl.rcutils_logger import RcutilsLogger

EVENT = Event(
    name='segment_dropped', facts={'file': 'grün "7"\n_0.mcap', 'size_bytes': 5, 'reason': None}
)


class RosLog(RcutilsLogger):
    """A ROS logger that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__('fdr')
        self.lines: list[tuple[str, str]] = []

    def error(self, message: str, **_: object) -> bool:
        """Keep an error."""
        self.lines.append(('error', message))
        return True

    def warning(self, message: str, **_: object) -> bool:
        """Keep a warning."""
        self.lines.append(('warning', message))
        return True


class BrokenStream(StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        """Fail."""
        raise BrokenPipeError(text)


def test_an_event_is_one_line_of_json() -> None:
    """With its time and its facts, whatever is in them."""
    stream = StringIO()
    log = EventLog(clock=ManualClock(), stream=stream)
    log(EVENT)
    log(Event(name='flight_closed', level=Level.WARN))
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first == {
        'time': '2026-01-31T12:00:00.000000Z',
        'level': 'INFO',
        'event': 'segment_dropped',
        'file': 'grün "7"\n_0.mcap',
        'size_bytes': 5,
        'reason': None,
    }
    assert second == {
        'time': '2026-01-31T12:00:00.000000Z',
        'level': 'WARN',
        'event': 'flight_closed',
    }


def test_it_goes_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """What is on stdout is for whoever started the process."""
    EventLog(clock=ManualClock())(EVENT)
    written = capsys.readouterr()
    assert written.out == ''
    assert json.loads(written.err)['event'] == 'segment_dropped'


@pytest.mark.parametrize(
    ('level', 'lines'),
    [
        (Level.INFO, []),
        (Level.WARN, [('warning', 'it_happened errno=ENOSPC tries=3')]),
        (Level.ERROR, [('error', 'it_happened errno=ENOSPC tries=3')]),
    ],
)
def test_from_warnings_up_it_goes_to_ros(level: Level, lines: list[tuple[str, str]]) -> None:
    """There it is text for people."""
    ros_log = RosLog()
    log = EventLog(clock=ManualClock(), logger=ros_log, stream=StringIO())
    log(Event(name='it_happened', level=level, facts={'errno': 'ENOSPC', 'tries': 3}))
    assert ros_log.lines == lines


def test_a_stream_that_fails_hurts_nobody() -> None:
    """ROS is still told."""
    ros_log = RosLog()
    closed = StringIO()
    closed.close()
    for stream in (BrokenStream(), closed):
        EventLog(clock=ManualClock(), logger=ros_log, stream=stream)(
            Event(name='storage_failed', level=Level.ERROR)
        )
    assert ros_log.lines == [('error', 'storage_failed')] * 2


def test_a_process_without_stderr_can_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has none when it was started with it closed, as some supervisors do."""
    monkeypatch.setattr(sys, 'stderr', None)
    ros_log = RosLog()
    EventLog(clock=ManualClock(), logger=ros_log)(Event(name='x', level=Level.WARN))
    assert ros_log.lines == [('warning', 'x')]
