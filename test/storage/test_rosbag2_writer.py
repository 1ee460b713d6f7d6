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
"""rosbag2's own writer, where it is installed: where its file is, and what is in it when."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from fdr_node.record import encode_cdr
from mcap.reader import make_reader
from mcap.records import Message
from mcap.stream_reader import StreamReader
import mcap_bytes
from on_disk import open_descriptors, tree
import pytest
from rigs import record_of

if TYPE_CHECKING:
    from pathlib import Path

    from fdr_node.storage import rosbag2_writer
else:
    pytest.importorskip(
        'rosbag2_py', reason='rosbag2_py is not installed; there are no wheels of it'
    )
    from fdr_node.storage import rosbag2_writer

DATA = encode_cdr(record_of(7))
CUSTOM = {'fdr_flight_header': '{"flight_id": "grün", "a": [1]}'}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a file is made: in a flight, in a root."""
    directory = tmp_path / 'flight'
    directory.mkdir()
    return directory / 'flight_3.mcap'


def make(path: Path, compression: str = '', chunk_bytes: int = 1) -> rosbag2_writer.Rosbag2Writer:
    """Begin a file."""
    return rosbag2_writer.Rosbag2Writer(
        path, custom_data=CUSTOM, chunk_bytes=chunk_bytes, compression=compression
    )


def write(writer: rosbag2_writer.Rosbag2Writer, count: int) -> None:
    """Hand records over, all alike but for their times."""
    for number in range(count):
        writer.write(DATA, log_time_ns=1000 + number, publish_time_ns=2000 + number)


def messages_in(path: Path) -> list[tuple[int, int, bytes]]:
    """Return times and bytes of the messages in a file, up to where it ends."""
    with path.open('rb') as stream:
        return [
            (item.log_time, item.publish_time, item.data)
            for item in StreamReader(stream, validate_crcs=True).records
            if isinstance(item, Message)
        ]


def test_rosbag2_can_write_mcap() -> None:
    """Its plugin is a package of its own."""
    assert rosbag2_writer.has_mcap()


def test_the_file_has_the_name_that_was_given_from_the_start(path: Path) -> None:
    """Nothing is beside it, not even the directory that rosbag2 makes for a bag."""
    writer = make(path)
    assert list(path.parent.parent.rglob('*')) == [path.parent, path]
    writer.close()
    assert list(path.parent.parent.rglob('*')) == [path.parent, path]


def test_without_compression_each_record_arrives(path: Path) -> None:
    """With the next flush, with the times and bytes as they were given."""
    writer = make(path)
    for count in range(1, 5):
        writer.write(DATA, log_time_ns=999 + count, publish_time_ns=1999 + count)
        writer.flush()
        reader = [(999 + n, 1999 + n, DATA) for n in range(1, count + 1)]
        assert torn_messages(path) == reader
    writer.close()
    assert len(messages_in(path)) == 4


def torn_messages(path: Path) -> list[tuple[int, int, bytes]]:
    """Return the messages in a file without an end."""
    end = mcap_bytes.MAGIC
    copy = path.parent.parent / 'copy'
    data_end = b'\x0f' + (4).to_bytes(8, 'little') + bytes(4)
    footer = b'\x02' + (20).to_bytes(8, 'little') + bytes(20)
    copy.write_bytes(path.read_bytes() + data_end + footer + end)
    found = messages_in(copy)
    copy.unlink()
    return found


@pytest.mark.parametrize('compression', ['lz4', 'zstd'])
def test_with_compression_whole_chunks_arrive(compression: str, path: Path) -> None:
    """The rest waits, and comes with the end."""
    writer = make(path, compression, 10_000)
    write(writer, 100)
    writer.flush()
    assert 0 < len(torn_messages(path)) < 100
    writer.close()
    assert len(messages_in(path)) == 100
    chunks = [
        mcap_bytes.chunk_content(item)[0]
        for item in mcap_bytes.records_of(path.read_bytes())
        if item.opcode == mcap_bytes.CHUNK
    ]
    assert set(chunks) == {compression}


def test_a_closed_file_is_whole(path: Path) -> None:
    """It has an index, and checksums that are right, and what the flight adds."""
    writer = make(path)
    write(writer, 3)
    writer.close()
    writer.close()
    with path.open('rb') as stream:
        reader = make_reader(stream, validate_crcs=True)
        ((schema, channel, _), *_) = reader.iter_messages()
        assert schema is not None
        assert (schema.name, schema.encoding) == ('fdr_node/msg/FdrRecord', 'ros2msg')
        assert channel.topic == '/fdr/records'
        texts = [item.metadata['serialized_metadata'] for item in reader.iter_metadata()]
    assert ['grün' in text for text in texts] == [True, True]


def test_a_closed_file_takes_nothing(path: Path) -> None:
    """As any other segment."""
    writer = make(path)
    writer.close()
    with pytest.raises(ValueError, match='never written again'):
        write(writer, 1)
    with pytest.raises(ValueError, match='never written again'):
        writer.flush()


def test_a_file_that_is_there_is_not_written_over(path: Path) -> None:
    """Nor touched."""
    path.write_bytes(b'old')
    with pytest.raises(FileExistsError):
        make(path)
    assert tree(path.parent) == {path.name: b'old'}


def test_what_a_crash_left_of_an_opening_goes_with_the_next_one(path: Path) -> None:
    """The writer would refuse a directory that is there."""
    staging = path.parent.parent / rosbag2_writer.STAGING_NAME
    staging.mkdir()
    (staging / 'x_0.mcap').write_bytes(b'old')
    make(path).close()
    assert list(path.parent.parent.iterdir()) == [path.parent]


def test_a_file_that_cannot_be_made_leaves_nothing(path: Path) -> None:
    """Such as one in a directory that is gone."""
    path.parent.rmdir()
    before = open_descriptors()
    with pytest.raises(OSError, match='No such file'):
        make(path)
    assert (list(path.parent.parent.iterdir()), open_descriptors()) == ([], before)


def test_a_rosbag2_that_takes_other_arguments(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the one of Humble: the flight is refused, with what it says."""

    def topic(name: str) -> None:
        raise AssertionError(name)

    monkeypatch.setattr('rosbag2_py.TopicMetadata', topic)
    with pytest.raises(OSError, match='unexpected keyword argument'):
        make(path)
    assert list(path.parent.parent.iterdir()) == [path.parent]


def test_what_rosbag2_says_is_an_error_of_the_system(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its words, and the name of the file."""
    monkeypatch.setattr(rosbag2_writer, '_clear', lambda *_: None)
    (path.parent.parent / rosbag2_writer.STAGING_NAME).mkdir()
    with pytest.raises(OSError, match='Bag directory already exists') as caught:
        make(path)
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(path))
