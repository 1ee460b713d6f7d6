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
Reads what the ``metadata.yaml`` of a flight says, whatever state it is in.

What is not there, or is no such thing, is empty; what it ought to say is not known here.
"""

from __future__ import annotations

import json
from typing import Final, TYPE_CHECKING

from fdr_node.schema import PARTS_NAME
from fdr_node.storage import bag_format, fs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_METADATA_BYTES_MAX: Final = 64 << 20


def read_metadata(directory: Path) -> Mapping[str, object] | None:
    """Return what there is; empty when it cannot be read, None without one."""
    try:
        data = fs.read_file(directory / bag_format.METADATA_NAME, _METADATA_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError:
        return {}
    try:
        return bag_format.parse_metadata(data)
    except (ValueError, RecursionError):
        # What the YAML library makes of a date or a depth that cannot be.
        return {}


def custom_text(listed: Mapping[str, object] | None, name: str) -> str:
    """Return a text of the custom data; empty without one."""
    custom_data = (listed or {}).get('custom_data')
    text = custom_data.get(name) if isinstance(custom_data, dict) else None
    return text if isinstance(text, str) else ''


def segment_indexes(listed: Mapping[str, object] | None) -> list[int]:
    """Return the numbers of the segments that are listed."""
    names = (listed or {}).get('relative_file_paths')
    texts = [str(name) for name in names] if isinstance(names, list) else []
    indexes = [bag_format.segment_index(text) for text in texts]
    return [index for index in indexes if index is not None]


def is_parts_text(text: str) -> bool:
    """Return whether a text names the directories of a flight (``fdr_flight_parts``)."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and len(value) > 1


def parts_text(listed: Mapping[str, object] | None, *segments: Mapping[str, str]) -> str:
    """
    Return the list of the directories of a flight that went on in another one; else nothing.

    :param segments: texts of each segment, in their order.
    """
    texts = [custom_text(listed, PARTS_NAME)]
    texts += [item.get(PARTS_NAME, '') for item in reversed(segments)]
    return next((text for text in texts if is_parts_text(text)), '')
