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
"""The worst of all checks counts."""

from __future__ import annotations

from fdr_node.preflight.check import go, no_go, overall, Verdict, warn

GO = go('lock', 'free')
WARN = warn('space', 'little', 'remove flights')
NO_GO = no_go('root', 'EROFS', 'mount it')


def test_the_worst_counts() -> None:
    """Whatever the order."""
    assert overall([]) is Verdict.GO
    assert overall([GO, GO]) is Verdict.GO
    assert overall([GO, WARN, GO]) is Verdict.WARN
    assert overall([NO_GO, WARN, GO]) is Verdict.NO_GO


def test_a_check_as_json() -> None:
    """All of it is there, and no more than texts."""
    assert NO_GO.to_json() == {
        'name': 'root',
        'verdict': 'no-go',
        'text': 'EROFS',
        'advice': 'mount it',
    }
    assert GO.to_json()['advice'] == ''
