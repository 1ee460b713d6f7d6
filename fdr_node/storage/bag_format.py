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
Says what rosbag2 wants to read: the topic, its type and QoS, ``metadata.yaml`` and file names.

Pure: values in, text out. The reader behind ``ros2 bag info`` and ``ros2 bag play`` throws when
a key of version 9 is missing, so every key is always there (rosbag2_storage, yaml.hpp).
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.record import TOPIC, TYPE_NAME
from fdr_node.storage.definition import FDR_RECORD_MSG, TIME_MSG, TYPE_HASH
from fdr_node.storage.mcap_format import ChannelSpec, ros2_definition
from fdr_node.storage.yaml_text import read_yaml
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

METADATA_NAME = 'metadata.yaml'
METADATA_VERSION = 9  # jazzy, kilted and rolling
ROS_DISTRO = 'jazzy'

# What ``ros2 bag play`` takes for "no deadline" (rmw: RMW_DURATION_INFINITE).
_FOREVER = {'sec': 9223372036, 'nsec': 854775807}

# rosbag2's reindexer orders files by this number, so ours must match its pattern.
_SEGMENT_NAME = re.compile(r'.+_(?P<index>\d+)\.mcap')

# libyaml is some ten times faster than the pure writer; the files are equal.
_DUMPER = getattr(yaml, 'CSafeDumper', yaml.SafeDumper)
_LINE_MAX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """
    One file of the bag, as ``metadata.yaml`` lists it.

    :param name: file name, relative to the bag.
    :param message_count: messages that are durably in it.
    :param start_ns: log time of the first, nanoseconds since the epoch; 0 when there is none.
    :param end_ns: log time of the last; never before ``start_ns``.
    """

    name: str
    message_count: int
    start_ns: int
    end_ns: int


def segment_name(flight_id: str, index: int) -> str:
    """Return the file name of a segment: ``<flight_id>_<index>.mcap``."""
    return f'{flight_id}_{index}.mcap'


def segment_index(name: str) -> int | None:
    """Return the index in the name of a segment, or None when it is no segment's name."""
    match = _SEGMENT_NAME.fullmatch(name)
    return int(match['index']) if match else None


def gaps(known: Iterable[int], *, start: int = 0, end: int) -> list[tuple[int, int]]:
    """
    Return the ranges of numbers that are not known, by their first and last one.

    A damaged file can claim any number, so that they must not be counted one by one.

    :param start: the first number that is asked for.
    :param end: the first one that is not.
    """
    found: list[tuple[int, int]] = []
    expected = start
    for index in sorted(index for index in known if start <= index < end):
        if index > expected:
            found.append((expected, index - 1))
        expected = index + 1
    return [*found, (expected, end - 1)] if expected < end else found


def segments_in_words(first: int, last: int) -> str:
    """Return the segments of a range of numbers, with the verb that follows."""
    return f'segment {first} is' if first == last else f'segments {first} to {last} are'


def channel_spec() -> ChannelSpec:
    """Return the topic of the recorder as every segment declares it."""
    return ChannelSpec(
        topic=TOPIC,
        type_name=TYPE_NAME,
        definition=ros2_definition(FDR_RECORD_MSG, [('builtin_interfaces/Time', TIME_MSG)]),
        type_hash=TYPE_HASH,
        offered_qos_profiles=_yaml(_qos_profiles()),
    )


def metadata_yaml(files: Sequence[FileEntry], custom_data: Mapping[str, str]) -> str:
    """
    Return the content of ``metadata.yaml`` for files that hold at least one durable chunk each.

    :param files: in the order of recording, which is the order of play.
    :param custom_data: what the flight adds: its header, and its footer once it is closed.
    """
    return _yaml({'rosbag2_bagfile_information': _bag(files, custom_data)})


