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
Writes down each change that is made to a directory, and rebuilds what a power cut leaves of it.

The model is what POSIX promises and no more:

- What was written to a file before its last completed fsync or fdatasync is there. Of what was
  written since, each sector of 512 bytes is there or not, by itself, in any order; of several
  writes to one sector any may be the one. A sector that never came is what it was, or zero.
- The size of a file is the one at its last sync or any that it had since.
- A name that was made, replaced or removed is so for certain once its directory was synced. Of
  what was done to the names of one directory since, the first few steps have happened
  (``ordered``), as a journal does it, or any of them (``not ordered``), which is harsher than any
  file system in use. A rename is one step.

Space that was reserved is not part of it: it changes neither content nor size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import os
from pathlib import Path
from typing import NamedTuple, Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    import random

    import pytest

SECTOR_BYTES = 512
# How much of what was not synced is there: from nothing to everything.
SHARES = (0.0, 0.1, 0.5, 0.9, 1.0)


class Call(Protocol):
    """Any system call."""

    def __call__(self, *args: object, **options: object) -> object:
        """Make it."""


class Step(NamedTuple):
    """
    One change, or one sync.

    :param what: ``write``, ``truncate``, ``sync``, ``create``, ``rename``, ``unlink``, ``mkdir``
        or ``sync names``.
    :param file: number of the file, in the order of creation; 0 for a directory.
    :param path: of the name, or of the directory.
    :param target: the new name.
    :param data: what was written.
    :param offset: where it was written, or the length that was cut to.
    """

    what: str
    file: int = 0
    path: str = ''
    target: str = ''
    data: bytes = b''
    offset: int = 0


