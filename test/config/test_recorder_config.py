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
"""Settings: every bound holds, what two settings demand of each other, and how each is named."""

from __future__ import annotations

from dataclasses import fields, FrozenInstanceError, replace
import math
from typing import TYPE_CHECKING

from fdr_node.config import (
    GIB,
    KIB,
    METADATA_ALLOWANCE_BYTES,
    MIB,
    RecorderConfig,
    SEGMENT_OVERHEAD_BYTES_MAX,
    Spec,
    SPECS,
)
from fdr_node.errors import ConfigError
import pytest

if TYPE_CHECKING:
    from fdr_node.config import Setting

NUMBERS = {name: spec for name, spec in SPECS.items() if spec.minimum is not None}
# Settings that leave room for any value of another one within its bound.
ROOMY: dict[str, Setting] = {
    'flight_bytes_max': 1 << 50,
    'segment_bytes_max': 16 * GIB,
    'record_bytes_max': 64 * KIB,
    'ring_bytes_max': 16 * GIB,
}


def roomy(name: str, value: Setting) -> RecorderConfig:
    """Return settings with one value under test."""
    return RecorderConfig.from_settings({**ROOMY, name: value})


def refusal(name: str, value: Setting) -> ConfigError:
    """Return the error that one value causes."""
    with pytest.raises(ConfigError) as caught:
        roomy(name, value)
    return caught.value


def number(name: str, value: float) -> Setting:
    """Return a number in the type of a setting."""
    default = getattr(RecorderConfig(), name)
    return type(default)(value)  # type: ignore[no-any-return]  # int or float


def test_the_defaults_are_those_that_are_promised() -> None:
    """What a user gets without any parameter."""
    assert RecorderConfig().to_settings() == {
        'flight_root': '~/.ros/fdr',
        'flight_id': '',
        'flight_bytes_max': 64 * 2**30,
        'segment_bytes_max': 256 * 2**20,
        'segment_duration_max_s': 0.0,
        'chunk_bytes': 2**20,
        'commit_interval_s': 1.0,
        'sync': 'commit',
        'commit_now_kinds': ('signing_key_rotation', 'spoof_promotion_block'),
        'free_bytes_min': 256 * 2**20,
        'root_bytes_max': 0,
        'record_bytes_max': 512 * 2**10,
        'history_depth': 5000,
        'drain_period_s': 0.02,
        'ring_records_max': 50_000,
        'ring_bytes_max': 64 * 2**20,
        'priority_kinds': (
            'flight_header',
            'overrun',
            'signing_key_rotation',
            'spoof_promotion_block',
            'mavlink_tx',
            'producer_stats',
        ),
        'kind_rules': (
            'camera_frame deny',
            'raw_frame deny',
            'failed_tile_thumbnail rate_hz=0.1 burst=2',
            'tile rate_hz=10 burst=20',
        ),
        'shutdown_deadline_s': 5.0,
        'fallback_root': '',
        'degraded_keep_bytes': 2**30,
        'io_stall_s': 2.0,
        'no_growth_s': 5.0,
        'open_retry_s': 2.0,
        'alert_sinks': ('topic',),
        'alert_repeat_s': 10.0,
        'prearm_alert_s': 10.0,
        'mavlink_url': '',
        'mavlink_system_id': 1,
        'mavlink_component_id': 191,
        'mavlink_signing_key_path': '',
        'storage_backend': 'mcap',
        'compression': 'zstd',
        'manifest_paths': (),
        'signing_key_id': '',
        'autostart': True,
    }


def test_every_setting_has_its_spec() -> None:
    """None can be declared without a description, and none is described that is not there."""
    assert [item.name for item in fields(RecorderConfig)] == list(SPECS)
    assert all(spec.description for spec in SPECS.values())


def test_settings_cannot_be_changed() -> None:
    """One object for the whole flight."""
    with pytest.raises(FrozenInstanceError):
        RecorderConfig().chunk_bytes = 5  # type: ignore[misc]  # that is the point


def test_settings_survive_the_way_there_and_back() -> None:
    """What the header keeps can be read back as settings."""
    config = roomy('commit_interval_s', 0.5)
    assert RecorderConfig.from_settings(config.to_settings()) == config


