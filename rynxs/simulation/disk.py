"""A disk: what was flushed is there after a loss of power, and of the rest nobody knows how much.

What a crash may do is all that POSIX leaves open: a file has any of the sectors that were written
since it was flushed, in any order; a directory, any of the changes to its names. A flush that fails
loses what it was to write, though it can still be read until then, as on Linux
(Rebello et al., ATC 2020).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from errno import EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath
    from random import Random

SECTOR = 512
_SURVIVES = 0.5


class File:
    """A file, as it is read, and as it would be after a loss of power.

    Attributes:
        number: of its inode.
        names: how many there are of it.
        data: as it is read.
    """

    def __init__(self, number: int, mode: int) -> None:
        """Be empty."""
        self.number = number
        self.names = 0
        self.mode = stat.S_IFREG | mode
        self.data = bytearray()
        self._flushed = b""
        self._pending: list[tuple[int, bytes | None]] = []
        self._lost: set[int] = set()

    def write(self, offset: int, data: bytes) -> None:
        """Write, without flushing that."""
        if offset > len(self.data):
            self.data += bytes(offset - len(self.data))
        self.data[offset : offset + len(data)] = data
        self._pending.append((offset, data))
        self._lost -= set(_sectors(offset, len(data)))

    def truncate(self, size: int) -> None:
        """Cut it off, or extend it by zeros, without flushing that."""
        del self.data[size:]
        self.data += bytes(size - len(self.data))
        self._pending.append((size, None))
        self._lost = {each for each in self._lost if each * SECTOR < size}

    def flush(self) -> None:
        """Make durable what is there, but for what a failed flush has lost."""
        before, self._flushed = self._flushed, bytes(self.data)
        if self._lost:
            flushed = bytearray(self._flushed)
            for sector in self._lost:
                start, end = sector * SECTOR, min((sector + 1) * SECTOR, len(flushed))
                flushed[start:end] = before[start:end].ljust(end - start, b"\0")
            self._flushed = bytes(flushed)
        self._pending.clear()

    def fail_to_flush(self) -> None:
        """Lose what was to be flushed, for good, unless it is written again."""
        for offset, data in self._pending:
            if data is not None:
                self._lost |= set(_sectors(offset, len(data)))
        self._pending.clear()

    def lose_power(self, chance: Random) -> None:
        """Become what a loss of power leaves."""
        left = bytearray(self._flushed)
        for offset, data in self._pending:
            if data is None:
                if chance.random() < _SURVIVES:
                    del left[offset:]
                    left += bytes(offset - len(left))
                continue
            for start in range(0, len(data), SECTOR):
                if chance.random() < _SURVIVES:
                    at, part = offset + start, data[start : start + SECTOR]
                    left += bytes(max(at - len(left), 0))
                    left[at : at + len(part)] = part
        self.data = left
        self._flushed = bytes(left)
        self._pending.clear()
        self._lost.clear()

    @property
    def holds_any(self) -> bool:
        """Whether anything of it is durable."""
        return bool(self._flushed)

    def rot(self, chance: Random) -> None:
        """Let one bit flip of what is durable, of which there is some."""
        at = chance.randrange(len(self._flushed))
        bit = 1 << chance.randrange(8)
        flipped = bytes([self._flushed[at] ^ bit])
        self._flushed = self._flushed[:at] + flipped + self._flushed[at + 1 :]
        if at < len(self.data):
            self.data[at] ^= bit


@dataclass(eq=False)
class Directory:
    """A directory, as it is read, and as it would be after a loss of power.

    Attributes:
        number: of its inode.
        entries: files and directories by name.
    """

    number: int
    entries: dict[str, File | Directory] = field(default_factory=dict)
    flushed: dict[str, File | Directory] = field(default_factory=dict)
    pending: list[dict[str, File | Directory | None]] = field(default_factory=list)
    mode = stat.S_IFDIR | 0o755
    names = 2
    data = b""

    def change(self, names: dict[str, File | Directory | None]) -> None:
        """Give and take names, all at once, without flushing that."""
        _change(self.entries, names)
        self.pending.append(names)

    def flush(self) -> None:
        """Make the names durable."""
        self.flushed = dict(self.entries)
        self.pending.clear()

    def fail_to_flush(self) -> None:
        """Leave it open whether the names are durable."""

    def lose_power(self, chance: Random) -> None:
        """Become what a loss of power leaves, with all below."""
        for names in self.pending:
            if chance.random() < _SURVIVES:
                _change(self.flushed, names)
        self.entries = dict(self.flushed)
        self.pending.clear()
        for name in sorted(self.entries):
            self.entries[name].lose_power(chance)


class Disk:
    """A tree of files. What can't be done raises `OSError`, as the kernel does."""

    def __init__(self) -> None:
        """Have nothing but a root."""
        self._made = 1
        self.root = Directory(1)

    def find(self, path: PurePath) -> File | Directory:
        """Return what is at an absolute path."""
        found: File | Directory = self.root
        for part in path.parts[1:]:
            if not isinstance(found, Directory):
                raise _error(ENOTDIR, path)
            if part not in found.entries:
                raise _error(ENOENT, path)
            found = found.entries[part]
        return found

    def open(self, path: PurePath, flags: int, mode: int) -> File | Directory:
        """Return a file, made or emptied if the flags ask for it."""
        parent = self._directory(path.parent)
        found = parent.entries.get(path.name) if path.name else self.root
        if found is None:
            if not flags & os.O_CREAT:
                raise _error(ENOENT, path)
            found = File(self._number(), mode)
            found.names = 1
            parent.change({path.name: found})
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            raise _error(EEXIST, path)
        if isinstance(found, Directory):
            if flags & (os.O_WRONLY | os.O_RDWR):
                raise _error(EISDIR, path)
        elif flags & os.O_DIRECTORY:
            raise _error(ENOTDIR, path)
        elif flags & os.O_TRUNC:
            found.truncate(0)
        return found

    def mkdir(self, path: PurePath) -> None:
        """Make a directory."""
        parent = self._directory(path.parent)
        if path.name in parent.entries:
            raise _error(EEXIST, path)
        parent.change({path.name: Directory(self._number())})

    def rmdir(self, path: PurePath) -> None:
        """Remove an empty directory."""
        if self._directory(path).entries:
            raise _error(ENOTEMPTY, path)
        self._directory(path.parent).change({path.name: None})

    def unlink(self, path: PurePath) -> None:
        """Remove a name of a file."""
        found = self.find(path)
        if isinstance(found, Directory):
            raise _error(EISDIR, path)
        found.names -= 1
        self._directory(path.parent).change({path.name: None})

    def replace(self, source: PurePath, target: PurePath) -> None:
        """Rename within a directory, at once."""
        assert source.parent == target.parent, "a rename across directories is not simulated"
        parent, moved = self._directory(source.parent), self.find(source)
        replaced = parent.entries.get(target.name)
        if isinstance(replaced, Directory):
            raise _error(EISDIR, target)
        if replaced is not None:
            replaced.names -= 1
        parent.change({source.name: None, target.name: moved})

    def lose_power(self, chance: Random) -> None:
        """Become what a loss of power leaves."""
        self.root.lose_power(chance)

    def files(self) -> list[tuple[str, File]]:
        """Return all files with their paths, sorted."""
        return sorted(_files("", self.root), key=lambda pair: pair[0])

    def _directory(self, path: PurePath) -> Directory:
        found = self.find(path)
        if not isinstance(found, Directory):
            raise _error(ENOTDIR, path)
        return found

    def _number(self) -> int:
        self._made += 1
        return self._made


def _change(
    entries: dict[str, File | Directory], names: dict[str, File | Directory | None]
) -> None:
    for name, node in names.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


def _files(path: str, directory: Directory) -> list[tuple[str, File]]:
    found: list[tuple[str, File]] = []
    for name, node in directory.entries.items():
        if isinstance(node, Directory):
            found += _files(f"{path}/{name}", node)
        else:
            found.append((f"{path}/{name}", node))
    return found


def _sectors(offset: int, size: int) -> range:
    return range(offset // SECTOR, (offset + size - 1) // SECTOR + 1)


def _error(number: int, path: PurePath) -> OSError:
    return OSError(number, os.strerror(number), str(path))
