"""Validation errors as sentences: where, what was found, what is allowed, and the nearest name."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.credentials import names_credential, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import BaseModel, ValidationError

_FOUND_MAX = 60
_PROBLEMS_MAX = 100  # of one object; more help nobody


class Problem(NamedTuple):
    """One thing that is wrong with an input.

    Attributes:
        path: where, such as ``spec.image.tag``.
        rule: what is allowed there; holds no value of the input, so it may be logged.
        found: what stands there, shortened; empty where showing it could show a secret.
    """

    path: str
    rule: str
    found: str = ""

    def __str__(self) -> str:
        found = f"found {shown(self.found)}; " if self.found else ""
        return f"{shown(self.path)}: {found}{self.rule}"


@lru_cache(maxsize=64)
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    # Made once: it takes far longer than a validation.
    return model.model_json_schema(by_alias=True)


def problems_of(
    error: ValidationError, model: type[BaseModel], prefix: Sequence[str] = ()
) -> list[Problem]:
    """Return one problem an error of a model's validation, sorted by path."""
    schema = _schema_of(model)
    return sorted(
        _problem(details, schema, tuple(prefix))
        for details in error.errors(include_url=False)[:_PROBLEMS_MAX]
    )


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of the allowed names, or nothing."""
    folded = {candidate.lower(): candidate for candidate in sorted(names)}
    close = get_close_matches(name.lower(), folded, n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""


def _problem(details: Any, schema: dict[str, Any], prefix: tuple[str, ...]) -> Problem:
    *parents, last = details["loc"] or ("",)
    location = [step for step in parents if not _is_union_branch(step)]
    if details["type"] == "extra_forbidden" or not _is_union_branch(last):
        location.append(last)  # a field may be called like a branch, and then it is the last step
    path = join_path((*prefix, *location))
    if details["type"] == "extra_forbidden":
        return _unknown_field(path, location, schema)
    if details["type"] == "missing":
        return Problem(path, "required, and missing")
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "credential":
        return Problem(path, message)
    return Problem(path, message[:1].lower() + message[1:], _shown(details["input"]))


def _unknown_field(path: str, location: Sequence[Any], schema: dict[str, Any]) -> Problem:
    *parents, name = location
    if names_credential(str(name)):
        rule = "a credential must not stand here; name a Secret in apiKeySecretRef"
        return Problem(path, rule)
    allowed = sorted(_members(schema, parents))
    known = ", ".join(allowed) or "none"
    return Problem(path, f"unknown field, allowed are {known}{nearest(str(name), allowed)}")


def _members(schema: dict[str, Any], location: Sequence[Any]) -> set[str]:
    """Return the names that a JSON Schema allows at a location."""
    candidates = [schema]
    for step in (*location, None):
        candidates = [
            resolved for candidate in candidates for resolved in _resolve(candidate, schema)
        ]
        if step is None:
            break
        candidates = [
            inner for candidate in candidates if (inner := _step_into(candidate, step)) is not None
        ]
    return {name for candidate in candidates for name in candidate.get("properties", ())}


def _resolve(candidate: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in candidate:
        name = candidate["$ref"].removeprefix("#/$defs/")
        return _resolve(schema["$defs"][name], schema)
    branches = [*candidate.get("anyOf", ()), *candidate.get("allOf", ())]
    return [candidate, *(r for branch in branches for r in _resolve(branch, schema))]


def _step_into(candidate: dict[str, Any], step: Any) -> dict[str, Any] | None:
    inner = (
        candidate.get("items")
        if isinstance(step, int)
        else candidate.get("properties", {}).get(step, candidate.get("additionalProperties"))
    )
    return inner if isinstance(inner, dict) else None


def _is_union_branch(step: Any) -> bool:
    """Tell whether a location step names a branch of a union, which no user wrote."""
    return isinstance(step, str) and (step in {"int", "str"} or "[" in step)


def join_path(steps: Sequence[object]) -> str:
    """Return a path for people: ``spec.tools.allow[2]``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "."


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return {dict: "a map", list: "a list"}[type(value)]
    text = repr(value)
    return text if len(text) <= _FOUND_MAX else f"{text[:_FOUND_MAX]}... ({len(text)} characters)"
