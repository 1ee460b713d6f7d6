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
"""The parameters of a real node: how they are declared, what is refused, and when they change."""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

from fdr_node.config import MIB, RecorderConfig, SPECS
from fdr_node.errors import ConfigError
from fdr_node.ros import parameters
from own_context import own_context, random_domain
from project import ROOT
import pytest
from rcl_interfaces.msg import ParameterDescriptor, ParameterType, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rclpy.context import Context

pytestmark = pytest.mark.ros

PARAMETERS_FILE = ROOT / 'launch' / 'fdr.params.yaml'

BESIDE_A_SMALL_SEGMENT = (
    'record_bytes_max is 524288, allowed: at most segment_bytes_max - 262144 = 262144 bytes'
)

TYPES = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
    tuple: ParameterType.PARAMETER_STRING_ARRAY,
}


@contextmanager
def fdr_node(*arguments: str) -> Iterator[Node]:
    """Return a node with the name of the recorder that was started with ROS arguments."""
    with own_context(random_domain(), arguments) as context:
        node = bare_node(context)
        try:
            yield node
        finally:
            node.destroy_node()


def bare_node(context: Context) -> Node:
    """Return a node that does nothing."""
    return Node('fdr', context=context, start_parameter_services=False)


def declared(node: Node) -> RecorderConfig:
    """Declare the parameters as the recorder does."""
    return parameters.declare(node, node._parameter_overrides)


@pytest.fixture(scope='module')
def default_node() -> Iterator[Node]:
    """Return a node with every parameter at its default; nothing may be set on it."""
    with fdr_node() as node:
        declared(node)
        yield node


@pytest.mark.parametrize('name', SPECS)
def test_every_setting_is_a_parameter_that_explains_itself(default_node: Node, name: str) -> None:
    """Description, unit and bound are there, and the type is that of the default."""
    spec, default = SPECS[name], getattr(RecorderConfig(), name)
    descriptor: ParameterDescriptor = default_node.describe_parameter(name)
    assert descriptor.type == TYPES[type(default)]
    assert descriptor.description == f'{spec.description} [{spec.bound()}]'
    assert spec.unit in descriptor.description
    assert descriptor.additional_constraints == spec.bound()
    assert descriptor.read_only == (name in parameters.READ_ONLY)


@pytest.mark.parametrize('name', SPECS)
def test_every_range_is_that_of_the_setting(default_node: Node, name: str) -> None:
    """ROS tools show it; where 0 switches off there is none, as a range cannot say that."""
    spec, default = SPECS[name], getattr(RecorderConfig(), name)
    descriptor: ParameterDescriptor = default_node.describe_parameter(name)
    ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    if not is_number or spec.zero_is_off:
        assert ranges == []
        return
    (bounds,) = ranges
    assert (bounds.from_value, bounds.to_value) == (spec.minimum, spec.maximum)
    assert list(descriptor.integer_range) == ([bounds] if isinstance(default, int) else [])


def test_the_parameters_file_has_every_parameter_at_its_default() -> None:
    """What is in the file is what the recorder does without it."""
    with fdr_node('--params-file', str(PARAMETERS_FILE)) as node:
        assert node._parameter_overrides.keys() == SPECS.keys()
        assert declared(node) == RecorderConfig()


def test_the_parameters_file_is_for_a_recorder_in_any_namespace() -> None:
    """Two vehicles on one computer have their recorders in namespaces."""
    remap = ['-r', '__ns:=/uav1']
    with fdr_node('--params-file', str(PARAMETERS_FILE), *remap) as node:
        assert node._parameter_overrides.keys() == SPECS.keys()


def test_values_that_are_no_defaults_arrive() -> None:
    """One of each type."""
    with fdr_node(
        '-p', 'flight_root:=/data/grün',
        '-p', 'history_depth:=7',
        '-p', 'commit_interval_s:=0.25',
        '-p', 'autostart:=false',
        '-p', 'manifest_paths:=[/a.plan, /b.plan]',
    ) as node:  # fmt: skip
        config = declared(node)
        assert config == RecorderConfig(
            flight_root='/data/grün',
            history_depth=7,
            commit_interval_s=0.25,
            autostart=False,
            manifest_paths=('/a.plan', '/b.plan'),
        )
        assert parameters.current(node) == config


