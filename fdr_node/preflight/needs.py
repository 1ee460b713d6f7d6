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
Tries what the settings ask for and what only the opening of a flight would find missing.

The steps are those of the opening itself; nothing is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TYPE_CHECKING

from fdr_node.errors import ConfigError, FdrOpenError
from fdr_node.intake.policy import parse_rules
from fdr_node.preflight.check import go, no_go
from fdr_node.recording.identity import flight_id_of
from fdr_node.storage import fs
from fdr_node.storage.backends import open_store

if TYPE_CHECKING:
    from fdr_node.config import RecorderConfig
    from fdr_node.preflight.check import Check

_NAMED_MAX: Final = 5


def need_checks(config: RecorderConfig) -> list[Check]:
    """Return whether rules and flight id are any, the backend is there and manifests are."""
    checks = [_settings(config), _backend(config)]
    return [*checks, _manifests(config)] if config.manifest_paths else checks


def _settings(config: RecorderConfig) -> Check:
    name = 'kind rules, flight id'
    try:
        rules = parse_rules(config.kind_rules)
        flight_id_of(config, wall_ns=0)
    except ConfigError as error:
        return no_go(name, str(error), f'correct {error.name}; the recorder would not start')
    return go(name, f'{len(rules)} rules, {config.flight_id or "a new id for each flight"}')


def _backend(config: RecorderConfig) -> Check:
    name = 'storage backend'
    try:
        open_store(config, flight_id='')
    except FdrOpenError as error:
        return no_go(name, error.reason, 'install it, or take another storage_backend')
    return go(name, config.storage_backend)


def _manifests(config: RecorderConfig) -> Check:
    name = 'manifests'
    faults = []
    for path in config.manifest_paths:
        try:
            fs.sha256_of(Path(path).expanduser())
        except (OSError, RuntimeError) as error:
            faults.append(f'{path}: {getattr(error, "strerror", None) or error}')
    if faults:
        more = f' and {len(faults) - _NAMED_MAX} more' if len(faults) > _NAMED_MAX else ''
        text = '; '.join(faults[:_NAMED_MAX]) + more
        return no_go(name, text, 'put them there, or correct manifest_paths')
    return go(name, f'{len(config.manifest_paths)} can be read')
