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
Turns ROS parameters into a RecorderConfig, and describes them to ROS.

What a parameter means and may be is in ``config``; nothing is decided here.
"""

from __future__ import annotations

from typing import cast, TYPE_CHECKING

from fdr_node.config import RecorderConfig, SPECS
from fdr_node.errors import ConfigError
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fdr_node.config import Setting, Spec
    from rclpy.node import Node
    from rclpy.parameter import Parameter

# Parameters that rclpy itself puts on every node.
_OF_RCLPY = ('use_sim_time', 'start_type_description_service')
_OF_RCLPY_PREFIX = 'qos_overrides.'

_DEFAULTS = RecorderConfig()

# What is set up once, when the node starts.
READ_ONLY = frozenset(
    {
        'autostart',
        'open_retry_s',
        'alert_sinks',
        'alert_repeat_s',
        'prearm_alert_s',
        'mavlink_url',
        'mavlink_system_id',
        'mavlink_component_id',
        'mavlink_signing_key_path',
    }
)


def declare(node: Node, given: Mapping[str, Parameter]) -> RecorderConfig:
    """
    Declare every parameter with its description, unit and range.

    :param given: the parameters that the node was started with, also those that nobody knows:
        rclpy itself ignores them.
    :return: the settings of the recorder.
    :raises ConfigError: a parameter is unknown, of the wrong type or out of its range.
    """
    settings = {
        name: _setting(item.value)
        for name, item in given.items()
        if name not in _OF_RCLPY and not name.startswith(_OF_RCLPY_PREFIX)
    }
    config = RecorderConfig.from_settings(settings)
    for name, spec in SPECS.items():
        value = cast('Setting', getattr(config, name))
        if isinstance(getattr(_DEFAULTS, name), float):
            # A whole number of seconds is fine, but the parameter stays a float.
            value = float(cast('float', value))
        node.declare_parameter(
            name, _ros_value(value), _descriptor(name, spec, value), ignore_override=True
        )
    return config


def sound(given: Mapping[str, Parameter], names: Iterable[str]) -> RecorderConfig:
    """
    Return the defaults with some parameters, or without them when they are not valid together.

    :param given: the parameters that the node was started with.
    :param names: those that count.
    """
    try:
        settings = {name: _setting(given[name].value) for name in names if name in given}
        return RecorderConfig.from_settings(settings)
    except ConfigError:
        return RecorderConfig()


def current(node: Node, changes: Iterable[Parameter] = ()) -> RecorderConfig:
    """
    Return the settings that the parameters have now.

    :param changes: parameters that are about to be set.
    :raises ConfigError: the changed settings are not valid.
    """
    values = {item.name: item.value for item in node.get_parameters(list(SPECS))}
    values.update({item.name: item.value for item in changes if item.name in SPECS})
    return RecorderConfig.from_settings({name: _setting(value) for name, value in values.items()})


def judge(
    node: Node, changes: Iterable[Parameter], *, is_flight_open: bool
) -> SetParametersResult:
    """
    Say whether parameters may be set.

    :param is_flight_open: then nothing of the recorder can change.
    """
    wanted = [item for item in changes if item.name in SPECS]
    if wanted and is_flight_open:
        reason = f'{wanted[0].name} cannot change while a flight is open'
        return SetParametersResult(successful=False, reason=reason)
    try:
        current(node, wanted)
    except ConfigError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def _setting(value: object) -> Setting:
    if value is None:
        # How rclpy reads an empty list from a parameters file.
        return ()
    if isinstance(value, list):
        # ROS cannot tell the type of an empty list, so [''] stands for it.
        return tuple(item for item in value if item)
    return cast('Setting', value)


def _ros_value(value: Setting) -> bool | int | float | str | list[str]:
    return (list(value) or ['']) if isinstance(value, tuple) else value


def _descriptor(name: str, spec: Spec, value: Setting) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        name=name,
        description=f'{spec.description} [{spec.bound()}]',
        additional_constraints=spec.bound(),
        read_only=name in READ_ONLY,
    )
    if spec.minimum is None or spec.maximum is None or spec.zero_is_off:
        # A range cannot say "0 or from ... to ..."; RecorderConfig refuses what lies between.
        return descriptor
    if isinstance(value, int):
        low, high = int(spec.minimum), int(spec.maximum)
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
    else:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=spec.minimum, to_value=spec.maximum)
        ]
    return descriptor
