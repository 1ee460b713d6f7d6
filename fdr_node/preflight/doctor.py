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
"""Makes every check before take-off, one after the other; each fails alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TYPE_CHECKING

from fdr_node.clock import now, SystemClock
from fdr_node.errors import FdrOpenError
from fdr_node.preflight.check import no_go
from fdr_node.preflight.computer import (
    clock_checks,
    environment_checks,
    is_clock_synchronised,
    message_check,
)
from fdr_node.preflight.disk import fallback_check, no_answer, root_checks
from fdr_node.preflight.needs import need_checks
from fdr_node.preflight.probe import probe
from fdr_node.preflight.sinks import sink_checks
from fdr_node.storage.backends import root_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.config import RecorderConfig
    from fdr_node.preflight.check import Check
    from fdr_node.preflight.roots import RootFacts

# A disk that takes so many times io_stall_s to be measured is as good as one that hangs.
_PATIENCE_STALLS: Final = 4


def examine(config: RecorderConfig, environment: Mapping[str, str]) -> list[Check]:
    """
    Return every check.

    :param config: what the recorder will be started with
    :param environment: variables of the process
    """
    clock = SystemClock()
    begin = now(clock)
    checks, first = _look_at_root(config.flight_root, config, label='flight root')
    if config.fallback_root:
        more, second = _look_at_root(config.fallback_root, config, label='fallback root')
        checks += more
        if first is not None and second is not None:
            checks.append(fallback_check(first, second))
    checks += need_checks(config)
    checks += environment_checks(environment)
    checks.append(message_check())
    checks += sink_checks(config)
    checks += clock_checks(begin, now(clock), is_synchronised=is_clock_synchronised())
    return checks


def _look_at_root(
    root: str, config: RecorderConfig, *, label: str
) -> tuple[list[Check], RootFacts | None]:
    try:
        path = root_path(replace(config, flight_root=root, fallback_root=''))
    except FdrOpenError as error:
        return [no_go(label, str(error), f'correct {label.replace(" ", "_")}')], None
    patience_s = _PATIENCE_STALLS * config.io_stall_s
    facts = probe(path, patience_s=patience_s)
    if facts is None:
        return [no_answer(str(path), label=label, patience_s=patience_s)], None
    return root_checks(facts, config, label=label), facts
