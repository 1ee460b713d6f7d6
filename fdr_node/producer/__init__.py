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
What a component imports to publish its records: :class:`FdrClient`.

``outbox`` numbers and keeps records, ``hold_back`` says from when on they may go out, ``own_node``
is a node for components without one, ``client`` joins the three with a publisher. Nothing here
writes to disk or knows the recorder.
"""

from fdr_node.producer.client import FdrClient

__all__ = ['FdrClient']
