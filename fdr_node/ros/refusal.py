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
Alerts of a start that a parameter forbids, when there is no recorder yet that could.

The alert goes where the parameters say, as far as those that say it are sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.clock import SystemClock
from fdr_node.config import RecorderConfig
from fdr_node.errors import ConfigError
from fdr_node.ros.alert_topics import CLOSE_S, open_alerts
from fdr_node.ros.parameters import sound
import rclpy

if TYPE_CHECKING:
    from fdr_node.events import Event

# Those that say where alerts go.
ALERT_PARAMETERS = (
    'alert_sinks',
    'mavlink_url',
    'mavlink_system_id',
    'mavlink_component_id',
    'mavlink_signing_key_path',
)


def announce(event: Event) -> None:
    """
    Tell the operator of an event, and wait a moment until that has gone.

    :param event: ``parameter_refused``.
    """
    node = rclpy.create_node('fdr')
    config = sound(node._parameter_overrides, ALERT_PARAMETERS)  # noqa: SLF001  # no other way
    try:
        alerts = open_alerts(config, clock=SystemClock(), node=node)
    except ConfigError:
        alerts = open_alerts(RecorderConfig(), clock=SystemClock(), node=node)
    alerts.tell(event)
    alerts.close(CLOSE_S)
    node.destroy_node()
