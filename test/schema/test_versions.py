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
"""Reading any record: typed where that is possible, never refused for what it says."""

from dataclasses import dataclass
from typing import ClassVar

from fdr_node.errors import PayloadError
from fdr_node.record import SCHEMA_VERSION
from fdr_node.schema import (
    decode_record_payload,
    DecodedPayload,
    encode_payload,
    Kind,
    Payload,
    PAYLOAD_TYPES,
    PayloadLimits,
    ProducerStats,
    Value,
)
from fdr_node.schema.layout import U64
import pytest

STATS: dict[str, Value] = {'session_id': 1, 'published': 2, 'dropped': 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterStats(Payload):
    """A third version of a kind, with a field that the first two did not have."""

    KIND: ClassVar[Kind] = Kind.PRODUCER_STATS
    VERSION: ClassVar[int] = 3

    session_id: U64
    published: U64
    dropped: U64
    retried: U64 = 0


def test_every_kind_has_one_payload_class() -> None:
    """The registry is complete, and names each class by its own kind."""
    assert set(PAYLOAD_TYPES) == set(Kind)
    assert all(kind == payload_type.KIND for kind, payload_type in PAYLOAD_TYPES.items())
    assert {payload_type.VERSION for payload_type in PAYLOAD_TYPES.values()} == {SCHEMA_VERSION}


def test_a_known_version_is_typed() -> None:
    """As a map and as the class of its kind."""
    assert decode_record_payload('producer_stats', 1, encode_payload(STATS)) == DecodedPayload(
        value=STATS,
        typed=ProducerStats(session_id=1, published=2, dropped=0),
        is_known_kind=True,
        is_newer_version=False,
        mismatch=None,
    )


@pytest.mark.parametrize('version', [2, 65535])
def test_a_newer_version_is_flagged_and_given_as_a_map(version: int) -> None:
    """What it means is not known here, so it is not typed, and not refused either."""
    newer = {**STATS, 'published': 'many', 'more': True}

    decoded = decode_record_payload('producer_stats', version, encode_payload(newer))

    assert decoded == DecodedPayload(
        value=newer, typed=None, is_known_kind=True, is_newer_version=True, mismatch=None
    )


@pytest.mark.parametrize('version', [0, 1, 2])
def test_an_older_version_is_typed(version: int) -> None:
    """Fields that came later take their defaults."""
    decoded = decode_record_payload(
        'producer_stats',
        version,
        encode_payload(STATS),
        payload_types={Kind.PRODUCER_STATS: LaterStats},
    )

    assert decoded.typed == LaterStats(session_id=1, published=2, dropped=0, retried=0)
    assert not decoded.is_newer_version


def test_an_unknown_kind_is_a_map() -> None:
    """Of any version: there is none that is known."""
    decoded = decode_record_payload('gripper', 7, encode_payload({'closed': True}))

    assert decoded == DecodedPayload(
        value={'closed': True},
        typed=None,
        is_known_kind=False,
        is_newer_version=False,
        mismatch=None,
    )


def test_a_payload_that_does_not_fit_its_kind_is_given_with_the_reason() -> None:
    """An investigator still reads what the component wrote."""
    wrong: dict[str, Value] = {'session_id': 1, 'published': -2, 'dropped': 0}

    decoded = decode_record_payload('producer_stats', 1, encode_payload(wrong))

    assert (decoded.value, decoded.typed, decoded.is_known_kind) == (wrong, None, True)
    assert decoded.mismatch is not None
    assert decoded.mismatch.field == 'published'


@pytest.mark.parametrize('kind', ['imu', 'gripper'])
@pytest.mark.parametrize('version', [1, 2])
def test_bytes_that_are_no_map_are_refused(kind: str, version: int) -> None:
    """Whatever the record says that they are."""
    with pytest.raises(PayloadError):
        decode_record_payload(kind, version, b'\x01')


def test_the_limits_are_the_callers() -> None:
    """A tool that reads a flight made with larger limits can ask for them."""
    large = encode_payload({'data': bytes(100)})

    assert decode_record_payload('gripper', 1, large).value == {'data': bytes(100)}
    with pytest.raises(PayloadError):
        decode_record_payload('gripper', 1, large, limits=PayloadLimits(bin_bytes_max=99))