def parse_metadata(data: bytes) -> Mapping[str, object]:
    """Return what a ``metadata.yaml`` says of its bag; empty when it is not whole."""
    try:
        value = read_yaml(data)
    except ValueError:
        return {}
    bag = value.get('rosbag2_bagfile_information') if isinstance(value, dict) else None
    return bag if isinstance(bag, dict) else {}


class Embedded(NamedTuple):
    """
    What the ``rosbag2`` record in a segment says.

    :param message_count: messages in the segment; rosbag2's own writer says it at the end.
    :param custom_data: what the flight added.
    """

    message_count: int
    custom_data: dict[str, str]


def parse_embedded(text: str) -> Embedded:
    """Return what a ``rosbag2`` metadata record says; nothing when it is not whole."""
    try:
        value = read_yaml(text)
    except ValueError:
        value = None
    bag = value if isinstance(value, dict) else {}
    count, data = bag.get('message_count'), bag.get('custom_data')
    pairs = data.items() if isinstance(data, dict) else ()
    return Embedded(
        message_count=count if isinstance(count, int) else 0,
        custom_data={str(name): item for name, item in pairs if isinstance(item, str)},
    )


def embedded_metadata(files: Sequence[FileEntry], custom_data: Mapping[str, str]) -> str:
    """Return the same for the ``rosbag2`` metadata record inside a segment."""
    return _yaml(_bag(files, custom_data))


def beginning_texts(name: str, custom_data: Mapping[str, str]) -> dict[str, str]:
    """
    Return name and text of the metadata records at the beginning of a segment.

    :param name: file name of the segment.
    :param custom_data: what the flight adds to the bag.
    """
    # With this record a single segment plays too, and ``ros2 bag reindex`` keeps the header.
    empty = FileEntry(name=name, message_count=0, start_ns=0, end_ns=0)
    return {**custom_data, 'rosbag2': embedded_metadata([empty], custom_data)}


def _bag(files: Sequence[FileEntry], custom_data: Mapping[str, str]) -> Mapping[str, object]:
    count = sum(item.message_count for item in files)
    filled = [item for item in files if item.message_count]
    start_ns = min((item.start_ns for item in filled), default=0)
    end_ns = max((item.end_ns for item in filled), default=0)
    return {
        'version': METADATA_VERSION,
        'storage_identifier': 'mcap',
        'duration': {'nanoseconds': end_ns - start_ns},
        'starting_time': {'nanoseconds_since_epoch': start_ns},
        'message_count': count,
        'topics_with_message_count': [{'topic_metadata': _topic(), 'message_count': count}],
        'compression_format': '',
        'compression_mode': '',
        'relative_file_paths': [item.name for item in files],
        'files': [
            {
                'path': item.name,
                'starting_time': {'nanoseconds_since_epoch': item.start_ns},
                'duration': {'nanoseconds': item.end_ns - item.start_ns},
                'message_count': item.message_count,
            }
            for item in files
        ],
        'custom_data': dict(custom_data),
        'ros_distro': ROS_DISTRO,
    }


def _topic() -> Mapping[str, object]:
    return {
        'name': TOPIC,
        'type': TYPE_NAME,
        'serialization_format': 'cdr',
        'offered_qos_profiles': _qos_profiles(),
        'type_description_hash': TYPE_HASH,
    }


def _qos_profiles() -> list[Mapping[str, object]]:
    # Fresh dictionaries at each call: the YAML writer would turn shared ones into aliases, which
    # rosbag2's reader does not follow everywhere.
    return [
        {
            'history': 'keep_last',
            'depth': 100,
            'reliability': 'best_effort',
            'durability': 'volatile',
            'deadline': dict(_FOREVER),
            'lifespan': dict(_FOREVER),
            'liveliness': 'automatic',
            'liveliness_lease_duration': dict(_FOREVER),
            'avoid_ros_namespace_conventions': False,
        }
    ]


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_DUMPER, sort_keys=False, width=_LINE_MAX, allow_unicode=True)
