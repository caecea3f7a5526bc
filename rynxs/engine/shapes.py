"""The shapes of the kernel's own payloads, checked when a log is folded.

A forged log may be chained properly and still hold anything; what has not one of these shapes is
corruption, named with its seq, before anybody acts on it or prints it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rynxs.errors import LogCorrupt
from rynxs.eventlog.checkpoint import ORIGIN

if TYPE_CHECKING:
    from rynxs.engine.event import Event

Plain = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,2000}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/=+@-]{1,1000}$")]
Part = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$")]
Count = Annotated[int, Field(ge=0)]


class _Shape(BaseModel):
    # A member that a later version adds is no corruption (docs/FORMAT.md, section 11).
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Actor(_Shape):
    """Who asked."""

    name: str
    authenticated: bool


class Component(_Shape):
    """A reducer or renderer of a composition."""

    name: Word
    version: Word
    settings: dict[str, Any]


class CompositionShape(_Shape):
    """The composition of an epoch."""

    reducers: list[Component]
    renderers: list[Component]


class EpochStarted(_Shape):
    """Payload of ``EpochStarted``."""

    composition: CompositionShape
    identity: str
    kernel: Word
    origin: Annotated[str, StringConstraints(pattern=ORIGIN)]


class TailQuarantined(_Shape):
    """Payload of ``TailQuarantined``."""

    id: Word
    seq: Count
    size: Count
    reason: str


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
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    retain: bool


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
