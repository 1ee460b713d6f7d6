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
"""What the facts of a flight root mean for the flight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fdr_node.config import GIB, MIB, RecorderConfig
from fdr_node.preflight.check import Check, Verdict
from fdr_node.preflight.disk import fallback_check, no_answer, root_checks
from fdr_node.preflight.roots import RootFacts
import pytest

if TYPE_CHECKING:
    from fdr_node.config import Setting

MS = 1_000_000
FACTS = RootFacts(
    root='/data/flights',
    is_there=True,
    device=7,
    free_bytes=100 * GIB,
    sync_ns=(3 * MS, 5 * MS, 4 * MS, 90 * MS),
)


def check_of(name: str, facts: RootFacts, **settings: Setting) -> Check:
    """Return the check of a name."""
    config = RecorderConfig.from_settings(settings)
    (found,) = [c for c in root_checks(facts, config, label='root') if c.name == name]
    return found


def test_a_root_that_is_fit_for_a_flight() -> None:
    """Every check is passed, and says what was found."""
    assert [
        (c.name, c.verdict, c.text) for c in root_checks(FACTS, RecorderConfig(), label='r')
    ] == [
        ('r', Verdict.GO, '/data/flights: can be written'),
        ('r: lock', Verdict.GO, 'free'),
        ('r: space', Verdict.GO, '102,400 MiB free'),
        ('r: sync', Verdict.GO, '8 times 1 MiB: median 4.5 ms, worst 90.0 ms'),
        ('r: flights', Verdict.GO, 'no interrupted one'),
    ]
    assert check_of('root', replace(FACTS, is_there=False)).text == '/data/flights: can be made'


def test_a_root_that_takes_nothing_is_all_there_is_to_say() -> None:
    """But for who holds it."""
    broken = replace(FACTS, error='EROFS: Read-only file system', sync_ns=())
    config = RecorderConfig()
    (check,) = root_checks(broken, config, label='root')
    assert (check.verdict, check.text) == (
        Verdict.NO_GO,
        '/data/flights: EROFS: Read-only file system',
    )
    assert check.advice == 'check the disk and mount it anew'
    (other,) = root_checks(replace(broken, error='ENXIO: No device'), config, label='root')
    assert other.advice == 'mount the disk, or take another one'
    held = root_checks(replace(broken, holder='pid 7'), config, label='root')
    assert [check.name for check in held] == ['root', 'root: lock']
    assert no_answer('/data', label='root', patience_s=8.0).text == (
        '/data: the disk has not answered within 8 s'
    )


def test_a_lock_that_is_held_names_its_holder() -> None:
    """Its open flight is not an interrupted one."""
    held = replace(FACTS, holder='pid 7 on uav, flight x', unclosed=('x',), unclosed_count=1)
    check = check_of('root: lock', held)
    assert (check.verdict, check.text) == (Verdict.NO_GO, 'held by pid 7 on uav, flight x')
    assert check_of('root: flights', held).verdict is Verdict.GO


@pytest.mark.parametrize(
    ('free_bytes', 'verdict', 'text'),
    [
        (64 * GIB, Verdict.GO, '65,536 MiB free'),
        (
            64 * GIB - 1,
            Verdict.WARN,
            '65,536 MiB free: the flight will have 65,536 MiB and not 65,536 MiB',
        ),
        (GIB, Verdict.WARN, '1,024 MiB free: the flight will have 1,024 MiB and not 65,536 MiB'),
        (
            512 * MIB,
            Verdict.NO_GO,
            '536870912 bytes are free, a flight of two segments needs 537133056',
        ),
        (0, Verdict.NO_GO, '0 bytes are free, free_bytes_min is 268435456'),
    ],
)
def test_the_space_is_what_the_recorder_makes_of_it(
    free_bytes: int, verdict: Verdict, text: str
) -> None:
    """It lowers the cap, or refuses the flight."""
    check = check_of('root: space', replace(FACTS, free_bytes=free_bytes))
    assert (check.verdict, check.text) == (verdict, text)


def test_flights_that_may_go_count_as_space() -> None:
    """With a cap of all flights together."""
    full = replace(FACTS, free_bytes=GIB, flights_bytes=20 * GIB, closed_bytes=20 * GIB)
    check = check_of('root: space', full, root_bytes_max=20 * GIB, flight_bytes_max=10 * GIB)
    assert check.verdict is Verdict.GO
    assert check_of('root: space', full, flight_bytes_max=10 * GIB).verdict is Verdict.WARN


@pytest.mark.parametrize(
    ('worst_ms', 'verdict', 'text'),
    [
        (999, Verdict.GO, '8 times 1 MiB: median 4.0 ms, worst 999.0 ms'),
        (
            1000,
            Verdict.WARN,
            '8 times 1 MiB: median 4.0 ms, worst 1000.0 ms; commit_interval_s is 1 s',
        ),
        (
            2000,
            Verdict.NO_GO,
            '8 times 1 MiB: median 4.0 ms, worst 2000.0 ms; io_stall_s is 2 s',
        ),
    ],
)
def test_a_slow_disk(worst_ms: int, verdict: Verdict, text: str) -> None:
    """It is compared with what the recorder does in flight."""
    check = check_of('root: sync', replace(FACTS, sync_ns=(4 * MS, 3 * MS, worst_ms * MS)))
    assert (check.verdict, check.text) == (verdict, text)


def test_interrupted_flights_are_named() -> None:
    """The first of them."""
    one = check_of('root: flights', replace(FACTS, unclosed=('a',), unclosed_count=1))
    assert (one.verdict, one.text) == (Verdict.WARN, 'interrupted: a')
    many = check_of('root: flights', replace(FACTS, unclosed=('a', 'b'), unclosed_count=9))
    assert many.text == 'interrupted: a, b and 7 more'


def test_a_second_root_on_the_same_disk_is_of_little_help() -> None:
    """What fails the first fails it too."""
    assert fallback_check(FACTS, FACTS).verdict is Verdict.WARN
    assert fallback_check(FACTS, replace(FACTS, device=8)).verdict is Verdict.GO
