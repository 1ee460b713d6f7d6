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
"""The real node over DDS under a flood: what matters most is recorded all the same."""

from __future__ import annotations

from contextlib import contextmanager
import sys
from threading import Event
from typing import TYPE_CHECKING

from fdr_node.bench.process import Child
from fdr_node.debrief.info import inspect_flight
from fdr_node.producer import FdrClient
from fdr_node.schema import Kind
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.debrief.balance import Account
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(90)]

# The component that matters publishes a record each 20 ms.
PERIOD_S = 0.02
RECORDS = 100

# Discovery takes up to 3 s now and then (s).
WAIT_S = 10.0


@contextmanager
def flood_of(log: Path) -> Iterator[Child]:
    """Return a producer of many small records that the recorder has found."""
    with Child([sys.executable, '-m', 'fdr_node.bench.sender', 'tiles'], log=log) as sender:
        sender.tell('match 1')
        assert sender.answer() == {'matched': True}
        yield sender


def accounts_after(field: Field, said: dict[str, str]) -> dict[str, Account]:
    """Return what the debrief counts in the bag; all of it adds up."""
    info = inspect_flight(field.root / said['flight_id'])
    assert (info.is_balanced, info.problems) == (True, ())
    return {name: producer.account for name, producer in info.producers.items()}


def test_a_flood_costs_no_priority_record(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another producer publishes as fast as it can, far more than the recorder can take."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(field.domain_id))
    recorder = field.recorder('-p', 'history_depth:=500')
    said = recorder.wait_recording()
    with FdrClient.standalone('link') as link:
        assert link.wait_for_recorder(WAIT_S)
        pace = Event()
        while not link._outlet.is_priority_read():
            pace.wait(PERIOD_S)
        with flood_of(tmp_path / 'flood.log') as flood:
            flood.tell(f'send 64 0 {RECORDS * PERIOD_S}')
            for number in range(RECORDS):
                link.record(Kind.MAVLINK_TX, {'number': number})
                pace.wait(PERIOD_S)
            flood.answer()
    assert recorder.stop() == 0
    accounts = accounts_after(field, said)
    assert (accounts['link'].published, accounts['link'].recorded) == (link.published,) * 2
    # It was a flood.
    assert accounts['tiles'].lost > 0
