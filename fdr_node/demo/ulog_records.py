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
Says which record a message of a PX4 log becomes, and which producer makes it.

Position, attitude and the estimator's own view become ``estimate``, the combined sensors ``imu``,
battery and processor ``system_health``. Everything else, and what does not fit its layout, is
recorded as it stands, as ``px4_<topic>``. Every record also carries the log's own time and topic.

Only values go in and out; PX4's units and conventions are known here alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import math
from typing import Final, TypeAlias

from fdr_node.errors import PayloadError
from fdr_node.schema import Estimate, EstimatorHealth, Imu, Payload, SystemHealth, Value

_US_PER_S: Final = 1e6

# Which producer a topic belongs to, by how its name begins; the first match counts.
_PRODUCERS: Final = (
    ('px4_estimator', ('estimator_', 'ekf', 'yaw_estimator', 'wind', 'vehicle_local_position')),
    ('px4_estimator', ('vehicle_global_position', 'vehicle_attitude', 'vehicle_odometry')),
    ('px4_imu', ('sensor_combined', 'sensor_accel', 'sensor_gyro', 'vehicle_imu')),
    ('px4_health', ('battery_status', 'cpuload', 'system_power', 'px4io_status')),
    ('px4_control', ('actuator_', 'manual_control', 'input_rc', 'rate_ctrl', 'multirotor_')),
    ('px4_control', ('vehicle_angular_', 'vehicle_rates_', 'position_setpoint')),
)
_SETPOINT: Final = '_setpoint'
_OTHER: Final = 'px4_vehicle'
PRODUCERS: Final = (*dict.fromkeys(name for name, _ in _PRODUCERS), _OTHER)

Message: TypeAlias = Mapping[str, Value]


def producer_of(topic: str) -> str:
    """Return which producer records a topic."""
    if topic.endswith(_SETPOINT):
        return 'px4_control'
    return next((name for name, starts in _PRODUCERS if topic.startswith(starts)), _OTHER)


def record_of(
    topic: str, instance: int, time_us: int, message: Message
) -> tuple[str, dict[str, Value]]:
    """
    Return the kind and the payload of a message.

    :param topic: name of its topic
    :param instance: of the topic, 0 for the first one
    :param time_us: when it was logged, since the autopilot's start (us)
    :param message: its fields, arrays as lists
    :return: a standard kind with its typed fields, or ``px4_<topic>`` with those of PX4
    """
    origin: dict[str, Value] = {
        'px4_topic': topic,
        'px4_instance': instance,
        'px4_time_us': time_us,
    }
    payload = _typed(topic, message)
    if payload is None:
        return f'px4_{topic}', {**message, **origin}
    return payload.KIND, {**payload.to_payload(), **origin}


def _typed(topic: str, message: Message) -> Payload | None:
    make = _TYPED.get(topic)
    if make is None:
        return None
    try:
        return make(message)
    except (KeyError, TypeError, ValueError, PayloadError):
        # Another version of PX4 has other fields, and a sensor fault can give any number.
        return None


def _local_position(message: Message) -> Estimate:
    # What is not valid is not known; PX4 then logs zeros.
    x, y = _known(message, 'xy_valid', 'x', 'y')
    (z,) = _known(message, 'z_valid', 'z')
    vx, vy = _known(message, 'v_xy_valid', 'vx', 'vy')
    (vz,) = _known(message, 'v_z_valid', 'vz')
    is_complete = not any(map(math.isnan, (x, y, z, vx, vy, vz)))
    return Estimate(
        health=EstimatorHealth.GOOD if is_complete else EstimatorHealth.DEGRADED,
        source='vehicle_local_position',
        position_ned_m=(x, y, z),
        velocity_ned_m_s=(vx, vy, vz),
        position_covariance_m2=_covariance(message, 'eph', 'epv'),
        velocity_covariance_m2_s2=_covariance(message, 'evh', 'evv'),
    )


def _attitude(message: Message) -> Estimate:
    w, x, y, z = _numbers(message['q'])
    return Estimate(
        health=EstimatorHealth.UNKNOWN, source='vehicle_attitude', attitude_wxyz=(w, x, y, z)
    )


def _estimator_status(message: Message) -> Estimate:
    ratios = [_number(value) for name, value in message.items() if name.endswith('_test_ratio')]
    if message['filter_fault_flags']:
        health = EstimatorHealth.FAILED
    elif message['innovation_check_flags'] or message['timeout_flags']:
        health = EstimatorHealth.DEGRADED
    else:
        health = EstimatorHealth.GOOD
    return Estimate(health=health, source='estimator_status', innovation_test_ratio=max(ratios))


def _sensor_combined(message: Message) -> Imu:
    gx, gy, gz = _numbers(message['gyro_rad'])
    ax, ay, az = _numbers(message['accelerometer_m_s2'])
    return Imu(
        gyro_rad_s=(gx, gy, gz),
        accel_m_s2=(ax, ay, az),
        dt_s=_number(message['gyro_integral_dt']) / _US_PER_S,
    )


def _battery_status(message: Message) -> SystemHealth:
    remaining = _number(message['remaining'])
    return SystemHealth(
        battery_voltage_v=_number(message['voltage_v']),
        battery_current_a=_number(message['current_a']),
        # PX4 logs -1 when it does not know.
        battery_remaining_percent=100.0 * remaining if remaining >= 0.0 else None,
    )


def _cpuload(message: Message) -> SystemHealth:
    return SystemHealth(cpu_load=_number(message['load']))


_TYPED: Final[Mapping[str, Callable[[Message], Payload]]] = {
    'vehicle_local_position': _local_position,
    'vehicle_attitude': _attitude,
    'estimator_status': _estimator_status,
    'sensor_combined': _sensor_combined,
    'battery_status': _battery_status,
    'cpuload': _cpuload,
}


def _number(value: Value) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(value)


def _numbers(value: Value) -> list[float]:
    if isinstance(value, list):
        return [_number(item) for item in value]
    raise TypeError(value)


def _known(message: Message, valid: str, *names: str) -> list[float]:
    """Return numbers of a message, or NaN for each when its flag says that they are not valid."""
    return [_number(message[name]) if message[valid] else math.nan for name in names]


def _covariance(message: Message, horizontal: str, vertical: str) -> tuple[float, ...]:
    """
    Return a covariance from PX4's two accuracies; what they leave open is NaN.

    The horizontal one is the root of the sum of both variances.
    """
    across = _number(message[horizontal]) ** 2 / 2.0
    down = _number(message[vertical]) ** 2
    return (
        *(across, math.nan, math.nan),
        *(math.nan, across, math.nan),
        *(math.nan, math.nan, down),
    )
