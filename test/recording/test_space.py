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
"""How much of the disk a flight may take, and when it is refused."""

from __future__ import annotations

from dataclasses import replace

from fdr_node.config import FLIGHT_BYTES_MIN, KIB, METADATA_ALLOWANCE_BYTES, MIB
from fdr_node.recording.space import Space, space_for
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from rigs import config_of

SEGMENT = 4 * MIB
# Two segments and metadata.
LEAST = 2 * SEGMENT + METADATA_ALLOWANCE_BYTES
CAP = 100 * MIB
CONFIG = config_of(settings={'segment_bytes_max': SEGMENT, 'flight_bytes_max': CAP})


def refused(reason: str) -> Space:
    """Return what a refusal looks like."""
    return Space(cap_bytes=0, refusal=reason)


@pytest.mark.parametrize(
    ('free_bytes', 'cap_bytes'),
    [(CAP + 1, CAP), (CAP, CAP), (CAP - 1, CAP - 1), (LEAST, LEAST)],
)
def test_the_cap_is_what_is_free_at_most(free_bytes: int, cap_bytes: int) -> None:
    """A flight may be given less than it asks for, and never more than there is."""
    assert space_for(CONFIG, free_bytes=free_bytes) == Space(cap_bytes=cap_bytes)


def test_too_little_for_two_segments_is_refused() -> None:
    """A cut needs a new segment beside the last one."""
    assert space_for(CONFIG, free_bytes=LEAST - 1) == refused(
        f'{LEAST - 1} bytes are free, a flight of two segments needs {LEAST}'
    )


def test_less_than_free_bytes_min_is_refused() -> None:
    """Both numbers are told."""
    config = replace(CONFIG, free_bytes_min=50 * MIB)
    assert space_for(config, free_bytes=50 * MIB) == Space(cap_bytes=50 * MIB)
    assert space_for(config, free_bytes=50 * MIB - 1) == refused(
        '52428799 bytes are free, free_bytes_min is 52428800'
    )


@pytest.mark.parametrize('free_bytes', [FLIGHT_BYTES_MIN - 1, FLIGHT_BYTES_MIN])
def test_no_cap_is_smaller_than_a_setting_may_be(free_bytes: int) -> None:
    """Two of the smallest segments are smaller than the smallest cap."""
    config = config_of(settings={'segment_bytes_max': 512 * KIB, 'flight_bytes_max': CAP})
    space = space_for(config, free_bytes=free_bytes)
    if free_bytes < FLIGHT_BYTES_MIN:
        reason = f'{free_bytes} bytes are free, a flight of two segments needs {FLIGHT_BYTES_MIN}'
        assert space == refused(reason)
    else:
        assert replace(config, flight_bytes_max=space.cap_bytes).flight_bytes_max == free_bytes


def test_the_cap_of_all_flights_lowers_that_of_one() -> None:
    """One flight alone is not more than all of them."""
    config = replace(CONFIG, root_bytes_max=60 * MIB)
    assert space_for(config, free_bytes=CAP) == Space(cap_bytes=60 * MIB)
    config = replace(CONFIG, root_bytes_max=LEAST - 1)
    assert space_for(config, free_bytes=CAP) == refused(
        f'root_bytes_max is {LEAST - 1}, a flight of two segments needs {LEAST}'
    )


def test_old_flights_that_will_go_are_free_space() -> None:
    """A full disk of closed flights is what root_bytes_max is for."""
    config = replace(CONFIG, root_bytes_max=200 * MIB, free_bytes_min=30 * MIB)
    space = space_for(config, free_bytes=10 * MIB, flights_bytes=190 * MIB, closed_bytes=190 * MIB)
    assert space == Space(cap_bytes=CAP)


def test_old_flights_that_stay_are_no_free_space() -> None:
    """Without root_bytes_max, below it, or because they were not closed, none of them goes."""
    for root_bytes_max, closed_bytes in ((0, 190 * MIB), (300 * MIB, 190 * MIB), (200 * MIB, 0)):
        config = replace(CONFIG, root_bytes_max=root_bytes_max)
        space = space_for(
            config, free_bytes=20 * MIB, flights_bytes=190 * MIB, closed_bytes=closed_bytes
        )
        assert space == Space(cap_bytes=20 * MIB)


sizes = st.integers(0, 300 * MIB)


@settings(deadline=None)
@given(
    root_bytes_max=st.integers(LEAST, 300 * MIB),
    free_bytes=sizes,
    closed_bytes=sizes,
    unclosed_bytes=sizes,
)
def test_the_cap_is_there_once_old_flights_have_gone(
    root_bytes_max: int, free_bytes: int, closed_bytes: int, unclosed_bytes: int
) -> None:
    """As flight_root drops them: no more than until the new flight fits below root_bytes_max."""
    flights_bytes = closed_bytes + unclosed_bytes
    cap_bytes = space_for(
        replace(CONFIG, root_bytes_max=root_bytes_max),
        free_bytes=free_bytes,
        flights_bytes=flights_bytes,
        closed_bytes=closed_bytes,
    ).cap_bytes
    must_go = max(0, flights_bytes + cap_bytes - root_bytes_max)
    assert cap_bytes <= free_bytes + min(closed_bytes, must_go)
    assert cap_bytes <= min(CAP, root_bytes_max)
