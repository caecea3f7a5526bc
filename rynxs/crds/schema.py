"""Reads a pydantic model as a tree of nodes, and refuses what a CRD can't express."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import PydanticUserError

from rynxs.crds.checks import CHECKS, COMMON, MARKS, RULES, SUMMARY, checks_of
from rynxs.crds.defaults import sayable
from rynxs.crds.node import INT_OR_STRING, Node
from rynxs.errors import PluginError
from rynxs.schema import json_schema_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    Path = tuple[str, ...]

DEPTH_MAX = 32
_MARKED = f"x-kubernetes-{INT_OR_STRING}"
_PATH_SHOWN_MAX = 4  # steps of a path that may have no end


def read_model(model: type[BaseModel], owner: str, root: str) -> Node:
    """Return the tree of a model.

    Args:
        model: of a spec or of a status.
        owner: the resource, for errors.
        root: where the model's value stands, such as ``spec``.

    Raises:
        PluginError: there is a value of unknown shape, or what a CRD can't say otherwise; the text
            names the resource, the path, what was found and what is allowed.
    """
    try:
        schema = json_schema_of(model)
    except PydanticUserError as error:
        raise PluginError(f"{owner}: {root}: has no JSON Schema: {error.message}") from error
    return _Reader(owner, schema.get("$defs", {})).read(schema, (root,))


class _Reader:
    """Reads the schemas of one model. A path has steps such as ``spec``, ``.tools`` and ``[]``."""

    def __init__(self, owner: str, definitions: Mapping[str, Mapping[str, Any]]) -> None:
        self._owner = owner
        self._definitions = definitions

    def read(self, schema: Any, path: Path) -> Node:
        """Return the node of a schema."""
        if len(path) > DEPTH_MAX:
            what = f"nested deeper than {DEPTH_MAX}, as a model that holds itself is"
            raise self._refused(path[:_PATH_SHOWN_MAX], f"{what}; a CRD has no references")
        if not isinstance(schema, Mapping):
            raise self._refused(path, "holds any value; a CRD needs its shape, as a model")
        found = self._inlined(schema)
        if "anyOf" not in found:
            return self._typed(found, path)
        branches = [self._inlined(branch) for branch in found.pop("anyOf")]
        present = [branch for branch in branches if branch.get("type") != "null"]
        node = self._union(found, present, path)
        return replace(node, nullable=node.nullable or len(present) < len(branches))

    def _union(self, found: dict[str, Any], branches: Sequence[dict[str, Any]], path: Path) -> Node:
        if len(branches) == 1:
            return self.read(_over(branches[0], found), path)
        types = {str(branch.get("type")) for branch in branches}
        if found.get(_MARKED) and types == {"integer", "string"}:
            return self._int_or_string(found, branches, path)
        if len(types) > 1 or not types <= {"integer", "number", "string"}:
            raise self._refused(
                path,
                f"is a union of {' and '.join(sorted(types))}; allowed are unions with None, of "
                f"strings, of numbers of one type, and of int and str if it is marked {_MARKED}",
            )
        (kind,) = types
        node = self._typed({**found, "type": kind}, path)
        either = tuple(self._checks(kind, branch, path) for branch in branches)
        return replace(node, either=either if all(either) else ())

    def _int_or_string(
        self, found: dict[str, Any], branches: Sequence[dict[str, Any]], path: Path
    ) -> Node:
        """Put the branches together: bounds hold of numbers, and patterns of strings, anyway."""
        for branch in branches:
            found = {**{key: branch[key] for key in branch if key not in COMMON}, **found}
        del found[_MARKED]
        return self._typed({**found, "type": INT_OR_STRING}, path)

    def _typed(self, found: dict[str, Any], path: Path) -> Node:
        """Return the node of a schema without references and unions."""
        kind = found.get("type")
        if kind not in CHECKS:
            allowed = ", ".join(sorted(CHECKS))
            raise self._refused(path, f"holds {_what(found)}; a CRD needs one type, of {allowed}")
        node = Node(
            type=kind,
            description=_one_line(found.get("description", "")),
            about=found.get(SUMMARY, ""),
            checks=self._checks(kind, found, path),
            rules=tuple(found.get(RULES, ())),
            marks={mark: found[mark] for mark in sorted(MARKS & found.keys())},
        )
        if kind == "array":
            node = replace(node, items=self.read(found.get("items"), (*path, "[]")))
        elif kind == "object" and "properties" in found:
            node = self._with_fields(node, found, path)
        elif kind == "object":
            node = self._with_values(node, found, path)
        return replace(node, default=sayable(found.get("default"), node))

    def _with_fields(self, node: Node, found: dict[str, Any], path: Path) -> Node:
        if found.get("additionalProperties"):
            raise self._refused(path, "takes unknown fields; a CRD needs extra='forbid'")
        required = tuple(sorted(found.get("required", ())))
        fields = {}
        for name, schema in found["properties"].items():
            field = self.read(schema, (*path, f".{name}"))
            # Null is as good as absent, unless absent is not allowed, or means something else.
            nullable = field.nullable and (name in required or field.default is not None)
            fields[name] = replace(field, nullable=nullable)
        return replace(node, fields=fields, required=required)

    def _with_values(self, node: Node, found: dict[str, Any], path: Path) -> Node:
        names = dict(found.get("propertyNames", {}))
        values = found.get("additionalProperties")
        for pattern, schema in found.get("patternProperties", {}).items():
            names["pattern"], values = pattern, schema
        path = (*path, ".*")
        return replace(
            node, names=self._checks("string", names, path), values=self.read(values, path)
        )

    def _checks(self, kind: str, found: Mapping[str, Any], path: Path) -> dict[str, Any]:
        try:
            return checks_of(kind, found)
        except ValueError as error:
            raise self._refused(path, str(error)) from None

    def _inlined(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return a schema with what it refers to."""
        beside = {key: schema[key] for key in schema if key not in {"$ref", "$defs"}}
        if "$ref" in schema:
            target = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
            return _over(self._inlined(target), beside)
        if "properties" in beside and SUMMARY not in beside:  # what describes it is its docstring
            beside[SUMMARY] = beside["description"] = _summary(beside.get("description", ""))
        return beside

    def _refused(self, path: Path, reason: str) -> PluginError:
        return PluginError(f"{self._owner}: {''.join(path)}: {reason}")


def _what(found: Mapping[str, Any]) -> str:
    """Return what a schema allows that has none of the types of CRDs."""
    if "type" in found:
        return f"a value of type {found['type']}"
    said = ", ".join(sorted(found.keys() - COMMON - {"title"}))
    return f"a value of one of several types ({said})" if said else "any value"


def _over(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    """Return two schemas of one value as one; what the outer says of it is nearer to the field."""
    rules = [*inner.get(RULES, ()), *outer.get(RULES, ())]
    return {**inner, **outer, **({RULES: rules} if rules else {})}


def _summary(docstring: str) -> str:
    """Return the first paragraph of a docstring on one line."""
    return _one_line(docstring.partition("\n\n")[0])


def _one_line(text: str) -> str:
    return " ".join(text.split())
