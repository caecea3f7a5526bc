"""The shapes of the kernel's own payloads, checked when a log is folded.

A forged log may be chained properly and still hold anything; what has not one of these shapes is
corruption, named with its seq, before anybody acts on it or prints it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rynxs.engine.subject import Subject, parse_subject
from rynxs.errors import LogCorrupt
from rynxs.eventlog.checkpoint import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.engine.event import Event

_PLAIN = r"[ -~]{0,2000}"
_WORD = r"[A-Za-z0-9._:/=+@-]{1,1000}"
_PART = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}"
Plain = Annotated[str, StringConstraints(pattern=rf"^{_PLAIN}$")]
Word = Annotated[str, StringConstraints(pattern=rf"^{_WORD}$")]
Part = Annotated[str, StringConstraints(pattern=rf"^{_PART}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class _Shape(BaseModel):
    # A member that a later version adds is no corruption (docs/FORMAT.md, section 11).
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Actor(_Shape):
    """Who asked."""

    name: str
    authenticated: bool
    groups: list[str] = []
    request: str = ""


class Component(_Shape):
    """A reducer or renderer of a composition."""

    name: Word
    version: Word
    settings: dict[str, Any]


class CompositionShape(_Shape):
    """The composition of an epoch."""

    reducers: list[Component]
    renderers: list[Component]


class Predecessor(_Shape):
    """The log that this one goes on from, in the first ``EpochStarted``."""

    checkpoint: str
    origin: Annotated[str, StringConstraints(pattern=ORIGIN)]
    size: Count
    stateDigest: Digest  # noqa: N815
    subjects: Count


class EpochStarted(_Shape):
    """Payload of ``EpochStarted``."""

    composition: CompositionShape
    identity: str
    kernel: Word
    origin: Annotated[str, StringConstraints(pattern=ORIGIN)]
    predecessor: Predecessor | None = None


class SnapshotTaken(_Shape):
    """Payload of ``SnapshotTaken``."""

    size: Count
    digest: Digest
    composition: CompositionShape


class TailQuarantined(_Shape):
    """Payload of ``TailQuarantined``."""

    id: Word
    seq: Count
    size: Count
    reason: str


class LogClosed(_Shape):
    """Payload of ``LogClosed``."""

    actor: Actor
    successor: Annotated[str, StringConstraints(pattern=ORIGIN)]


class CarriedObservation(_Shape):
    """A subject's newest observation, as the log before had it."""

    epoch: Count
    payload: dict[str, Any]
    seq: Count
    timeUs: Count  # noqa: N815


class Carried(_Shape):
    """Payload of ``Carried``."""

    derived: bool
    known: bool
    newest: CarriedObservation | None
    slice: dict[str, Any] | None


class ObservedMetadata(_Shape):
    """Metadata of an observed object."""

    name: Part
    namespace: Part | None = None
    uid: Plain | None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ObservedObject(_Shape):
    """An observed object; without ``spec`` when it was refused."""

    apiVersion: Word  # noqa: N815
    kind: Word
    metadata: ObservedMetadata
    spec: Any = None


class Refusal(_Shape):
    """Why an object was refused."""

    path: str
    rule: str


class Observed(_Shape):
    """Payload of ``<Kind>Observed``."""

    actor: Actor
    deleting: bool
    object: ObservedObject
    fields: list[str] = []
    refused: list[Refusal] = []


class Deleted(_Shape):
    """Payload of ``<Kind>Deleted``."""

    actor: Actor
    uid: Plain | None


class PlanEntry(_Shape):
    """One manifest of a plan."""

    id: Word
    digest: Digest
    retain: bool
    keep: bool = False


class ManifestMetadata(BaseModel):
    """What identifies a manifest; the rest of its metadata is free."""

    name: Part
    namespace: Part | None = None


class ManifestShape(BaseModel):
    """A manifest recorded in full."""

    apiVersion: Word  # noqa: N815
    kind: Part
    metadata: ManifestMetadata


class Planned(_Shape):
    """Payload of ``Planned``."""

    changed: list[ManifestShape]
    manifests: list[PlanEntry]
    reducer: Word | Annotated[str, StringConstraints(max_length=0)]
    removed: list[Word]
    renderers: list[Word]
    retained: list[Word]


class Condition(_Shape):
    """A condition of an object's status."""

    type: Part
    status: Literal["True", "False", "Unknown"]
    reason: Part
    message: str


class Verdict(_Shape):
    """A verdict; beside these members a governor may add its own."""

    refused: bool
    conditions: list[Condition]
    patch: dict[str, Any]
    holds: dict[str, dict[str, Count]]


