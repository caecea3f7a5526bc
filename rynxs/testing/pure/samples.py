"""Sample objects and all that happens to them: the events and calls a kit judges a plugin by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine.event import Event
from rynxs.engine.observation import Actor, observe, subject_of
from rynxs.engine.state import Slices
from rynxs.engine.subject import parse_subject
from rynxs.engine.verdict import judged_subject
from rynxs.errors import ManifestError
from rynxs.eventlog import canonical
from rynxs.testing.hooks import Pick
from rynxs.testing.pure.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    body = {"actor": ACTOR._asdict(), "uid": manifest["metadata"].get("uid")}
    subject = str(subject_of(resource, manifest))
    return Event(seq, 1, seq, ev.deleted(resource.kind), subject, canonical.encode(body), 1)


def unheard_of(subject: str, seq: int = 2) -> Event:
    """Return an event of a kind that no reducer knows."""
    return Event(seq, 1, seq, UNHEARD_OF, subject, canonical.encode({"detail": "of no concern"}))


def history(resources: Sequence[Resource], objects: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Return all that happens to the samples, in order: they come, change, go and come again."""
    owners = [owned(resources, manifest) for manifest in objects]
    found = [(owner, scoped(owner, each)) for owner, each in zip(owners, objects, strict=True)]
    events: list[Event] = []
    for resource, manifest in found:
        for appearance in appearances(manifest):
            events.append(observation(resource, appearance, len(events) + 1))
        events.append(unheard_of(events[-1].subject, len(events) + 1))
    for resource, manifest in found:
        events.append(deletion(resource, manifest, len(events) + 1))
    for resource, manifest in found:
        events.append(observation(resource, manifest, len(events) + 1))
    return events


def calls(sample: Sample) -> Iterator[Call]:
    """Yield every call that the kernel would make of the sample's plugins on its history.

    A call that raises leaves the slice as it was: whether it may raise is judged elsewhere.
    """
    reducers, renderers = sample.made("reducer"), sample.made("renderer")
    owners = {each.group_kind: reducer for reducer in reducers for each in reducer.resources}
    resources = [each for reducer in reducers for each in reducer.resources]
    view = Slices()
    for event in history(resources, sample.objects):
        reducer = owners[parse_subject(event.subject).group_kind]
        occasion = f"after record {event.seq}, {event.kind}"
        arguments = view.get(event.subject), event, view
        reduction = Call(reducer, "reduce", event.subject, arguments, f"of {event.kind}")
        yield reduction
        try:
            view.put(event.subject, reduction.make())
        except Exception:  # a plugin may raise anything
            continue
        yield Call(reducer, "dependents", event.subject, (event.subject, view), occasion)
        yield from _about_slices(reducer, event.subject, view, occasion)
        yield from _judgements(reducers, view, event.seq, occasion)
        for renderer in renderers:
            for subject in [name for name, _ in view.items()]:
                current = None if judged_subject(subject) else view.governed(subject)
                if current is not None:
                    yield Call(renderer, "render", subject, (subject, current, view), occasion)


def _about_slices(reducer: Any, subject: str, view: Slices, occasion: str) -> Iterator[Call]:
    """Yield the calls that ask a reducer about a slice that it has made."""
    current = view.get(subject)
    if current is not None:
        yield Call(reducer, "reads", subject, (subject, current), occasion)
        yield Call(reducer, "deadline", subject, (subject, current), occasion)
        yield Call(reducer, "status", subject, (subject, current, view), occasion)


def _judgements(reducers: Sequence[Any], view: Slices, seq: int, occasion: str) -> Iterator[Call]:
    """Yield the calls that ask governors for their verdicts; puts these down in the view."""
    for governor in reducers:
        subjects = [each for kind in sorted(governor.governs) for each, _ in view.of_kind(kind)]
        for subject in subjects:
            arguments = subject, view.get(subject), view.verdict(subject), view, seq
            judgement = Call(governor, "judge", subject, arguments, occasion)
            yield judgement
            try:
                view.put_verdict(subject, judgement.make())
            except Exception:  # a plugin may raise anything
                continue
            yield Call(governor, "dependents", subject, (subject, view), occasion)
