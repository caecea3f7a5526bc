"""Actors: who asked for what is seen of an object, as far as the admission webhook was asked."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

from rynxs.credentials import walk_credentials
from rynxs.engine.observation import Actor
from rynxs.errors import ValueRefused
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rynxs.operator.webhook import Asking

Key = TypeVar("Key")
UNKNOWN = Actor("unknown")
_SIZE_MAX = 64 * 1024
"""What an actor takes in a payload, at most: a user may be in thousands of groups."""


class Actors:
    """Remembers who asked last for each generation of an object, and for its deletion.

    That a request was admitted does not mean that it was carried out: it may have been refused
    after that. Then the next one that asks for the same takes its place.
    """

    def __init__(self, most: int = 10_000) -> None:
        """Know of nobody yet.

        Args:
            most: how many requests of each sort are remembered; the oldest are forgotten.
        """
        self._most = most
        self._made: OrderedDict[tuple[str, int], Actor] = OrderedDict()
        self._deleted: OrderedDict[str, Actor] = OrderedDict()

    def take(self, asking: Asking) -> None:
        """Remember a request."""
        actor = _recordable(
            Actor(
                asking.user,
                authenticated=True,
                groups=asking.groups,
                request=asking.request_uid,
            )
        )
        generation = asking.generation
        if asking.is_deletion:
            self._keep(self._deleted, asking.uid, actor)
            # What finalizers keep from going is marked as deleted, which is a generation, too.
            generation = None if generation is None else generation + 1
        if generation is not None:
            self._keep(self._made, (asking.uid, generation), actor)

    def of(self, metadata: Mapping[str, Any]) -> Actor:
        """Return who made an object what it is.

        Args:
            metadata: of the object, with its ``managedFields``.

        Returns:
            The user whose request made this generation of it, or changed its metadata since; else
            the last manager of its spec, for whom nobody vouches; else `UNKNOWN`.
        """
        made = (metadata.get("uid", ""), metadata.get("generation", 0))
        return self._made.get(made) or _last_manager(metadata)

    def of_deletion(self, uid: str) -> Actor:
        """Return who had an object deleted, or `UNKNOWN`."""
        return self._deleted.get(uid, UNKNOWN)

    def _keep(self, place: OrderedDict[Key, Actor], key: Key, actor: Actor) -> None:
        place[key] = actor
        place.move_to_end(key)
        if len(place) > self._most:
            place.popitem(last=False)


def _last_manager(metadata: Mapping[str, Any]) -> Actor:
    entries = [each for each in _entries(metadata) if "f:spec" in each.get("fieldsV1", {})]
    if not entries:
        return UNKNOWN
    newest = max(entries, key=lambda each: each.get("time") or "")
    return _recordable(Actor(newest.get("manager") or ""))


def _entries(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from metadata.get("managedFields") or ()


def _recordable(actor: Actor) -> Actor:
    """Return an actor if the log may hold it: no credential, nothing it can't hold, not too big."""
    told = actor.as_json()
    try:
        size = len(canonical.encode(told))
    except ValueRefused:
        return UNKNOWN
    if not actor.name or size > _SIZE_MAX or any(True for _ in walk_credentials(told, ())):
        return UNKNOWN
    return actor
