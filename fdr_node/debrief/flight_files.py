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
Finds the files of a flight, and reads what ``metadata.yaml`` says of it.

No segment is opened, nothing is written, and a flight that is being recorded is not disturbed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Final, TYPE_CHECKING, TypeVar

from fdr_node.errors import PayloadError, StorageError
from fdr_node.schema import (
    FlightFooter,
    FlightHeader,
    FOOTER_NAME,
    HEADER_NAME,
    PARTS_NAME,
    Payload,
)
from fdr_node.storage import fs
from fdr_node.storage.bag_format import METADATA_NAME, segment_index
from fdr_node.storage.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

P = TypeVar('P', bound=Payload)

# What is said of a directory without a segment.
NO_SEGMENT: Final = 'it is no flight: no segment (<name>_<number>.mcap) is in it'

# The recorder has one disk or two; a list that is longer is not its own.
_PARTS_MAX: Final = 8

# 250 bytes for each of 100,000 segments, and the header and footer of the flight.
_METADATA_BYTES_MAX: Final = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BagMetadata:
    """
    What ``metadata.yaml`` says, as far as it can be read.

    :param listed: names of the files that the bag consists of; empty when it cannot be read
    :param header: header of the flight
    :param footer: footer of the flight, once it is closed
    :param parts: all directories of the flight, as they were called on the aircraft; empty unless
        it went on in another one
    :param problems: what cannot be read, in words
    """

    listed: tuple[str, ...] = ()
    header: FlightHeader | None = None
    footer: FlightFooter | None = None
    parts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def is_flight(directory: Path) -> bool:
    """
    Return whether a directory holds a flight: a segment, or the metadata of a bag.

    :raises StorageError: it cannot be listed
    """
    names = _names(directory)
    return METADATA_NAME in names or any(segment_index(name) is not None for name in names)


def find_flights(root: Path) -> list[Path]:
    """
    Return the flights directly below a directory, in the order of their names.

    :raises StorageError: it cannot be listed
    """
    paths = [root / name for name in sorted(_names(root))]
    return [path for path in paths if path.is_dir() and is_flight(path)]


def find_segments(directory: Path) -> list[Path]:
    """
    Return the segments in a flight directory, in the order of recording.

    :raises StorageError: it cannot be listed
    """
    indexed = [(segment_index(name), name) for name in _names(directory)]
    return [directory / name for index, name in sorted(_with_index(indexed))]


def size_of(path: Path) -> int:
    """Return the size of a file in bytes; 0 when a recorder has just dropped it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _with_index(indexed: Iterable[tuple[int | None, str]]) -> list[tuple[int, str]]:
    return [(index, name) for index, name in indexed if index is not None]


def read_bag_metadata(directory: Path) -> BagMetadata:
    """Read ``metadata.yaml``; what is wrong with it is in the result."""
    path = directory / METADATA_NAME
    try:
        text = fs.read_file(path, _METADATA_BYTES_MAX)
        content = read_yaml(text)
    except OSError as error:
        return BagMetadata(problems=(f'{METADATA_NAME}: {error.strerror or error}',))
    except ValueError:
        return BagMetadata(problems=(f'{METADATA_NAME}: it is no YAML',))
    bag = _map(_map(content).get('rosbag2_bagfile_information'))
    listed = bag.get('relative_file_paths')
    if not isinstance(listed, list):
        return BagMetadata(problems=(f'{METADATA_NAME}: it lists no files',))
    texts = _map(bag.get('custom_data'))
    problems: list[str] = []
    return BagMetadata(
        listed=tuple(str(name) for name in listed),
        header=_payload(FlightHeader, texts.get(HEADER_NAME), problems),
        footer=_payload(FlightFooter, texts.get(FOOTER_NAME), problems),
        parts=parse_parts(texts.get(PARTS_NAME)),
        problems=tuple(problems),
    )


def parse_parts(text: object) -> tuple[str, ...]:
    """
    Read the list of the directories of a flight.

    :param text: JSON, as the recorder keeps it under ``fdr_flight_parts``; None without one
    :return: empty when it is no such list
    """
    try:
        value: object = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        return ()
    if not isinstance(value, list) or len(value) > _PARTS_MAX:
        return ()
    return tuple(item for item in value if isinstance(item, str) and item)


def _payload(payload_type: type[P], text: object, problems: list[str]) -> P | None:
    if not isinstance(text, str):
        return None
    try:
        return payload_type.from_json(text)
    except PayloadError as error:
        problems.append(f'{METADATA_NAME}: {payload_type.KIND}: {error}')
        return None


def _names(directory: Path) -> set[str]:
    try:
        return set(fs.file_names(directory))
    except OSError as error:
        failure = StorageError.from_os_error('list', error, path=directory)
        raise failure from error


def _map(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}
