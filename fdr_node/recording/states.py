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
Names the states of a recorder and what leads from one to another: one table.

Pure; who changes the state, and what is done on the way, is not said here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TYPE_CHECKING

from fdr_node.errors import FlightStateError

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """
    What a recorder is fit for.

    An aircraft may take off in ``RECORDING`` alone.
    """

    UNREADY = 'unready'
    READY = 'ready'
    RECORDING = 'recording'
    DEGRADED = 'degraded'
    CLOSED = 'closed'


class Change(StrEnum):
    """What happens to a recorder."""

    OPENED = 'opened'
    STARTED = 'started'
    STOPPED = 'stopped'
    FAILED = 'failed'
    CURED = 'cured'
    CLOSED = 'closed'


TRANSITIONS: Final[Mapping[tuple[State, Change], State]] = {
    (State.UNREADY, Change.OPENED): State.READY,
    (State.READY, Change.STARTED): State.RECORDING,
    (State.READY, Change.STOPPED): State.READY,
    (State.READY, Change.FAILED): State.DEGRADED,
    (State.READY, Change.CLOSED): State.CLOSED,
    (State.RECORDING, Change.STOPPED): State.READY,
    (State.RECORDING, Change.FAILED): State.DEGRADED,
    (State.RECORDING, Change.CLOSED): State.CLOSED,
    # A further failure, and what the lifecycle does meanwhile, change nothing: it stays unfit.
    (State.DEGRADED, Change.FAILED): State.DEGRADED,
    (State.DEGRADED, Change.STARTED): State.DEGRADED,
    (State.DEGRADED, Change.STOPPED): State.DEGRADED,
    # Ready first; one that listens has started already, and is told so.
    (State.DEGRADED, Change.CURED): State.READY,
    (State.DEGRADED, Change.CLOSED): State.CLOSED,
}


# Why the aircraft must not take off.
NOT_READY: Final[Mapping[State, str]] = {
    State.UNREADY: 'no flight is open',
    State.READY: 'the flight is open but not recording',
    State.DEGRADED: 'the disk is being tried',
    State.CLOSED: 'no flight is open',
}


def after(state: State, change: Change) -> State:
    """
    Return the state that follows.

    :raises FlightStateError: the change cannot happen in this state.
    """
    following = TRANSITIONS.get((state, change))
    if following is None:
        raise FlightStateError(operation=change, state=state)
    return following


def seen(state: State, *, is_failing: bool, is_listening: bool) -> State:
    """
    Return the state that follows from a look at the storage.

    :param is_failing: it takes nothing.
    :param is_listening: records are taken in.
    """
    if is_failing and state in {State.READY, State.RECORDING}:
        return after(state, Change.FAILED)
    if is_failing or state is not State.DEGRADED:
        return state
    cured = after(state, Change.CURED)
    return after(cured, Change.STARTED) if is_listening else cured
