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
"""What rosbag2 reads: every key of metadata version 9 with its type, names, topic and QoS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.storage import bag_format
from fdr_node.storage.bag_format import FileEntry
from fdr_node.storage.definition import TYPE_HASH
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from ruamel.yaml import YAML
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREVER = {'sec': 9223372036, 'nsec': 854775807}
FILES = [
    FileEntry(name='f_1.mcap', message_count=5, start_ns=1_000, end_ns=1_700),
    FileEntry(name='f_2.mcap', message_count=3, start_ns=1_700, end_ns=2_500),
]
CUSTOM = {'fdr_flight_header': '{"flight_id":"grün","host":"it\'s"}', 'fdr_flight_footer': '{}'}
QOS = [
    {
        'history': 'keep_last',
        'depth': 100,
        'reliability': 'best_effort',
        'durability': 'volatile',
        'deadline': FOREVER,
        'lifespan': FOREVER,
        'liveliness': 'automatic',
        'liveliness_lease_duration': FOREVER,
        'avoid_ros_namespace_conventions': False,
    }
]
BAG = {
    'version': 9,
    'storage_identifier': 'mcap',
    'duration': {'nanoseconds': 1_500},
    'starting_time': {'nanoseconds_since_epoch': 1_000},
    'message_count': 8,
    'topics_with_message_count': [
        {
            'topic_metadata': {
                'name': '/fdr/records',
                'type': 'fdr_node/msg/FdrRecord',
                'serialization_format': 'cdr',
                'offered_qos_profiles': QOS,
                'type_description_hash': TYPE_HASH,
            },
            'message_count': 8,
        }
    ],
    'compression_format': '',
    'compression_mode': '',
    'relative_file_paths': ['f_1.mcap', 'f_2.mcap'],
    'files': [
        {
            'path': 'f_1.mcap',
            'starting_time': {'nanoseconds_since_epoch': 1_000},
            'duration': {'nanoseconds': 700},
            'message_count': 5,
        },
        {
            'path': 'f_2.mcap',
            'starting_time': {'nanoseconds_since_epoch': 1_700},
            'duration': {'nanoseconds': 800},
            'message_count': 3,
        },
    ],
    'custom_data': CUSTOM,
    'ros_distro': 'jazzy',
}


def load(text: str) -> Mapping[str, object]:
    """Return what two YAML readers agree on: the one that wrote it, and another one."""
    loaded: Mapping[str, object] = yaml.safe_load(text)
    # YAML 1.1 as yaml-cpp reads it in rosbag2.
    other = YAML(typ='safe', pure=True)
    other.version = (1, 1)
    assert other.load(text) == loaded
    return loaded


def test_metadata_has_every_key_of_version_9() -> None:
    """And no other, in the types that rosbag2 converts from: a missing one makes it throw."""
    assert load(bag_format.metadata_yaml(FILES, CUSTOM)) == {'rosbag2_bagfile_information': BAG}


def test_a_segment_carries_the_same_without_the_outer_key() -> None:
    """As the storage plug-in of rosbag2 writes it into the file."""
    assert load(bag_format.embedded_metadata(FILES, CUSTOM)) == BAG


def test_metadata_without_files_or_records() -> None:
    """Nothing was recorded yet, or a segment is about to be begun: no time is known."""
    empty = FileEntry(name='f_0.mcap', message_count=0, start_ns=0, end_ns=0)
    for files in ([], [empty]):
        bag = load(bag_format.embedded_metadata(files, {}))
        assert (bag['message_count'], bag['custom_data']) == (0, {})
        assert bag['duration'] == {'nanoseconds': 0}
        assert bag['starting_time'] == {'nanoseconds_since_epoch': 0}
        assert bag['relative_file_paths'] == [item.name for item in files]


def test_a_file_without_records_has_no_part_in_the_times() -> None:
    """Its zeros are no times of the flight."""
    empty = FileEntry(name='f_3.mcap', message_count=0, start_ns=0, end_ns=0)
    bag = load(bag_format.embedded_metadata([*FILES, empty], {}))
    assert (bag['duration'], bag['starting_time']) == (BAG['duration'], BAG['starting_time'])


def test_metadata_is_read_back() -> None:
    """By what reads the flights of before."""
    data = bag_format.metadata_yaml(FILES, CUSTOM).encode()
    assert bag_format.parse_metadata(data) == BAG


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'{',
        b'- 1',
        b'text',
        b'rosbag2_bagfile_information: 7',
        b'other: {}',
        b'\xff\xfe\xff',
        b'!!python/object:os.system {}',
    ],
)
def test_metadata_that_is_not_whole_says_nothing(data: bytes) -> None:
    """Whatever it is instead."""
    assert bag_format.parse_metadata(data) == {}


def test_no_aliases() -> None:
    """Lists of topics that share an object would be written as references to each other."""
    text = bag_format.metadata_yaml(FILES, CUSTOM)
    assert not any(sign in text for sign in ('&id', '*id'))


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(codec='utf-8')), st.text(), max_size=3))
def test_custom_data_comes_back_as_it_was(custom_data: dict[str, str]) -> None:
    """Whatever a flight is named and configured with."""
    text = bag_format.embedded_metadata([], custom_data)
    assert yaml.safe_load(text)['custom_data'] == custom_data


def test_a_long_text_is_not_broken() -> None:
    """A header is one long line; a reader that folds differently would change it."""
    header = '{"a": "' + 'word ' * 2000 + '"}'
    text = bag_format.embedded_metadata([], {'fdr_flight_header': header})
    assert load(text)['custom_data'] == {'fdr_flight_header': header}


def test_the_channel_is_the_topic_of_the_recorder() -> None:
    """With the QoS as text, as a channel carries it."""
    channel = bag_format.channel_spec()
    assert (channel.topic, channel.type_name) == ('/fdr/records', 'fdr_node/msg/FdrRecord')
    assert channel.type_hash == TYPE_HASH
    assert yaml.safe_load(channel.offered_qos_profiles) == QOS


@pytest.mark.parametrize('index', [0, 9, 10, 123456])
def test_the_name_of_a_segment_says_its_number(index: int) -> None:
    """There and back."""
    name = bag_format.segment_name('01890a5d-ac96-774b-bcce-b302099a8057', index)
    assert name == f'01890a5d-ac96-774b-bcce-b302099a8057_{index}.mcap'
    assert bag_format.segment_index(name) == index


@pytest.mark.parametrize(
    'name',
    ['metadata.yaml', 'a.mcap', '_1.mcap', 'a_1.mcap.tmp', 'a_x.mcap', 'a_1_mcap', 'a_.mcap'],
)
def test_other_names_are_of_no_segment(name: str) -> None:
    """What else may lie in a directory."""
    assert bag_format.segment_index(name) is None


def test_what_a_segment_says_of_its_bag_is_read_again() -> None:
    """The count, and the texts that the flight added."""
    entry = FileEntry(name='flight_0.mcap', message_count=7, start_ns=1, end_ns=2)
    text = bag_format.embedded_metadata([entry], {'fdr_flight_header': '{"a": "grün"}'})
    embedded = bag_format.parse_embedded(text)
    assert embedded == (7, {'fdr_flight_header': '{"a": "grün"}'})


@pytest.mark.parametrize(
    'text',
    [
        '',
        'version: 9\n',
        '- a\n',
        '{',
        'a: 2026-02-31\n',
        '[' * 5000,
        'message_count: many\ncustom_data: none\n',
        'custom_data: [a, b]\n',
        'custom_data: {a: 1, b: [c]}\n',
    ],
)
def test_what_says_nothing_of_its_bag(text: str) -> None:
    """Wrong in any way."""
    assert bag_format.parse_embedded(text) == (0, {})


@pytest.mark.parametrize(
    ('known', 'start', 'end', 'expected'),
    [
        ([], 0, 0, []),
        ([], 2, 4, [(2, 3)]),
        ([0, 1, 2], 0, 3, []),
        ([1, 4, 4, 9], 0, 8, [(0, 0), (2, 3), (5, 7)]),
        ([0, 3], 2, 4, [(2, 2)]),
        ([7], 0, 2**64, [(0, 6), (8, 2**64 - 1)]),
    ],
)
def test_gaps(known: list[int], start: int, end: int, expected: list[tuple[int, int]]) -> None:
    """Whatever number is claimed, they are few."""
    assert bag_format.gaps(known, start=start, end=end) == expected


def test_segments_in_words() -> None:
    """With the verb that follows."""
    words = [bag_format.segments_in_words(1, last) for last in (1, 2)]
    assert words == ['segment 1 is', 'segments 1 to 2 are']
