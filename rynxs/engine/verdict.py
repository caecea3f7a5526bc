"""Verdicts: what a governor says of another reducer's subject, and how it shows in a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rynxs.engine import shapes
from rynxs.engine.subject import parse_subject
from rynxs.errors import PluginError, ValueRefused
from rynxs.eventlog import canonical
from rynxs.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import Reducer

KIND_SUFFIX = "Verdict"
"""A verdict is the slice of a subject of its own, of the kind ``<Kind>Verdict``."""


def verdict_subject(subject: str) -> str:
    """Return the subject whose slice is the verdict on `subject`."""
    parts = parse_subject(subject)
    return str(parts._replace(kind=f"{parts.kind}{KIND_SUFFIX}"))


def judged_subject(subject: str) -> str:
    """Return the subject that a verdict's subject is on; empty for any other subject."""
    parts = parse_subject(subject)
    if not parts.kind.endswith(KIND_SUFFIX):
        return ""
    return str(parts._replace(kind=parts.kind.removesuffix(KIND_SUFFIX)))


def bearer(subject: str) -> str:
    """Return whom events of a subject are about: of a verdict's own, the one that is judged."""
    return (subject and judged_subject(subject)) or subject


def payload(governor: Reducer, verdict: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the payload of ``Judged``.

    Raises:
        PluginError: what the governor returned is no verdict.
    """
    requirement = f"{governor.name}=={governor.version}"
    body = {"governor": requirement, "verdict": None if verdict is None else dict(verdict)}
    try:
        shapes.Judged.model_validate(body)
        canonical.encode(body)
    except ValidationError as error:
        found = "; ".join(map(str, problems_of(error, shapes.Judged)))
        raise PluginError(f"governor {requirement} returned what is no verdict: {found}") from error
    except ValueRefused as error:
        raise PluginError(f"governor {requirement} returned what is no verdict: {error}") from None
    return body


def merged(value: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value after a JSON merge patch (RFC 7396); neither is changed."""
    result = dict(value)
    for name, member in patch.items():
        if member is None:
            result.pop(name, None)
        elif isinstance(member, dict):
            inner = result.get(name)
            result[name] = merged(inner if isinstance(inner, dict) else {}, member)
        else:
            result[name] = member
    return result


def merged_conditions(
    own: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return a subject's conditions, sorted by type; one that is already False stays as it is."""
    conditions = {condition["type"]: dict(condition) for condition in own}
    for condition in (verdict or {}).get("conditions", ()):
        known = conditions.get(condition["type"])
        if known is None or known["status"] != "False":
            conditions[condition["type"]] = dict(condition)
    return [conditions[name] for name in sorted(conditions)]
