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
"""The error tree: what its members carry, what they are besides, and that they travel."""

import copy
import errno
import os
from pathlib import Path
import pickle
import re

from fdr_node import errors
from fdr_node.errors import (
    ConfigError,
    FdrConcurrentWriterError,
    FdrError,
    FdrOpenError,
    FdrQueueOverrunError,
    FlightStateError,
    PayloadError,
    RecordDecodeError,
    StorageError,
)
import pytest

# One of each, with no field at a default value.
EVERY_ERROR: list[FdrError] = [
    FdrError('all of it'),
    PayloadError('a.b[2]', value=-1, bound='0..9'),
    RecordDecodeError('kind', value='8000 bytes long', bound='1..64 bytes'),
    ConfigError('chunk_bytes', value=0, bound='1..1024 bytes'),
    FlightStateError('write_record', state='no flight is open'),
    FdrQueueOverrunError('ring', capacity='10 records', lost=3),
    FdrOpenError('/data/fdr', reason='the disk is full'),
    FdrConcurrentWriterError('/data/fdr/.fdr.lock', holder='pid 4711'),
    StorageError('fdatasync', path='/data/fdr/x_0.mcap', errno=errno.ENOSPC, reason='no room'),
]


def name_of(error: FdrError) -> str:
    """Name a parametrised case after its error."""
    return type(error).__name__


def state_of(error: FdrError) -> tuple[object, ...]:
    """Return all that two equal errors have in common."""
    system = (error.errno, error.strerror, error.filename) if isinstance(error, OSError) else ()
    return (type(error), str(error), error.args, error.__dict__, system)


def test_there_is_an_example_of_each() -> None:
    """No error is forgotten in the tests below, nor in ``__all__``."""
    assert sorted(map(name_of, EVERY_ERROR)) == sorted(errors.__all__)


def test_the_docstring_draws_the_tree() -> None:
    """Each line of the drawing stands below its base, and names its built-in base."""
    line = re.compile(r'^( *)\* :exc:`(\w+)`(?: \(also an? :exc:`(\w+)`\))?$', re.MULTILINE)
    drawn: dict[str, tuple[str, ...]] = {}
    open_bases: list[str] = []
    for indent, name, builtin in line.findall(str(errors.__doc__)):
        depth = len(indent) // 2
        open_bases[depth:] = [name]
        bases = open_bases[-2:-1] or ['Exception']
        drawn[name] = (*bases, builtin) if builtin else tuple(bases)

    actual = {
        name: tuple(base.__name__ for base in getattr(errors, name).__bases__)
        for name in errors.__all__
    }

    assert actual == drawn


@pytest.mark.parametrize('error', EVERY_ERROR, ids=name_of)
def test_pickle_and_copy_keep_everything(error: FdrError) -> None:
    """Text, arguments, fields and notes survive, also what OSError keeps of its own."""
    error.add_note('while landing')

    pickled = pickle.loads(pickle.dumps(error))  # noqa: S301  (made in this line)
    twins = [pickled, copy.copy(error), copy.deepcopy(error)]

    assert [state_of(twin) for twin in twins] == [state_of(error)] * 3


@pytest.mark.parametrize(
    ('error', 'text'),
    [
        (EVERY_ERROR[1], 'a.b[2] is -1, allowed: 0..9'),
        (EVERY_ERROR[2], "kind is '8000 bytes long', allowed: 1..64 bytes"),
        (EVERY_ERROR[3], 'chunk_bytes is 0, allowed: 1..1024 bytes'),
        (EVERY_ERROR[4], 'write_record is not possible: no flight is open'),
        (EVERY_ERROR[5], 'ring is full (10 records): 3 records lost'),
        (EVERY_ERROR[6], 'cannot open a flight in /data/fdr: the disk is full'),
        (
            EVERY_ERROR[7],
            'cannot open a flight in /data/fdr: pid 4711 holds the lock /data/fdr/.fdr.lock',
        ),
        (EVERY_ERROR[8], "fdatasync: [Errno 28] no room: '/data/fdr/x_0.mcap'"),
    ],
    ids=[name_of(error) for error in EVERY_ERROR[1:]],
)
def test_the_text_names_what_is_wrong(error: FdrError, text: str) -> None:
    """The line that a log shows names subject, finding and bound."""
    assert str(error) == text


def test_bound_errors_carry_fields_and_are_value_errors() -> None:
    """A caller that handles ValueError handles them, and one that looks closer finds fields."""
    payload = PayloadError('a', value=[1], bound='b')
    record = RecordDecodeError('c', value=2, bound='d')
    config = ConfigError('e', value='3', bound='f')

    assert (payload.field, payload.value, payload.bound) == ('a', [1], 'b')
    assert (record.field, record.value, record.bound) == ('c', 2, 'd')
    assert (config.name, config.value, config.bound) == ('e', '3', 'f')
    assert all(isinstance(error, ValueError) for error in (payload, record, config))


def test_state_and_queue_errors_carry_fields() -> None:
    """What was called, in which state; which queue lost how much."""
    state = FlightStateError('open_flight', state='flight x is open')
    queue = FdrQueueOverrunError('outbox', capacity='4 records', lost=2)

    assert (state.operation, state.state) == ('open_flight', 'flight x is open')
    assert isinstance(state, RuntimeError)
    assert (queue.queue, queue.capacity, queue.lost) == ('outbox', '4 records', 2)


def test_open_errors_carry_paths_as_text() -> None:
    """Paths are taken as objects too, and the lock's holder may be unknown."""
    failed = FdrOpenError(Path('/data'), reason='read-only')
    locked = FdrConcurrentWriterError(Path('/data/.fdr.lock'))

    assert (failed.path, failed.reason) == ('/data', 'read-only')
    assert (locked.path, locked.lock_path, locked.holder) == ('/data', '/data/.fdr.lock', '')
    assert locked.reason == 'another recorder holds the lock /data/.fdr.lock'


def test_a_long_value_does_not_flood_the_log() -> None:
    """The field keeps the value, the text a part of it."""
    error = PayloadError('note', value='x' * 10_000, bound='at most 64 bytes')

    assert len(str(error)) < 150
    assert error.value == 'x' * 10_000


def test_a_storage_error_is_the_os_error_it_stands_for() -> None:
    """Callers that look at errno and filename find them."""
    cause = OSError(errno.EROFS, 'Read-only file system')

    error = StorageError.from_os_error('open', cause, path=Path('/data/x'))

    assert isinstance(error, OSError)
    assert (error.operation, error.path) == ('open', '/data/x')
    assert (error.errno, error.strerror, error.filename) == (
        errno.EROFS,
        'Read-only file system',
        '/data/x',
    )


def test_a_storage_error_takes_the_systems_text() -> None:
    """Without a reason the text is the one the system has for the number."""
    error = StorageError('read', path='/data/x', errno=errno.EIO)

    assert error.strerror == os.strerror(errno.EIO)


def test_an_os_error_without_a_number_counts_as_eio() -> None:
    """Python code raises OSError with a text alone; whoever reacts by errno needs one."""
    error = StorageError.from_os_error('seek', OSError('not seekable'), path='/data/x')

    assert (error.errno, error.strerror) == (errno.EIO, 'not seekable')
