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
"""Tests of the table of states: every pair is in it or is refused, and it leads to an end."""

from __future__ import annotations

from fdr_node.errors import FlightStateError
from fdr_node.recording.states import after, Change, NOT_READY, seen, State, TRANSITIONS
import pytest

PAIRS = [(state, change) for state in State for change in Change]


@pytest.mark.parametrize(('state', 'change'), PAIRS)
def test_a_change_is_in_the_table_or_refused(state: State, change: Change) -> None:
    """With the state and the change in the message."""
    if (state, change) in TRANSITIONS:
        assert after(state, change) is TRANSITIONS[state, change]
        return
    with pytest.raises(FlightStateError) as caught:
        after(state, change)
    assert state in str(caught.value)
    assert change in str(caught.value)


def test_a_flight_with_an_outage() -> None:
    """From the opening to the end."""
    states = [State.UNREADY]
    for change in (
        Change.OPENED,
        Change.STARTED,
        Change.FAILED,
        Change.FAILED,
        Change.CURED,
        Change.STARTED,
        Change.STOPPED,
        Change.CLOSED,
    ):
        states.append(after(states[-1], change))
    assert states == [
        State.UNREADY,
        State.READY,
        State.RECORDING,
        State.DEGRADED,
        State.DEGRADED,
        State.READY,
        State.RECORDING,
        State.READY,
        State.CLOSED,
    ]


def test_only_the_end_has_no_way_out() -> None:
    """From every other state the flight can be closed, in the end."""
    ways = {state: {after(state, c) for s, c in TRANSITIONS if s is state} for state in State}
    assert ways[State.CLOSED] == set()
    reached = {State.CLOSED}
    for _ in State:
        reached |= {state for state, targets in ways.items() if targets & reached}
    assert reached == set(State)


def test_a_failure_never_leads_to_a_take_off() -> None:
    """Recording is reached from ready alone."""
    sources = {state for (state, _), target in TRANSITIONS.items() if target is State.RECORDING}
    assert sources == {State.READY}


@pytest.mark.parametrize(
    ('state', 'failing', 'well', 'listening'),
    [
        (State.UNREADY, State.UNREADY, State.UNREADY, State.UNREADY),
        (State.READY, State.DEGRADED, State.READY, State.READY),
        (State.RECORDING, State.DEGRADED, State.RECORDING, State.RECORDING),
        (State.DEGRADED, State.DEGRADED, State.READY, State.RECORDING),
        (State.CLOSED, State.CLOSED, State.CLOSED, State.CLOSED),
    ],
)
def test_what_a_look_at_the_storage_leads_to(
    state: State, failing: State, well: State, listening: State
) -> None:
    """Whether it fails, is well, or is well and records are taken in."""
    assert seen(state, is_failing=True, is_listening=True) is failing
    assert seen(state, is_failing=False, is_listening=False) is well
    assert seen(state, is_failing=False, is_listening=True) is listening


def test_every_state_but_one_says_why_it_is_not_ready() -> None:
    """The aircraft may take off in the other."""
    assert NOT_READY.keys() == set(State) - {State.RECORDING}
