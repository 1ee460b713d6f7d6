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
"""Opens a flight: takes its places and writes its header, or leaves nothing behind."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from fdr_node.clock import LogClock
from fdr_node.errors import FdrOpenError
from fdr_node.events import Event, Level
from fdr_node.recording.failure import errno_name
from fdr_node.recording.flight import Flight
from fdr_node.recording.identity import header_fault
from fdr_node.recording.spare import claim_spare

if TYPE_CHECKING:
    from collections.abc import Callable

    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from fdr_node.events import Report
    from fdr_node.recording.ports import FlightStore
    from fdr_node.recording.spare import Spare
    from fdr_node.schema import FlightHeader


def begin(  # noqa: PLR0913  # all of them are keywords
    header: FlightHeader,
    *,
    config: RecorderConfig,
    store: FlightStore,
    spare_of: Callable[[str], FlightStore] | None,
    clock: Clock,
    report: Report,
) -> Flight:
    """
    Return a flight whose header is durable.

    :param store: where it is written; not yet open.
    :param spare_of: returns a place on a second disk, or None without one.
    :raises FdrOpenError: it cannot be opened.
    """
    if fault := header_fault(header):
        raise FdrOpenError(store.directory, reason=fault)
    with ExitStack() as undone:
        store.open_flight()
        undone.callback(store.close_flight, discard=True)
        spare = _spare(header.flight_id, config, spare_of, report)
        if spare is not None:
            undone.callback(spare.store.close_flight, discard=True)
        log_clock = LogClock(
            wall_at_open_ns=header.start_wall_ns, monotonic_at_open_ns=header.start_monotonic_ns
        )
        flight = Flight(
            header, config=config, store=store, spare=spare, clock=clock, log_clock=log_clock
        )
        # It gives back both.
        undone.pop_all()
        undone.callback(flight.discard)
        _write_header(flight)
        facts = {'flight_id': header.flight_id, 'directory': str(store.directory)}
        report(Event(name='flight_opened', level=Level.INFO, facts=facts))
        undone.pop_all()
    return flight


def _spare(
    flight_id: str,
    config: RecorderConfig,
    spare_of: Callable[[str], FlightStore] | None,
    report: Report,
) -> Spare | None:
    """Return the place on the second disk; a flight is not refused for want of it."""
    if spare_of is None:
        return None
    try:
        return claim_spare(spare_of(flight_id), config)
    except Exception as error:  # noqa: BLE001  # whatever is wrong there
        facts = {'reason': str(error)}
        report(Event(name='no_fallback', level=Level.WARN, facts=facts))
        return None


def _write_header(flight: Flight) -> None:
    try:
        flight.put_own(flight.header)
        flight.commit()
    except OSError as error:
        reason = f'{errno_name(error)}: {error.strerror or error}'
        raise FdrOpenError(flight.store.directory, reason=reason, errno=error.errno) from error
