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
from typing import TYPE_CHECKING

from fdr_node.bench.process import Child
from fdr_node.debrief.info import inspect_flight
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fdr_node.debrief.balance import Account
    from ground_station import GroundStation
    from processes import Field

pytestmark = [pytest.mark.ros, pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(90)]

# What the component that matters publishes, and how fast: a record each 20 ms.
KIND = 'imu'
RATE_HZ = 50


@contextmanager
def flood_of(field: Field, log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """Return a producer of many small records that the recorder has found."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(field.domain_id))
    with Child([sys.executable, '-m', 'fdr_node.bench.sender', 'tiles'], log=log) as sender:
        sender.tell('match 1')
        assert sender.answer() == {'matched': True}
        yield sender


def accounts_after(field: Field, said: dict[str, str]) -> dict[str, Account]:
    """Return what the debrief counts in the bag; all of it adds up."""
    info = inspect_flight(field.root / said['flight_id'])
    assert (info.is_balanced, info.problems) == (True, ())
    return {name: producer.account for name, producer in info.producers.items()}


@pytest.mark.parametrize('flood_hz', [5_000, pytest.param(20_000, marks=pytest.mark.long)])
def test_a_flood_costs_no_priority_record(
    flood_hz: int,
    field: Field,
    station: GroundStation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another producer publishes a hundred times as many and more; the history holds 1 s."""
    recorder = field.recorder(
        '-p', f'priority_kinds:=[{KIND}]', '-p', f'history_depth:={flood_hz}'
    )
    said = recorder.wait_recording()
    producer = field.producer('link')
    station.hears('link')
    with flood_of(field, tmp_path / 'flood.log', monkeypatch) as flood:
        flood.tell(f'send 64 {flood_hz} 2.5')
        published = producer.send(2 * RATE_HZ, rate=RATE_HZ)
        flooded = flood.answer()['published']
    assert recorder.stop() == 0
    accounts = accounts_after(field, said)
    assert (accounts['link'].published, accounts['link'].recorded) == (published, published)
    assert isinstance(flooded, int)
    assert flooded > 10 * published


@pytest.mark.long
def test_a_ring_that_overflows_holds_every_priority_record(
    field: Field, station: GroundStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As fast as it can, into a ring that is far too small: all that came of them is recorded."""
    recorder = field.recorder('-p', f'priority_kinds:=[{KIND}]', '-p', 'ring_records_max:=1000')
    said = recorder.wait_recording()
    producer = field.producer('link')
    station.hears('link')
    with flood_of(field, tmp_path / 'flood.log', monkeypatch) as flood:
        flood.tell('send 64 0 3.0')
        published = producer.send(2 * RATE_HZ, rate=RATE_HZ)
        flood.answer()
    station.status.wait_for(lambda status: status.records_dropped > 0)
    assert recorder.stop() == 0
    accounts = accounts_after(field, said)
    assert accounts['tiles'].lost_by['ring'] > 0
    # The history of the subscription is one for all: what it dropped never came, and of the last
    # ones nobody knows.
    assert accounts['link'].recorded <= accounts['link'].published <= published
    assert accounts['link'].lost_by.keys() <= {'transport'}
