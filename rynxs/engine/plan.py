"""Plans: the manifests that a subject's state asks for, their digests, and how two plans differ."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from rynxs.engine import shapes
from rynxs.engine.contracts import Renderer
from rynxs.errors import PluginError, ValueRefused
from rynxs.eventlog import canonical
from rynxs.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.event import Event

RETAIN_ANNOTATION = "universe.ai/retain"
"""``true``: it outlives its subject; ``live``: it stays as long as its subject is there."""
_EMPTY: dict[str, Any] = {}


class Manifest(NamedTuple):
    """One rendered manifest.

    Attributes:
        id: ``apiVersion/Kind/namespace/name``, without the namespace when there is none.
        digest: SHA-256 of its deterministic CBOR, lower-case hex.
        body: the manifest.
        retain: whether it outlives its subject.
        keep: whether it stays as long as its subject is there, refused or not.
    """

    id: str
    digest: str
    body: dict[str, Any]
    retain: bool
    keep: bool = False

    def entry(self) -> dict[str, Any]:
        """Return its line in the payload of ``Planned``."""
        line = {"digest": self.digest, "id": self.id, "retain": self.retain}
        return {**line, "keep": True} if self.keep else line


class Planned:
    """What was last planned for a subject, decoded only when somebody asks.

    Attributes:
        seq: the ``Planned`` record.
        is_erased: whether its payload is, so that nobody can tell what was planned.
    """

    __slots__ = ("_entries", "_event", "is_erased", "seq")

    def __init__(self, event: Event) -> None:
        self.seq = event.seq
        self.is_erased = event.is_erased
        self._event: Event | None = event
        self._entries: dict[str, dict[str, Any]] | None = None

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The lines of the plan by manifest id, in the order to apply them; none if it is erased.

        Raises:
            LogCorrupt: the payload is not that of a plan.
        """
        if self._entries is None:
            assert self._event is not None
            self._entries = {} if self.is_erased else _entries(self._event)
            self._event = None
        return self._entries


def render(
    renderers: Sequence[Renderer], subject: str, current: Mapping[str, Any] | None, view: View
) -> list[Manifest]:
    """Return the manifests of all renderers for a subject, none when it has no slice.

    Raises:
        PluginError: a renderer failed, or what it returned is not a list of distinct manifests.
    """
    if current is None:
        return []
    manifests: list[Manifest] = []
    for renderer in renderers:
        bodies = _returned(renderer, subject, renderer.render, (subject, current, view))
        manifests += [_manifest(renderer, subject, body) for body in bodies]
        _refuse_twins(subject, manifests)
    for renderer in renderers:
        if type(renderer).revise is not Renderer.revise:
            made = [manifest.body for manifest in manifests]
            bodies = _returned(renderer, subject, renderer.revise, (subject, current, view, made))
            manifests = [_manifest(renderer, subject, body) for body in bodies]
            _refuse_twins(subject, manifests)
    return manifests


def digest_of(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest of a whole plan: SHA-256 over its entries, lower-case hex."""
    listed = [dict(entry) for entry in entries]
    return sha256(canonical.encode({"manifests": listed})).hexdigest()


def digest_of_manifest(body: Mapping[str, Any]) -> str:
    """Return the digest of a manifest: SHA-256 of its deterministic CBOR, lower-case hex."""
    return sha256(canonical.encode(body)).hexdigest()


def lines(
    manifests: Sequence[Manifest],
    before: Mapping[str, Mapping[str, Any]],
    is_live: bool,  # noqa: FBT001 - a fact about the subject, not a mode
) -> list[dict[str, Any]]:
    """Return the lines of a plan, in the order to apply it.

    Of a live subject for which nothing is rendered, for it is refused, stays what is to be kept: no
    slip in a rule, and none in a spec, may cost somebody's data.

    Args:
        manifests: what is rendered.
        before: the lines of the plan before it, by manifest id.
        is_live: whether the subject's object is there.
    """
    if manifests or not is_live:
        return [manifest.entry() for manifest in manifests]
    return [dict(line) for line in before.values() if line["retain"] or line.get("keep")]


def payload(
    manifests: Sequence[Manifest],
    before: Mapping[str, Mapping[str, Any]],
    is_live: bool,  # noqa: FBT001 - as in `lines`
    reducer: str,
    renderers: Sequence[str],
) -> dict[str, Any]:
    """Return the payload of ``Planned``: all digests, and in full the manifests that changed.

    Args:
        manifests: what is rendered.
        before: the lines of the plan before it, by manifest id.
        is_live: whether the subject's object is there.
        reducer: who made the slice, as ``name==version``.
        renderers: who made the manifests, likewise.
    """
    asked = lines(manifests, before, is_live)
    now = {line["id"] for line in asked}
    gone = [entry for identifier, entry in before.items() if identifier not in now]
    return {
        "changed": [
            m.body for m in manifests if before.get(m.id, _EMPTY).get("digest") != m.digest
        ],
        "manifests": asked,
        "reducer": reducer,
        "removed": [entry["id"] for entry in gone if not entry["retain"]],
        "renderers": list(renderers),
        "retained": [entry["id"] for entry in gone if entry["retain"]],
    }


def manifest_id(body: Mapping[str, Any]) -> str:
    """Return ``apiVersion/Kind/namespace/name`` of a manifest."""
    metadata = body["metadata"]
    namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{body['apiVersion']}/{body['kind']}/{namespace}{metadata['name']}"


def _refuse_twins(subject: str, manifests: Sequence[Manifest]) -> None:
    seen: set[str] = set()
    for manifest in manifests:
        if manifest.id in seen:
            raise PluginError(f"{manifest.id} of {subject} is rendered twice")
        seen.add(manifest.id)


def _returned(
    renderer: Renderer,
    subject: str,
    method: Callable[..., Sequence[Mapping[str, Any]]],
    arguments: tuple[Any, ...],
) -> list[dict[str, Any]]:
    try:
        return [dict(body) for body in method(*arguments)]
    except Exception as error:
        raise PluginError(
            f"renderer {renderer.name}=={renderer.version} failed on {subject}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _manifest(renderer: Renderer, subject: str, body: dict[str, Any]) -> Manifest:
    try:
        shapes.ManifestShape.model_validate(body)  # what replay will demand of the recorded plan
        identifier = manifest_id(body)
        digest = digest_of_manifest(body)
        annotations = body["metadata"].get("annotations") or {}
        retain = annotations.get(RETAIN_ANNOTATION)
        return Manifest(identifier, digest, body, retain == "true", retain == "live")
    except ValidationError as error:
        problems = "; ".join(map(str, problems_of(error, shapes.ManifestShape)))
        raise PluginError(
            f"renderer {renderer.name}=={renderer.version} returned for {subject} "
            f"what is not a manifest: {problems}"
        ) from error
    except (ValueRefused, KeyError, TypeError, AttributeError) as error:
        raise PluginError(
            f"renderer {renderer.name}=={renderer.version} returned for {subject} "
            f"what is not a manifest: {type(error).__name__}: {error}"
        ) from error


def _entries(event: Event) -> dict[str, dict[str, Any]]:
    planned = shapes.checked(shapes.Planned, event)
    return {entry.id: entry.model_dump(exclude_defaults=True) for entry in planned.manifests}
