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
Measures the recorder beside others, one run after the other on the same computer.

``plan`` says what is run, ``contestants`` against whom, ``course`` runs it; ``results`` are the
values, ``summary``, ``table`` and ``picture`` what is made of them. ``sender``,
``drain_only`` and ``callback_recorder`` are programs that are started. Nothing here judges
whether a record is right; the tests do.
"""
