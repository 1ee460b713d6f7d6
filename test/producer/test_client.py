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
"""A component publishes over real ROS: nothing is lost without a number, nothing blocks it."""

from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread
import time
from typing import cast, TYPE_CHECKING

from fdr_node.errors import ConfigError, FdrQueueOverrunError, FlightStateError, PayloadError
from fdr_node.msg import FdrRecord as FdrRecordMessage
from fdr_node.producer import FdrClient
from fdr_node.schema import (
    decode_payload,
    encode_payload,
    Estimate,
    EstimatorHealth,
    Kind,
    Payload,
    ProducerStats,
)
from own_context import own_context
import pytest
import rclpy
from rclpy.serialization import deserialize_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fdr_node.producer.outlet import Outlet
    from fdr_node.record import FdrRecord
    from fdr_node.schema import Value
    from rclpy.node import Node
    from record_reader import Reader

pytestmark = pytest.mark.ros

GOOD = Estimate(health=EstimatorHealth.GOOD, position_ned_m=(1.0, 2.0, -3.0))
WAIT_S = 10.0

# Longer than any test: what waits stays where it is.
NEVER_S = 3600.0


def stats_of(record: FdrRecord) -> ProducerStats:
    """Return what a producer_stats record says."""
    return ProducerStats.from_payload(decode_payload(record.payload))


class StuckOutlet:
    """Stands in for the middleware: it knows no reader and does not come back from publishing."""

    is_alive = True

    def __init__(self) -> None:
        self.entered = Event()
        self.released = Event()

    def publish(self, _burst: Iterable[bytes]) -> int:
        """Come back only when released."""
        self.entered.set()
        self.released.wait(WAIT_S)
        return 0

    def readers(self) -> int:
        """Know nobody."""
        return 0

    def is_priority_read(self) -> bool:
        """Know nobody."""
        return False


def hang(fdr: FdrClient) -> tuple[StuckOutlet, Outlet]:
    """Put a stuck outlet in the place of the client's own, and return both."""
    stuck, own = StuckOutlet(), fdr._outlet
    fdr._outlet = cast('Outlet', stuck)
    return stuck, own


def test_all_records_arrive_in_order_also_those_made_before_the_recorder_came(
    node: Node, topic: str, make_reader: Callable[[], Reader]
) -> None:
    """Records wait for the recorder, and the closing statistics say how many there were."""
    with FdrClient(node, 'estimator', topic=topic, hold_back_s=NEVER_S) as fdr:
        assert [fdr.record('early', {'i': i}) for i in range(300)] == list(range(300))
        reader = make_reader()
        assert fdr.wait_for_recorder(WAIT_S)
        for _ in range(4):
            fdr.record(Kind.ESTIMATE, GOOD)

        # Statistics come once a second, without being asked for.
        records = reader.wait_for(lambda all_: bool(all_) and all_[-1].kind == 'producer_stats')
        assert stats_of(records[-1]).published == records[-1].seq + 1
    last = fdr.published - 1
    records = reader.wait_for(lambda all_: bool(all_) and all_[-1].seq == last)

    assert [record.seq for record in records] == list(range(fdr.published))
    assert {(record.producer_id, record.session_id) for record in records} == {
        ('estimator', fdr.session_id)
    }
    assert [record.kind for record in records[-2:]] == ['producer_stats'] * 2
    assert stats_of(records[-1]) == ProducerStats(
        session_id=fdr.session_id, published=fdr.published, dropped=0
    )
    assert fdr.dropped == 0