class CarriedVerdict(_Shape):
    """Payload of ``Carried`` of a verdict."""

    known: bool
    slice: Verdict | None


class Judged(_Shape):
    """Payload of ``Judged``."""

    governor: Word
    verdict: Verdict | None


class StatusObserved(_Shape):
    """Payload of ``StatusObserved``."""

    id: Word
    status: dict[str, Any]


class DeadlineReached(_Shape):
    """Payload of ``DeadlineReached``."""

    deadlineUs: Count  # noqa: N815


class AppliedManifest(_Shape):
    """One manifest that the cluster took."""

    id: Word
    action: Literal["applied", "deleted"]
    uid: Plain | None


class Applied(_Shape):
    """Payload of ``Applied``: a plan, or the part of it that changed, is in the cluster."""

    manifests: list[AppliedManifest]


class ApplyFailed(_Shape):
    """Payload of ``ApplyFailed``: the cluster did not take a manifest of a plan."""

    id: Word
    reason: str
    attempt: Annotated[int, Field(ge=1)]


class DriftObserved(_Shape):
    """Payload of ``DriftObserved``: somebody else changed what a plan had applied."""

    id: Word
    fields: list[str]
    managers: list[str]


_is_plain = re.compile(_PLAIN).fullmatch
_is_word = re.compile(_WORD).fullmatch
_is_part = re.compile(_PART).fullmatch


class Hold(_Shape):
    """Payload of ``HoldPlaced`` and ``HoldReleased``."""

    actor: Actor
    reason: str
    scope: str


Shape = TypeVar("Shape", bound=BaseModel)


def checked(shape: type[Shape], event: Event) -> Shape:
    """Return the payload of an event in its shape.

    Raises:
        LogCorrupt: it has another shape.
    """
    try:
        return shape.model_validate(event.payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])).encode("ascii", "backslashreplace").decode()
        raise LogCorrupt(
            event.seq,
            f"payload of {event.kind} is not of its shape ({where[:80]!r}: {first['msg']})",
        ) from None


def check_observation(event: Event) -> None:
    """Check an observation's shape, and that it is of the object that its header names, once.

    Of an erased one there is nothing to check.

    Raises:
        LogCorrupt: it has another shape, or is of another object.
    """
    if event.has_its_shape or event.is_erased:
        return
    payload = event.payload
    if not is_plainly_observed(payload):
        checked(Observed, event)
    seen = payload["object"]
    metadata = seen["metadata"]
    group = seen["apiVersion"].rpartition("/")[0]
    named = Subject(group, seen["kind"], metadata.get("namespace") or "", metadata["name"])
    subject = parse_subject(event.subject)
    if named != subject:
        raise LogCorrupt(event.seq, f"the header names {subject}, the payload {named}")
    event.has_its_shape = True


def is_plainly_observed(payload: dict[str, Any]) -> bool:
    """Tell whether a payload is an accepted observation of the shape `Observed`.

    Ten times as fast as the model is; what it refuses, the model may still accept.
    """
    actor, seen = payload.get("actor"), payload.get("object")
    if (
        type(actor) is not dict
        or type(seen) is not dict
        or not _OF_REFUSED_ONLY.isdisjoint(payload)
    ):
        return False
    metadata = seen.get("metadata")
    return (
        type(actor.get("name")) is str
        and type(actor.get("authenticated")) is bool
        and type(actor.get("request", "")) is str
        and _are_texts(actor.get("groups", []))
        and type(payload.get("deleting")) is bool
        and type(metadata) is dict
        and "uid" in metadata
        and _matches(_is_word, seen.get("apiVersion"), seen.get("kind"))
        and _matches(_is_part, metadata.get("name"), _or(metadata.get("namespace"), "default"))
        and _matches(_is_plain, _or(metadata["uid"], ""))
        and _holds_texts(metadata.get("labels"))
        and _holds_texts(metadata.get("annotations"))
    )


_OF_REFUSED_ONLY = frozenset({"fields", "refused"})


def _matches(matcher: Callable[[str], object], *values: object) -> bool:
    return all(type(value) is str and matcher(value) is not None for value in values)


def _are_texts(value: object) -> bool:
    return type(value) is list and all(type(each) is str for each in value)


def _or(value: object, otherwise: str) -> object:
    return otherwise if value is None else value


def _holds_texts(value: object) -> bool:
    return type(value) is dict and set(map(type, value.values())) <= {str}
