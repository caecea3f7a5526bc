"""Named objects: one file each, replaced whole, compared and swapped under a lock."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from rynxs.api import ABSENT, ANY, SinkConflict, SinkUnavailable, StoredObject
from rynxs_sink_file.durable import (
    make_directory,
    replace_file,
    sync_directory,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rynxs.api import Expect

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,15}}", re.ASCII)


def get_object(root: Path, name: str) -> StoredObject | None:
    """Return an object, or None."""
    path = _path(root, name)
    with translated(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            raise SinkUnavailable(f"{path}: not a regular file")
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
    return StoredObject(data, _version(data))


def put_object(root: Path, name: str, data: bytes, expect: Expect | str) -> str:
    """Store an object durably and return its version.

    Raises:
        SinkConflict: the present version is not the expected one.
    """
    path = _path(root, name)
    with translated(path):
        make_directory(path.parent)
        with _locked(root):
            current = get_object(root, name)
            if expect is not ANY:
                wanted = None if expect is ABSENT else expect
                found = current.version if current else None
                if wanted != found:
                    raise SinkConflict(
                        f"{path}: version is {found or 'absent'}, {wanted or 'absent'} was expected"
                    )
            if current is None or current.data != data:
                replace_file(path, data)
            else:  # whoever put it may have died, or failed, before its name was durable
                sync_directory(path.parent)
    return _version(data)


def list_objects(root: Path, prefix: str) -> list[str]:
    """Return the names that start with `prefix`, sorted."""
    start = prefix.rpartition("/")[0]
    if start and not _NAME.fullmatch(start):
        return []
    names = []
    with translated(root):
        for folder, _, files in os.walk(root / start, onerror=_raise_unless_missing):
            relative = os.path.relpath(folder, root)
            below = "" if relative == "." else f"{relative}/"
            names += [below + file for file in files]
    return sorted(name for name in names if name.startswith(prefix) and _NAME.fullmatch(name))


def _path(root: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise SinkUnavailable(f"object name {name!r} does not match {_NAME.pattern}")
    return root / name


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _version(data: bytes) -> str:
    return sha256(data).hexdigest()


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock that serialises puts of all processes."""
    descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
