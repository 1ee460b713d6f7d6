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
Names every failure that the flight data recorder reports, as one tree.

* :exc:`FdrError`

  * :exc:`PayloadError` (also a :exc:`ValueError`)
  * :exc:`RecordDecodeError` (also a :exc:`ValueError`)
  * :exc:`ConfigError` (also a :exc:`ValueError`)
  * :exc:`FlightStateError` (also a :exc:`RuntimeError`)
  * :exc:`FdrQueueOverrunError`
  * :exc:`FdrOpenError`

    * :exc:`FdrConcurrentWriterError`

  * :exc:`StorageError` (also an :exc:`OSError`)

Every error carries what went wrong as fields. Callers match the type and the fields, never the
text. Every error can be pickled and copied, because recorder tests and tools run in processes.

This module decides nothing about an error: who retries, drops or gives up is not said here.
"""

import errno
import os
from pathlib import Path
import reprlib
from typing import Final, Self

__all__ = [
    'ConfigError',
    'FdrConcurrentWriterError',
    'FdrError',
    'FdrOpenError',
    'FdrQueueOverrunError',
    'FlightStateError',
    'PayloadError',
    'RecordDecodeError',
    'StorageError',
]


class FdrError(Exception):
    """The root: catches everything that this package reports on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        """
        Take the error apart for pickle and copy.

        The built-in way calls the class with ``args`` and so cannot pass keyword-only arguments.

        :return: a rebuilding function, its arguments, and the fields
        """
        return _rebuild, (type(self), self.args), self.__dict__.copy()


def _rebuild(error_type: type[FdrError], args: tuple[object, ...]) -> FdrError:
    error = error_type.__new__(error_type)
    # The built-in base beside FdrError keeps state of its own (OSError: errno, strerror).
    super(FdrError, error).__init__(*args)
    return error


class PayloadError(FdrError, ValueError):
    """
    A payload or a record field cannot be encoded, or payload bytes cannot be decoded.

    :param field: path of the field, such as ``configuration.cameras[2].rate_hz``; ``payload`` is
        the whole payload
    :param value: what was found there; for sizes the size, for types the name of the type
    :param bound: what is allowed there
    """

    def __init__(self, field: str, *, value: object, bound: str) -> None:
        super().__init__(_out_of_bound(field, value, bound))
        self.field = field
        self.value = value
        self.bound = bound


class RecordDecodeError(FdrError, ValueError):
    """
    Bytes are not a serialised FdrRecord.

    :param field: the field of the message where reading stopped, or ``record`` for all of it
    :param value: what was found there
    :param bound: what is allowed there
    """

    def __init__(self, field: str, *, value: object, bound: str) -> None:
        super().__init__(_out_of_bound(field, value, bound))
        self.field = field
        self.value = value
        self.bound = bound


class ConfigError(FdrError, ValueError):
    """
    A parameter of the recorder is unknown or out of its range.

    :param name: name of the parameter
    :param value: what it was set to
    :param bound: what is allowed, with the unit
    """

    def __init__(self, name: str, *, value: object, bound: str) -> None:
        super().__init__(_out_of_bound(name, value, bound))
        self.name = name
        self.value = value
        self.bound = bound


class FlightStateError(FdrError, RuntimeError):
    """
    A call does not fit the state that the flight is in, such as a write before the open.

    :param operation: the call, such as ``write_record``
    :param state: the state in words, such as ``no flight is open``
    """

    def __init__(self, operation: str, *, state: str) -> None:
        super().__init__(f'{operation} is not possible: {state}')
        self.operation = operation
        self.state = state


class FdrQueueOverrunError(FdrError):
    """
    A bounded queue was full and records were lost.

    :param queue: the queue, such as ``ring``
    :param capacity: what the queue holds, with the unit
    :param lost: records lost [records]
    """

    def __init__(self, queue: str, *, capacity: str, lost: int) -> None:
        super().__init__(f'{queue} is full ({capacity}): {lost} records lost')
        self.queue = queue
        self.capacity = capacity
        self.lost = lost


class FdrOpenError(FdrError):
    """
    A flight could not be opened; nothing of it is left on disk and no lock is held.

    :param path: the directory or file that stands in the way
    :param reason: why, in words for the operator
    :param errno: error number of the system, such as ENOSPC; 0 where it was none
    """

    def __init__(
        self, path: str | os.PathLike[str], *, reason: str, errno: int | None = 0
    ) -> None:
        self.path = os.fspath(path)
        self.reason = reason
        self.errno = errno or 0
        super().__init__(f'cannot open a flight in {self.path}: {reason}')


class FdrConcurrentWriterError(FdrOpenError):
    """
    Another recorder holds the lock of the flight root.

    :param lock_path: the lock file
    :param holder: who holds it, as far as the lock file tells, such as ``pid 4711``; empty if
        it does not
    """

    def __init__(self, lock_path: str | os.PathLike[str], *, holder: str = '') -> None:
        self.lock_path = os.fspath(lock_path)
        self.holder = holder
        by = holder or 'another recorder'
        super().__init__(
            Path(self.lock_path).parent, reason=f'{by} holds the lock {self.lock_path}'
        )


class StorageError(FdrError, OSError):
    """
    The storage refused an operation, or what it gave back is wrong.

    ``errno``, ``strerror`` and ``filename`` are those of :exc:`OSError`.

    :param operation: the step that failed, such as ``fdatasync``
    :param path: the file or directory
    :param errno: the error number of the system; :data:`errno.EIO` suits damage found by reading
    :param reason: in words; the system's text for ``errno`` if empty
    """

    def __init__(
        self, operation: str, *, path: str | os.PathLike[str], errno: int, reason: str = ''
    ) -> None:
        super().__init__(errno, reason or os.strerror(errno))
        self.operation = operation
        self.path = os.fspath(path)
        self.filename = self.path

    def __reduce__(self) -> tuple[object, ...]:
        """
        Take the error apart for pickle and copy.

        :return: as of :class:`FdrError`, and the file name, which OSError keeps beside ``args``
        """
        fields = {**self.__dict__, 'filename': self.filename}
        return _rebuild, (type(self), self.args), fields

    def __str__(self) -> str:
        """
        Put the step in front of what OSError says.

        :return: such as ``fdatasync: [Errno 5] Input/output error: '/data/fdr/x_0.mcap'``
        """
        return f'{self.operation}: {super().__str__()}'

    @classmethod
    def from_os_error(
        cls, operation: str, error: OSError, *, path: str | os.PathLike[str]
    ) -> Self:
        """
        Name the step and the file of an error that the system reported.

        :param operation: the step that failed, such as ``fdatasync``
        :param error: what the system reported; raise the result ``from`` it
        :param path: the file or directory
        :return: an error with the same ``errno``; an error without one counts as EIO
        """
        number = errno.EIO if error.errno is None else error.errno
        return cls(operation, path=path, errno=number, reason=error.strerror or str(error))


# Keeps a huge value from flooding the log line; the field of the error has all of it.
_short: Final = reprlib.Repr()
_short.maxstring = 80
_short.maxother = 80


def _out_of_bound(field: str, value: object, bound: str) -> str:
    return f'{field} is {_short.repr(value)}, allowed: {bound}'
