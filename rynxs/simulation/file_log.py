"""A log on a simulated disk, kept by the shipped sink `rynxs_sink_file`."""

from __future__ import annotations

import os
from errno import EIO, ENOSPC
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rynxs.simulation.disk import Directory, Disk, File
from rynxs.simulation.fiber import current

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager

    from rynxs.eventlog.sink import Sink
    from rynxs.simulation.faults import Faults
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.network import Network
    from rynxs.simulation.world import World

_MOUNT = PurePosixPath("/var")
_PATH = "/var/log"
_SEGMENT_BYTES = 8 * 1024
_LOCK_POLL_S = 0.001
_CALL_S = 0.0001
_FLUSH_S = 0.0005, 0.03


class FileLog:
    """A log on a disk.

    Attributes:
        disk: that it is on.
    """

    machines = 1
    """All replicas share one, for they share its disk."""
    servers: Sequence[str] = ()

    def __init__(self, world: World, network: Network, faults: Faults) -> None:
        """Have no log yet."""
        self.disk = Disk()
        self.disk.mkdir(_MOUNT)
        self.disk.root.flush()
        self.faults = faults
        self.chance = world.chance("disk")
        self.locks: dict[int, dict[tuple[str, int], bool]] = {}
        settings = {"path": _PATH, "segmentBytes": _SEGMENT_BYTES}
        self._settings = _module("settings").FileSettings.model_validate(settings)

    def around(self, process: OsProcess) -> AbstractContextManager[None]:
        """Return the context in which the sink of a process meets this disk."""
        context: AbstractContextManager[None] = _module("system").in_force(_System(self, process))
        return context

    def open_writer(self, process: OsProcess) -> Sink:
        """Open it for appending."""
        sink: Sink = _module("writer").FileWriter(self._settings, process.name)
        return sink

    def open_reader(self, process: OsProcess) -> Sink:
        """Open it for reading."""
        sink: Sink = _module("reader").FileReader(self._settings)
        return sink

    def died(self, process: OsProcess) -> None:
        """Take in that a process has died: its files are closed, and its locks released."""
        for holders in self.locks.values():
            for holder in [each for each in holders if each[0] == process.name]:
                del holders[holder]

    def lose_power(self, machine: str) -> None:
        """Take away the power of the machine, whose processes are dead by then."""
        self.disk.lose_power(self.chance)
        self.locks.clear()

    def is_empty(self) -> bool:
        """Tell whether no file has anything durable."""
        return not self._filled()

    def rot(self) -> str:
        """Let a bit of a file flip; return its path."""
        path, file = self.chance.choice(self._filled())
        file.rot(self.chance)
        return path

    def _filled(self) -> list[tuple[str, File]]:
        return [(path, file) for path, file in self.disk.files() if file.holds_any]


