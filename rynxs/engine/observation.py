"""Observations: what is recorded of a Kubernetes object, and what never is."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from rynxs.credentials import names_credential, walk_credentials
from rynxs.engine.resource import holds_personal, may_hold_personal
from rynxs.engine.subject import Subject
from rynxs.errors import ValueRefused
from rynxs.eventlog import canonical
from rynxs.problems import Problem, join_path, problems_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rynxs.engine.resource import Resource

OBJECT_SIZE_MAX = 3 * 1024 * 1024
"""No API server takes a larger request; what is added to it in a payload is far less."""

_FIELDS_MAX = 1_000
"""So many fields of a refused object are named at most."""

_KUBECTL_ANNOTATIONS = "kubectl.kubernetes.io/"
_RULE_CREDENTIAL = "a literal credential must not stand here; put it in a Secret and refer to that"


class Actor(NamedTuple):
    """Who asked for a change.

    Attributes:
        name: the user, or the last manager of the spec.
        authenticated: whether the API server vouched for the name.
        groups: what the API server says the user belongs to.
        request: uid of the admission request in which it said so.
    """

    name: str
    authenticated: bool = False
    groups: tuple[str, ...] = ()
    request: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what payloads hold of it: groups and request only where there are any."""
        told: dict[str, Any] = {"authenticated": self.authenticated, "name": self.name}
        if self.groups:
            told["groups"] = list(self.groups)
        if self.request:
            told["request"] = self.request
        return told


class Observation(NamedTuple):
    """What is to be recorded of an object.

    Attributes:
        subject: the object.
        facts: the payload without its actor; equal facts are the same observation.
        personal: whether the facts hold something that is marked personal.
    """

    subject: Subject
    facts: dict[str, Any]
    personal: bool

    def payload(self, actor: Actor) -> dict[str, Any]:
        """Return the payload of the event; the actor is outside equality."""
        return {"actor": actor.as_json(), **self.facts}


def subject_of(resource: Resource, manifest: Mapping[str, Any]) -> Subject:
    """Return the subject of an object of a resource kind."""
    metadata = manifest["metadata"]
    namespace = metadata["namespace"] if resource.scope == "Namespaced" else ""
    return Subject(resource.group, resource.kind, namespace, metadata["name"])


def observe(resource: Resource, manifest: Mapping[str, Any]) -> Observation:
    """Return what is recorded of an object.

    Not part of it: resourceVersion, managedFields, timestamps, kubectl's annotations, status. Of an
    object that fails its model only the names of its fields are recorded, for a value in the wrong
    place may be a secret.
    """
    metadata = manifest["metadata"]
    identity = {
        key: metadata[key] for key in ("name", "namespace") if metadata.get(key) is not None
    }
    head = {"apiVersion": manifest["apiVersion"], "kind": resource.kind}
    found = problems(resource, manifest)
    facts: dict[str, Any] = {
        "deleting": metadata.get("deletionTimestamp") is not None,
        "object": {**head, "metadata": {**identity, "uid": metadata.get("uid")}},
    }
    subject = subject_of(resource, manifest)
    if found:
        names = _field_names(manifest.get("spec"), ("spec",))
        facts["fields"] = sorted(set(islice(names, _FIELDS_MAX)))
        facts["refused"] = [{"path": _loggable(p.path), "rule": p.rule} for p in found]
        return Observation(subject, facts, may_hold_personal(resource.spec))
    facts["object"]["metadata"] |= {
        "annotations": _own_annotations(metadata),
        "labels": dict(metadata.get("labels") or {}),
    }
    facts["object"]["spec"] = manifest["spec"]
    return Observation(subject, facts, holds_personal(resource.spec, manifest["spec"]))


def problems(resource: Resource, manifest: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with an object, sorted by path; empty when it may be recorded whole."""
    found = []
    if not re.fullmatch(resource.name_pattern, manifest["metadata"]["name"], re.ASCII):
        found.append(Problem("metadata.name", resource.name_rule))
    if "spec" not in manifest:
        return [*found, Problem("spec", "required, and missing")]
    recorded = {
        "labels": manifest["metadata"].get("labels") or {},
        "annotations": _own_annotations(manifest["metadata"]),
    }
    try:
        resource.spec.model_validate(manifest["spec"])
    except ValidationError as error:
        found += problems_of(error, resource.spec, ("spec",))
    try:
        # As deep as it will stand in the payload.
        size = len(canonical.encode({"object": {"metadata": recorded, "spec": manifest["spec"]}}))
    except ValueRefused as error:
        found.append(Problem(error.path.removeprefix("$.object."), error.reason))
        return found
    if size > OBJECT_SIZE_MAX:
        rule = f"{size} bytes with its labels and annotations, the limit is {OBJECT_SIZE_MAX}"
        found.append(Problem("spec", rule))
    known = {problem.path for problem in found}
    identity = {
        key: manifest["metadata"].get(key) for key in ("name", "namespace", "uid", "labels")
    }
    for location in (
        *walk_credentials(manifest["spec"], ("spec",)),
        *walk_credentials(identity | recorded, ("metadata",)),
        *(
            ("metadata", "annotations", name)
            for name in sorted(recorded["annotations"])
            if names_credential(name)
        ),
    ):
        path = join_path(location)
        if path not in known:
            found.append(Problem(path, _RULE_CREDENTIAL))
    return sorted(found)


def _own_annotations(metadata: Mapping[str, Any]) -> dict[str, Any]:
    annotations = metadata.get("annotations") or {}
    return {k: v for k, v in annotations.items() if not str(k).startswith(_KUBECTL_ANNOTATIONS)}


def _field_names(value: object, steps: tuple[object, ...], depth: int = 0) -> Iterator[str]:
    """Yield the paths of all fields below `value`, list positions folded to ``[]``."""
    inner: list[tuple[object, tuple[object, ...]]] = []
    if depth < canonical.MAX_DEPTH and isinstance(value, dict):
        inner = [(value[key], (*steps, str(key))) for key in sorted(value, key=str)]
    elif depth < canonical.MAX_DEPTH and isinstance(value, list):
        inner = [(member, (*steps[:-1], f"{steps[-1]}[]")) for member in value]
    if not inner:
        yield _loggable(join_path(steps))
    for member, path in inner:
        yield from _field_names(member, path, depth + 1)


def _loggable(path: str) -> str:
    """Return a path that is safe to record: valid text, bounded, and no credential as a key."""
    if any(True for _ in walk_credentials(path, ())):
        return "<a field name that holds a credential>"
    return path.encode("ascii", "backslashreplace").decode()[:512]
