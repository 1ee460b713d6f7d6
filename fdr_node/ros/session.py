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
Joins intake and recorder for one flight: one thread takes in, another writes out.

It imports no ROS: the node gives it serialised messages and calls its steps. Intake and writer
meet only in the ring and in the ledger, so a stalled disk never stops the intake.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
import platform
import socket
from threading import Lock
import time
from typing import TYPE_CHECKING

from fdr_node import __version__
from fdr_node.clock import now, NS_PER_S
from fdr_node.errors import FdrOpenError
from fdr_node.events import Event, Level
from fdr_node.intake.intake import Intake
from fdr_node.intake.lanes import Lanes
from fdr_node.intake.ledger import Ledger
from fdr_node.intake.loss_log import LossLog
from fdr_node.intake.policy import parse_rules, Policy
from fdr_node.recording.identity import flight_header
from fdr_node.recording.recorder import FlightRecorder
from fdr_node.recording.space import space_for
from fdr_node.schema import LossCause, Overrun, ProducerTotals
from fdr_node.storage import fs
from fdr_node.storage.backends import open_store, root_path
from fdr_node.storage.flight_root import root_use, RootUse
from fdr_node.storage.predecessor import interrupted_flight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fdr_node.clock import Clock
    from fdr_node.config import RecorderConfig
    from fdr_node.events import Report
    from fdr_node.intake.ledger import Account, Loss
    from fdr_node.recording.recorder_status import RecorderStatus
    from fdr_node.schema import FlightFooter

# Records that the writer takes from the ring at a time.
_BATCH_RECORDS = 512

# How long the end of a flight waits between two tries on a disk that refuses data.
_RETRY_PAUSE_S = 0.05

_LIBRARIES = ('mcap', 'msgpack', 'filelock', 'rclpy')


