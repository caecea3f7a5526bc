"""Rendered objects as the cluster tells of them: what is there, and the status of some of them.

It is known before this process leads, so that it can act at once when it does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rynxs.operator.cluster import NOT_FOUND, Place
from rynxs.operator.leader import StatusSeen
from rynxs.operator.present import kept_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from rynxs.operator.cluster import Listed, Reduce, Seen
    from rynxs.operator.informer import Failure, Followed
    from rynxs.operator.present import Present
    from rynxs.operator.reconciling import Asked


def reducing(members: Collection[str]) -> Reduce:
    """Return what reduces a rendered object to what is of use, with these members of its status."""

    def reduced(found: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {"metadata": kept_of(found["metadata"])}
        status = found.get("status") or {}
        if members:
            kept["status"] = {name: status[name] for name in members if name in status}
        return kept

    return reduced


class Rendered:
    """What is known of rendered objects; it is told by informers, and tells whoever acts on it."""

    def __init__(self, present: Present) -> None:
        """Know of nothing yet, and tell nobody.

        Args:
            present: is kept up to date.
        """
        self._present = present
        self._statuses: dict[str, tuple[str, Mapping[str, Any]]] = {}  # with whose they are
        self._named: dict[str, str] = {}
        self._plans: dict[str, set[str]] = {}
        self._look: Callable[[str], None] | None = None
        self._tell: Callable[[StatusSeen], Awaitable[None]] | None = None
        self._heard: dict[Followed, asyncio.Event] = {}

    def follows(self, followed: Followed) -> None:
        """Take in that a kind is going to be told of."""
        self._heard[followed] = asyncio.Event()

    async def complete(self) -> None:
        """Wait until all is known that there is."""
        for heard in self._heard.values():
            await heard.wait()

    async def told_to(
        self,
        look: Callable[[str], None],
        tell: Callable[[StatusSeen], Awaitable[None]],
    ) -> None:
        """Tell somebody from now on, and of all statuses that are known.

        Args:
            look: is told of each subject for whose objects there is news.
            tell: is told of statuses.
        """
        self._look, self._tell = look, tell
        for identifier in sorted(self._statuses):
            await self._tell_status(identifier)

    def wants(self, asked: Asked) -> None:
        """Take in what a subject's newest plan names: that is of interest, whosever it is."""
        for identifier in self._plans.pop(asked.subject, ()):
            if self._named.get(identifier) == asked.subject:
                del self._named[identifier]
        ids = {manifest.id for manifest in asked.manifests}
        if ids:
            self._plans[asked.subject] = ids
            self._named.update(dict.fromkeys(ids, asked.subject))

    async def listed(self, followed: Followed, found: Listed) -> None:
        """Take in a complete list."""
        by_id = {_id(followed, each): each for each in found.objects}
        before = {each: self._present.subject_of(each) for each in self._named}
        metadata = {identifier: each["metadata"] for identifier, each in by_id.items()}
        news = self._present.replace(followed.kind, followed.namespace, metadata, found.version)
        for identifier in news:
            self._look_at(identifier, before.get(identifier, ""))
        for identifier, each in by_id.items():
            await self._take_status(identifier, each)
        self._heard[followed].set()

    async def seen(self, followed: Followed, told: Seen) -> None:
        """Take in what a watch told."""
        identifier = _id(followed, told.object)
        before, known = self._present.subject_of(identifier), self._present.get(identifier)
        take = self._present.drop if told.is_gone else self._present.put
        metadata = told.object["metadata"]
        if take(identifier, metadata) and _differ(known, None if told.is_gone else metadata):
            self._look_at(identifier, before)
        if told.is_gone:
            self._statuses.pop(identifier, None)
        else:
            await self._take_status(identifier, told.object)

    async def failed(self, failure: Failure) -> None:
        """Take in that a kind can't be followed: of one that is not served there is nothing."""
        if failure.error.status == NOT_FOUND:
            self._heard[failure.followed].set()

    def _look_at(self, identifier: str, before: str) -> None:
        if self._look is None:
            return
        concerned = {before, self._present.subject_of(identifier), self._named.get(identifier, "")}
        for subject in sorted(concerned - {""}):
            self._look(subject)

    async def _take_status(self, identifier: str, found: Mapping[str, Any]) -> None:
        status = found.get("status")
        if status is None or (not status and identifier not in self._statuses):
            return  # nothing is said of it, and nothing was
        news = self._present.subject_of(identifier), status
        if self._statuses.get(identifier) != news:
            self._statuses[identifier] = news
            await self._tell_status(identifier)

    async def _tell_status(self, identifier: str) -> None:
        subject, known = self._present.subject_of(identifier), self._statuses.get(identifier)
        if self._tell is not None and subject and known is not None:
            await self._tell(StatusSeen(subject, identifier, known[1]))


def _id(followed: Followed, found: Mapping[str, Any]) -> str:
    metadata = found["metadata"]
    return Place(followed.kind, metadata.get("namespace") or "", metadata["name"]).id


def _differ(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """Tell whether more than its status has changed of an object."""
    return before is None or after is None or _without_status(before) != _without_status(after)


def _without_status(metadata: Mapping[str, Any]) -> dict[str, Any]:
    entries = metadata.get("managedFields") or ()
    spec = [entry for entry in entries if entry.get("subresource") != "status"]
    return {**metadata, "managedFields": spec, "resourceVersion": ""}
