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
"""What a call of record() costs: measured for each situation, and no dearer with a full queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.bench import record_cost
from fdr_node.bench.record_cost import cost_of, costs
from fdr_node.producer import FdrClient
from fdr_node.producer.client import QUEUE_RECORDS_MAX
from own_context import random_domain
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.ros, pytest.mark.timeout(60)]

# What noise may add to a median on a computer that does something else.
NOISE = 3.0


@pytest.fixture(autouse=True)
def _own_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish to nobody."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(random_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    monkeypatch.setattr(record_cost, '_PAUSE_S', 0.0)


def test_both_situations_are_measured() -> None:
    """The numbers of each are in their order."""
    found = costs(calls=200)
    assert [(cost.situation, cost.calls) for cost in found] == [
        ('published', 200),
        ('stalled drain', 200),
    ]
    assert all(0 < cost.median_us <= cost.most_us <= cost.worst_us for cost in found)


@pytest.mark.slow
def test_a_call_is_no_dearer_when_the_drain_is_stalled_and_the_queue_is_full() -> None:
    """Neither when it has just filled up, nor five times its length later."""
    with FdrClient.standalone('cost', hold_back_s=3600.0) as client:
        empty = cost_of('empty', client, calls=QUEUE_RECORDS_MAX // 2)
        assert client.dropped == 0
        cost_of('filling', client, calls=QUEUE_RECORDS_MAX)
        full = [cost_of('full', client, calls=QUEUE_RECORDS_MAX // 2) for _ in range(10)]
        assert client.dropped > 5 * QUEUE_RECORDS_MAX
        client.close(deadline_s=0.0)
    assert full[0].median_us < NOISE * empty.median_us
    assert full[-1].median_us < NOISE * empty.median_us
    assert min(cost.most_us for cost in full) < NOISE * empty.most_us