@dataclass
class File:
    """What is in a file, and what of it is durable."""

    now: bytearray = field(default_factory=bytearray)
    durable: bytes = b''
    sizes: list[int] = field(default_factory=lambda: [0])
    versions: dict[int, list[bytes]] = field(default_factory=dict)

    def write(self, data: bytes, offset: int) -> None:
        """Put data at an offset."""
        end = offset + len(data)
        self.now.extend(bytes(max(0, end - len(self.now))))
        self.now[offset:end] = data
        self._note(offset, end)

    def truncate(self, length: int) -> None:
        """Cut or extend it to a length."""
        before = len(self.now)
        self.now[:] = self.now[:length].ljust(length, b'\0')
        self._note(length, before)

    def sync(self) -> None:
        """Make all of it durable."""
        self.durable = bytes(self.now)
        self.sizes = [len(self.now)]
        self.versions.clear()

    def survivor(self, chance: random.Random, share: float) -> bytes:
        """Return what may be in it after a power cut."""
        size = self.sizes[-1] if share == SHARES[-1] else chance.choice(self.sizes)
        data = bytearray(self.durable[:size].ljust(size, b'\0'))
        for number, versions in self.versions.items():
            if chance.random() < share:
                version = versions[-1] if share == SHARES[-1] else chance.choice(versions)
                start, end = number * SECTOR_BYTES, (number + 1) * SECTOR_BYTES
                data[start:end] = version
        return bytes(data[:size])

    def _note(self, start: int, end: int) -> None:
        self.sizes.append(len(self.now))
        for number in range(start // SECTOR_BYTES, -(-end // SECTOR_BYTES)):
            first, last = number * SECTOR_BYTES, (number + 1) * SECTOR_BYTES
            version = bytes(self.now[first:last]).ljust(SECTOR_BYTES, b'\0')
            self.versions.setdefault(number, []).append(version)


@dataclass
class Names:
    """What is in a directory, and what of it is durable."""

    durable: dict[str, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def sync(self) -> None:
        """Make all of it durable."""
        for step in self.steps:
            _rename(self.durable, step)
        self.steps.clear()

    def survivor(self, chance: random.Random, share: float, *, is_ordered: bool) -> dict[str, int]:
        """Return which names may be there after a power cut, each with its file."""
        names = dict(self.durable)
        steps = self.steps
        if share < SHARES[-1]:
            count = chance.randint(0, len(steps))
            kept = sorted(chance.sample(range(len(steps)), count))
            steps = steps[:count] if is_ordered else [steps[place] for place in kept]
        for step in steps:
            _rename(names, step)
        return names


def _rename(names: dict[str, int], step: Step) -> None:
    if step.what in {'create', 'mkdir'}:
        names[Path(step.path).name] = step.file
    else:
        names.pop(Path(step.path).name, None)
    if step.what == 'rename':
        names[Path(step.target).name] = step.file


class CallLog:
    """
    The changes below a directory, from now until ``monkeypatch`` undoes it.

    :param root: may not exist yet; its own name counts as durable, and so does what is in it.
    :ivar steps: all of them, in order.
    :ivar given: how many of them make what was there in the beginning.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.steps: list[Step] = []
        self._root = root
        self._count = 0
        self._files: dict[str, int] = {}
        self._open: dict[int, Step] = {}
        self._adopt(root)
        self.given = len(self.steps)
        wrappers = {
            'open': self._note_open,
            'pwrite': self._note_write,
            'ftruncate': self._note_truncate,
            'fdatasync': self._note_sync,
            'fsync': self._note_sync,
            'close': self._note_close,
            'replace': self._note_rename,
            'unlink': self._note_unlink,
            'mkdir': self._note_mkdir,
        }
        for name, note in wrappers.items():
            monkeypatch.setattr(os, name, _wrapped(getattr(os, name), note))

    def rebuild(
        self, place: Path, *, steps: int, chance: random.Random, is_ordered: bool = True
    ) -> None:
        """
        Make what a power cut may have left of the directory.

        :param place: where; must not exist.
        :param steps: how many steps were done before the cut.
        :param chance: draws what is left; everything follows from it.
        """
        files, directories = self._replay(steps)
        share = chance.choice(SHARES)
        _make(place, self._root, files, directories, _Chance(chance, share, is_ordered))

    def whole(self, place: Path) -> None:
        """Make what is there without a power cut."""
        files, directories = self._replay(len(self.steps))
        for file in files.values():
            file.sync()
        for names in directories.values():
            names.sync()
        _make(place, self._root, files, directories, None)

    def content_of_removed(self, steps: int) -> list[bytes]:
        """Return what was in the files whose removal was asked for within so many steps."""
        files, _ = self._replay(steps)
        removed = [step.file for step in self.steps[:steps] if step.what == 'unlink']
        return [bytes(files[number].now) for number in removed]

    def _replay(self, steps: int) -> tuple[dict[int, File], dict[str, Names]]:
        files: dict[int, File] = {}
        directories = {str(self._root): Names()}
        for step in self.steps[:steps]:
            match step.what:
                case 'write':
                    files[step.file].write(step.data, step.offset)
                case 'truncate':
                    files[step.file].truncate(step.offset)
                case 'sync':
                    files[step.file].sync()
                case 'sync names':
                    # The parent of the root is synced as well, and is not looked at.
                    directories.setdefault(step.path, Names()).sync()
                case 'mkdir' if step.path == str(self._root):
                    continue
                case _:
                    if step.what == 'create':
                        files[step.file] = File()
                    elif step.what == 'mkdir':
                        directories[step.path] = Names()
                    directories[str(Path(step.path).parent)].steps.append(step)
        return files, directories

    def _adopt(self, directory: Path) -> None:
        """Take what is there for done and durable."""
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            if path.is_dir():
                self.steps.append(Step('mkdir', path=str(path)))
                self._adopt(path)
            else:
                self._count += 1
                file = self._files[str(path)] = self._count
                self.steps.append(Step('create', file=file, path=str(path)))
                self.steps.append(Step('write', file=file, data=path.read_bytes()))
                self.steps.append(Step('sync', file=file))
        self.steps.append(Step('sync names', path=str(directory)))

    def _note_open(self, result: object, args: tuple[object, ...]) -> None:
        path, flags = str(args[0]), args[1]
        assert isinstance(flags, int)
        assert isinstance(result, int)
        if flags & os.O_DIRECTORY:
            self._open[result] = Step('sync names', path=path)
            return
        if not Path(path).is_relative_to(self._root):
            return
        if path not in self._files:
            self._count += 1
            self._files[path] = self._count
            self.steps.append(Step('create', file=self._count, path=path))
        elif flags & os.O_TRUNC:
            self.steps.append(Step('truncate', file=self._files[path]))
        self._open[result] = Step('sync', file=self._files[path])

    def _note_write(self, result: object, args: tuple[object, ...]) -> None:
        descriptor, data, offset = args
        assert isinstance(descriptor, int)
        assert isinstance(data, memoryview)
        assert isinstance(result, int)
        assert isinstance(offset, int)
        file = self._open[descriptor].file
        self.steps.append(Step('write', file=file, data=bytes(data[:result]), offset=offset))

    def _note_truncate(self, _result: object, args: tuple[object, ...]) -> None:
        descriptor, length = args
        assert isinstance(descriptor, int)
        assert isinstance(length, int)
        self.steps.append(Step('truncate', file=self._open[descriptor].file, offset=length))

    def _note_sync(self, _result: object, args: tuple[object, ...]) -> None:
        (descriptor,) = args
        assert isinstance(descriptor, int)
        self.steps.append(self._open[descriptor])

    def _note_close(self, _result: object, args: tuple[object, ...]) -> None:
        (descriptor,) = args
        assert isinstance(descriptor, int)
        self._open.pop(descriptor, None)

    def _note_rename(self, _result: object, args: tuple[object, ...]) -> None:
        path, target = str(args[0]), str(args[1])
        file = self._files.pop(path)
        self._files[target] = file
        self.steps.append(Step('rename', file=file, path=path, target=target))

    def _note_unlink(self, _result: object, args: tuple[object, ...]) -> None:
        path = str(args[0])
        self.steps.append(Step('unlink', file=self._files.pop(path), path=path))

    def _note_mkdir(self, _result: object, args: tuple[object, ...]) -> None:
        self.steps.append(Step('mkdir', path=str(args[0])))


class _Chance(NamedTuple):
    chance: random.Random
    share: float
    is_ordered: bool


def _wrapped(call: Call, note: Callable[[object, tuple[object, ...]], None]) -> Call:
    def made(*args: object, **options: object) -> object:
        result = call(*args, **options)
        note(result, args)
        return result

    return made


def _make(
    place: Path,
    root: Path,
    files: dict[int, File],
    directories: dict[str, Names],
    cut: _Chance | None,
) -> None:
    place.mkdir()
    names = directories[str(root)]
    found = (
        names.survivor(cut.chance, cut.share, is_ordered=cut.is_ordered) if cut else names.durable
    )
    for name, number in found.items():
        if not number:
            _make(place / name, root / name, files, directories, cut)
        else:
            file = files[number]
            data = file.survivor(cut.chance, cut.share) if cut else file.durable
            (place / name).write_bytes(data)
