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
Says whether a flight can be recorded in a root, from what was found there. Pure.

The recorder's own decision on space is asked, so that both say the same.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from fdr_node.config import MIB
from fdr_node.preflight.check import go, no_go, warn
from fdr_node.preflight.roots import SYNC_BYTES, SYNC_COUNT
from fdr_node.recording.space import space_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fdr_node.config import RecorderConfig
    from fdr_node.preflight.check import Check
    from fdr_node.preflight.roots import RootFacts

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000

# What to do about an error of the disk, by its name.
_ADVICE = {
    'EACCES': 'make the directory writable for the user of the recorder',
    'EDQUOT': 'raise the quota, or remove old flights',
    'EIO': 'take another disk',
    'ENOENT': 'mount the disk, or make the directory above it',
    'ENOSPC': 'remove old flights, or what else fills the disk',
    'EROFS': 'check the disk and mount it anew',
}
_ADVICE_OTHERWISE = 'mount the disk, or take another one'


def root_checks(facts: RootFacts, config: RecorderConfig, *, label: str) -> list[Check]:
    """
    Return what the facts of a root mean.

    :param facts: of the root
    :param config: what the recorder will be started with
    :param label: of the root, such as ``flight root``; begins the name of each check
    """
    if facts.error:
        advice = _ADVICE.get(facts.error.partition(':')[0], _ADVICE_OTHERWISE)
        checks = [no_go(label, f'{facts.root}: {facts.error}', advice)]
        return [*checks, _lock(facts, label)] if facts.holder else checks
    there = 'can be written' if facts.is_there else 'can be made'
    return [
        go(label, f'{facts.root}: {there}'),
        _lock(facts, label),
        _space(facts, config, label),
        _sync(facts.sync_ns, config, label),
        _flights(facts, label),
    ]


def no_answer(root: str, *, label: str, patience_s: float) -> Check:
    """Return the check of a root whose disk did not answer in time."""
    text = f'{root}: the disk has not answered within {patience_s:g} s'
    return no_go(label, text, 'take another disk')


def fallback_check(first: RootFacts, second: RootFacts) -> Check:
    """Return whether the second root is of any help."""
    label = 'fallback disk'
    if first.device == second.device:
        text = 'fallback_root is on the same file system as flight_root'
        return warn(label, text, 'what fails one fails both: put it on a disk of its own')
    return go(label, 'is another file system')


def _lock(facts: RootFacts, label: str) -> Check:
    name = f'{label}: lock'
    if facts.holder:
        return no_go(name, f'held by {facts.holder}', 'end that recorder, or choose another root')
    return go(name, 'free')


def _space(facts: RootFacts, config: RecorderConfig, label: str) -> Check:
    name = f'{label}: space'
    space = space_for(
        config,
        free_bytes=facts.free_bytes,
        flights_bytes=facts.flights_bytes,
        closed_bytes=facts.closed_bytes,
    )
    if space.refusal:
        return no_go(name, space.refusal, 'remove old flights, or set root_bytes_max')
    text = f'{_mib(facts.free_bytes)} free'
    if space.cap_bytes < config.flight_bytes_max:
        wanted = _mib(config.flight_bytes_max)
        text += f': the flight will have {_mib(space.cap_bytes)} and not {wanted}'
        return warn(name, text, 'remove old flights, or set flight_bytes_max to what is enough')
    return go(name, text)


def _sync(took_ns: Sequence[int], config: RecorderConfig, label: str) -> Check:
    name = f'{label}: sync'
    worst_ns = max(took_ns)
    text = (
        f'{SYNC_COUNT} times {_mib(SYNC_BYTES)}: median {median(took_ns) / _NS_PER_MS:.1f} ms, '
        f'worst {worst_ns / _NS_PER_MS:.1f} ms'
    )
    if worst_ns >= config.io_stall_s * _NS_PER_S:
        text += f'; io_stall_s is {config.io_stall_s:g} s'
        return no_go(name, text, 'the recorder would alert in flight: take a faster disk')
    if worst_ns >= config.commit_interval_s * _NS_PER_S:
        text += f'; commit_interval_s is {config.commit_interval_s:g} s'
        return warn(name, text, 'a power cut costs more than commit_interval_s: a faster disk')
    return go(name, text)


def _flights(facts: RootFacts, label: str) -> Check:
    name = f'{label}: flights'
    # A recorder at work has one that is open.
    if not facts.unclosed_count or facts.holder:
        return go(name, 'no interrupted one')
    others = facts.unclosed_count - len(facts.unclosed)
    more = f' and {others} more' if others else ''
    text = f'interrupted: {", ".join(facts.unclosed)}{more}'
    return warn(name, text, 'nothing: the next start puts it in order, as fdr recover does')


def _mib(size_bytes: int) -> str:
    return f'{size_bytes / MIB:,.0f} MiB'
