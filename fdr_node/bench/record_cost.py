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
What ``FdrClient.record`` costs its caller: ``python -m fdr_node.bench.record_cost``.

It answers with one JSON line: for each situation the median, the 99th percentile and the worst of
many calls. The caller has a thread of its own, as a component has, and records ten at a time.
"""

from __future__ import annotations

from dataclasses import asdict
import json
import sys
import time
from typing import Final

from fdr_node.bench.results import ClientCost
from fdr_node.producer import FdrClient

PAYLOAD_BYTES: Final = 256

# Enough that the queue, which holds the default number of records, is full for most of the calls.
CALLS: Final = 30_000
_BURST_CALLS: Final = 10
_PAUSE_S: Final = 0.001

# Longer than the measurement: nobody is there to publish to, so all records wait.
_FOR_EVER_S: Final = 3600.0

# {'d': bytes} has this much beside the bytes.
_OVERHEAD_BYTES: Final = 5
# Share of the calls that are at most as long as the second number.
_MOST: Final = 0.99


def cost_of(situation: str, client: FdrClient, *, calls: int) -> ClientCost:
    """
    Measure.

    :param situation: name of what the client is in
    :param client: is not closed here
    :param calls: how often [1..]
    """
    payload = {'d': bytes(PAYLOAD_BYTES - _OVERHEAD_BYTES)}
    taken_ns: list[int] = []
    now_ns, record = time.perf_counter_ns, client.record
    while len(taken_ns) < calls:
        for _ in range(_BURST_CALLS):
            begin_ns = now_ns()
            record('bench', payload)
            taken_ns.append(now_ns() - begin_ns)
        time.sleep(_PAUSE_S)
    taken_ns.sort()
    return ClientCost(
        situation=situation,
        calls=len(taken_ns),
        median_us=taken_ns[len(taken_ns) // 2] / 1000,
        most_us=taken_ns[int(len(taken_ns) * _MOST)] / 1000,
        worst_us=taken_ns[-1] / 1000,
    )


def costs(*, calls: int = CALLS) -> list[ClientCost]:
    """
    Measure with a drain that publishes, and with one that cannot: the queue is full.

    :param calls: how often in each situation [1..]
    """
    found: list[ClientCost] = []
    for situation, hold_back_s in (('published', 0.0), ('stalled drain', _FOR_EVER_S)):
        client = FdrClient.standalone('record_cost', hold_back_s=hold_back_s)
        try:
            found.append(cost_of(situation, client, calls=calls))
        finally:
            client.close(deadline_s=0.0)
    return found


def main() -> None:
    """Measure and answer."""
    answer = {'costs': [asdict(cost) for cost in costs()]}
    sys.stdout.write(json.dumps(answer) + '\n')
    sys.stdout.flush()


if __name__ == '__main__':
    main()
