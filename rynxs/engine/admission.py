"""Admission: what a reducer makes of an observed object before it looks at any rule of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from rynxs.engine.resource import SpecModel
from rynxs.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCEPTED = "Accepted"
_MESSAGE_SIZE_MAX = 24_000
Spec = TypeVar("Spec", bound=SpecModel)


def head_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every slice holds of an observed object: ``metadata`` and ``deleting``."""
    metadata = payload["object"]["metadata"]
    names = ("name", "namespace", "uid")
    return {
        "deleting": payload["deleting"],
        "metadata": {name: metadata[name] for name in names if name in metadata},
    }


def admit(payload: Mapping[str, Any], model: type[Spec]) -> tuple[Spec | None, dict[str, str]]:
    """Return an observed object's spec, None if it is refused, and the condition ``Accepted``.

    Args:
        payload: of ``<Kind>Observed``.
        model: of the spec; the log may hold what an earlier version of it took.
    """
    refused = [f"{problem['path']}: {problem['rule']}" for problem in payload.get("refused", ())]
    if not refused:
        try:
            spec = model.model_validate(payload["object"]["spec"])
        except ValidationError as error:
            problems = problems_of(error, model, ("spec",))
            refused = [f"{problem.path}: {problem.rule}" for problem in problems]
        else:
            return spec, condition(ACCEPTED, "True", "Valid", "")
    return None, condition(ACCEPTED, "False", "Invalid", "; ".join(refused)[:_MESSAGE_SIZE_MAX])


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    """Return a condition of an object's status.

    Args:
        kind: its ``type``, such as ``Accepted``.
        status: ``True``, ``False`` or ``Unknown``.
        reason: why, in one word.
        message: why, in words; names the rule and the field.
    """
    return {"message": message, "reason": reason, "status": status, "type": kind}
