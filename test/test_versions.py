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
"""The versions: what is installed is named, and what is not is left out."""

from __future__ import annotations

from importlib.metadata import version
import platform

from fdr_node import __version__
from fdr_node.versions import software_versions


def test_what_is_there_is_named() -> None:
    """Ours and Python always are."""
    assert software_versions(['mcap', 'no-such-library']) == {
        'fdr_node': __version__,
        'python': platform.python_version(),
        'mcap': version('mcap'),
    }