@pytest.mark.parametrize('text', ['[]', "['']"], ids=['empty', 'of an empty text'])
def test_no_manifest_can_be_said_in_two_ways(text: str) -> None:
    """ROS cannot tell the type of an empty list; it must not stop the start."""
    with fdr_node('-p', f'manifest_paths:={text}') as node:
        assert declared(node) == RecorderConfig()
        assert parameters.current(node) == RecorderConfig()


def test_a_whole_number_of_seconds_stays_a_float() -> None:
    """Otherwise the parameter could never be set to a half."""
    with fdr_node('-p', 'commit_interval_s:=2') as node:
        assert declared(node) == RecorderConfig(commit_interval_s=2)
        assert node.describe_parameter('commit_interval_s').type == ParameterType.PARAMETER_DOUBLE
        (result,) = node.set_parameters([Parameter('commit_interval_s', value=0.5)])
        assert result.successful
        assert parameters.current(node).commit_interval_s == 0.5


def test_parameters_of_rclpy_are_none_of_ours() -> None:
    """Simulated time and QoS overrides come with every node."""
    with fdr_node(
        '-p', 'use_sim_time:=true', '-p', 'qos_overrides./rosout.publisher.depth:=5'
    ) as node:
        assert declared(node) == RecorderConfig()


@pytest.mark.parametrize(
    ('argument', 'name', 'value', 'bound'),
    [
        ('histroy_depth:=5', 'histroy_depth', 5, 'a known parameter'),
        ('history_depth:=0', 'history_depth', 0, '1 to 1000000 records'),
        ('history_depth:=5.0', 'history_depth', 5.0, 'int, 1 to 1000000 records'),
        ('commit_interval_s:=10.5', 'commit_interval_s', 10.5, '0.1 to 10 s'),
        ('commit_interval_s:=.inf', 'commit_interval_s', inf, '0.1 to 10 s'),
        ('segment_duration_max_s:=0.5', 'segment_duration_max_s', 0.5, '0 (off) or 1 to 86400 s'),
        ('storage_backend:=tape', 'storage_backend', 'tape', SPECS['storage_backend'].bound()),
        ('autostart:=1', 'autostart', 1, 'bool, true or false'),
        ("flight_root:=''", 'flight_root', '', 'not empty'),
        ('manifest_paths:=/a.plan', 'manifest_paths', '/a.plan', 'tuple, at most 64 paths'),
        (
            'flight_bytes_max:=2097152',
            'flight_bytes_max',
            2 * MIB,
            'at least 2 x segment_bytes_max + 262144 = 537133056 bytes',
        ),
    ],
)
def test_what_is_refused_names_itself_its_value_and_its_bound(
    argument: str, name: str, value: object, bound: str
) -> None:
    """The start stops with this error."""
    with fdr_node('-p', argument) as node:
        with pytest.raises(ConfigError) as caught:
            declared(node)
        assert (caught.value.name, caught.value.value, caught.value.bound) == (name, value, bound)


def judged(node: Node, name: str, value: object, *, is_flight_open: bool) -> tuple[bool, str]:
    """Return whether a change may be made, and why not."""
    change = [Parameter(name, value=value)]
    result: SetParametersResult = parameters.judge(node, change, is_flight_open=is_flight_open)
    return result.successful, result.reason


@pytest.mark.parametrize(
    ('name', 'value', 'is_flight_open', 'verdict'),
    [
        pytest.param('history_depth', 9, False, (True, ''), id='between flights'),
        pytest.param(
            'history_depth',
            9,
            True,
            (False, 'history_depth cannot change while a flight is open'),
            id='in flight',
        ),
        pytest.param('use_sim_time', False, True, (True, ''), id='not ours'),
        pytest.param(
            'segment_duration_max_s',
            0.5,
            False,
            (False, 'segment_duration_max_s is 0.5, allowed: 0 (off) or 1 to 86400 s'),
            id='where a range cannot say it',
        ),
        pytest.param(
            'record_bytes_max',
            64 * MIB,
            False,
            (True, ''),
            id='at its bound',
        ),
        pytest.param(
            'segment_bytes_max',
            MIB // 2,
            False,
            (
                False,
                BESIDE_A_SMALL_SEGMENT,
            ),
            id='against another one',
        ),
    ],
)
def test_changes_of_a_running_node(
    default_node: Node,
    name: str,
    value: object,
    *,
    is_flight_open: bool,
    verdict: tuple[bool, str],
) -> None:
    """The same bounds hold as at the start, and none of ours moves in flight."""
    assert judged(default_node, name, value, is_flight_open=is_flight_open) == verdict
