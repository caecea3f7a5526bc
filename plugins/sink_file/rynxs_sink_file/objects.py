"""Named objects: one file each, replaced whole, compared and swapped under a lock."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rynxs.api import (
    SinkUnavailable,
    StoredObject,
    check_expected,
    check_object_name,
    is_object_name,
    version_of,
)
from rynxs_sink_file.durable import (
    is_temporary,
    make_directory,
    replace_file,
    replace_files,
    sync_directory,
    temporary,
    translated,
)
from rynxs_sink_file.files import (
    buffered,
    exists,
    files_below,
    is_directory,
    is_file,
    remove,
)
from rynxs_sink_file.system import LOCK_EX, system

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rynxs.api import Expect


_SIZE_MAX = 1 << 30
"""Bytes of an object: far more than a snapshot takes, and less than a machine has memory."""


def get_object(root: Path, name: str) -> StoredObject | None:
    """Return an object, or None."""
    path = _path(root, name)
    with translated(path):
        if exists(path) and not is_file(path) and not is_directory(path):
            raise SinkUnavailable(f"{path}: not a regular file")
        try:
            with buffered(path, io.DEFAULT_BUFFER_SIZE) as file:
                data = file.read(_SIZE_MAX + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
    if len(data) > _SIZE_MAX:
        raise SinkUnavailable(f"{path}: larger than {_SIZE_MAX} bytes, the limit of an object")
    return StoredObject(data, version_of(data))


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
            check_expected(str(path), current.version if current else None, expect)
            if current is None or current.data != data:
                replace_file(path, data)
            else:  # whoever put it may have died, or failed, before its name was durable
                sync_directory(path.parent)
    return version_of(data)


def put_objects(root: Path, objects: Sequence[tuple[str, bytes]]) -> None:
    """Store objects durably; all are written before the first is flushed, which is far cheaper."""
    paths = {_path(root, name): data for name, data in objects}
    folders = {path.parent for path in paths}
    with translated(root):
        for folder in sorted(folders):
            make_directory(folder)
        with _locked(root):
            replace_files(paths)
        for folder in sorted(folders):
            sync_directory(folder)


def delete_object(root: Path, name: str) -> None:
    """Remove an object durably, and the directories that held nothing else; fine if it is gone."""
    path = _path(root, name)
    with translated(path):
        if not is_directory(path.parent):
            return
        with _locked(root):
            remove(temporary(path))
            with suppress(FileNotFoundError, IsADirectoryError):
                system().unlink(path)
            sync_directory(path.parent)
            _remove_empty(root, path.parent)


def remove_leftovers(root: Path) -> None:
    """Remove what puts that were killed have left behind."""
    with translated(root), _locked(root):
        for path in files_below(root):
            if is_temporary(path.name):
                remove(path)


def list_objects(root: Path, prefix: str) -> list[str]:
    """Return the names that start with `prefix`, sorted."""
    start = prefix.rpartition("/")[0]
    if start and not is_object_name(start):
        return []
    names = []
    with translated(root):
        names += [str(path.relative_to(root)) for path in files_below(root / start)]
    return sorted(name for name in names if name.startswith(prefix) and is_object_name(name))


def _path(root: Path, name: str) -> Path:
    check_object_name(name)
    return root / name


def _remove_empty(root: Path, folder: Path) -> None:
    while folder != root:
        try:
            system().rmdir(folder)
        except OSError:  # it holds something
            return
        folder = folder.parent


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock that serialises puts of all processes."""
    descriptor = system().open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        system().flock(descriptor, LOCK_EX)
        yield
    finally:
        system().close(descriptor)
