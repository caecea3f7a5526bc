"""Users' objects: what is there of the kinds that the reducers own, in the order of its versions.

What an object is now is told by the framework; what is gone, by informers (docs/adr/0018): by a
deletion, or by a complete list. Either may be late. What has no namespace may govern what has one,
so that nothing in a namespace counts before all of that has been told.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.observation import subject_of
from rynxs.engine.subject import parse_subject
from rynxs.operator.cluster import Place, beginning
from rynxs.operator.leader import Gone, Input, Observed, Touched
from rynxs.operator.packed import pack, unpack
from rynxs.operator.versions import Versions, number_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from rynxs.engine.resource import Resource
    from rynxs.engine.state import State
    from rynxs.operator.actors import Actors
    from rynxs.operator.cluster import Listed, Seen

_MEMBERS = ("name", "namespace", "uid", "resourceVersion")
_FACTS = ("uid", "generation", "labels", "annotations", "deletionTimestamp")
"""As long as these members of the metadata are as they were, an observation would be equal."""


def identity_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an informer keeps of a user's object."""
    metadata = found["metadata"]
    return {"metadata": {name: metadata[name] for name in _MEMBERS if name in metadata}}


class Held(NamedTuple):
    """An object as it was told of last.

    Attributes:
        place: of the object.
        uid, version, generation: of its metadata.
        packed: its status, as it is there.
        facts: a hash of what tells whether it would be observed as the same.
    """

    place: Place
    uid: str
    version: str
    generation: int | None
    packed: bytes
    facts: bytes

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status, as it is there."""
        found: Mapping[str, Any] = unpack(self.packed)
        return found


class _List(NamedTuple):
    """The newest complete list of a kind, in a namespace or in all."""

    version: int
    subjects: set[str]


class Objects:
    """Users' objects by subject.

    Attributes:
        doubted: is told of a subject whose object is gone, before that is recorded.
        confirmed: is told of each subject whose object is in a complete list, as it was observed
            last or later.
    """

    def __init__(
        self,
        resources: Sequence[Resource],
        namespaces: Sequence[str],
        actors: Actors,
        state: State,
        tell: Callable[[Input], Awaitable[None]],
    ) -> None:
        """Know of none yet.

        Args:
            resources: the kinds.
            namespaces: that count; empty for all.
            actors: who asked for what.
            state: of the pipeline that is told of them.
            tell: is told what has happened, and may take its time.
        """
        self._kinds = frozenset(each.group_kind for each in resources)
        self._namespaces = frozenset(namespaces)
        self._actors = actors
        self._state = state
        self._tell = tell
        self._held: dict[str, Held] = {}
        self._versions = Versions()
        self._lists: dict[tuple[str, str], _List] = {}
        self._forbidden: set[tuple[str, str]] = set()
        self._unlisted = {each.group_kind for each in resources if each.scope == "Cluster"}
        self._awaited: set[str] = set()
        self._open = asyncio.Event()
        self._leaving: dict[str, int] = {}
        self.doubted: Callable[[str], None] = lambda _subject: None
        self.confirmed: Callable[[str], None] = lambda _subject: None
        self._open_if_complete()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def is_open(self) -> bool:
        """Whether all that has no namespace has been told, so that the rest counts."""
        return self._open.is_set()

    def get(self, subject: str) -> Held | None:
        """Return an object, None if it is not known to be there."""
        return self._held.get(subject)

    def counts(self, subject: str) -> bool:
        """Tell whether a subject is of a followed kind, in a namespace that counts or in none.

        Of what does not count nothing is concluded, and what was made for it stays as it is.
        """
        about = parse_subject(subject)
        if about.group_kind not in self._kinds:
            return False
        namespace = about.namespace
        return not namespace or not self._namespaces or namespace in self._namespaces

    def is_known(self, subject: str) -> bool:
        """Tell whether it is known that a subject's object is there, or recorded that it is not.

        Where nobody may list, what is recorded counts.
        """
        if subject in self._leaving:
            return False
        if subject not in self._state.newest:
            return True
        about = parse_subject(subject)
        places = {(about.group_kind, ""), (about.group_kind, about.namespace)}
        return not places.isdisjoint(self._lists.keys() | self._forbidden)

    def settled(self, subject: str) -> None:
        """Take in that it is recorded that an object is gone."""
        left = self._leaving.pop(subject, 0) - 1
        if left > 0:
            self._leaving[subject] = left

    def is_written(
        self, subject: str, about: Held, version: str, status: Mapping[str, Any]
    ) -> None:
        """Take in that an object was given a status; that is no news for anybody.

        Args:
            subject: the object.
            about: the object as it was before that.
            version: as it is now.
            status: as it is now.
        """
        if self._held.get(subject) is not about:
            return  # it has been told of since
        if self._versions.of(subject) == number_of({"resourceVersion": about.version}):
            self._versions.put(subject, number_of({"resourceVersion": version}))
        # Else it was read again, and what else has changed of it is still to be told.
        self._held[subject] = about._replace(version=version, packed=pack(status))

    async def seen(self, resource: Resource, found: Mapping[str, Any]) -> None:
        """Take in an object as it is; the framework tells it."""
        subject = str(subject_of(resource, found))
        if resource.scope == "Namespaced":
            await self._open.wait()
        before = self._held.get(subject)
        if not self._is_past(resource, subject, found) and self._take(subject, found):
            held = self._held[subject]
            if before is None or before.facts != held.facts:
                actor = self._actors.of(found["metadata"])
                await self._hand_over(Observed(resource, found, actor))
            elif before.packed != held.packed:
                await self._hand_over(Touched(subject))
        if resource.scope == "Cluster":
            self._awaited.discard(subject)
            self._open_if_complete()

    async def listed(self, resource: Resource, namespace: str, found: Listed) -> None:
        """Take in a complete list of a kind: what is not in it is gone."""
        uids = {str(subject_of(resource, each)): each["metadata"]["uid"] for each in found.objects}
        there = set(uids)
        version = number_of({"resourceVersion": found.version})
        self._lists[resource.group_kind, namespace] = _List(version, there)
        if resource.group_kind in self._unlisted:
            self._awaited |= there - self._held.keys()
            self._unlisted.discard(resource.group_kind)
        start = beginning(resource.group_kind, namespace)
        self._awaited -= {each for each in self._awaited - there if each.startswith(start)}
        known = {*self._held, *self._state.live()}
        for subject in sorted(each for each in known - there if each.startswith(start)):
            await self._gone(subject, version, None)
        # What was told while the answer was under way is newer than the list, and is there.
        uids |= {
            subject: held.uid
            for subject, held in self._held.items()
            if subject.startswith(start) and subject not in there
        }
        for subject, uid in uids.items():
            if self._is_as_observed(subject, uid):
                self.confirmed(subject)
        self._open_if_complete()

    def forbidden(self, resource: Resource, namespace: str) -> None:
        """Take in that a kind may not be listed."""
        self._forbidden.add((resource.group_kind, namespace))
        start = beginning(resource.group_kind, namespace)
        for subject in sorted(each for each in self._state.live() if each.startswith(start)):
            if self.is_known(subject):
                self.confirmed(subject)

    async def watched(self, resource: Resource, told: Seen) -> None:
        """Take in what a watch told; only deletions count, for the framework tells the rest."""
        if told.is_gone:
            metadata = told.object["metadata"]
            subject = str(subject_of(resource, told.object))
            await self._gone(subject, number_of(metadata), metadata["uid"])
            self._awaited.discard(subject)
            self._open_if_complete()

    def refresh(self, subject: str, found: Mapping[str, Any]) -> None:
        """Take in an object that was read again."""
        held = self._held.get(subject)
        if held is not None and found["metadata"]["uid"] == held.uid:
            metadata = found["metadata"]
            packed = pack(found.get("status") or {})
            self._held[subject] = held._replace(version=metadata["resourceVersion"], packed=packed)

    def _is_as_observed(self, subject: str, uid: str) -> bool:
        """Tell whether an object is the one that was observed, and not one in its place."""
        observed = self._state.observation(subject)
        if observed is None:
            return False
        known = observed.payload["object"]["metadata"]["uid"]
        observed.forget_decoded()
        return known in {None, uid}

    def _is_past(self, resource: Resource, subject: str, found: Mapping[str, Any]) -> bool:
        """Tell whether an object that is told of is gone by a list that is newer."""
        metadata = found["metadata"]
        namespace = metadata.get("namespace") or ""
        lists = self._lists.get((resource.group_kind, namespace))
        lists = lists or self._lists.get((resource.group_kind, ""))
        if lists is None or subject in lists.subjects:
            return False
        return 0 <= number_of(metadata) <= lists.version

    def _take(self, subject: str, found: Mapping[str, Any]) -> bool:
        """Take in an object; return whether that is news."""
        metadata = found["metadata"]
        if not self._versions.put(subject, number_of(metadata)):
            return False
        namespace = metadata.get("namespace") or ""
        kind = f"{found['apiVersion']}/{found['kind']}"
        self._held[subject] = Held(
            Place(kind, namespace, metadata["name"]),
            metadata["uid"],
            metadata["resourceVersion"],
            metadata.get("generation"),
            pack(found.get("status") or {}),
            sha256(pack([metadata.get(name) for name in _FACTS])).digest(),
        )
        return True

    async def _gone(self, subject: str, version: int, uid: str | None) -> None:
        known = self._held.get(subject)
        if not self._versions.drop(subject, version):
            return  # what is known of it is newer
        self._held.pop(subject, None)
        # What was told of last is gone, and whatever came in its place and was never told of.
        told = None if known is None else known.uid
        actor = self._actors.of_deletion(told or uid or "")
        self._leaving[subject] = self._leaving.get(subject, 0) + 1
        self.doubted(subject)
        await self._hand_over(Gone(subject, actor, told))

    async def _hand_over(self, each: Input) -> None:
        """Tell what was taken in, even if whoever brought it waits no longer.

        It would be no news if it was brought again.
        """
        await asyncio.shield(asyncio.ensure_future(self._tell(each)))

    def _open_if_complete(self) -> None:
        if not self._unlisted and not self._awaited:
            self._open.set()