class _System:
    """The system calls of one process: `rynxs_sink_file.system.System`."""

    def __init__(self, log: FileLog, process: OsProcess) -> None:
        self._log = log
        self._disk = log.disk
        self._process = process
        self._open: dict[int, File | Directory] = {}
        self._next = 3

    def open(self, path: Any, flags: int, mode: int = 0o666) -> int:
        self._call("open", str(path), _CALL_S)
        descriptor = self._next
        self._next += 1
        self._open[descriptor] = self._disk.open(_at(path), flags, mode)
        return descriptor

    def close(self, descriptor: int) -> None:
        self._alive()
        found = self._open.pop(descriptor)
        self._log.locks.get(found.number, {}).pop((self._process.name, descriptor), None)

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        self._alive()
        found = self._file(descriptor)
        if self._happens("read error", f"inode {found.number}"):
            raise OSError(EIO, os.strerror(EIO))
        return bytes(found.data[offset : offset + size])

    def preadv(self, descriptor: int, buffers: Any, offset: int) -> int:
        count = 0
        for buffer in buffers:
            data = self.pread(descriptor, len(buffer), offset + count)
            buffer[: len(data)] = data
            count += len(data)
        return count

    def pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        found, size = self._file(descriptor), len(data)
        what = f"inode {found.number}"
        self._call("pwrite", what, _CALL_S)
        if self._happens("disk full", what):
            found.write(offset, bytes(data[: self._log.chance.randrange(size)]))
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        if self._happens("write error", what):
            raise OSError(EIO, os.strerror(EIO))
        if size > 1 and self._happens("short write", what):
            size = self._log.chance.randrange(1, size)
        found.write(offset, bytes(data[:size]))
        self._call("after pwrite", what, 0.0)
        return size

    def ftruncate(self, descriptor: int, size: int) -> None:
        self._call("ftruncate", "", _CALL_S)
        self._file(descriptor).truncate(size)

    def fsync(self, descriptor: int) -> None:
        found = self._open[descriptor]
        what = f"inode {found.number}"
        self._call("fsync", what, self._log.chance.uniform(*_FLUSH_S))
        if self._happens("flush error", what):
            found.fail_to_flush()
            raise OSError(EIO, os.strerror(EIO))
        found.flush()
        self._call("after fsync", what, 0.0)

    def fdatasync(self, descriptor: int) -> None:
        self.fsync(descriptor)

    def fstat(self, descriptor: int) -> os.stat_result:
        self._alive()
        return _status(self._open[descriptor])

    def stat(self, path: Any) -> os.stat_result:
        self._alive()
        return _status(self._disk.find(_at(path)))

    def fchown(self, descriptor: int, user: int, group: int) -> None:
        self._alive()

    def fchmod(self, descriptor: int, mode: int) -> None:
        self._alive()

    def flock(self, descriptor: int, operation: int) -> None:
        module = _module("system")
        holders = self._log.locks.setdefault(self._open[descriptor].number, {})
        mine = (self._process.name, descriptor)
        if operation & module.LOCK_UN:
            holders.pop(mine, None)
            return
        is_exclusive = bool(operation & module.LOCK_EX)
        while True:
            self._alive()
            others = [held for each, held in holders.items() if each != mine]
            if not (any(others) or (is_exclusive and others)):
                holders[mine] = is_exclusive
                return
            if operation & module.LOCK_NB:
                raise BlockingIOError
            assert current() is not None, "who waits for a lock waits in a fiber"
            self._process.sleep(_LOCK_POLL_S)

    def mkdir(self, path: Any) -> None:
        self._call("mkdir", str(path), _CALL_S)
        self._disk.mkdir(_at(path))

    def rmdir(self, path: Any) -> None:
        self._call("rmdir", str(path), _CALL_S)
        self._disk.rmdir(_at(path))

    def unlink(self, path: Any) -> None:
        self._call("unlink", str(path), _CALL_S)
        self._disk.unlink(_at(path))

    def replace(self, source: Any, target: Any) -> None:
        self._call("replace", str(target), _CALL_S)
        self._disk.replace(_at(source), _at(target))
        self._call("after replace", str(target), 0.0)

    def scandir(self, path: Any) -> Generator[tuple[str, bool], None, None]:
        self._alive()
        found = self._disk.find(_at(path))
        if not isinstance(found, Directory):
            raise NotADirectoryError
        for name, node in list(found.entries.items()):
            yield name, isinstance(node, Directory)

    def getpid(self) -> int:
        return int(self._process.name.rpartition(".")[2] or 0)

    def sleep(self, seconds: float) -> None:
        self._process.sleep(seconds)

    def _call(self, call: str, what: str, takes_s: float) -> None:
        """Let a call take its time, and perhaps be the last."""
        fiber = current()
        self._alive()
        if fiber is None:
            return
        if takes_s:
            self._process.sleep(takes_s)
        who = f"{self._process.name} {call} {what}"
        if self._log.faults.happens("disk", "power lost at a call", who):
            self._process.fail_power()
            fiber.wait()
        if self._log.faults.happens("disk", "killed at a call", who):
            self._process.fail()
            fiber.wait()

    def _alive(self) -> None:
        fiber = current()
        if fiber is not None:
            fiber.check()

    def _file(self, descriptor: int) -> File:
        found = self._open[descriptor]
        if isinstance(found, Directory):
            raise IsADirectoryError
        return found

    def _happens(self, kind: str, what: str) -> bool:
        if current() is None:
            return False
        return self._log.faults.happens("disk", kind, f"{self._process.name} {what}")


def _module(name: str) -> Any:
    """Return a module of the sink, which the kernel knows by name only."""
    return import_module(f"rynxs_sink_file.{name}")


def _at(path: Any) -> PurePosixPath:
    return PurePosixPath(path)


def _status(found: File | Directory) -> os.stat_result:
    return os.stat_result(
        (found.mode, found.number, 1, found.names, 0, 0, len(found.data), 0, 0, 0)
    )
