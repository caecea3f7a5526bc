"""The files that this process has open, each once however many sinks use it.

LMDB's locks belong to the process and the file: a second handle of one file in the same process
would not meet the locks of the first, and closing it would give them up.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from rynxs.api import SinkUnavailable
from rynxs_sink_lmdb import place
from rynxs_sink_lmdb.environment import SharedEnvironment
from rynxs_sink_lmdb.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rynxs_sink_lmdb.place import Identity


class _Registry:
    def __init__(self) -> None:
        self.lock = Lock()
        self.environments: list[SharedEnvironment] = []
        self.untouchable: list[SharedEnvironment] = []


_registry = _Registry()


def acquire_writer(path: str, map_max: int) -> SharedEnvironment:
    """Open a file for writing, making the log if it is not there; `release` what is returned.

    Raises:
        SinkUnavailable: the file can't be used, or is not a log.
        SinkCorrupt: the file is damaged.
    """
    located = place.locate(path)
    with translated(located), _registry.lock:
        return _acquire(located, place.make_file(located), map_max)


def acquire_reader(path: str) -> SharedEnvironment:
    """Open a file for reading; `release` what is returned.

    Raises:
        SinkUnavailable: the file can't be used, or is not a log.
        SinkCorrupt: the file is damaged.
    """
    located = place.locate(path)
    with translated(located), _registry.lock:
        return _acquire(located, place.find_file(located), None)


def release(environment: SharedEnvironment) -> None:
    """Close a file once its last sink has released it."""
    with _registry.lock:
        if not any(each is environment for each in _registry.environments):
            return  # it belongs to the process that forked this one
        environment.users -= 1
        if not environment.users:
            _registry.environments.remove(environment)
            environment.close()


def _acquire(path: str, identity: Identity, map_max: int | None) -> SharedEnvironment:
    if _find(path, identity, _registry.untouchable) is not None:
        raise SinkUnavailable(
            f"{path}: already open in this process, which was forked in the middle of a transaction"
        )
    environment = _find(path, identity, _registry.environments)
    if environment is None:
        environment = SharedEnvironment(path, identity)
        environment.open(map_max)
        _registry.environments.append(environment)
    else:
        environment.open(map_max)
    environment.users += 1
    return environment


def _find(
    path: str, identity: Identity, environments: Iterable[SharedEnvironment]
) -> SharedEnvironment | None:
    """Return what has a file open, by whatever name, or the one of which it took the place."""
    for environment in environments:
        if environment.file.identity == identity or environment.path == path:
            return environment
    return None


def _after_fork() -> None:
    """Let go of what belongs to the parent, but for what a transaction of its threads is in."""
    global _registry
    inherited, _registry = _registry, _Registry()
    _registry.untouchable = [each for each in inherited.environments if not each.disown()]


os.register_at_fork(after_in_child=_after_fork)
