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
"""Which flight it is: ids that sort by time, and the header with all that it promises."""

from __future__ import annotations

from dataclasses import replace
import json
from typing import TYPE_CHECKING
from uuid import RFC_4122, UUID

from fdr_node.clock import Instant
from fdr_node.config import KIB
from fdr_node.errors import ConfigError
from fdr_node.recording.identity import (
    flight_header,
    flight_id_of,
    header_fault,
    is_flight_id,
    new_flight_id,
)
from fdr_node.schema import FlightHeader, SigningKeyRotation
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import WALL_NS
import pytest
from rigs import config_of, FLIGHT_ID, OTHER_FLIGHT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from fdr_node.schema import Value

SETTINGS = settings(deadline=None)
MILLISECOND_NS = 1_000_000
START = Instant(wall_ns=WALL_NS + 1_234_567, monotonic_ns=42)


@SETTINGS
@given(st.integers(0, 2**48 * MILLISECOND_NS - 1))
def test_a_new_id_is_a_uuid_of_version_7(wall_ns: int) -> None:
    """Version and variant where RFC 9562 wants them, milliseconds in the first 48 bits."""
    flight_id = new_flight_id(wall_ns)
    uuid = UUID(flight_id)
    assert (str(uuid), uuid.version, uuid.variant) == (flight_id, 7, RFC_4122)
    assert uuid.int >> 80 == wall_ns // MILLISECOND_NS


@SETTINGS
@given(st.lists(st.integers(0, 2**48 - 1), unique=True, max_size=20))
def test_ids_sort_by_time(milliseconds: list[int]) -> None:
    """As text, and so in the listing of a flight root."""
    ids = [new_flight_id(time * MILLISECOND_NS) for time in sorted(milliseconds)]
    assert ids == sorted(ids)


def test_ids_of_one_instant_differ() -> None:
    """Two computers that boot at 1970 must not name their flights alike."""
    assert len({new_flight_id(0) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    'text',
    [
        FLIGHT_ID,
        FLIGHT_ID.upper(),
        FLIGHT_ID.replace('-', ''),
        '{' + FLIGHT_ID.replace('-', '') + '}',
    ],
)
def test_a_configured_id_is_taken_in_its_canonical_form(text: str) -> None:
    """However it was written: it becomes the name of a directory."""
    config = config_of(settings={'flight_id': text})
    assert flight_id_of(config, wall_ns=WALL_NS) == FLIGHT_ID


@pytest.mark.parametrize('text', ['flight-7', '../../etc', FLIGHT_ID[:-1], ' ', '7' * 36])
def test_a_configured_id_that_is_no_uuid_is_refused(text: str) -> None:
    """With its name and its value."""
    with pytest.raises(ConfigError) as caught:
        flight_id_of(config_of(settings={'flight_id': text}), wall_ns=WALL_NS)
    error = caught.value
    assert (error.name, error.value, error.bound) == (
        'flight_id',
        text,
        'a UUID, or empty',
    )


def test_without_a_configured_id_one_is_drawn() -> None:
    """For the time of the start."""
    flight_id = flight_id_of(config_of(), wall_ns=WALL_NS)
    assert UUID(flight_id).int >> 80 == WALL_NS // MILLISECOND_NS


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (FLIGHT_ID, True),
        (FLIGHT_ID.upper(), False),
        (FLIGHT_ID.replace('-', ''), False),
        ('../elsewhere', False),
        ('', False),
    ],
)
def test_only_the_canonical_form_names_a_directory(text: str, *, expected: bool) -> None:
    """A flight has one name, and no way out of the flight root."""
    assert is_flight_id(text) is expected


def header(**settings_: str) -> FlightHeader:
    """Return a header with these settings."""
    config = config_of('/data/fdr', {'flight_id': FLIGHT_ID, **settings_})
    return flight_header(
        config,
        start=START,
        host='companion',
        software_versions={'fdr_node': '1.2.3'},
        manifest_hashes={'/plan': '0f' * 32},
        predecessor_flight_id=OTHER_FLIGHT_ID,
    )


def test_the_header_says_what_the_flight_is() -> None:
    """Every field, in both clocks and in words; the settings as JSON holds them."""
    made = header(signing_key_id='key-7')
    assert made == FlightHeader(
        flight_id=FLIGHT_ID,
        session_id=made.session_id,
        start_utc='2026-01-31T12:00:00.001234Z',
        start_wall_ns=START.wall_ns,
        start_monotonic_ns=42,
        configuration=made.configuration,
        manifest_hashes={'/plan': '0f' * 32},
        host='companion',
        software_versions={'fdr_node': '1.2.3'},
        predecessor_flight_id=OTHER_FLIGHT_ID,
        signing_key_rotation=SigningKeyRotation(
            new_key_id='key-7', reason='in force at the start'
        ),
    )
    settings_ = config_of('/data/fdr', {'flight_id': FLIGHT_ID, 'signing_key_id': 'key-7'})
    assert made.configuration == json.loads(json.dumps(settings_.to_settings()))


def test_a_header_without_a_signing_key() -> None:
    """Nothing is said of one."""
    assert header().signing_key_rotation is None


def test_each_start_has_a_session_of_its_own() -> None:
    """So that the recorder's own records of two flights cannot be taken for one row."""
    assert len({header().session_id for _ in range(20)}) == 20


def _too_large(header: FlightHeader) -> FlightHeader:
    return replace(header, configuration={'text': 'x' * 32 * KIB})


def _too_deep(header: FlightHeader) -> FlightHeader:
    nested: dict[str, Value] = {}
    for _ in range(20):
        nested = {'in': nested}
    return replace(header, configuration=nested)


def _no_text(header: FlightHeader) -> FlightHeader:
    return replace(header, configuration={'flight_root': '/data/\udcff'})


def _no_uuid(header: FlightHeader) -> FlightHeader:
    return replace(header, flight_id='../elsewhere')


def _upper_case(header: FlightHeader) -> FlightHeader:
    return replace(header, flight_id=FLIGHT_ID.upper())


@pytest.mark.parametrize(
    ('spoil', 'words'),
    [
        (_too_large, 'bytes of JSON, allowed: 32768'),
        (_too_deep, 'the flight header: configuration.in.in'),
        (_no_text, 'the flight header: configuration.flight_root'),
        (_no_uuid, "'../elsewhere' is no UUID"),
        (_upper_case, 'is no UUID in lower case'),
    ],
)
def test_a_header_that_cannot_be_written_is_found(
    spoil: Callable[[FlightHeader], FlightHeader], words: str
) -> None:
    """In words; one that can be has no fault."""
    assert header_fault(header()) == ''
    assert words in header_fault(spoil(header()))
