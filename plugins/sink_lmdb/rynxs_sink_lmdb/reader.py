"""The LMDB sink opened for reading: the log is not written, and a live writer is not disturbed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rynxs.api import ANY, Sink, SinkCorrupt, SinkUnavailable, check_object_name
from rynxs_sink_lmdb import objects, records, registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.api import Expect, Record, StoredObject
    from rynxs_sink_lmdb.environment import SharedEnvironment
    from rynxs_sink_lmdb.settings import LmdbSettings


class LmdbReader(Sink):
    """A reader of a log, beside live writers or not."""

    def __init__(self, settings: LmdbSettings) -> None:
        """Open an existing log.

        Raises:
            SinkUnavailable: there is no log, or it can't be read.
            SinkCorrupt: the file is damaged.
        """
        self._environment: SharedEnvironment | None = self._acquire(settings)
        self._path = self._environment.path

    def size(self) -> int:
        """Return the number of durable records."""
        return self._open_environment().read(records.count)

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._path}: the log is open for reading only")

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records up to those that are there when the first is read."""
        position, end = start, stop
        while end is None or position < end:
            fetch = partial(records.fetch, position, end)
            items, size = self._open_environment().read(fetch, position)
            end = size if end is None else min(end, size)
            if not items and position < end:
                raise SinkCorrupt(position, f"missing, and {size} records are said to be here")
            yield from records.decode(position, items)
            position += len(items)

    def erase(self, seqs: Sequence[int]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._path}: the log is open for reading only")

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        check_object_name(name)
        return self._open_environment().read(partial(objects.get_object, name))

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Refuse."""
        raise SinkUnavailable(f"{self._path}: the log is open for reading only")

    def delete(self, name: str) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._path}: the log is open for reading only")

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return self._open_environment().read(partial(objects.list_objects, prefix))

    def close(self) -> None:
        """Release the file."""
        environment, self._environment = self._environment, None
        if environment is not None:
            registry.release(environment)

    def _acquire(self, settings: LmdbSettings) -> SharedEnvironment:
        return registry.acquire_reader(settings.path)

    def _open_environment(self) -> SharedEnvironment:
        if self._environment is None:
            raise SinkUnavailable(f"{self._path}: the log is closed")
        return self._environment