@pytest.mark.parametrize('name', NUMBERS)
def test_the_bound_itself_is_allowed(name: str) -> None:
    """Both ends of the range belong to it."""
    spec = NUMBERS[name]
    assert spec.minimum is not None
    assert spec.maximum is not None
    low, high = number(name, spec.minimum), number(name, spec.maximum)
    if name == 'segment_bytes_max':
        assert roomy(name, high).segment_bytes_max == high
        config = RecorderConfig(segment_bytes_max=512 * KIB, record_bytes_max=KIB)
        assert config.segment_bytes_max == spec.minimum
    elif name == 'flight_bytes_max':
        small = RecorderConfig(
            flight_bytes_max=2 * MIB, segment_bytes_max=512 * KIB, record_bytes_max=KIB
        )
        assert (small.flight_bytes_max, roomy(name, high).flight_bytes_max) == (low, high)
    else:
        assert getattr(roomy(name, low), name) == low
        assert getattr(roomy(name, high), name) == high


@pytest.mark.parametrize('name', NUMBERS)
def test_beyond_the_bound_is_refused_with_name_value_and_bound(name: str) -> None:
    """The message has all that is needed to mend the parameter."""
    spec = NUMBERS[name]
    assert spec.minimum is not None
    assert spec.maximum is not None
    is_whole = isinstance(getattr(RecorderConfig(), name), int)
    step = 1.0 if is_whole else 1e-6
    for value in (number(name, spec.minimum - step), number(name, spec.maximum + step)):
        if spec.zero_is_off and value == 0:
            continue
        error = refusal(name, value)
        assert (error.name, error.value, error.bound) == (name, value, spec.bound())
        assert name in str(error)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, -1.0])
def test_a_duration_is_a_finite_number_that_is_not_negative(value: float) -> None:
    """No comparison with a NaN may let it through."""
    assert refusal('commit_interval_s', value).name == 'commit_interval_s'
    assert refusal('segment_duration_max_s', value).name == 'segment_duration_max_s'


def test_zero_switches_the_duration_off() -> None:
    """Below the minimum, and allowed all the same."""
    assert roomy('segment_duration_max_s', 0).segment_duration_max_s == 0
    assert refusal('segment_duration_max_s', 0.5).bound == '0 (off) or 1 to 86400 s'