def test_several_threads_share_one_session(
    node: Node, topic: str, make_reader: Callable[[], Reader]
) -> None:
    """Four threads record at once: one count, no hole, and each thread in its own order."""
    reader = make_reader()
    with FdrClient(node, 'router', topic=topic) as fdr:

        def record_many(thread: int) -> None:
            for i in range(250):
                fdr.record('frame', {'thread': thread, 'i': i})

        threads = [Thread(target=record_many, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    last = fdr.published - 1
    records = reader.wait_for(lambda all_: bool(all_) and all_[-1].seq == last)

    assert [record.seq for record in records] == list(range(fdr.published))
    frames = [decode_payload(record.payload) for record in records if record.kind == 'frame']
    assert len(frames) == 1000
    for thread_id in range(4):
        mine = [frame['i'] for frame in frames if frame['thread'] == thread_id]
        assert mine == list(range(250))


def test_a_record_is_the_message_that_ros_reads(
    topic: str, make_reader: Callable[[], Reader]
) -> None:
    """What goes out is read with ROS's own deserialiser."""
    reader = make_reader()
    with FdrClient.standalone('cam-é', topic=topic) as fdr:
        fdr.record('note', {'text': 'x'}, schema_version=7, stamp_ns=12_000_000_034)
        fdr.record(Kind.ESTIMATE, GOOD)
        reader.wait_for(lambda all_: len(all_) >= 2)

    note, estimate = (
        deserialize_message(data, FdrRecordMessage) for data in reader.serialised[:2]
    )
    assert (note.stamp.sec, note.stamp.nanosec, note.schema_version) == (12, 34, 7)
    assert (note.producer_id, note.kind, note.seq) == ('cam-é', 'note', 0)
    assert bytes(note.payload) == encode_payload({'text': 'x'})
    assert (estimate.kind, estimate.seq, estimate.schema_version) == ('estimate', 1, 1)
    assert Estimate.from_payload(decode_payload(bytes(estimate.payload))) == GOOD
    assert abs(estimate.stamp.sec - time.time()) < WAIT_S
    assert 0 < estimate.monotonic_ns <= time.monotonic_ns()


def test_a_stuck_drain_blocks_no_caller_and_what_is_dropped_is_told(
    node: Node, topic: str
) -> None:
    """The caller goes on while the middleware hangs, and the callback hears of every drop."""
    told: list[int] = []
    all_told = Event()

    def on_overrun(error: FdrQueueOverrunError) -> None:
        told.append(error.lost)
        if sum(told) == 990:
            all_told.set()
        msg = 'the component has a bug'
        raise RuntimeError(msg)

    fdr = FdrClient(
        node,
        'imu',
        topic=topic,
        hold_back_s=NEVER_S,
        queue_records_max=10,
        on_overrun=on_overrun,
    )
    stuck, own = hang(fdr)
    fdr._heard.set()
    fdr.record('sample', {})
    assert stuck.entered.wait(WAIT_S)

    for _ in range(1000):
        fdr.record('sample', {})

    assert (fdr.published, fdr.dropped) == (1001, 990)
    started_s = time.monotonic()
    fdr.close(deadline_s=0.05)
    assert time.monotonic() - started_s < WAIT_S / 2
    assert fdr.dropped == 1000
    stuck.released.set()
    # The drain goes on afterwards, and a failing callback has not ended it.
    assert all_told.wait(WAIT_S)
    fdr._outlet = own
    fdr.close()


def test_without_a_recorder_records_go_out_after_a_while(node: Node, topic: str) -> None:
    """Holding back ends without a reader too."""
    with FdrClient(node, 'imu', topic=topic, hold_back_s=0.0) as fdr:
        stuck, own = hang(fdr)
        fdr.record('sample', {})

        assert stuck.entered.wait(WAIT_S)
        assert not fdr.wait_for_recorder(0)

        stuck.released.set()
        fdr._outlet = own


def test_closing_without_a_recorder_gives_up_at_the_deadline(node: Node, topic: str) -> None:
    """What could not go out is counted as dropped."""
    fdr = FdrClient(node, 'imu', topic=topic, hold_back_s=NEVER_S)
    for _ in range(5):
        fdr.record('sample', {})

    fdr.close(deadline_s=0.05)
    fdr.close()

    # Two closing statistics went out all the same.
    assert (fdr.published, fdr.dropped) == (7, 5)


def test_a_node_that_is_not_spun_publishes_at_close(
    topic: str, make_reader: Callable[[], Reader]
) -> None:
    """Closing needs no executor."""
    reader = make_reader()
    with own_context(None) as context:
        node = rclpy.create_node('asleep', context=context)
        with FdrClient(node, 'imu', topic=topic) as fdr:
            fdr.record('sample', {})
        records = reader.wait_for(lambda all_: len(all_) == 3)
        node.destroy_node()

    assert [record.kind for record in records] == ['sample', 'producer_stats', 'producer_stats']


def test_after_ros_has_shut_down_closing_counts_what_is_left(topic: str) -> None:
    """A dead context is no reason to raise; nothing went out, and the count says so."""
    with own_context(None) as context:
        node = rclpy.create_node('gone', context=context)
        fdr = FdrClient(node, 'imu', topic=topic)
        fdr.record('sample', {})
    fdr.close()

    assert (fdr.published, fdr.dropped) == (3, 3)


def test_a_closed_client_refuses_records(node: Node, topic: str) -> None:
    """Strict raises and numbers nothing; otherwise it is a loss."""
    strict = FdrClient(node, 'strict', topic=topic, hold_back_s=0)
    lenient = FdrClient(node, 'lenient', topic=topic, hold_back_s=0, strict=False)
    strict.close()
    lenient.close()

    with pytest.raises(FlightStateError):
        strict.record('sample', {})
    lenient.record('sample', {})

    assert (strict.published, strict.dropped) == (2, 0)
    assert (lenient.published, lenient.dropped) == (3, 1)


# What no record can hold: kind, payload, and the field that the error names.
IMPOSSIBLE: dict[str, tuple[str, Mapping[str, Value] | Payload, str]] = {
    'no kind': ('', {}, 'kind'),
    'kind of 65 bytes': ('k' * 65, {}, 'kind'),
    'typed payload of another kind': (Kind.IMU, GOOD, 'kind'),
    'no text as kind': (cast('str', 5), {}, 'kind'),
    'no map': ('k', cast('Mapping[str, Value]', [1]), 'payload'),
    'no type of MessagePack': ('k', {'a': {'b': cast('Value', object())}}, 'a.b'),
    'integer beyond 64 bits': ('k', {'a': 2**70}, 'a'),
    'too large': ('k', {'a': bytes(500 * 1024)}, 'a'),
}


def test_a_record_that_cannot_be_made_is_an_error_or_a_counted_loss(
    node: Node, topic: str
) -> None:
    """Strict raises and numbers nothing; otherwise each takes a number and is lost."""
    strict = FdrClient(node, 'strict', topic=topic, hold_back_s=NEVER_S)
    lenient = FdrClient(node, 'lenient', topic=topic, hold_back_s=NEVER_S, strict=False)
    for losses, (kind, payload, field) in enumerate(IMPOSSIBLE.values(), start=1):
        with pytest.raises(PayloadError) as caught:
            strict.record(kind, payload)
        lenient.record(kind, payload)

        assert caught.value.field == field
        assert (strict.published, strict.dropped) == (0, 0)
        assert (lenient.published, lenient.dropped) == (losses, losses)
    for fdr in (strict, lenient):
        fdr.close(deadline_s=0)


def test_the_end_of_a_process_closes_a_client_of_its_own(
    topic: str, make_reader: Callable[[], Reader]
) -> None:
    """What a component recorded just before it failed arrives, and its last word after it."""
    reader = make_reader()
    program = (
        'from fdr_node.producer import FdrClient\n'
        f'client = FdrClient.standalone("camera", topic={topic!r})\n'
        f'assert client.wait_for_recorder({WAIT_S})\n'
        'client.record("sample", {})\n'
        'raise SystemExit(3)\n'
    )
    done = subprocess.run([sys.executable, '-c', program], check=False)
    assert done.returncode == 3
    # The statistics of each second may come in between.
    records = reader.wait_for(lambda all_: [r.kind for r in all_[-2:]] == ['producer_stats'] * 2)
    assert [record.seq for record in records] == list(range(len(records)))
    assert 'sample' in {record.kind for record in records[:-2]}


def test_settings_that_no_client_can_have_are_refused(topic: str) -> None:
    """And leave no node behind."""
    with pytest.raises(ConfigError):
        FdrClient.standalone('imu', topic=topic, queue_records_max=0)
    with pytest.raises(PayloadError):
        FdrClient.standalone('', topic=topic)
