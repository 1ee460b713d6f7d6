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
"""The definition that bags carry is that of the messages which were built."""

from __future__ import annotations

import json

from ament_index_python.packages import get_package_share_path
from fdr_node.storage.definition import FDR_RECORD_MSG, TIME_MSG, TYPE_HASH
from project import ROOT
from rosbags.typesys import get_types_from_msg, get_typestore, Stores


def built(name: str) -> str:
    """Return a file of the message that was built; where nothing was, that is a failure."""
    text: str = (get_package_share_path('fdr_node') / 'msg' / name).read_text()
    return text


def test_the_text_is_that_of_the_message() -> None:
    """A component that reads ``msg/FdrRecord.msg`` reads what is in the bag."""
    assert (ROOT / 'msg' / 'FdrRecord.msg').read_text() == FDR_RECORD_MSG
    assert built('FdrRecord.msg') == FDR_RECORD_MSG


def test_the_hash_is_that_of_the_type_description() -> None:
    """As rosidl generated it; rosbag2 compares it with the type that is installed."""
    description = json.loads(built('FdrRecord.json'))
    hashes = {item['type_name']: item['hash_string'] for item in description['type_hashes']}
    assert hashes['fdr_node/msg/FdrRecord'] == TYPE_HASH


def test_the_hash_follows_from_the_text() -> None:
    """Counted by a library that knows only the two texts (REP 2011)."""
    types = get_typestore(Stores.EMPTY)
    types.register(get_types_from_msg(TIME_MSG, 'builtin_interfaces/msg/Time'))
    types.register(get_types_from_msg(FDR_RECORD_MSG, 'fdr_node/msg/FdrRecord'))
    assert types.hash_rihs01('fdr_node/msg/FdrRecord') == TYPE_HASH


def test_the_time_is_that_of_ros() -> None:
    """The text of the message that is installed beside; comments may be worded anew."""
    path = get_package_share_path('builtin_interfaces') / 'msg' / 'Time.msg'
    assert _fields(path.read_text()) == _fields(TIME_MSG) == ['int32 sec', 'uint32 nanosec']


def _fields(text: str) -> list[str]:
    lines = [line.partition('#')[0].strip() for line in text.splitlines()]
    return [line for line in lines if line]
