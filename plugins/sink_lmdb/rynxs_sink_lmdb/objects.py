"""Named objects in the database: their bytes under their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rynxs.api import StoredObject, check_expected, version_of
from rynxs_sink_lmdb import medium

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.api import Expect
    from rynxs_sink_lmdb.environment import Snapshot

REMAINS: Final = b"remains"
"""Key in the main database of a file in which an object was deleted."""

_KEY_SIZE_MAX = 511


def get_object(name: str, snapshot: Snapshot) -> StoredObject | None:
    """Return an object, or None."""
    data = snapshot.txn.get(name.encode(), db=snapshot.objects)
    return None if data is None else StoredObject(data, version_of(data))


def put_object(name: str, data: bytes, expect: Expect | str, snapshot: Snapshot) -> None:
    """Put an object.

    Raises:
        SinkConflict: the present version is not the expected one.
    """
    current = get_object(name, snapshot)
    check_expected(name, current.version if current else None, expect)
    medium.put(snapshot.txn, name.encode(), data, snapshot.objects)


def put_objects(objects: Sequence[tuple[str, bytes]], snapshot: Snapshot) -> None:
    """Put objects, whatever is there."""
    for name, data in objects:
        medium.put(snapshot.txn, name.encode(), data, snapshot.objects)


def delete_object(name: str, snapshot: Snapshot) -> None:
    """Delete an object, if it is there, and note that free pages still hold bytes of it."""
    if medium.delete(snapshot.txn, name.encode(), snapshot.objects):
        medium.put(snapshot.txn, REMAINS, b"1")


def list_objects(prefix: str, snapshot: Snapshot) -> list[str]:
    """Return the names that start with `prefix`, sorted."""
    wanted = prefix.encode(errors="replace")
    if len(wanted) > _KEY_SIZE_MAX:
        return []
    cursor = snapshot.txn.cursor(snapshot.objects)
    found = cursor.set_range(wanted) if wanted else cursor.first()
    names = []
    while found and (name := cursor.key()).startswith(wanted):
        names.append(name.decode(errors="replace"))
        found = cursor.next()
    return names
