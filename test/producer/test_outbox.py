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
"""What goes into the outbox comes out in order, or is counted."""

from __future__ import annotations

from threading import Thread
from typing import cast

from fdr_node.errors import ConfigError, FlightStateError, PayloadError
from fdr_node.producer import outbox as outbox_module
from fdr_node.producer.outbox import Outbox
from fdr_node.record import decode_cdr, encode_cdr, FdrRecord
from fdr_node.schema import decode_payload, Kind, ProducerStats
from hypothesis import given
from hypothesis import strategies as st
import pytest

ALL = 10**9
VITAL = 'vital'


def make_outbox(*, records_max: int = 100, bytes_max: int = 10**6) -> Outbox:
    """Return an outbox with the bounds that matter to the test."""
    return Outbox(
        producer_id='camera',
        session_id=7,
        records_max=records_max,
        bytes_max=bytes_max,
        priority_kinds=[VITAL],
    )


def put(outbox: Outbox, payload: bytes = b'\x80', *, kind: str = 'frame') -> int:
    """Put a record and return its number."""
    return outbox.put(kind, payload, schema_version=3, stamp_ns=11, monotonic_ns=22)


def take_all(outbox: Outbox) -> list[FdrRecord]:
    """Take everything that waits."""
    return [decode_cdr(item.data) for item in outbox.take(records_max=ALL, bytes_max=ALL)]


def test_a_record_comes_out_as_it_went_in() -> None:
    """Every field of the record."""
    outbox = make_outbox()

    assert put(outbox, b'\x81\xa1a\x01') == 0

    assert take_all(outbox) == [FdrRecord(11, 22, 7, 0, 3, 'camera', 'frame', b'\x81\xa1a\x01')]


def test_a_full_outbox_drops_the_oldest() -> None:
    """The numbers go on, the oldest records go."""
    outbox = make_outbox(records_max=3)

    numbers = [put(outbox) for _ in range(5)]

    assert numbers == [0, 1, 2, 3, 4]
    assert [record.seq for record in take_all(outbox)] == [2, 3, 4]
    assert (outbox.published, outbox.dropped, outbox.overrun) == (5, 2, 2)


def test_bytes_are_bounded_as_well_as_records() -> None:
    """Large records push out more than one."""
    outbox = make_outbox(bytes_max=1000)

    for _ in range(5):
        put(outbox, bytes(400))

    assert [record.seq for record in take_all(outbox)] == [3, 4]
    assert outbox.dropped == 3


def test_a_flood_does_not_push_out_what_has_priority() -> None:
    """And what comes out is in the order of its numbers; a quarter more is all that it holds."""
    outbox = make_outbox(records_max=8)
    for number in range(100):
        put(outbox, kind=VITAL if number in {0, 50} else 'frame')

    taken = outbox.take(records_max=ALL, bytes_max=ALL)

    assert [item.seq for item in taken] == [0, 50, *range(92, 100)]
    assert [item.seq for item in taken if item.is_priority] == [0, 50]
    assert (outbox.published, outbox.dropped, outbox.overrun) == (100, 90, 90)


def test_a_record_that_its_own_part_cannot_hold_waits_with_all_others() -> None:
    """A large one is not refused for what it is, nor does it push out the small ones."""
    outbox = make_outbox(bytes_max=1000)
    put(outbox, kind=VITAL)
    put(outbox, bytes(400), kind=VITAL)

    taken = outbox.take(records_max=ALL, bytes_max=ALL)

    assert [(item.seq, item.is_priority) for item in taken] == [(0, True), (1, False)]


def test_a_record_larger_than_the_outbox_is_refused_before_it_is_numbered() -> None:
    """It pushes nothing out and leaves no hole."""
    outbox = make_outbox(bytes_max=1000)
    put(outbox)

    with pytest.raises(PayloadError) as caught:
        put(outbox, bytes(1000))

    assert caught.value.field == 'payload'
    assert [record.seq for record in take_all(outbox)] == [0]
    assert (outbox.published, outbox.dropped) == (1, 0)


@pytest.mark.parametrize('kind', ['', 'k' * 65, 'k\0', '\ud800'])
def test_a_kind_that_cannot_be_serialised_is_refused_before_it_is_numbered(kind: str) -> None:
    """A refused name leaves no hole."""
    outbox = make_outbox()

    with pytest.raises(PayloadError) as caught:
        put(outbox, kind=kind)

    assert caught.value.field == 'kind'
    assert (outbox.published, outbox.dropped) == (0, 0)


def test_a_name_that_is_no_text_is_refused() -> None:
    """By the field that is wrong."""
    with pytest.raises(PayloadError, match='allowed: a string'):
        Outbox(producer_id=cast('str', None), session_id=7, records_max=1, bytes_max=1)


