"""The rules of a universe on what an agent or a session may have; each violation names its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.fields import covers
from rynxs_reducer_universe.matching import covers_egress, covers_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs_reducer_universe.governing import Universe

_SHOWN_MAX = 10


class Violation(NamedTuple):
    """A rule that is broken.

    Attributes:
        reason: of the condition, in one word.
        message: names the universe, its rule, the offending field, and what is allowed.
    """

    reason: str
    message: str


def agent_violations(
    agent: Mapping[str, Any], universe: Universe, prefix: str = "spec"
) -> Iterator[Violation]:
    """Yield the rules of a universe that an agent breaks.

    Args:
        agent: its slice.
        universe: whose rules; the Secret of the provider that it gives by default is its own.
        prefix: path of what is judged, for messages.
    """
    spec, allowed = agent["spec"], universe.spec["allowed"]
    for field, name in _asked_permissions(spec):
        if allowed["permissions"] is not None and name not in allowed["permissions"]:
            rule = universe, "permissions", allowed["permissions"]
            yield _violation("PermissionNotAllowed", rule, f"{prefix}.{field}: true")
    image = spec["image"]
    patterns = allowed["images"]
    if patterns is not None and not any(covers_image(each, image) for each in patterns):
        yield _violation(
            "ImageNotAllowed",
            (universe, "images", patterns),
            f"{prefix}.image: {image['repository']}, tag {image['tag']}",
        )
    patterns = allowed["tools"]
    for index, tool in enumerate(spec["tools"]["allow"]):
        if patterns is not None and not any(covers(each, tool) for each in patterns):
            field = f"{prefix}.tools.allow[{index}]: {tool}"
            yield _violation("ToolNotAllowed", (universe, "tools", patterns), field)
    secret = _secret(spec)
    if secret is not None and not any(covers(each, secret) for each in allowed["secrets"]):
        yield _violation(
            "SecretNotAllowed",
            (universe, "secrets", allowed["secrets"]),
            f"{prefix}.provider.apiKeySecretRef.name: {secret}",
        )
    patterns = allowed["egress"]
    for index, target in enumerate(agent["egress"]):
        if patterns is not None and not any(covers_egress(each, target) for each in patterns):
            asked = spec["network"]["allowEgressTo"][index]
            field = f"{prefix}.network.allowEgressTo[{index}]: {asked}"
            yield _violation("EgressNotAllowed", (universe, "egress", patterns), field)


def session_violations(
    session: Mapping[str, Any], agent: Mapping[str, Any] | None, universe: Universe
) -> Iterator[Violation]:
    """Yield the rules of a universe that a session breaks.

    Args:
        session: its slice.
        agent: the agent's slice as it was when the session started, None before.
        universe: whose rules.
    """
    patterns = universe.spec["allowed"]["runtimeClasses"]
    wanted = session["spec"]["runtimeClassName"]
    if not (patterns is None or _covers_class(patterns, wanted)):
        field = f"spec.runtimeClassName: {wanted or 'none'}"
        allowed = universe, "runtimeClasses", patterns
        yield _violation("RuntimeClassNotAllowed", allowed, field)
    if agent is not None:
        yield from agent_violations(agent, universe, "the agent's spec at the start")


def _asked_permissions(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the field and the name of each permission that a spec asks for."""
    for name, is_asked in sorted(spec["permissions"].items()):
        if is_asked:
            yield f"permissions.{name}", name
    if spec["serviceAccountToken"]:
        yield "serviceAccountToken", "serviceAccountToken"


def _covers_class(patterns: Sequence[str], wanted: str | None) -> bool:
    """Tell whether a runtime class is allowed; to name none is, only where none may be named."""
    return not patterns if wanted is None else any(covers(each, wanted) for each in patterns)


def _secret(spec: Mapping[str, Any]) -> str | None:
    reference = (spec["provider"] or {}).get("apiKeySecretRef")
    return None if reference is None else str(reference["name"])


def _violation(reason: str, rule: tuple[Universe, str, Sequence[str]], field: str) -> Violation:
    universe, name, patterns = rule
    shown = ", ".join(patterns[:_SHOWN_MAX]) or "nothing"
    more = f" and {len(patterns) - _SHOWN_MAX} more" if len(patterns) > _SHOWN_MAX else ""
    return Violation(
        reason,
        f"{field} is not in allowed.{name} of universe {universe.name}, which has {shown}{more}",
    )