class FlightSession:
    """
    One flight, from its opening to its footer.

    :param config: settings.
    :param clock: wall and monotonic time.
    :param report: is told of everything that happens.
    :param pause: waits for so many seconds.
    """

    def __init__(
        self,
        config: RecorderConfig,
        *,
        clock: Clock,
        report: Report,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._clock = clock
        self._pause = pause
        self._lanes = Lanes(
            records_max=config.ring_records_max,
            bytes_max=config.ring_bytes_max,
            priority_kinds=config.priority_kinds,
        )
        self._ledger = Ledger(started_ns=clock.monotonic_ns())
        self._intake = Intake(
            ledger=self._ledger,
            lanes=self._lanes,
            policy=Policy(
                parse_rules(config.kind_rules), record_bytes_max=config.record_bytes_max
            ),
        )
        self._report = report
        self._recorder = self._make_recorder(config)
        self._loss_log = LossLog(report)
        self._losses: deque[Loss] = deque()
        self._intake_fill = 0.0
        # Each step runs in one thread at a time; the end of the flight needs both.
        self._intake_lock = Lock()
        self._writer_lock = Lock()

    @property
    def cap_bytes(self) -> int:
        """Cap of the flight, as it was lowered when there was too little space."""
        return self._config.flight_bytes_max

    @property
    def intake_fill(self) -> float:
        """How full the subscription's history was at the last drain [0..1]."""
        return self._intake_fill

    @property
    def ring_fill(self) -> float:
        """How full the ring is [0..1]."""
        return self._lanes.fill

    @property
    def malformed(self) -> int:
        """Messages that were no FdrRecord."""
        return self._ledger.malformed

    @property
    def untracked(self) -> int:
        """Return records of sessions beyond those that are followed."""
        return self._ledger.untracked

    def free_bytes(self) -> int:
        """Return the space that is left where the flight is; 0 when that cannot be said."""
        try:
            return fs.free_bytes(root_path(self._config))
        except (OSError, FdrOpenError):
            return 0

    def status(self) -> RecorderStatus:
        """Return the recorder as it is now."""
        return self._recorder.status()

    def accounts(self) -> dict[str, Account]:
        """Return what is known of every producer."""
        return self._ledger.accounts()

    def open_flight(self) -> None:
        """
        Open the flight.

        :raises FdrOpenError: it cannot be opened; nothing is left behind.
        :raises ConfigError: ``flight_id`` is not a UUID.
        """
        self._fit_into_space()
        header = flight_header(
            self._config,
            start=now(self._clock),
            host=socket.gethostname(),
            software_versions=_software_versions(),
            manifest_hashes=_manifest_hashes(self._config.manifest_paths),
            predecessor_flight_id=interrupted_flight(root_path(self._config)),
        )
        self._recorder.open_flight(header)

    def _fit_into_space(self) -> None:
        """Refuse the flight, or lower its cap, when there is too little space for it."""
        root = root_path(self._config)
        try:
            is_there = root.exists()
            free = fs.free_bytes(root if is_there else root.parent)
            counts = is_there and self._config.root_bytes_max
            use = root_use(root) if counts else RootUse(flights_bytes=0, closed_bytes=0)
        except OSError as error:
            raise FdrOpenError(path=root, reason=error.strerror or str(error)) from error
        space = space_for(
            self._config,
            free_bytes=free,
            flights_bytes=use.flights_bytes,
            closed_bytes=use.closed_bytes,
        )
        if space.refusal:
            raise FdrOpenError(path=root, reason=space.refusal)
        if space.cap_bytes < self._config.flight_bytes_max:
            facts = {'cap_bytes': space.cap_bytes, 'wanted': self._config.flight_bytes_max}
            self._report(Event(name='cap_lowered', level=Level.WARN, facts=facts))
            self._config = replace(self._config, flight_bytes_max=space.cap_bytes)
            self._recorder = self._make_recorder(self._config)

    def _make_recorder(self, config: RecorderConfig) -> FlightRecorder:
        return FlightRecorder(
            config,
            store_of=lambda flight_id: open_store(
                config, flight_id=flight_id, report=self._report
            ),
            clock=self._clock,
            report=self._report,
        )

    def listen(self) -> None:
        """Begin to listen: what producers published before now is not this flight's."""
        self._ledger.listen(self._clock.monotonic_ns())

    def take_in(self, batch: list[bytes]) -> None:
        """
        Take what the subscription had waiting; to be called by the intake alone.

        :param batch: serialised messages, oldest first.
        """
        with self._intake_lock:
            self._intake_fill = min(1.0, len(batch) / self._config.history_depth)
            self._intake.accept(batch, self._clock.monotonic_ns())

    def write_out(self) -> None:
        """Write what waits and do what is due; to be called by the writer alone."""
        with self._writer_lock:
            self._write_losses(is_final=False)
            while self._write_batch():
                self._recorder.tick()
            self._recorder.tick()

    def flush(self) -> bool:
        """Write and commit all that was taken in. :return: False when the disk refused."""
        self.write_out()
        with self._writer_lock:
            return self._recorder.commit()

    def finish(self) -> FlightFooter:
        """
        Write what waits, then the footer, and close the flight.

        Records that the disk still refuses when ``shutdown_deadline_s`` has passed are lost by
        name (``disk``).
        """
        deadline_ns = self._clock.monotonic_ns() + self._config.shutdown_deadline_s * NS_PER_S
        with self._intake_lock, self._writer_lock:
            while self._has_work() and self._clock.monotonic_ns() < deadline_ns:
                self._recorder.tick()
                if not self._write_batch():
                    self._pause(_RETRY_PAUSE_S)
            left = self._lanes.take(len(self._lanes))
            self._ledger.give_up((entry.head for entry in left), LossCause.DISK)
            self._write_losses(is_final=True)
            return self._recorder.close_flight(_totals(self.accounts()))

    def _has_work(self) -> bool:
        """Return whether records wait, here or in a recorder whose disk refuses them."""
        return len(self._lanes) > 0 or bool(self._recorder.status().degraded_reason)

    def _write_batch(self) -> bool:
        """Write some of what waits. :return: whether there may be more."""
        entries = self._lanes.take(_BATCH_RECORDS)
        for place, entry in enumerate(entries):
            head = entry.head
            account = self._ledger.account_of(head.producer_id)
            if account != head.producer_id:
                # The recorder counts it where the ledger does; the bytes stay as they came.
                head = head._replace(producer_id=account)
            if not self._recorder.write(entry.data, head, received_ns=entry.received_ns):
                self._intake.give_back(entries[place:])
                return False
        return bool(entries)

    def _write_losses(self, *, is_final: bool) -> None:
        now_ns = self._clock.monotonic_ns()
        if is_final or not self._losses:
            # Those of a degraded time stay in the ledger, which merges them.
            losses = self._ledger.take_losses(now_ns, is_final=is_final)
            self._loss_log.note(losses, now_ns, is_final=is_final)
            self._losses.extend(losses)
        while self._losses and self._recorder.write_own(_overrun(self._losses[0])):
            self._losses.popleft()


def _overrun(loss: Loss) -> Overrun:
    # Records of one number that came twice can be lost twice; the span cannot show that.
    span = loss.last_seq - loss.first_seq + 1
    return Overrun(
        producer_id=loss.producer_id,
        session_id=loss.session_id,
        first_seq=loss.first_seq,
        last_seq=loss.last_seq,
        count=min(loss.records, span),
        cause=loss.cause,
    )


def _totals(accounts: Mapping[str, Account]) -> dict[str, ProducerTotals]:
    return {
        producer_id: ProducerTotals(
            published=_u64(account.published),
            recorded=0,
            lost={cause: _u64(count) for cause, count in account.lost.items()},
            duplicates=account.duplicates,
            before_flight=_u64(account.before_flight),
        )
        for producer_id, account in accounts.items()
    }


def _u64(count: int) -> int:
    # A hostile producer can make its own count as large as it likes, not the field.
    return min(count, 2**64 - 1)


def _manifest_hashes(paths: Iterable[str]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for path in paths:
        try:
            hashes[path] = fs.sha256_of(Path(path).expanduser())
        except OSError as error:
            reason = f'the manifest cannot be read: {error.strerror or error}'
            raise FdrOpenError(path, reason=reason) from error
    return hashes


def _software_versions() -> dict[str, str]:
    versions = {'fdr_node': __version__, 'python': platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
