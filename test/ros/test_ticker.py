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
"""The ticker: it calls again and again, and after its end no more."""

from __future__ import annotations

from threading import current_thread, Event

from fdr_node.ros.ticker import Ticker

WAIT_S = 20.0


def test_it_calls_until_it_is_ended() -> None:
    """Each call is in the one thread that has the name."""
    calls: list[str] = []
    is_enough = Event()

    def step() -> None:
        calls.append(current_thread().name)
        if len(calls) == 3:
            is_enough.set()

    ticker = Ticker(step, period_s=0.001, name='drain')
    assert is_enough.wait(WAIT_S)
    ticker.end()
    count = len(calls)
    ticker.end()
    assert count >= 3
    assert calls == ['drain'] * count


def test_its_end_waits_for_the_step_that_runs() -> None:
    """What the step uses may be taken away afterwards."""
    begun, may_go_on = Event(), Event()
    done: list[bool] = []

    def step() -> None:
        begun.set()
        done.append(may_go_on.wait(WAIT_S))

    ticker = Ticker(step, period_s=0.001, name='drain')
    assert begun.wait(WAIT_S)
    ender = Ticker(ticker.end, period_s=0.001, name='ender')
    assert not done
    may_go_on.set()
    ticker.end()
    ender.end()
    assert done
    assert all(done)


def test_a_step_may_end_it() -> None:
    """It does not wait for itself."""
    tickers: list[Ticker] = []
    is_made, is_over = Event(), Event()
    calls: list[int] = []

    def step() -> None:
        assert is_made.wait(WAIT_S)
        calls.append(1)
        tickers[0].end()
        is_over.set()

    tickers.append(Ticker(step, period_s=0.001, name='drain'))
    is_made.set()
    assert is_over.wait(WAIT_S)
    tickers[0].end()
    assert calls == [1]
