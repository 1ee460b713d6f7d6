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
Reads a PX4 log (ULog) into plain lists; the only module that knows pyulog.

What the topics mean is not known here (ulog_records). pyulog is asked for when a log is read, not
before: it is needed for nothing else, and rosdep cannot install it.
"""

from __future__ import annotations

from dataclasses import dataclass
import importlib
import re
from typing import Final, TYPE_CHECKING, TypeAlias

from fdr_node.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyulog import ULog

Scalar: TypeAlias = int | float | str
Row: TypeAlias = dict[str, Scalar | list[Scalar]]

# The topic that the text messages of the log are given.
TEXT_TOPIC: Final = 'logged_message'

_TIME: Final = 'timestamp'
_ELEMENT: Final = re.compile(r'(.+)\[(\d+)\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """
    All messages of one topic instance.

    :param name: such as ``vehicle_attitude``
    :param instance: 0 for the first one
    :param times_us: when each message was logged, since the autopilot's start (us)
    :param columns: the values of each field, as long as the times; an array has one column for
        each element, ``q[0]``, ``q[1]`` ...
    """

    name: str
    instance: int
    times_us: Sequence[int]
    columns: Mapping[str, Sequence[Scalar]]

    def row(self, index: int) -> Row:
        """Return one message, without its time; arrays are lists."""
        row: Row = {}
        for name, column in self.columns.items():
            element = _ELEMENT.fullmatch(name)
            if element is None:
                row[name] = column[index]
            else:
                items = row.setdefault(element[1], [])
                if isinstance(items, list):
                    items.append(column[index])
        return row


def read_topics(path: Path) -> list[Topic]:
    """
    Read all messages of a log.

    :param path: the log
    :return: one entry for each topic instance that has messages, in the order of the names
    :raises ConfigError: the file is no log, or pyulog is not installed
    :raises OSError: the file cannot be read
    """
    log = _open(path)
    topics = [
        Topic(
            name=data.name,
            instance=data.multi_id,
            times_us=data.data[_TIME].tolist(),
            columns={name: column.tolist() for name, column in data.data.items() if name != _TIME},
        )
        for data in log.data_list
    ]
    if log.logged_messages:
        texts = sorted(log.logged_messages, key=lambda message: int(message.timestamp))
        topics.append(
            Topic(
                name=TEXT_TOPIC,
                instance=0,
                times_us=[text.timestamp for text in texts],
                columns={
                    'level': [text.log_level_str() for text in texts],
                    'text': [text.message for text in texts],
                },
            )
        )
    return sorted(topics, key=lambda topic: (topic.name, topic.instance))


def _open(path: Path) -> ULog:
    try:
        library = importlib.import_module('pyulog')
        refusal = importlib.import_module('pyulog.exceptions').ULogException
    except ModuleNotFoundError as err:
        bound = 'the library pyulog to read it (pip install pyulog)'
        raise ConfigError(name='ulog', value=str(path), bound=bound) from err
    with path.open('rb') as file:
        try:
            return library.ULog(file)
        except (refusal, TypeError, ValueError, KeyError, IndexError) as err:
            # What pyulog raises for files that are no log, and for damaged ones.
            bound = f'a readable PX4 log ({err})'
            raise ConfigError(name='ulog', value=str(path), bound=bound) from err
