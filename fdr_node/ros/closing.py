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
Closes a flight in a thread of its own, so that a disk that hangs only then keeps nobody.

The session itself does not wait for a writer that hangs; here it is its own end that may.
"""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from fdr_node.events import Event, Level

if TYPE_CHECKING:
    from fdr_node.events import Report
    from fdr_node.ros.session import FlightSession
    from fdr_node.schema import FlightFooter


def close_within(
    session: FlightSession, timeout_s: float, *, report: Report
) -> FlightFooter | None:
    """
    Finish a flight.

    :param timeout_s: after that its thread is left to the disk.
    :param report: is told of that.
    :return: the footer; None when the flight is left as a crash would leave it.
    :raises Exception: whatever ended the finish.
    """
    footers: list[FlightFooter | None] = []
    faults: list[Exception] = []

    def close() -> None:
        try:
            footers.append(session.finish())
        except Exception as error:  # noqa: BLE001  # it is raised where somebody sees it
            faults.append(error)

    thread = Thread(target=close, name='closing', daemon=True)
    thread.start()
    thread.join(timeout_s)
    if faults:
        raise faults[0]
    if not footers:
        facts = {'reason': f'the disk has not answered for {timeout_s:g} s'}
        report(Event(name='flight_not_closed', level=Level.ERROR, facts=facts))
    return footers[0] if footers else None
