"""What is to be done in the cluster so that a subject has what its plan asks for; without I/O.

Nothing is remembered: the plan is compared with what is there, so that a crash at any point leaves
nothing behind that the next leader would not find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.operator.epochs import Epochs
from rynxs.operator.managed_fields import added, lost
from rynxs.operator.stamp import EPOCH, Stamp, stamp_of, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rynxs.engine.plan import Manifest

MANAGER = "rynxs"
LATER_EPOCH = f"metadata.annotations.{EPOCH}"
"""The field that has drifted when an object's stamp is of an epoch that has not begun."""
_VOLUMES = "v1/PersistentVolumeClaim/"


class Create(NamedTuple):
    """An object to be made; it must not be there."""

    id: str
    body: Mapping[str, Any]


class Update(NamedTuple):
    """An object to be applied over the one that was read, and over no other.

    Attributes:
        entries: the managedFields of the one that was read.
    """

    id: str
    body: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]


class Delete(NamedTuple):
    """An object to be deleted if it is still the one that was read."""

    id: str
    uid: str
    resource_version: str


class Obstacle(NamedTuple):
    """What stands in the way; it is not touched."""

    id: str
    reason: str


class Drift(NamedTuple):
    """What others have changed of an object.

    Attributes:
        fields: paths that are no longer as applied, and what was added, sorted; none if the object
            itself is gone.
        managers: the managers that own these fields now, sorted.
    """

    id: str
    fields: list[str]
    managers: list[str]


Step = Create | Update | Delete | Obstacle


class Work(NamedTuple):
    """What is to be done for a subject, in order, and what others have done to it."""

    steps: list[Step]
    drifts: list[Drift]


class Asked(NamedTuple):
    """What a subject's plan asks for.

    Attributes:
        origin: of the log.
        subject: whose plan it is.
        seq: its ``Planned`` record.
        epoch: of this leader.
        manifests: in the order to apply them.
        kept: ids of what stays as it is, though nothing asks for it.
        epochs: of the log, to tell stamps of records that it has lost.
        predecessor: origin of the log that it goes on from, whose objects are its own; empty if
            there is none.
    """

    origin: str
    subject: str
    seq: int
    epoch: int
    manifests: Sequence[Manifest]
    kept: frozenset[str] = frozenset()
    epochs: Epochs = Epochs()
    predecessor: str = ""

    def owns(self, stamp: Stamp) -> bool:
        """Tell whether an object with a stamp is the subject's."""
        return stamp.subject == self.subject and stamp.origin in {self.origin, self.predecessor}

    def holds(self, stamp: Stamp) -> bool:
        """Tell whether a stamp of an own object is of a record that the log has."""
        return stamp.origin == self.origin and self.epochs.hold(stamp)


def work(
    asked: Asked,
    present: Mapping[str, Mapping[str, Any]],
    is_intact: Callable[[str, Mapping[str, Any]], bool] = lambda _id, _metadata: False,
) -> Work:
    """Compare a plan with what is there.

    Args:
        asked: the plan.
        present: metadata by manifest id, of the objects that the plan names and of those that bear
            the subject's stamp.
        is_intact: tells of an object that it is as it was applied, so that it need not be compared.
    """
    steps: list[Step] = []
    drifts: list[Drift] = []
    for manifest in asked.manifests:
        stamp = Stamp(asked.origin, asked.subject, asked.seq, asked.epoch, manifest.digest)
        body = stamped(manifest.body, stamp)
        metadata = present.get(manifest.id)
        if metadata is None:
            steps.append(Create(manifest.id, body))
            continue
        known = stamp_of(metadata)
        if known is None or not asked.owns(known):
            steps.append(Obstacle(manifest.id, _whose(known)))
            continue
        fields = {} if is_intact(manifest.id, metadata) else _drifted(manifest, known, metadata)
        if known.epoch > asked.epoch:
            fields.setdefault(LATER_EPOCH, [])
        if fields:
            managers = {each for managers in fields.values() for each in managers}
            drifts.append(Drift(manifest.id, sorted(fields), sorted(managers)))
        if fields or known.digest != manifest.digest or not asked.holds(known):
            entries = metadata.get("managedFields") or ()
            steps.append(Update(manifest.id, _over(body, metadata), entries))
    wanted = {*asked.kept, *(manifest.id for manifest in asked.manifests)}
    steps += _deletions(asked, present, wanted)
    return Work(steps, drifts)


def _deletions(
    asked: Asked, present: Mapping[str, Mapping[str, Any]], wanted: Iterable[str]
) -> list[Step]:
    """Return the deletions of what is no longer asked for, what confines pods last."""
    names = set(wanted)
    staying = {present[name]["uid"] for name in names if name in present}
    gone: list[Step] = []
    for identifier in sorted(present, key=_last_is_a_policy):
        metadata = present[identifier]
        known = stamp_of(metadata)
        if identifier in names or known is None or metadata.get("deletionTimestamp"):
            continue
        if metadata["uid"] in staying:
            continue  # the same object, as it is seen in another version of its API
        if asked.owns(known) and not _is_retained(identifier, metadata):
            gone.append(Delete(identifier, metadata["uid"], metadata["resourceVersion"]))
    return gone


def _is_retained(identifier: str, metadata: Mapping[str, Any]) -> bool:
    """Tell whether an object stays though nothing asks for it any more.

    Only what holds data stays because somebody else says so, such as whoever has restored it from a
    backup: or else an annotation would keep a workload running that is to stop.
    """
    if (metadata.get("annotations") or {}).get(RETAIN_ANNOTATION) != "true":
        return False
    said = {"metadata": {"annotations": {RETAIN_ANNOTATION: "true"}}}
    is_ours = not lost(said, metadata.get("managedFields") or (), MANAGER)
    return is_ours or identifier.startswith(_VOLUMES)


def _last_is_a_policy(identifier: str) -> tuple[bool, str]:
    return "NetworkPolicy/" in identifier, identifier


def _drifted(manifest: Manifest, known: Stamp, metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what others have changed of an object that was applied as it is asked for, or added.

    Of one that was not, its stamp and what was added: it may be another only because somebody has
    changed the stamp.
    """
    entries = metadata.get("managedFields") or ()
    stamp = stamped({"metadata": {}}, known)
    found = {path: who for path, who in lost(stamp, entries, MANAGER).items() if who}
    found |= added(manifest.body, entries, MANAGER)
    if known.digest == manifest.digest:
        found |= lost(manifest.body, entries, MANAGER)
    return found


def _over(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    precondition = {name: metadata[name] for name in ("resourceVersion", "uid")}
    return {**body, "metadata": {**body["metadata"], **precondition}}


def _whose(known: Stamp | None) -> str:
    if known is None:
        return "an object of this name is there, and is not of rynxs; rename or delete it"
    return f"an object of this name belongs to {known.subject} of log {known.origin}"
