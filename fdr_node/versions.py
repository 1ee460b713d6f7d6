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
"""Says which software runs here: this package, Python, and the libraries that are asked for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
import platform
from typing import TYPE_CHECKING

from fdr_node import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable


def software_versions(libraries: Iterable[str]) -> dict[str, str]:
    """
    Return versions by name.

    :param libraries: names of distributions; one that is not installed is left out
    """
    versions = {'fdr_node': __version__, 'python': platform.python_version()}
    for name in libraries:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
