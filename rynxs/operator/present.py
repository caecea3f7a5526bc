"""What is in the cluster, as far as it is known: the metadata of rendered objects.

It is filled by lists and watches, and by the answers to one's own requests, which are often there
before the watch tells of them, or long after: an older version never replaces a newer one.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.operator.cluster import beginning
from rynxs.operator.packed import pack, unpack
from rynxs.operator.stamp import LEAP_MOST, STAMPED, stamp_of
from rynxs.operator.versions import Versions, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MEMBERS = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp", "managedFields")
_ANNOTATIONS = frozenset({*STAMPED, RETAIN_ANNOTATION})


def kept_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an object's metadata is of use here."""
    kept = {name: metadata[name] for name in _MEMBERS if name in metadata}
    annotations = metadata.get("annotations") or {}
    own = {name: annotations[name] for name in annotations if name in _ANNOTATIONS}
    return {**kept, "annotations": own} if own else kept


class _Kept(NamedTuple):
    """An object's metadata.

    Attributes:
        origin, subject: of its stamp, empty if it has none.
        packed: all of it.
    """

    origin: str
    subject: str
    packed: bytes

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> _Kept:
        stamp = stamp_of(metadata)
        origin, subject = ("", "") if stamp is None else (stamp.origin, stamp.subject)
        return cls(intern(origin), intern(subject), pack(kept_of(metadata)))

    @property
    def metadata(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = unpack(self.packed)
        return found


class Highest(NamedTuple):
    """The highest that objects bear in their stamps.

    Attributes:
        id: of an object that bears that seq, empty if there is none.
        seq: -1 for none.
        epoch: 0 for none.
    """

    id: str
    seq: int
    epoch: int


class Present:
    """The metadata of objects by manifest id, and the ids by the subject whose stamp they bear."""

    def __init__(self, *origins: str) -> None:
        """Know of nothing yet; see `look_for`."""
        self._origins = origins
        self._objects: dict[str, _Kept] = {}
        self._versions = Versions()
        self._of: dict[str, set[str]] = {}

    def look_for(self, *origins: str) -> None:
        """Look for the objects of a log's subjects from now on, and of the log before it."""
        self._origins = origins
        self._of = {}
        for identifier, kept in self._objects.items():
            self._of.setdefault(self._subject_of(kept), set()).add(identifier)

    def put(self, identifier: str, metadata: Mapping[str, Any]) -> bool:
        """Take in an object as it is; return whether that is news."""
        identifier = intern(identifier)
        if not self._versions.put(identifier, number_of(metadata)):
            return False
        self._forget(identifier)
        self._objects[identifier] = kept = _Kept.of(metadata)
        self._of.setdefault(self._subject_of(kept), set()).add(identifier)
        return True

    def drop(self, identifier: str, metadata: Mapping[str, Any]) -> bool:
        """Take in that an object is gone; return whether that is news.

        Args:
            identifier: of the object.
            metadata: as it was last, uid and resourceVersion at least: what is known to be newer
                is another object of its name, or still on its way out.
        """
        is_known = identifier in self._objects
        if not self._versions.drop(identifier, number_of(metadata)):
            return False
        self._forget(identifier)
        return is_known

    def replace(
        self, kind: str, namespace: str, listed: Mapping[str, Mapping[str, Any]], version: str
    ) -> list[str]:
        """Take in a complete list of a kind; return the ids of which that is news, sorted.

        Args:
            kind: ``apiVersion/Kind``.
            namespace: that was listed; empty for all.
            listed: metadata by manifest id.
            version: of the list: what was made after it is not in it, and not gone.
        """
        start = beginning(kind, namespace)
        missing = [each for each in self._objects if each.startswith(start) and each not in listed]
        as_of = {"resourceVersion": version}
        news = [each for each in missing if self.drop(each, as_of)]
        news += [each for each, metadata in listed.items() if self.put(each, metadata)]
        return sorted(news)

    def doubt(self, identifier: str) -> None:
        """Take in that an object which was told to be gone may be there: it is being read again.

        A watch says so, too, when an object only loses the label by which it was selected.
        """
        self._versions.doubt(identifier)

    def get(self, identifier: str) -> Mapping[str, Any] | None:
        """Return the metadata of an object, None if there is none."""
        kept = self._objects.get(identifier)
        return None if kept is None else kept.metadata

    def subject_of(self, identifier: str) -> str:
        """Return the subject whose stamp an object bears, empty if it has none of this log."""
        kept = self._objects.get(identifier)
        return "" if kept is None else self._subject_of(kept)

    def of(self, subject: str, asked: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return the objects that a subject's plan names, and those that bear its stamp, by id."""
        named = {each for each in asked if each in self._objects}
        ids = named | (self._of.get(subject, set()) if subject else set())
        return {identifier: self._objects[identifier].metadata for identifier in sorted(ids)}

    def subjects(self) -> list[str]:
        """Return the subjects that have objects, sorted."""
        return sorted(subject for subject, ids in self._of.items() if subject and ids)

    def highest(self, epoch: int) -> Highest:
        """Return the highest seq and the highest epoch in the stamps of this log's objects.

        A predecessor's records have numbers of their own, but its epochs come before the log's.

        Args:
            epoch: the log's own; a stamp that is too far above it is forged, and does not count.
        """
        found = Highest("", -1, 0)
        for identifier, kept in self._objects.items():
            stamp = stamp_of(kept.metadata)
            if stamp is None or stamp.origin not in self._origins:
                continue
            if stamp.epoch > epoch + LEAP_MOST:
                continue
            if stamp.origin == self._origins[0] and stamp.seq > found.seq:
                found = found._replace(id=identifier, seq=stamp.seq)
            found = found._replace(epoch=max(found.epoch, stamp.epoch))
        return found

    def _subject_of(self, kept: _Kept) -> str:
        return kept.subject if kept.origin in self._origins else ""

    def _forget(self, identifier: str) -> None:
        known = self._objects.pop(identifier, None)
        if known is not None:
            subject = self._subject_of(known)
            self._of[subject].discard(identifier)
            if not self._of[subject]:
                del self._of[subject]
