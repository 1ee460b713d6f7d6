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
Turns what is known of the recorder into FdrStatus and into diagnostics.

Pure: values in, messages out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fdr_node.clock import NS_PER_S
from fdr_node.events import Level
from fdr_node.msg import FdrProducerLoss, FdrStatus
from fdr_node.recording.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fdr_node.alerts.desk import Diagnosis
    from fdr_node.intake.ledger import Account
    from fdr_node.recording.recorder_status import RecorderStatus

_U32_MAX = 2**32 - 1
_U64_MAX = 2**64 - 1
_REASON_BYTES_MAX = 256

_LEVELS = {
    Level.INFO: DiagnosticStatus.OK,
    Level.WARN: DiagnosticStatus.WARN,
    Level.ERROR: DiagnosticStatus.ERROR,
}

# Above this the next burst may not fit.
_FILL_WARN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    The node at one moment.

    :param lifecycle_state: as ``ros2 lifecycle get`` names it.
    :param not_ready_reason: why the aircraft must not take off; empty when it may.
    :param recorder_state: what the recorder is fit for.
    :param recorder: the recorder, or None while no flight is open.
    :param cap_bytes: cap of the flight.
    :param accounts: what is known of each producer.
    :param malformed: messages that were no FdrRecord.
    :param untracked: records of sessions beyond those that are followed.
    :param kind_rules: the rules in force, as they were configured.
    :param intake_fill: how full the subscription's history was [0..1].
    :param ring_fill: how full the ring is [0..1].
    :param alerts: how the sinks of the alerts are; None where there is nothing to say.
    """

    lifecycle_state: str
    not_ready_reason: str
    recorder_state: str = State.UNREADY
    recorder: RecorderStatus | None = None
    cap_bytes: int = 0
    accounts: Mapping[str, Account] = field(default_factory=dict)
    malformed: int = 0
    untracked: int = 0
    kind_rules: Sequence[str] = ()
    intake_fill: float = 0.0
    ring_fill: float = 0.0
    alerts: Diagnosis | None = None

    @property
    def free_bytes(self) -> int:
        """Return the space left where the flight is; 0 when unknown."""
        return self.recorder.free_bytes if self.recorder else 0

    @property
    def records_dropped(self) -> int:
        """Return the records lost, over all producers and causes."""
        return sum(account.lost_total for account in self.accounts.values())

    def lost_by(self) -> dict[str, int]:
        """Return the records lost, by cause, over all producers."""
        causes = Counter[str]()
        for account in self.accounts.values():
            causes.update(account.lost)
        return {str(cause): count for cause, count in sorted(causes.items())}

    def key(self) -> tuple[object, ...]:
        """Return what is worth a status message at once when it changes."""
        recorder = self.recorder
        return (
            self.lifecycle_state,
            self.not_ready_reason,
            recorder and recorder.header and recorder.header.flight_id,
            recorder and recorder.segment_index,
            recorder and recorder.rollover_count,
            recorder and recorder.degraded_reason,
            self.records_dropped,
        )


def time_message(ns: int) -> Time:
    """Return nanoseconds since the UNIX epoch as a message."""
    return Time(sec=ns // NS_PER_S, nanosec=ns % NS_PER_S)


def status_message(view: View, wall_ns: int) -> FdrStatus:
    """
    Return the status message of a moment.

    :param wall_ns: nanoseconds since the UNIX epoch.
    """
    message = FdrStatus(
        stamp=time_message(wall_ns),
        lifecycle_state=view.lifecycle_state,
        ready_for_takeoff=not view.not_ready_reason,
        not_ready_reason=_bounded(view.not_ready_reason),
        cap_bytes=view.cap_bytes,
        free_disk_bytes=view.free_bytes,
        records_dropped=min(_U64_MAX, view.records_dropped),
        intake_fill=view.intake_fill,
        ring_fill=min(1.0, view.ring_fill),
        last_commit_age_s=-1.0,
    )
    recorder = view.recorder
    if recorder is None or recorder.header is None:
        return message
    message.flight_id = recorder.header.flight_id
    message.flight_start = time_message(recorder.header.start_wall_ns)
    message.segment_index = min(_U32_MAX, recorder.segment_index)
    message.current_segment_bytes = recorder.segment_bytes
    message.current_size_bytes = recorder.size_bytes
    message.is_rolling = recorder.is_rolling
    message.is_degraded = bool(recorder.degraded_reason)
    message.degraded_reason = _bounded(recorder.degraded_reason)
    message.records_written = recorder.records_written
    message.producers = _producers(view, recorder)
    message.bytes_written = recorder.bytes_written
    message.rollover_count = min(_U32_MAX, recorder.rollover_count)
    if recorder.commit_age_ns is not None:
        message.last_commit_age_s = recorder.commit_age_ns / NS_PER_S
    return message


def diagnostics_message(view: View, *, wall_ns: int, has_new_loss: bool) -> DiagnosticArray:
    """
    Return the diagnostics of a moment: storage, intake, loss and alerts.

    :param wall_ns: nanoseconds since the UNIX epoch.
    :param has_new_loss: records were lost since the message before.
    """
    recorder = view.recorder
    degraded = recorder.degraded_reason if recorder else ''
    storage_level = DiagnosticStatus.ERROR if degraded else DiagnosticStatus.OK
    if view.not_ready_reason and not degraded:
        storage_level = DiagnosticStatus.WARN
    fill = max(view.intake_fill, view.ring_fill)
    array = DiagnosticArray(
        status=[
            _diagnostic(
                'storage',
                storage_level,
                degraded or view.not_ready_reason or 'recording',
                {
                    'state': view.recorder_state,
                    'flight_id': recorder.header.flight_id if recorder and recorder.header else '',
                    'size_bytes': recorder.size_bytes if recorder else 0,
                    'cap_bytes': view.cap_bytes,
                    'free_disk_bytes': view.free_bytes,
                    'rollover_count': recorder.rollover_count if recorder else 0,
                },
            ),
            _diagnostic(
                'intake',
                DiagnosticStatus.WARN if fill >= _FILL_WARN else DiagnosticStatus.OK,
                'nearly full' if fill >= _FILL_WARN else 'keeping up',
                {
                    'intake_fill': round(view.intake_fill, 3),
                    'ring_fill': round(view.ring_fill, 3),
                    **_rules(view.kind_rules),
                },
            ),
            _diagnostic(
                'loss',
                DiagnosticStatus.WARN if has_new_loss else DiagnosticStatus.OK,
                'records are being lost' if has_new_loss else 'no new loss',
                {
                    'records_dropped': view.records_dropped,
                    'malformed': view.malformed,
                    'untracked': view.untracked,
                    **{f'lost: {cause}': count for cause, count in view.lost_by().items()},
                },
            ),
        ]
    )
    if view.alerts is not None:
        level = _LEVELS[view.alerts.level]
        array.status.append(_diagnostic('alerts', level, view.alerts.text, view.alerts.values))
    array.header.stamp = time_message(wall_ns)
    return array


def _bounded(reason: str) -> str:
    """Return the beginning of a reason: the bound of a string in a message is in bytes."""
    return reason.encode(errors='replace')[:_REASON_BYTES_MAX].decode(errors='ignore')


def _rules(texts: Sequence[str]) -> dict[str, str]:
    """Return what is allowed of each kind that has a rule."""
    split = (text.split(maxsplit=1) for text in texts)
    return {f'rule: {kind}': rule for kind, rule in split}


def _diagnostic(
    name: str, level: bytes, text: str, values: Mapping[str, object]
) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=level,
        name=f'fdr: {name}',
        message=text,
        hardware_id='fdr',
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def _producers(view: View, recorder: RecorderStatus) -> list[FdrProducerLoss]:
    names = set(view.accounts) | set(recorder.producers)
    lost = {name: view.accounts[name].lost_total if name in view.accounts else 0 for name in names}
    worst = sorted(names, key=lambda name: (-lost[name], name))[: FdrStatus.PRODUCERS_MAX]
    return [
        FdrProducerLoss(
            producer_id=name,
            records_recorded=recorder.producers.get(name, 0),
            records_dropped=min(_U64_MAX, lost[name]),
        )
        for name in worst
    ]
