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
"""A field for each test: a domain of its own, its processes, and a ground station to watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ground_station import GroundStation
from own_context import own_context, random_domain
from processes import field_of
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ground_station import Watch
    from processes import Field


@pytest.fixture(autouse=True)
def _keep_to_this_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep discovery on this computer, and the log files of ROS out of the home directory."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'ros'))


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    """Return a field without a process yet."""
    with field_of(tmp_path, random_domain()) as own_field:
        yield own_field


@pytest.fixture
def watch(field: Field) -> Iterator[Watch]:
    """Return a function that starts a ground station for a recorder in a namespace."""
    stations: list[GroundStation] = []
    with own_context(field.domain_id) as context:

        def start(namespace: str = '') -> GroundStation:
            stations.append(GroundStation(context, namespace))
            return stations[-1]

        yield start
        for station in stations:
            station.close()


@pytest.fixture
def station(watch: Watch) -> GroundStation:
    """Return a ground station for a recorder without a namespace."""
    return watch()
