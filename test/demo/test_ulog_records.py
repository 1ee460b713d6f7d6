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
"""Messages of PX4 become records with the units and the doubts of this package."""

from __future__ import annotations

from collections import Counter
import math
from typing import TYPE_CHECKING

from fdr_node.demo.ulog import read_topics
from fdr_node.demo.ulog_records import producer_of, PRODUCERS, record_of
from fdr_node.schema import encode_payload, Estimate, Imu, Kind, SystemHealth
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.demo.ulog_records import Message

POSITION: Message = {
    'x': 1.0,
    'y': 2.0,
    'z': -3.0,
    'vx': 4.0,
    'vy': 5.0,
    'vz': -6.0,
    'xy_valid': 1,
    'z_valid': 1,
    'v_xy_valid': 1,
    'v_z_valid': 1,
    'eph': 2.0,
    'epv': 3.0,
    'evh': 4.0,
    'evv': 5.0,
}
STATUS: Message = {
    'mag_test_ratio': 0.2,
    'vel_test_ratio': 0.7,
    'hgt_test_ratio': 0.1,
    'filter_fault_flags': 0,
    'innovation_check_flags': 0,
    'timeout_flags': 0,
}


def typed(topic: str, message: Message) -> tuple[str, Message]:
    """Return kind and payload of a message."""
    return record_of(topic, 0, 7, message)


def test_a_valid_position_is_an_estimate() -> None:
    """Variances are those of the axes; what PX4 does not log of them is not known."""
    kind, payload = typed('vehicle_local_position', POSITION)
    estimate = Estimate.from_payload(payload)

    assert kind == Kind.ESTIMATE
    assert estimate.position_ned_m == (1.0, 2.0, -3.0)
    assert estimate.velocity_ned_m_s == (4.0, 5.0, -6.0)
    assert (estimate.health, estimate.source) == ('good', 'vehicle_local_position')
    assert estimate.position_covariance_m2 is not None
    assert [estimate.position_covariance_m2[i] for i in (0, 4, 8)] == [2.0, 2.0, 9.0]
    assert math.isnan(estimate.position_covariance_m2[1])
    assert (payload['px4_topic'], payload['px4_instance'], payload['px4_time_us']) == (
        'vehicle_local_position',
        0,
        7,
    )


def test_what_px4_calls_invalid_is_not_known() -> None:
    """Its zeros are no position."""
    message = {**POSITION, 'xy_valid': 0, 'v_z_valid': 0}
    estimate = Estimate.from_payload(typed('vehicle_local_position', message)[1])

    assert estimate.position_ned_m == pytest.approx((math.nan, math.nan, -3.0), nan_ok=True)
    assert estimate.velocity_ned_m_s == pytest.approx((4.0, 5.0, math.nan), nan_ok=True)
    assert estimate.health == 'degraded'


@pytest.mark.parametrize(
    ('flag', 'health'),
    [
        ('', 'good'),
        ('innovation_check_flags', 'degraded'),
        ('timeout_flags', 'degraded'),
        ('filter_fault_flags', 'failed'),
    ],
)
def test_the_estimator_says_how_it_is(flag: str, health: str) -> None:
    """The largest ratio counts."""
    message = {**STATUS, flag: 4} if flag else STATUS
    estimate = Estimate.from_payload(typed('estimator_status', message)[1])

    assert (estimate.health, estimate.innovation_test_ratio) == (health, 0.7)


def test_sensors_and_battery_come_in_si_units() -> None:
    """Microseconds become seconds, shares per cent, and -1 nothing."""
    imu = typed(
        'sensor_combined',
        {
            'gyro_rad': [0.1, 0.2, 0.3],
            'accelerometer_m_s2': [1.0, 2.0, -9.8],
            'gyro_integral_dt': 5000,
        },
    )
    full = {'voltage_v': 16.1, 'current_a': 3.5, 'remaining': 0.25}
    battery = typed('battery_status', full)
    unknown = typed('battery_status', {**full, 'remaining': -1.0})

    assert Imu.from_payload(imu[1]) == Imu(
        gyro_rad_s=(0.1, 0.2, 0.3), accel_m_s2=(1.0, 2.0, -9.8), dt_s=0.005
    )
    assert SystemHealth.from_payload(battery[1]) == SystemHealth(
        battery_voltage_v=16.1, battery_current_a=3.5, battery_remaining_percent=25.0
    )
    assert SystemHealth.from_payload(unknown[1]).battery_remaining_percent is None
    assert SystemHealth.from_payload(typed('cpuload', {'load': 0.5})[1]).cpu_load == 0.5


@pytest.mark.parametrize(
    ('topic', 'message'),
    [
        ('airspeed', {'indicated_airspeed_m_s': 12.5}),
        ('sensor_combined', {'gyro_rad': [0.1, 0.2, 0.3]}),
        ('vehicle_attitude', {'q': 1.0}),
        ('vehicle_attitude', {'q': [1.0, 1.0, 0.0, 0.0]}),
        ('vehicle_attitude', {'q': [1.0, 0.0, 0.0]}),
        ('cpuload', {'load': 'high'}),
        ('estimator_status', {'timeout_flags': 0}),
    ],
)
def test_what_fits_no_layout_is_recorded_as_it_stands(topic: str, message: Message) -> None:
    """Other topics, fields of another version, and numbers that no sensor should give."""
    kind, payload = typed(topic, message)

    assert kind == f'px4_{topic}'
    assert {name: payload[name] for name in message} == message


def test_producers_share_the_topics() -> None:
    """By name, with the setpoints together."""
    found = {
        topic: producer_of(topic)
        for topic in (
            'estimator_status',
            'vehicle_attitude',
            'vehicle_attitude_setpoint',
            'sensor_combined',
            'battery_status',
            'actuator_outputs',
            'airspeed',
        )
    }

    assert found == {
        'estimator_status': 'px4_estimator',
        'vehicle_attitude': 'px4_estimator',
        'vehicle_attitude_setpoint': 'px4_control',
        'sensor_combined': 'px4_imu',
        'battery_status': 'px4_health',
        'actuator_outputs': 'px4_control',
        'airspeed': 'px4_vehicle',
    }
    assert set(found.values()) == set(PRODUCERS)


def test_a_real_log_becomes_records_that_can_be_encoded(px4_log: Path) -> None:
    """Counted by kind: the typed ones are all there, and everything fits into a payload."""
    kinds: Counter[str] = Counter()
    for topic in read_topics(px4_log):
        for row, time_us in enumerate(topic.times_us):
            kind, payload = record_of(topic.name, topic.instance, time_us, topic.row(row))
            encode_payload(payload)
            kinds[kind] += 1

    # Estimates of three topics, 636 + 1298 + 636; health of two, 42 + 14.
    assert (kinds['estimate'], kinds['imu'], kinds['system_health']) == (2570, 1298, 56)
    assert kinds['px4_logged_message'] == 3
    assert not {'px4_vehicle_attitude', 'px4_sensor_combined', 'px4_cpuload'} & set(kinds)
