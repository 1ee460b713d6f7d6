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
"""A courier tries until it has delivered, and never holds up who gives it an alert."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from alert_sinks import KeptSink
from fdr_node.alerts.alert import Alert, Severity
from fdr_node.alerts.courier import Courier, WAITING_MAX
from fdr_node.alerts.ports import SinkHealth
from processes import WAIT_S
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def alert(text: str) -> Alert:
    """Return an alert."""
    return Alert(severity=Severity.ERROR, text=text)


@contextmanager
def courier_to(sink: KeptSink) -> Iterator[Courier]:
    """Start a courier, and end it."""
    courier = Courier(sink)
    courier.start()
    try:
        yield courier
    finally:
        sink.free()
        courier.end()
        assert courier.join(WAIT_S)


def test_alerts_arrive_in_their_order() -> None:
    """And are counted; at the end the sink is closed."""
    sink = KeptSink()
    with courier_to(sink) as courier:
        courier.offer(alert('one'))
        courier.offer(alert('two'))
        sink.wait_for_texts('one', 'two')
    assert sink.is_closed
    assert courier.health() == SinkHealth(name='kept', sent=2)


def test_what_waits_at_the_end_still_arrives() -> None:
    """The last alerts say why the recorder ends; nothing is taken afterwards."""
    sink = KeptSink()
    sink.stick()
    courier = Courier(sink)
    courier.start()
    courier.offer(alert('one'))
    sink.wait_for_tries(1)
    courier.offer(alert('two'))
    courier.end()
    courier.offer(alert('three'))
    sink.free()
    assert courier.join(WAIT_S)
    assert sink.texts() == ['one', 'two']


def test_a_failure_is_told_and_tried_again() -> None:
    """The alert arrives once, when the sink works again; until then the fault is shown."""
    sink = KeptSink()
    sink.fail(OSError(113, 'No route to host'))
    with courier_to(sink) as courier:
        courier.offer(alert('one'))
        sink.wait_for_tries(2)
        assert courier.health() == SinkHealth(
            name='kept', waiting=1, fault='[Errno 113] No route to host'
        )
        sink.fail(None)
        sink.wait_for_texts('one')
    assert courier.health() == SinkHealth(name='kept', sent=1)


@pytest.mark.parametrize(
    ('fault', 'shown'), [(ValueError(), 'ValueError'), (ValueError('x' * 999), 'x' * 200)]
)
def test_no_fault_of_a_sink_ends_its_courier(fault: Exception, shown: str) -> None:
    """Whatever it raises, and whatever that says."""
    sink = KeptSink()
    sink.fail(fault)
    with courier_to(sink) as courier:
        courier.offer(alert('one'))
        sink.wait_for_tries(2)
        assert courier.health().fault == shown


def test_when_too_many_wait_the_oldest_goes() -> None:
    """And is counted, as is one that could not be put back."""
    sink = KeptSink()
    sink.stick()
    sink.fail(OSError('no'))
    with courier_to(sink) as courier:
        courier.offer(alert('in delivery'))
        sink.wait_for_tries(1)
        for number in range(WAITING_MAX + 3):
            courier.offer(alert(str(number)))
        assert courier.health() == SinkHealth(name='kept', waiting=WAITING_MAX, dropped=3)
        sink.free()
        sink.wait_for_tries(2)
        assert courier.health().dropped == 4
        sink.fail(None)
        sink.wait_for_texts(*map(str, range(3, WAITING_MAX + 3)))


def test_repeats_do_not_push_out_what_waits() -> None:
    """An alert that the last one waiting says already is one with it."""
    sink = KeptSink()
    sink.stick()
    with courier_to(sink) as courier:
        courier.offer(alert('in delivery'))
        sink.wait_for_tries(1)
        for text in ('full', 'full', 'again', 'full', 'full'):
            courier.offer(alert(text))
        sink.free()
        sink.wait_for_texts('in delivery', 'full', 'again', 'full')


def test_a_sink_is_attended_to_without_alerts() -> None:
    """As often as it wants, so that it can say that it lives."""
    sink = KeptSink(period_s=0.001)
    with courier_to(sink):
        sink.wait_for_attended(5)


def test_a_sink_that_cannot_be_closed_ends_its_courier() -> None:
    """It is the last thing that is said of it."""

    class Stubborn(KeptSink):
        """Does not close."""

        def close(self) -> None:
            """Fail."""
            raise BrokenPipeError

    courier = Courier(Stubborn())
    courier.start()
    courier.end()
    assert courier.join(WAIT_S)
    assert courier.health().fault == 'BrokenPipeError'


def test_a_sink_that_hangs_is_left_alone() -> None:
    """Nobody waits for it at the end for longer than he wants to."""
    sink = KeptSink()
    sink.stick()
    courier = Courier(sink)
    courier.start()
    courier.offer(alert('one'))
    sink.wait_for_tries(1)
    courier.end()
    assert not courier.join(0.01)
    sink.free()
    assert courier.join(WAIT_S)
