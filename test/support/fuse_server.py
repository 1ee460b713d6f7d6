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
A file system that shows a directory and fails on demand: ``python fuse_server.py DIR PLACE``.

It speaks the kernel's FUSE protocol (linux/fuse.h, 7.31) on /dev/fuse itself, so that no library
is needed. Orders come on its standard input, one a line, and each is answered with a line:

``fail NUMBER STEP ...``  every such step fails with this error number from now on.
``hang STEP ...``         every such step waits until it is mended.
``mend``                  no step fails or waits any more.

The steps are those of ``STEPS``. The first line on standard output is ``mounted``, or why not. It
ends when its input ends; what is still open there then fails with ENOTCONN.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
import stat
import struct
import sys
from threading import Event, Lock, Thread
from typing import NamedTuple, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT_NODE = 1
READ_BYTES = 1 << 20
WRITE_BYTES_MAX = 128 << 10
# So many calls may hang at a time, and one more is still answered.
THREADS = 8

MS_NOSUID, MS_NODEV = 2, 4
# Of the reply to INIT: writes of more than a page, and look-ups beside a create that hangs.
BIG_WRITES, PARALLEL_DIROPS = 1 << 5, 1 << 18
GETATTR_FH = 1
SET_MODE, SET_SIZE, SET_FH = 1, 8, 64
SETATTR_MODE_AT, WRITE_AT = 68, 40
NAME_BYTES_MAX = 255

IN_HEADER = struct.Struct('<IIQQIIIHH')
IN_BYTES = IN_HEADER.size
OUT_HEADER = struct.Struct('<IiQ')
INIT_OUT = struct.Struct('<IIIIHHIIHHI28x')
ATTR = struct.Struct('<QQQQQQIIIIIIIIII')
ENTRY = struct.Struct('<QQQQII')
STATFS_OUT = struct.Struct('<QQQQQIIII24x')
DIRENT = struct.Struct('<QQII')

# Kernel opcode of each call that is served, and the step that it is; '' cannot be failed.
LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, UNLINK, RMDIR, RENAME = 1, 2, 3, 4, 9, 10, 11, 12
OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT = 14, 15, 16, 17, 18, 20, 25, 26
OPENDIR, READDIR, RELEASEDIR, FSYNCDIR, CREATE, INTERRUPT = 27, 28, 29, 30, 35, 36
BATCH_FORGET, FALLOCATE, RENAME2 = 42, 43, 45
STEPS = {
    LOOKUP: 'lookup',
    GETATTR: 'lookup',
    SETATTR: 'truncate',
    MKDIR: 'mkdir',
    UNLINK: 'unlink',
    RMDIR: 'unlink',
    RENAME: 'rename',
    RENAME2: 'rename',
    OPEN: 'open',
    READ: 'read',
    WRITE: 'write',
    STATFS: 'statfs',
    FSYNC: 'fsync',
    FSYNCDIR: 'fsync',
    CREATE: 'create',
    FALLOCATE: 'fallocate',
}
# The kernel waits for no answer to these.
UNANSWERED = {FORGET, BATCH_FORGET, INTERRUPT}

_libc = ctypes.CDLL(None, use_errno=True)


class Call(NamedTuple):
    """One request of the kernel."""

    opcode: int
    unique: int
    node: int
    body: bytes

    def numbers(self, layout: str) -> tuple[int, ...]:
        """Return the numbers at the beginning of the body."""
        return struct.unpack_from(f'<{layout}', self.body)

    def names(self, skip: int = 0) -> list[str]:
        """Return the names behind that many bytes."""
        return [os.fsdecode(name) for name in self.body[skip:].split(b'\0')[:-1]]


class Faults:
    """Which steps fail, and which wait."""

    def __init__(self) -> None:
        self._errors: dict[str, int] = {}
        self._hanging: set[str] = set()
        self._mended = Event()

    def order(self, line: str) -> None:
        """Do what an order says."""
        word, *rest = line.split()
        if word == 'fail':
            self._errors.update(dict.fromkeys(rest[1:], int(rest[0])))
        elif word == 'hang':
            self._mended.clear()
            self._hanging.update(rest)
        else:
            self._errors.clear()
            self._hanging.clear()
            self._mended.set()

    def pass_by(self, step: str) -> None:
        """Wait or fail, when the step has to."""
        if step in self._hanging:
            self._mended.wait()
        number = self._errors.get(step)
        if number is not None:
            raise OSError(number, os.strerror(number))