def test_who_interrupts_a_caller_may_record_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler, or a destructor that the collector runs, in the same thread."""
    outbox = make_outbox()
    numbers: list[int] = []

    def interrupted(record: FdrRecord) -> bytes:
        monkeypatch.setattr(outbox_module, 'encode_cdr', encode_cdr)
        numbers.append(put(outbox, kind='handler'))
        return encode_cdr(record)

    monkeypatch.setattr(outbox_module, 'encode_cdr', interrupted)
    caller = Thread(target=lambda: numbers.append(put(outbox)), daemon=True)
    caller.start()
    caller.join(5)
    assert numbers == [0, 1]
    assert [(record.seq, record.kind) for record in take_all(outbox)] == [
        (0, 'handler'),
        (1, 'frame'),
    ]
    assert (outbox.published, outbox.dropped) == (2, 0)


def test_a_producer_that_no_record_can_name_is_refused() -> None:
    """At once, and not in flight."""
    with pytest.raises(PayloadError) as caught:
        Outbox(producer_id='', session_id=7, records_max=1, bytes_max=1)

    assert caught.value.field == 'producer_id'


@pytest.mark.parametrize('bounds', [(0, 1), (1, 0)])
def test_an_outbox_that_holds_nothing_is_refused(bounds: tuple[int, int]) -> None:
    """Each bound is 1 at least."""
    records_max, bytes_max = bounds

    with pytest.raises(ConfigError):
        make_outbox(records_max=records_max, bytes_max=bytes_max)


def test_a_lost_record_leaves_a_hole_with_a_number() -> None:
    """A record that cannot be made is lost by name."""
    outbox = make_outbox()

    assert [put(outbox), outbox.lose(), put(outbox)] == [0, 1, 2]

    assert [record.seq for record in take_all(outbox)] == [0, 2]
    assert (outbox.published, outbox.dropped, outbox.overrun) == (3, 1, 0)


def test_take_stops_at_either_bound_but_never_starves() -> None:
    """A record larger than the bound comes alone."""
    outbox = make_outbox()
    for _ in range(4):
        put(outbox, bytes(100))

    assert len(outbox.take(records_max=2, bytes_max=ALL)) == 2
    assert len(outbox.take(records_max=ALL, bytes_max=1)) == 1
    assert len(outbox) == 1


def test_statistics_count_themselves_and_what_was_dropped() -> None:
    """Their published is their own number and one."""
    outbox = make_outbox(records_max=1)
    put(outbox)
    put(outbox)

    assert outbox.put_stats(stamp_ns=1, monotonic_ns=2) == 2

    (record,) = take_all(outbox)
    assert (record.seq, record.kind, record.session_id) == (2, Kind.PRODUCER_STATS, 7)
    stats = ProducerStats.from_payload(decode_payload(record.payload))
    # The statistics are read before their own record pushes another one out.
    assert stats == ProducerStats(session_id=7, published=3, dropped=1)


def test_a_closed_outbox_takes_statistics_only() -> None:
    """What waits may still go out."""
    outbox = make_outbox()
    put(outbox)
    outbox.close()

    with pytest.raises(FlightStateError):
        put(outbox)

    outbox.put_stats(stamp_ns=1, monotonic_ns=2)
    assert [record.kind for record in take_all(outbox)] == ['frame', Kind.PRODUCER_STATS]
    assert (outbox.published, outbox.dropped) == (2, 0)


def test_what_is_cleared_or_given_up_is_counted() -> None:
    """As dropped, but not as overrun."""
    outbox = make_outbox()
    for _ in range(5):
        put(outbox)
    outbox.give_up(len(outbox.take(records_max=2, bytes_max=ALL)))

    outbox.clear()

    assert (len(outbox), outbox.published, outbox.dropped, outbox.overrun) == (0, 5, 5, 0)


@given(
    records_max=st.integers(1, 8),
    bytes_max=st.integers(300, 2000),
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(['put', 'vital']), st.integers(0, 150)),
            st.tuples(st.just('take'), st.integers(1, 6)),
            st.tuples(st.just('give_up'), st.integers(1, 6)),
            st.tuples(st.just('lose'), st.just(0)),
            st.tuples(st.just('stats'), st.just(0)),
        ),
        max_size=60,
    ),
)
def test_every_number_is_drained_dropped_or_waiting(
    records_max: int, bytes_max: int, steps: list[tuple[str, int]]
) -> None:
    """After any steps: published = drained + dropped + waiting, in order, within the bounds."""
    outbox = make_outbox(records_max=records_max, bytes_max=bytes_max)
    drained: list[int] = []
    for step, size in steps:
        match step:
            case 'put':
                put(outbox, bytes(size))
            case 'vital':
                put(outbox, bytes(size), kind=VITAL)
            case 'stats':
                outbox.put_stats(stamp_ns=1, monotonic_ns=2)
            case 'lose':
                outbox.lose()
            case 'take':
                taken = outbox.take(records_max=size, bytes_max=ALL)
                drained += [decode_cdr(item.data).seq for item in taken]
            case _:
                outbox.give_up(len(outbox.take(records_max=size, bytes_max=ALL)))
        assert outbox.published == len(drained) + outbox.dropped + len(outbox)
        assert len(outbox) <= records_max + max(1, records_max // 4)
    rest = outbox.take(records_max=ALL, bytes_max=ALL)
    assert sum(len(item.data) for item in rest) <= bytes_max + max(1, bytes_max // 4)
    drained += [item.seq for item in rest]
    assert drained == sorted(set(drained))
    assert outbox.published == len(drained) + outbox.dropped


def test_threads_share_the_numbers_without_a_hole() -> None:
    """Each number is given out once, and the queue is in their order."""
    outbox = make_outbox(records_max=10_000)
    numbers: list[int] = []

    def put_many() -> None:
        numbers.extend([put(outbox) for _ in range(500)])

    threads = [Thread(target=put_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == list(range(2000))
    assert [record.seq for record in take_all(outbox)] == list(range(2000))
