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
Reads a flight back with libraries that did not write it: mcap with checksums, and rosbags.

Each file is read in three ways that must agree: from its start to its end, through its index,
and by hand (``mcap_bytes``).
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from operator import attrgetter
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.record import FdrRecord
from mcap.exceptions import EndOfFile
from mcap.reader import make_reader
from mcap.records import Channel, Header, Message, Metadata, Schema
from mcap.stream_reader import StreamReader
import mcap_bytes
from rosbags.rosbag2 import Reader
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rosbags.typesys.store import Typestore

NS_PER_S = 1_000_000_000


class Stored(NamedTuple):
    """One record in a bag, and what the MCAP message says of it."""

    record: FdrRecord
    data: bytes
    sequence: int
    log_time_ns: int
    publish_time_ns: int


@dataclass(frozen=True, kw_only=True)
class SegmentContent:
    """What is in one file."""

    stored: list[Stored]
    metadata: dict[str, str]
    profile: str
    schema: Schema
    channel: Channel


@dataclass(frozen=True, kw_only=True)
class Bag:
    """What is in a directory: its metadata, and its files in the order of play."""

    metadata: dict[str, object]
    segments: dict[str, SegmentContent]

    @property
    def stored(self) -> list[Stored]:
        """All records, in the order of play."""
        return [item for segment in self.segments.values() for item in segment.stored]

    @property
    def records(self) -> list[FdrRecord]:
        """Return the records alone."""
        return [item.record for item in self.stored]

    @property
    def custom_data(self) -> dict[str, str]:
        """Return what the flight added to the metadata."""
        custom_data = self.metadata['custom_data']
        assert isinstance(custom_data, dict)
        return custom_data


def read_segment(path: Path) -> SegmentContent:
    """Read a whole file; every checksum, index and count in it is checked."""
    data = path.read_bytes()
    mcap_bytes.check(data)
    content = read_torn(path)
    indexed = [
        (m.sequence, m.log_time, m.publish_time, m.data)
        for _, _, m in make_reader(BytesIO(data), validate_crcs=True).iter_messages()
    ]
    assert indexed == [
        (item.sequence, item.log_time_ns, item.publish_time_ns, item.data)
        for item in content.stored
    ]
    return content


def read_torn(path: Path) -> SegmentContent:
    """Read a file up to where it ends, which may be anywhere behind its channel."""
    found: dict[type, list[object]] = {}
    try:
        for item in StreamReader(BytesIO(path.read_bytes()), validate_crcs=True).records:
            found.setdefault(type(item), []).append(item)
    except EndOfFile:
        pass
    (header,) = found[Header]
    schema, channel = found[Schema][0], found[Channel][0]
    assert isinstance(header, Header)
    assert isinstance(schema, Schema)
    assert isinstance(channel, Channel)
    types = _types(schema.data.decode(), schema.name)
    messages = [m for m in found.get(Message, []) if isinstance(m, Message)]
    return SegmentContent(
        stored=[
            Stored(_decode(types, m.data), m.data, m.sequence, m.log_time, m.publish_time)
            for m in messages
        ],
        metadata=_texts(found.get(Metadata, [])),
        profile=header.profile,
        schema=schema,
        channel=channel,
    )


def read_bag(
    directory: Path, *, may_be_left: bool = False, beside: frozenset[str] = frozenset()
) -> Bag:
    """
    Read a closed flight as :func:`read_files` does, and with rosbags.

    Both must read the same.
    """
    bag = read_files(directory, may_be_left=may_be_left, beside=beside)
    assert rosbags_records(directory) == [(item.log_time_ns, item.record) for item in bag.stored]
    return bag


def read_files(
    directory: Path, *, may_be_left: bool = False, beside: frozenset[str] = frozenset()
) -> Bag:
    """
    Read a closed flight; what its metadata says of files, counts and times must be true.

    :param may_be_left: a segment may have been left after a failed sync, without a summary.
    :param beside: names of what else is there.
    """
    metadata = metadata_of(directory)
    names = metadata['relative_file_paths']
    assert isinstance(names, list)
    left = {name for name in names if may_be_left and mcap_bytes.is_open(directory / name)}
    segments = {
        name: read_torn(directory / name) if name in left else read_segment(directory / name)
        for name in names
    }
    assert {path.name for path in directory.iterdir()} == {'metadata.yaml', *names, *beside}
    bag = Bag(metadata=metadata, segments=segments)
    _check_counts(bag)
    return bag


def metadata_of(directory: Path) -> dict[str, object]:
    """Return what is in ``metadata.yaml``."""
    text = (directory / 'metadata.yaml').read_text()
    metadata: dict[str, dict[str, object]] = yaml.safe_load(text)
    return metadata['rosbag2_bagfile_information']


def rosbags_records(directory: Path) -> list[tuple[int, FdrRecord]]:
    """Return log time and record of every message, as rosbags reads the directory."""
    with Reader(directory) as reader:
        (connection,) = reader.connections
        types = _types(connection.msgdef.data, connection.msgtype)
        return [(log_ns, _decode(types, bytes(raw))) for _, log_ns, raw in reader.messages()]


_FIELDS = attrgetter(
    'stamp.sec',
    'stamp.nanosec',
    'payload',
    'monotonic_ns',
    'session_id',
    'seq',
    'schema_version',
    'producer_id',
    'kind',
)

_stores: dict[str, Typestore] = {}


def _types(definition: str, name: str) -> Typestore:
    """Return the types that a definition in a bag describes."""
    store = _stores.get(definition)
    if store is None:
        store = _stores[definition] = get_typestore(Stores.EMPTY)
        store.register(get_types_from_msg(definition, name))
    return store


def _decode(types: Typestore, data: bytes) -> FdrRecord:
    message = types.deserialize_cdr(data, 'fdr_node/msg/FdrRecord')
    sec, nanosec, payload, *fields = _FIELDS(message)
    return FdrRecord._make((sec * NS_PER_S + nanosec, *fields, payload.tobytes()))


def _texts(records: list[object]) -> dict[str, str]:
    texts = {}
    for record in records:
        assert isinstance(record, Metadata)
        (texts[record.name],) = record.metadata.values()
    return texts


def _check_counts(bag: Bag) -> None:
    files = []
    for name, segment in bag.segments.items():
        times = [item.log_time_ns for item in segment.stored]
        files.append(_file(name, times))
    assert bag.metadata['files'] == files
    times = [item.log_time_ns for item in bag.stored]
    assert times == sorted(times)
    whole = _file('', times)
    assert {key: bag.metadata[key] for key in whole if key != 'path'} == {
        key: value for key, value in whole.items() if key != 'path'
    }


def _file(name: str, times: list[int]) -> Mapping[str, object]:
    return {
        'path': name,
        'starting_time': {'nanoseconds_since_epoch': min(times)},
        'duration': {'nanoseconds': max(times) - min(times)},
        'message_count': len(times),
    }
