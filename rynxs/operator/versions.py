"""Which version of each object is known, so that an older one never replaces a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_GONE_MAX = 10_000
"""Of so many objects that are gone is it known since when; an answer that is late comes sooner."""


class Versions:
    """The versions of objects by name, and as of which version others are gone.

    A version is a resourceVersion as `number_of` gives it.
    """

    def __init__(self) -> None:
        """Know of nothing yet."""
        self._known: dict[str, int] = {}
        self._gone: dict[str, int] = {}

    def of(self, name: str) -> int | None:
        """Return the version of an object, None if it is not known to be there."""
        return self._known.get(name)

    def put(self, name: str, version: int) -> bool:
        """Take in that an object is there; return whether that is news."""
        newest = max(self._gone.get(name, -1), self._known.get(name, -1))
        if 0 <= version <= newest:
            return False
        self._gone.pop(name, None)
        self._known[name] = version
        return True

    def drop(self, name: str, version: int) -> bool:
        """Take in that an object is gone; return False if what is known of it is newer."""
        if version < self._known.get(name, version):
            return False
        self._known.pop(name, None)
        self._gone[name] = max(version, self._gone.pop(name, -1))
        if len(self._gone) > _GONE_MAX:
            del self._gone[next(iter(self._gone))]
        return True

    def doubt(self, name: str) -> None:
        """Take in that an object which was told to be gone may be there."""
        self._gone.pop(name, None)


def number_of(metadata: Mapping[str, Any]) -> int:
    """Return a resourceVersion as a number: they are ordered (KEP-5504, and etcd ever since).

    One that is none is -1, and taken as it comes.
    """
    text = str(metadata.get("resourceVersion", ""))
    return int(text) if text.isascii() and text.isdigit() else -1
