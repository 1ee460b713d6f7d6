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
"""Keeps a subscription from every executor: who made it takes from it, in batches."""

from __future__ import annotations

from rclpy.callback_groups import CallbackGroup


class UnwatchedGroup(CallbackGroup):
    """Keeps an entity out of every executor's wait set; who made it takes from it."""

    def can_execute(self, entity: object) -> bool:
        """Return False: no executor waits for this entity."""
        del entity
        return False

    def beginning_execution(self, entity: object) -> bool:
        """Return False: no executor runs this entity."""
        del entity
        return False

    def ending_execution(self, entity: object) -> None:
        """Do nothing, as nothing was begun."""
