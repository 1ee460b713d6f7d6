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
Reads YAML of others: what cannot be read is an error, whatever it is made of.

The library goes down into the text by recursion. Nested deep enough (some 50,000 brackets) a file
would end the process, and a recorder reads those of old flights when it starts.
"""

from __future__ import annotations

from typing import Final

import yaml

# libyaml is some ten times faster than the pure reader; what they read is equal.
_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)

# rosbag2's own file has four levels, and its QoS profiles two more.
DEPTH_MAX: Final = 64

# A text is no deeper than it is long. To look costs as much as to read.
SHORT: Final = 16 * 1024


def read_yaml(text: bytes | str) -> object:
    """
    Return what a text says.

    :raises ValueError: it is no YAML, holds a value that cannot be (such as a 13th month), or is
        longer than ``SHORT`` and nested deeper than ``DEPTH_MAX``.
    """
    try:
        if len(text) > SHORT:
            _check_depth(text)
        value: object = yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = f'it cannot be read as YAML: {error}'
        raise ValueError(message) from error
    return value


def _check_depth(text: bytes | str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                message = f'it is nested deeper than {DEPTH_MAX} levels'
                raise ValueError(message)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
