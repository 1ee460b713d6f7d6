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
What the simulated inertial sensor and the simulated estimator record.

The numbers are those of small real ones. The estimator is no filter: it is the truth with the
noise and the growing error that a filter would have.
"""

from __future__ import annotations

import math
from typing import Final, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.demo.stream import Stream
from fdr_node.schema import Estimate, EstimatorHealth, Imu, SpoofPromotionBlock

if TYPE_CHECKING:
    import random

    from fdr_node.demo.sortie import Vector
    from fdr_node.demo.stream import Scene

# Where the aircraft takes off.
HOME_LATITUDE_DEG: Final = 47.397742
HOME_LONGITUDE_DEG: Final = 8.545594
HOME_ALTITUDE_M: Final = 488.0

_EARTH_RADIUS_M: Final = 6_378_137.0

_IMU_PERIOD_NS: Final = NS_PER_S // 200
_ESTIMATE_PERIOD_NS: Final = NS_PER_S // 50
_BLOCK_PERIOD_NS: Final = NS_PER_S

# Standard deviations.
_GYRO_NOISE_RAD_S: Final = 0.003
_ACCEL_NOISE_M_S2: Final = 0.05
_POSITION_NOISE_M: Final = 0.05
_VELOCITY_NOISE_M_S: Final = 0.02
_GNSS_NOISE_M: Final = 0.8

# GNSS is rejected beyond so many standard deviations.
_GATE: Final = 5.0
# Without it the position is known a little worse every second (m/s).
_DRIFT_M_S: Final = 0.15


def imu(scene: Scene) -> tuple[Stream, ...]:
    """Return what the inertial measurement unit records."""

    def sample(index: int, at_ns: int) -> Imu:
        noise = scene.noise('imu', index)
        motion = scene.sortie.motion(at_ns / NS_PER_S)
        return Imu(
            gyro_rad_s=_disturbed(motion.turn_rate_rad_s, noise, _GYRO_NOISE_RAD_S),
            accel_m_s2=_disturbed(motion.specific_force_m_s2, noise, _ACCEL_NOISE_M_S2),
            dt_s=_IMU_PERIOD_NS / NS_PER_S,
            temperature_deg_c=41.0,
        )

    return (Stream(period_ns=_IMU_PERIOD_NS, make=sample),)


def estimator(scene: Scene) -> tuple[Stream, ...]:
    """Return what the estimator records: where it is, and that it does not trust GNSS."""
    sortie = scene.sortie

    def estimate(index: int, at_ns: int) -> Estimate:
        t_s = at_ns / NS_PER_S
        noise = scene.noise('estimate', index)
        motion = sortie.motion(t_s)
        ratio = gnss_test_ratio(scene, t_s)
        is_blind = ratio > 1.0
        blind_s = t_s - sortie.spoofing_begin_s if is_blind else 0.0
        deviation_m = _POSITION_NOISE_M + _DRIFT_M_S * blind_s
        position_m = _disturbed(motion.position_m, noise, _POSITION_NOISE_M)
        latitude_deg, longitude_deg = geographic(*position_m[:2])
        return Estimate(
            health=EstimatorHealth.DEAD_RECKONING if is_blind else EstimatorHealth.GOOD,
            source='ekf',
            position_ned_m=position_m,
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            altitude_m=HOME_ALTITUDE_M - position_m[2],
            velocity_ned_m_s=_disturbed(motion.velocity_m_s, noise, _VELOCITY_NOISE_M_S),
            attitude_wxyz=motion.attitude_wxyz,
            position_covariance_m2=_diagonal(deviation_m**2),
            velocity_covariance_m2_s2=_diagonal(_VELOCITY_NOISE_M_S**2),
            innovation_test_ratio=ratio,
        )

    def block(_index: int, at_ns: int) -> SpoofPromotionBlock | None:
        t_s = at_ns / NS_PER_S
        ratio = gnss_test_ratio(scene, t_s)
        if ratio <= 1.0:
            return None
        return SpoofPromotionBlock(
            blocked_source='gnss',
            active_source='vio',
            reason='GNSS position moves against vision and inertia',
            metrics={
                'innovation_m': math.hypot(*sortie.gnss_pull_m(t_s)),
                'innovation_test_ratio': ratio,
                'gate_sigma': _GATE,
            },
        )

    return (
        Stream(period_ns=_ESTIMATE_PERIOD_NS, make=estimate),
        Stream(period_ns=_BLOCK_PERIOD_NS, make=block),
    )


def gnss_test_ratio(scene: Scene, t_s: float) -> float:
    """
    Return how far GNSS is from what the estimator expects.

    :param t_s: time in the sortie (s)
    :return: square of the distance over the gate; above 1 it is rejected
    """
    pull_m = math.hypot(*scene.sortie.gnss_pull_m(t_s))
    return float((pull_m / (_GATE * _GNSS_NOISE_M)) ** 2)


def geographic(north_m: float, east_m: float) -> tuple[float, float]:
    """Return latitude and longitude of a place near the take-off (deg)."""
    parallel_m = _EARTH_RADIUS_M * math.cos(math.radians(HOME_LATITUDE_DEG))
    return (
        HOME_LATITUDE_DEG + math.degrees(north_m / _EARTH_RADIUS_M),
        HOME_LONGITUDE_DEG + math.degrees(east_m / parallel_m),
    )


def _disturbed(vector: Vector, noise: random.Random, deviation: float) -> Vector:
    x, y, z = (part + noise.gauss(0.0, deviation) for part in vector)
    return (x, y, z)


def _diagonal(variance: float) -> tuple[float, ...]:
    return (variance, 0.0, 0.0, 0.0, variance, 0.0, 0.0, 0.0, variance)