@pytest.mark.parametrize(
    ('name', 'value', 'wanted'),
    [
        ('chunk_bytes', 8192.0, 'int'),
        ('chunk_bytes', True, 'int'),
        ('chunk_bytes', '8192', 'int'),
        ('commit_interval_s', True, 'float'),
        ('commit_interval_s', '1', 'float'),
        ('flight_root', 5, 'str'),
        ('manifest_paths', '/plan', 'tuple'),
        ('manifest_paths', (1, 2), 'tuple'),
        ('autostart', 1, 'bool'),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: Setting, wanted: str) -> None:
    """The bound says what type is wanted."""
    error = refusal(name, value)
    assert (error.name, error.value, error.bound.split(',')[0]) == (name, value, wanted)


def test_a_whole_number_of_seconds_is_a_duration() -> None:
    """YAML writes 2 where 2.0 is meant."""
    assert roomy('commit_interval_s', 2).commit_interval_s == 2


@pytest.mark.parametrize(
    ('name', 'longest', 'longer'),
    [
        ('flight_root', '/' * 4096, '/' * 4097),
        ('flight_id', 'f' * 36, 'f' * 37),
        ('signing_key_id', 'k' * 128, 'k' * 129),
        ('manifest_paths', ('/plan',) * 64, ('/plan',) * 65),
    ],
)
def test_texts_and_lists_are_bounded(name: str, longest: Setting, longer: Setting) -> None:
    """The longest is allowed, one more is not."""
    assert getattr(roomy(name, longest), name) == longest
    assert refusal(name, longer).bound == SPECS[name].bound()


def test_a_backend_is_one_of_those_there_are() -> None:
    """A wrong name is answered with the right ones."""
    assert refusal('storage_backend', 'rosbag').bound == 'one of: mcap, rosbag2'
    assert refusal('compression', 'gzip').bound == 'one of: none, lz4, zstd'


def test_an_unknown_name_is_refused() -> None:
    """A misspelt parameter must not be taken for its default."""
    with pytest.raises(ConfigError) as caught:
        RecorderConfig.from_settings({'segment_byte_max': 5})
    error = caught.value
    assert (error.name, error.value, error.bound) == ('segment_byte_max', 5, 'a known parameter')


def test_a_root_must_be_named() -> None:
    """An empty one would be the directory that the node happens to run in."""
    assert refusal('flight_root', '').bound == 'not empty'


def test_the_largest_record_fits_into_a_segment() -> None:
    """With what a segment holds beside."""
    room = 512 * KIB - SEGMENT_OVERHEAD_BYTES_MAX
    config = RecorderConfig(segment_bytes_max=512 * KIB, record_bytes_max=room)
    assert config.record_bytes_max == room
    with pytest.raises(ConfigError) as caught:
        replace(config, record_bytes_max=room + 1)
    assert (caught.value.name, str(room) in caught.value.bound) == ('record_bytes_max', True)


def test_the_largest_record_fits_into_the_ring() -> None:
    """Or it could never reach the writer."""
    config = RecorderConfig(ring_bytes_max=64 * KIB, record_bytes_max=64 * KIB)
    with pytest.raises(ConfigError) as caught:
        replace(config, record_bytes_max=64 * KIB + 1)
    assert caught.value.bound == 'at most ring_bytes_max = 65536 bytes'


def test_the_cap_holds_a_closed_segment_beside_the_open_one() -> None:
    """Or a cut would empty the flight."""
    least = 2 * MIB * 10 + METADATA_ALLOWANCE_BYTES
    config = RecorderConfig(segment_bytes_max=10 * MIB, flight_bytes_max=least)
    with pytest.raises(ConfigError) as caught:
        replace(config, flight_bytes_max=least - 1)
    assert (caught.value.name, str(least) in caught.value.bound) == ('flight_bytes_max', True)


@pytest.mark.parametrize(
    ('spec', 'words'),
    [
        (Spec(description='x'), 'true or false'),
        (Spec(description='x', choices=('a', 'b')), 'one of: a, b'),
        (Spec(description='x', unit='paths', maximum=3), 'at most 3 paths'),
        (Spec(description='x', unit='s', minimum=0.1, maximum=10), '0.1 to 10 s'),
        (Spec(description='x', minimum=1, maximum=1 << 50), '1 to 1125899906842624'),
        (
            Spec(description='x', unit='s', minimum=1, maximum=9, zero_is_off=True),
            '0 (off) or 1 to 9 s',
        ),
    ],
)
def test_a_bound_in_words(spec: Spec, words: str) -> None:
    """As messages and ``ros2 param describe`` show it."""
    assert spec.bound() == words


@pytest.mark.parametrize('sinks', [('topic', 'radio'), ('topic', 'topic'), ('',)])
def test_an_alert_goes_to_sinks_that_there_are_to_each_once(sinks: tuple[str, ...]) -> None:
    """The message lists what there is."""
    error = refusal('alert_sinks', sinks)
    assert 'each at most once: topic, mavros, mavlink' in str(error)


def test_a_second_disk_is_not_the_first() -> None:
    """It would hold the lock against itself, and help nobody."""
    root = RecorderConfig().flight_root
    error = refusal('fallback_root', root)
    assert (error.name, error.value) == ('fallback_root', root)
    assert RecorderConfig(fallback_root=f'{root}/spare').fallback_root == f'{root}/spare'


def test_a_mavlink_sink_needs_a_link() -> None:
    """Without it the alert would go nowhere, and nobody would know."""
    assert refusal('alert_sinks', ('mavlink',)).name == 'mavlink_url'
    settings: dict[str, Setting] = {
        'alert_sinks': ('mavlink',),
        'mavlink_url': 'udpout:127.0.0.1:14550',
    }
    assert RecorderConfig.from_settings(settings).alert_sinks == ('mavlink',)
