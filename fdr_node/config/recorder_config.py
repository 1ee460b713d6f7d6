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
Holds the settings of one recorder, checked.

A :class:`RecorderConfig` that exists is valid. It knows nothing of ROS and touches no file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import cast, TYPE_CHECKING

from fdr_node.config.limits import (
    GIB,
    KIB,
    METADATA_ALLOWANCE_BYTES,
    MIB,
    SEGMENT_OVERHEAD_BYTES_MAX,
)
from fdr_node.config.settings import SPECS
from fdr_node.errors import ConfigError
from fdr_node.schema import PRIORITY_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.config.spec import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderConfig:
    """
    The settings of one recorder; valid or not constructed.

    ``SPECS`` has what each one means, its unit and its bound.

    :raises ConfigError: a value is outside its bound, of the wrong type, or two do not fit.
    """

    flight_root: str = '~/.ros/fdr'
    flight_id: str = ''
    flight_bytes_max: int = 64 * GIB
    segment_bytes_max: int = 256 * MIB
    segment_duration_max_s: float = 0.0
    chunk_bytes: int = MIB
    commit_interval_s: float = 1.0
    sync: str = 'commit'
    commit_now_kinds: tuple[str, ...] = ('signing_key_rotation', 'spoof_promotion_block')
    free_bytes_min: int = 256 * MIB
    root_bytes_max: int = 0
    record_bytes_max: int = 512 * KIB
    history_depth: int = 5000
    drain_period_s: float = 0.02
    ring_records_max: int = 50_000
    ring_bytes_max: int = 64 * MIB
    priority_kinds: tuple[str, ...] = PRIORITY_KINDS
    kind_rules: tuple[str, ...] = (
        'camera_frame deny',
        'raw_frame deny',
        'failed_tile_thumbnail rate_hz=0.1 burst=2',
        'tile rate_hz=10 burst=20',
    )
    shutdown_deadline_s: float = 5.0
    fallback_root: str = ''
    degraded_keep_bytes: int = GIB
    io_stall_s: float = 2.0
    no_growth_s: float = 5.0
    open_retry_s: float = 2.0
    alert_sinks: tuple[str, ...] = ('topic',)
    alert_repeat_s: float = 10.0
    prearm_alert_s: float = 10.0
    mavlink_url: str = ''
    mavlink_system_id: int = 1
    mavlink_component_id: int = 191
    mavlink_signing_key_path: str = ''
    storage_backend: str = 'mcap'
    compression: str = 'zstd'
    manifest_paths: tuple[str, ...] = ()
    signing_key_id: str = ''
    autostart: bool = True

    def __post_init__(self) -> None:
        """Check every bound and what settings demand of each other."""
        for item in fields(self):
            _check(item.name, getattr(self, item.name), cast('Setting', item.default))
        self._check_segment_holds_record()
        self._check_cap_holds_segments()
        if 'mavlink' in self.alert_sinks and not self.mavlink_url:
            raise ConfigError(
                name='mavlink_url', value='', bound='not empty: alert_sinks has mavlink'
            )
        if not self.flight_root:
            raise ConfigError(name='flight_root', value='', bound='not empty')
        if self.fallback_root == self.flight_root:
            bound = 'empty, or another directory than flight_root'
            raise ConfigError(name='fallback_root', value=self.fallback_root, bound=bound)

    def _check_segment_holds_record(self) -> None:
        room = self.segment_bytes_max - SEGMENT_OVERHEAD_BYTES_MAX
        if self.record_bytes_max > room:
            raise ConfigError(
                name='record_bytes_max',
                value=self.record_bytes_max,
                bound=f'at most segment_bytes_max - {SEGMENT_OVERHEAD_BYTES_MAX} = {room} bytes',
            )
        if self.record_bytes_max > self.ring_bytes_max:
            raise ConfigError(
                name='record_bytes_max',
                value=self.record_bytes_max,
                bound=f'at most ring_bytes_max = {self.ring_bytes_max} bytes',
            )

    def _check_cap_holds_segments(self) -> None:
        # One closed segment must survive beside the open one, or a cut would empty the flight.
        least = 2 * self.segment_bytes_max + METADATA_ALLOWANCE_BYTES
        if self.flight_bytes_max < least:
            raise ConfigError(
                name='flight_bytes_max',
                value=self.flight_bytes_max,
                bound=f'at least 2 x segment_bytes_max + {METADATA_ALLOWANCE_BYTES}'
                f' = {least} bytes',
            )

    @classmethod
    def from_settings(cls, settings: Mapping[str, Setting]) -> RecorderConfig:
        """
        Build a configuration from named settings; those not named keep their default.

        :param settings: values by name, numbers as int or float.
        :raises ConfigError: a name is unknown, or a value is refused.
        """
        for name, value in settings.items():
            if name not in SPECS:
                raise ConfigError(name, value=value, bound='a known parameter')
        return cls(**settings)  # type: ignore[arg-type]  # __post_init__ checks each type

    def to_settings(self) -> dict[str, Setting]:
        """Return the settings by name, as the flight header keeps them."""
        return dict(asdict(self))


def _check(name: str, value: Setting, default: Setting) -> None:
    spec = SPECS[name]
    wanted = type(default)
    # An integer is a fine number of seconds; a float is not a number of bytes.
    fits = type(value) is wanted or (wanted is float and type(value) is int)
    texts = not isinstance(value, tuple) or all(isinstance(text, str) for text in value)
    if not fits or not texts:
        bound = f'{wanted.__name__}, {spec.bound()}'
        raise ConfigError(name, value=value, bound=bound)
    if not spec.allows(value):
        raise ConfigError(name, value=value, bound=spec.bound())
