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
Holds every setting of the recorder with its unit, default, bounds and the reason for them.

A :class:`RecorderConfig` that exists is valid. ``SPECS`` is also what the ROS parameters are
declared from; this module knows nothing of ROS and touches no file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import cast, TYPE_CHECKING

from fdr_node.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

Setting = bool | int | float | str | tuple[str, ...]

# Texts of the flight header and footer; both stand in segments of the smallest size.
HEADER_JSON_BYTES_MAX = 32 * KIB
FOOTER_JSON_BYTES_MAX = 64 * KIB

# What a segment holds beside records: flight header, schema, chunk index, summary and footers.
SEGMENT_OVERHEAD_BYTES_MAX = 256 * KIB

# metadata.yaml exists twice while it is replaced, and the cap holds at that moment too.
METADATA_ALLOWANCE_BYTES = 256 * KIB

# The smallest cap: of a smaller one its fixed parts would take most.
FLIGHT_BYTES_MIN = 2 * MIB

BACKENDS = ('mcap',)

# When bytes are made durable (fdatasync): at each commit, when a segment is closed, or never by
# the recorder itself.
SYNC_POLICIES = ('commit', 'segment', 'never')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """
    What one setting may be.

    :param description: what it does, as ``ros2 param describe`` shows it.
    :param unit: unit of the value; empty where it has none.
    :param minimum: smallest number allowed, or None.
    :param maximum: largest number allowed; for text its longest length, for lists their length.
    :param choices: texts that are allowed; empty allows all.
    :param zero_is_off: 0 lies below the minimum, is allowed, and switches the function off.
    """

    description: str
    unit: str = ''
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    zero_is_off: bool = False

    def bound(self) -> str:
        """Return the bound in words, as messages and documentation show it."""
        if self.choices:
            return 'one of: ' + ', '.join(self.choices)
        if self.maximum is None:
            return 'true or false'
        if self.minimum is None:
            return f'at most {self.maximum:.0f} {self.unit}'
        off = '0 (off) or ' if self.zero_is_off else ''
        return f'{off}{_number(self.minimum)} to {_number(self.maximum)} {self.unit}'.rstrip()

    def allows(self, value: Setting) -> bool:
        """Return whether a value of the right type is within the bound."""
        if isinstance(value, bool):
            return True
        if isinstance(value, str):
            short = self.maximum is None or len(value) <= self.maximum
            return value in self.choices if self.choices else short
        if isinstance(value, tuple):
            return self.maximum is None or len(value) <= self.maximum
        if self.zero_is_off and value == 0:
            return True
        low = -float('inf') if self.minimum is None else self.minimum
        high = float('inf') if self.maximum is None else self.maximum
        return low <= value <= high