class Names:
    """The path of each node that the kernel knows."""

    def __init__(self, top: Path) -> None:
        self._paths = {ROOT_NODE: top}
        self._nodes = {top: ROOT_NODE}
        self._last = ROOT_NODE
        self._lock = Lock()

    def path(self, node: int) -> Path:
        """Return where a node is. :raises OSError: it has lost its name."""
        try:
            return self._paths[node]
        except KeyError:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) from None

    def node(self, path: Path) -> int:
        """Return the node of a path, a new one when it has none."""
        with self._lock:
            if path not in self._nodes:
                self._last += 1
                self._nodes[path] = self._last
                self._paths[self._last] = path
            return self._nodes[path]

    def drop(self, path: Path) -> None:
        """Let a path lose its node."""
        with self._lock:
            self._paths.pop(self._nodes.pop(path, 0), None)

    def move(self, path: Path, target: Path) -> None:
        """Let a path, and what is below it, have another name."""
        self.drop(target)
        with self._lock:
            below = [known for known in self._nodes if known.is_relative_to(path)]
            for known in below:
                moved = target / known.relative_to(path)
                node = self._nodes.pop(known)
                self._nodes[moved] = node
                self._paths[node] = moved


class Server:
    """Answers the kernel."""

    def __init__(self, top: Path, faults: Faults) -> None:
        self._names = Names(top)
        self._faults = faults
        self._answers: dict[int, Callable[[Call], bytes]] = {
            INIT: self._init,
            LOOKUP: self._lookup,
            GETATTR: self._getattr,
            SETATTR: self._setattr,
            MKDIR: self._mkdir,
            UNLINK: self._unlink,
            RMDIR: self._rmdir,
            RENAME: self._rename,
            RENAME2: self._rename,
            OPEN: self._open,
            OPENDIR: self._nothing_to_open,
            CREATE: self._create,
            READ: self._read,
            WRITE: self._write,
            STATFS: self._statfs,
            RELEASE: self._release,
            RELEASEDIR: self._nothing,
            FLUSH: self._nothing,
            FSYNC: self._fsync,
            FSYNCDIR: self._nothing,
            FALLOCATE: self._fallocate,
            READDIR: self._readdir,
        }

    def serve(self, device: int) -> None:
        """Answer until the file system is unmounted."""
        while True:
            try:
                data = os.read(device, READ_BYTES)
            except OSError as error:
                if error.errno in {errno.EINTR, errno.EAGAIN, errno.ENOENT}:
                    continue
                return
            _, opcode, unique, node, *_ = IN_HEADER.unpack_from(data)
            if opcode not in UNANSWERED:
                answer = self._answer(Call(opcode, unique, node, data[IN_BYTES:]))
                try:
                    os.write(device, answer)
                except OSError:
                    # The caller was interrupted, or nothing is mounted any more.
                    continue

    def _answer(self, call: Call) -> bytes:
        number, body = 0, b''
        try:
            self._faults.pass_by(STEPS.get(call.opcode, ''))
            body = self._answers.get(call.opcode, self._unknown)(call)
        except OSError as error:
            number = error.errno or errno.EIO
        return OUT_HEADER.pack(OUT_HEADER.size + len(body), -number, call.unique) + body

    @staticmethod
    def _unknown(_call: Call) -> bytes:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    @staticmethod
    def _nothing(_call: Call) -> bytes:
        return b''

    @staticmethod
    def _nothing_to_open(_call: Call) -> bytes:
        return bytes(16)

    @staticmethod
    def _init(call: Call) -> bytes:
        _, _, readahead, offered = call.numbers('IIII')
        flags = offered & (BIG_WRITES | PARALLEL_DIROPS)
        return INIT_OUT.pack(7, 31, readahead, flags, 16, 12, WRITE_BYTES_MAX, 1, 32, 0, 0)

    def _child(self, call: Call, skip: int = 0) -> Path:
        return self._names.path(call.node) / call.names(skip)[0]

    def _entry(self, path: Path) -> bytes:
        state = path.lstat()
        node = self._names.node(path)
        # Nothing is kept by the kernel, so a fault shows at once.
        return ENTRY.pack(node, 0, 0, 0, 0, 0) + _attributes(state, node)

    def _lookup(self, call: Call) -> bytes:
        return self._entry(self._child(call))

    def _getattr(self, call: Call) -> bytes:
        flags, _, handle = call.numbers('IIQ')
        state = os.fstat(handle) if flags & GETATTR_FH else self._names.path(call.node).lstat()
        return bytes(16) + _attributes(state, call.node)

    def _setattr(self, call: Call) -> bytes:
        # Times and owners are not kept: nothing here depends on them.
        valid, _, handle, size = call.numbers('IIQQ')
        (mode,) = struct.unpack_from('<I', call.body, SETATTR_MODE_AT)
        target = handle if valid & SET_FH else self._names.path(call.node)
        if valid & SET_SIZE:
            os.truncate(target, size)
        if valid & SET_MODE:
            os.chmod(target, stat.S_IMODE(mode))  # noqa: PTH101 - or of a descriptor
        return bytes(16) + _attributes(os.stat(target), call.node)  # noqa: PTH116 - the same

    def _mkdir(self, call: Call) -> bytes:
        (mode,) = call.numbers('I')
        path = self._child(call, 8)
        path.mkdir(mode)
        return self._entry(path)

    def _unlink(self, call: Call) -> bytes:
        path = self._child(call)
        path.unlink()
        self._names.drop(path)
        return b''

    def _rmdir(self, call: Call) -> bytes:
        path = self._child(call)
        path.rmdir()
        self._names.drop(path)
        return b''

    def _rename(self, call: Call) -> bytes:
        (folder,) = call.numbers('Q')
        old, new = call.names(16 if call.opcode == RENAME2 else 8)
        path, target = self._names.path(call.node) / old, self._names.path(folder) / new
        path.rename(target)
        self._names.move(path, target)
        return b''

    def _open(self, call: Call) -> bytes:
        (flags,) = call.numbers('I')
        handle = os.open(self._names.path(call.node), flags & ~os.O_NOFOLLOW)
        return struct.pack('<QII', handle, 0, 0)

    def _create(self, call: Call) -> bytes:
        flags, mode = call.numbers('II')
        path = self._child(call, 16)
        handle = os.open(path, flags | os.O_CREAT, mode)
        return self._entry(path) + struct.pack('<QII', handle, 0, 0)

    @staticmethod
    def _read(call: Call) -> bytes:
        handle, offset, size = call.numbers('QQI')
        return os.pread(handle, size, offset)

    @staticmethod
    def _write(call: Call) -> bytes:
        handle, offset, size = call.numbers('QQI')
        return struct.pack('<II', os.pwrite(handle, call.body[WRITE_AT:][:size], offset), 0)

    def _statfs(self, call: Call) -> bytes:
        found = os.statvfs(self._names.path(call.node))
        return STATFS_OUT.pack(
            found.f_blocks,
            found.f_bfree,
            found.f_bavail,
            found.f_files,
            found.f_ffree,
            found.f_bsize,
            NAME_BYTES_MAX,
            found.f_frsize,
            0,
        )

    @staticmethod
    def _release(call: Call) -> bytes:
        os.close(call.numbers('Q')[0])
        return b''

    @staticmethod
    def _fsync(call: Call) -> bytes:
        os.fdatasync(call.numbers('Q')[0])
        return b''

    @staticmethod
    def _fallocate(call: Call) -> bytes:
        handle, offset, length, mode = call.numbers('QQQI')
        result = _libc.fallocate(
            ctypes.c_int(handle),
            ctypes.c_int(mode),
            ctypes.c_int64(offset),
            ctypes.c_int64(length),
        )
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return b''

    def _readdir(self, call: Call) -> bytes:
        _, begin, size = call.numbers('QQI')
        data = b''
        names = ['.', '..', *sorted(path.name for path in self._names.path(call.node).iterdir())]
        for place, name in enumerate(names[begin:], begin + 1):
            raw = os.fsencode(name)
            item = DIRENT.pack(place, place, len(raw), 0) + raw
            item += bytes(-len(item) % 8)
            if len(data) + len(item) > size:
                break
            data += item
        return data


def _attributes(state: os.stat_result, node: int) -> bytes:
    times = (state.st_atime_ns, state.st_mtime_ns, state.st_ctime_ns)
    return ATTR.pack(
        node,
        state.st_size,
        state.st_blocks,
        *(ns // 10**9 for ns in times),
        *(ns % 10**9 for ns in times),
        state.st_mode,
        state.st_nlink,
        state.st_uid,
        state.st_gid,
        0,
        state.st_blksize,
        0,
    )


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def main(top: Path, place: Path) -> None:
    """Mount and serve until the input ends."""
    try:
        device = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        _say(str(error))
        return
    options = f'fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions'
    if _libc.mount(
        b'fdr_test', os.fsencode(place), b'fuse', MS_NOSUID | MS_NODEV, options.encode()
    ):
        _say(f'mount: {os.strerror(ctypes.get_errno())}')
        return
    faults = Faults()
    server = Server(top, faults)
    for _ in range(THREADS):
        Thread(target=server.serve, args=(device,), daemon=True).start()
    _say('mounted')
    for line in sys.stdin:
        faults.order(line)
        _say('done')
    # Not by way of the interpreter's end, which waits for nobody but leaves late answers.
    os._exit(0)


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
