"""Sample objects and all that happens to them: the events a kit judges a plugin by."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine.event import Event
from rynxs.engine.observation import Actor, observe, subject_of
from rynxs.errors import ManifestError
from rynxs.eventlog import canonical
from rynxs.testing.hooks import Pick

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.resource import Resource

ACTOR = Actor("conformance kit")
UNHEARD_OF = "UnheardOf"
"""An event kind that no reducer knows."""

_DEFAULT_NAMESPACE = "default"
_UID = "00000000-0000-4000-8000-000000000000"


class Sample(NamedTuple):
    """Objects, and the plugins that work on them; can be sent to another process as JSON.

    Attributes:
        picks: the reducers and renderers.
        objects: manifests of the kinds that the reducers own.
    """

    picks: Sequence[Pick]
    objects: Sequence[Mapping[str, Any]]

    @classmethod
    def from_json(cls, value: Any) -> Sample:
        """Return the sample that was sent as JSON."""
        picks, objects = value
        return cls([Pick(*pick) for pick in picks], objects)

    def made(self, family: str) -> list[Any]:
        """Return new reducers, or new renderers."""
        return [pick.made().plugin for pick in self.picks if pick.family == family]


def owned(resources: Sequence[Resource], manifest: Mapping[str, Any]) -> Resource:
    """Return the resource that a sample object is of.

    Raises:
        ManifestError: it is of none of them, or no object at all.
    """
    version, kind = manifest.get("apiVersion"), manifest.get("kind")
    named = [each for each in resources if each.kind == kind and version in each.api_versions]
    if not named:
        kinds = [f"{r.kind} ({version})" for r in resources for version in r.api_versions]
        raise ManifestError(
            f"sample {kind!r} ({version!r}) is not of a kind that a reducer at hand owns; "
            f"these are: {', '.join(kinds) or 'none'}"
        )
    if not isinstance((manifest.get("metadata") or {}).get("name"), str):
        raise ManifestError(f"sample {kind}: metadata.name is required, a string")
    return named[0]


def scoped(resource: Resource, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample with the namespace that its kind's scope asks for."""
    metadata = dict(manifest["metadata"])
    if resource.scope == "Namespaced":
        metadata.setdefault("namespace", _DEFAULT_NAMESPACE)
    else:
        metadata.pop("namespace", None)
    return {**manifest, "metadata": metadata}


def appearances(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an object as it shows itself over its life, one observation each.

    As it was given; in a cluster, where it has a uid, with one more label; without its spec, which
    the kernel refuses; whole again, while it is being deleted.
    """
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), "kit": "relabelled"}
    in_cluster = {**metadata, "labels": labels, "uid": metadata.get("uid") or _UID}
    refused = {name: member for name, member in manifest.items() if name != "spec"}
    leaving = {**in_cluster, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    return [
        dict(manifest),
        {**manifest, "metadata": in_cluster},
        {**refused, "metadata": in_cluster},
        {**manifest, "metadata": leaving},
    ]


def observation(resource: Resource, manifest: Mapping[str, Any], seq: int = 1) -> Event:
    """Return the event that the kernel would record of an object."""
    seen = observe(resource, manifest)
    encoded = canonical.encode(seen.payload(ACTOR))
    return Event(seq, 1, seq, ev.observed(resource.kind), str(seen.subject), encoded)


def deletion(resource: Resource, manifest: Mapping[str, Any], seq: int = 2) -> Event:
    """Return the event that the kernel would record when an object is gone."""
    body = {"actor": ACTOR.as_json(), "uid": manifest["metadata"].get("uid")}
    subject = str(subject_of(resource, manifest))
    return Event(seq, 1, seq, ev.deleted(resource.kind), subject, canonical.encode(body), 1)


def unheard_of(subject: str, seq: int = 2) -> Event:
    """Return an event of a kind that no reducer knows."""
    return Event(seq, 1, seq, UNHEARD_OF, subject, canonical.encode({"detail": "of no concern"}))


def history(
    resources: Sequence[Resource], objects: Sequence[Mapping[str, Any]]
) -> list[list[Event]]:
    """Return all that happens to the samples, in order: they come and change, go, come again."""
    owners = [owned(resources, manifest) for manifest in objects]
    found = [(owner, scoped(owner, each)) for owner, each in zip(owners, objects, strict=True)]
    seqs = count(1)
    living: list[Event] = []
    for resource, manifest in found:
        living += [observation(resource, each, next(seqs)) for each in appearances(manifest)]
        living.append(unheard_of(living[-1].subject, next(seqs)))
    going = [deletion(resource, manifest, next(seqs)) for resource, manifest in found]
    back = [observation(resource, manifest, next(seqs)) for resource, manifest in found]
    return [living, going, back]
