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
"""What was measured, as values and as JSON; nothing is computed from it here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fdr_node.bench.plan import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """
    Where it was measured.

    :param cpu: model name
    :param cores: how many the process may use
    :param kernel: name and release
    :param file_system: of the folder that was recorded to
    :param load_before: mean number of runnable processes in the minute before
    :param versions: of Python and libraries, by name
    """

    cpu: str
    cores: int
    kernel: str
    file_system: str
    load_before: float
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    A contestant.

    :param name: short name
    :param title: what it is
    :param missing: why it was not run; empty when it was
    :param idle_cpu_s: CPU of a run in which nothing is published, which is subtracted (s)
    """

    name: str
    title: str
    missing: str
    idle_cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    One run.

    :param cell: load
    :param contestant: name
    :param round_number: 1, 2 ...
    :param published: records that the producers gave to the middleware
    :param sending_s: how long that took (s)
    :param recorded: records in the bag, or taken where there is none
    :param cpu_s: of the receiving process from the first record on, without idle_cpu_s (s)
    :param rss_max_bytes: largest resident memory of it (bytes)
    :param commit_age_s: longest time that the bag did not grow; None where there is none (s)
    :param other_cpu_s: CPU that the computer spent on anything else meanwhile (s)
    """

    cell: Cell
    contestant: str
    round_number: int
    published: int
    sending_s: float
    recorded: int
    cpu_s: float
    rss_max_bytes: int
    commit_age_s: float | None
    other_cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCost:
    """
    What recording a record costs a producer's own thread.

    :param situation: what its drain does meanwhile
    :param calls: how many were measured
    :param median_us: (us)
    :param most_us: 99 % of the calls take at most this (us)
    :param worst_us: (us)
    """

    situation: str
    calls: int
    median_us: float
    most_us: float
    worst_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """
    A whole benchmark.

    :param began: UTC, ISO 8601
    :param took_s: how long (s)
    :param machine: where
    :param entries: who, in their order
    :param samples: in the order of the runs
    :param failures: runs that could not be made, with the reason
    :param client: what recording costs a producer
    """

    began: str
    took_s: float
    machine: Machine
    entries: tuple[Entry, ...]
    samples: tuple[Sample, ...]
    failures: tuple[str, ...] = ()
    client: tuple[ClientCost, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return it for json.dumps; from_json reads it."""
        return {'version': VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, text: Mapping[str, object]) -> Results:
        """
        Return results that to_json gave.

        :param text: as json.loads returns it
        :raises ValueError: it is of another version
        """
        if text.get('version') != VERSION:
            message = f'results of version {text.get("version")}, not {VERSION}'
            raise ValueError(message)
        fields = {name: value for name, value in text.items() if name != 'version'}
        fields['failures'] = tuple(str(item) for item in _array(fields['failures']))
        fields['machine'] = _machine(_mapping(fields['machine']))
        fields['entries'] = tuple(_entry(item) for item in mappings(fields['entries']))
        fields['samples'] = tuple(_sample(item) for item in mappings(fields['samples']))
        fields['client'] = tuple(client_cost(item) for item in mappings(fields['client']))
        return cls(**fields)  # type: ignore[arg-type]  # our own JSON


def client_cost(item: dict[str, object]) -> ClientCost:
    """
    Return what a cost was before it became JSON.

    :param item: a JSON object with its fields
    """
    return ClientCost(**item)  # type: ignore[arg-type]  # our own JSON


def _machine(item: dict[str, object]) -> Machine:
    return Machine(**item)  # type: ignore[arg-type]  # our own JSON


def _entry(item: dict[str, object]) -> Entry:
    return Entry(**item)  # type: ignore[arg-type]  # our own JSON


def _sample(item: dict[str, object]) -> Sample:
    cell = Cell(**_mapping(item['cell']))  # type: ignore[arg-type]  # our own JSON
    return Sample(**{**item, 'cell': cell})  # type: ignore[arg-type]  # our own JSON


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        message = f'no JSON object: {value!r}'
        raise TypeError(message)
    return value


def _array(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        message = f'no JSON array: {value!r}'
        raise TypeError(message)
    return list(value)


def mappings(value: object) -> list[dict[str, object]]:
    """
    Return the objects of a JSON array.

    :param value: as json.loads returns it
    :raises TypeError: it is anything else
    """
    return [_mapping(item) for item in _array(value)]