SPECS: Mapping[str, Spec] = {
    'flight_root': Spec(
        description='Directory that holds one directory per flight; ~ is the home directory. '
        'Created when it is missing; its parent must exist.',
        unit='characters',
        maximum=4096,
    ),
    'flight_id': Spec(
        description='UUID of the flight; empty draws a time-ordered one (UUID version 7).',
        unit='characters',
        maximum=36,
    ),
    'flight_bytes_max': Spec(
        description='Cap of the flight directory; the oldest segment goes first. It holds at '
        'every moment, so the open segment counts with its full size.',
        unit='bytes',
        minimum=FLIGHT_BYTES_MIN,
        maximum=1 << 50,
    ),
    'segment_bytes_max': Spec(
        description='Size of a segment file at most. Small ones lose less when the oldest goes, '
        'large ones cost fewer files.',
        unit='bytes',
        minimum=512 * KIB,
        maximum=16 * GIB,
    ),
    'segment_duration_max_s': Spec(
        description='Age at which a segment is cut although it is not full.',
        unit='s',
        minimum=1.0,
        maximum=86400.0,
        zero_is_off=True,
    ),
    'chunk_bytes': Spec(
        description='Records are written and synced when this much has gathered. A chunk is also '
        'what one torn write can cost at most.',
        unit='bytes',
        minimum=4 * KIB,
        maximum=64 * MIB,
    ),
    'commit_interval_s': Spec(
        description='Records are written and synced at least this often: what a power cut costs.',
        unit='s',
        minimum=0.1,
        maximum=10.0,
    ),
    'sync': Spec(
        description='When data is made durable. A power cut costs with commit what came within '
        'commit_interval_s, with segment the open segment, with never what the kernel held.',
        choices=SYNC_POLICIES,
    ),
    'commit_now_kinds': Spec(
        description='Kinds that are made durable at once, before anything else is written.',
        unit='kinds',
        maximum=32,
    ),
    'free_bytes_min': Spec(
        description='Free space below which no flight is opened. With less than the cap, the '
        'cap is lowered to what is free, and the log says so.',
        unit='bytes',
        minimum=MIB,
        maximum=1 << 50,
        zero_is_off=True,
    ),
    'root_bytes_max': Spec(
        description='Cap of all flights in flight_root together, the new one with its own cap '
        'included; when a flight is opened, the oldest closed ones go. Lowers flight_bytes_max.',
        unit='bytes',
        minimum=FLIGHT_BYTES_MIN,
        maximum=1 << 50,
        zero_is_off=True,
    ),
    'record_bytes_max': Spec(
        description='Largest serialised record that is taken; a larger one is counted as lost '
        '(too_large).',
        unit='bytes',
        minimum=KIB,
        maximum=64 * MIB,
    ),
    'history_depth': Spec(
        description='Depth of the subscription (keep last), the first buffer: 1 s of peak load.',
        unit='records',
        minimum=1,
        maximum=1_000_000,
    ),
    'drain_period_s': Spec(
        description='How often the subscription is drained. history_depth divided by this is '
        'the rate above which records are lost.',
        unit='s',
        minimum=0.001,
        maximum=1.0,
    ),
    'ring_records_max': Spec(
        description='Buffer between intake and writer: a disk stall lasts this many records.',
        unit='records',
        minimum=1,
        maximum=10_000_000,
    ),
    'ring_bytes_max': Spec(
        description='Buffer between intake and writer: memory at most; the oldest goes first.',
        unit='bytes',
        minimum=64 * KIB,
        maximum=16 * GIB,
    ),
    'priority_kinds': Spec(
        description='Kinds that have a quarter of the ring for themselves, so that a flood of '
        'others cannot push them out.',
        unit='kinds',
        maximum=64,
    ),
    'kind_rules': Spec(
        description='What may be recorded of a kind: "KIND deny", or "KIND" and some of '
        'rate_hz=N burst=N bytes_max=N. What is refused is counted as lost (policy).',
        unit='rules',
        maximum=256,
    ),
    'shutdown_deadline_s': Spec(
        description='Time to drain what is queued before the footer is written.',
        unit='s',
        minimum=0.1,
        maximum=60.0,
    ),
    'storage_backend': Spec(
        description='What writes the segments.',
        choices=BACKENDS,
    ),
    'manifest_paths': Spec(
        description='Files whose SHA-256 goes into the flight header, for example the mission '
        'plan; one that cannot be read refuses the flight.',
        unit='paths',
        maximum=64,
    ),
    'signing_key_id': Spec(
        description='Identifier of the MAVLink signing key in force at take-off; empty: none.',
        unit='characters',
        maximum=128,
    ),
    'autostart': Spec(
        description='Configure and activate by itself; false leaves both to a lifecycle manager.'
    ),
}


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
    priority_kinds: tuple[str, ...] = (
        'flight_header',
        'overrun',
        'signing_key_rotation',
        'spoof_promotion_block',
        'mavlink_tx',
    )
    kind_rules: tuple[str, ...] = (
        'camera_frame deny',
        'raw_frame deny',
        'failed_tile_thumbnail rate_hz=0.1 burst=2',
        'tile rate_hz=10 burst=20',
    )
    shutdown_deadline_s: float = 5.0
    storage_backend: str = 'mcap'
    manifest_paths: tuple[str, ...] = ()
    signing_key_id: str = ''
    autostart: bool = True

    def __post_init__(self) -> None:
        """Check every bound and what settings demand of each other."""
        for item in fields(self):
            _check(item.name, getattr(self, item.name), cast('Setting', item.default))
        self._check_segment_holds_record()
        self._check_cap_holds_segments()
        if not self.flight_root:
            raise ConfigError(name='flight_root', value='', bound='not empty')

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
