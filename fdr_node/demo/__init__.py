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
Something to record: a simulated sortie, or a real PX4 log flown again.

What is recorded when follows from time alone (``script``; simulated: ``sortie``, ``stream``,
``navigation``, ``equipment``; from a log: ``ulog``, ``ulog_records``, ``replay``; ``plan`` has the
choice). Every producer is a process of its own (``component``); ``fleet`` and ``recorder`` start
and end them. Nothing here judges what was recorded.
"""
