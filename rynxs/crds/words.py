"""Words for what a node allows, as Markdown that stands in a cell of a table."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from rynxs.crds.node import INT_OR_STRING

if TYPE_CHECKING:
    from rynxs.crds.node import Checks, Node

_MARKS = re.compile(r"([\\*_\[\]<>&|])")
_BACKTICKS = re.compile(r"`+")
_CODE = re.compile(r"(`+)(.+?)\1(?!`)")
_TYPES = {INT_OR_STRING: "integer or string"}
_FORMATS = {"date-time": "RFC 3339 time"}


def type_of(node: Node, link: str) -> str:
    """Return the type of a node; `link` is the anchor of the object in it, if there is one."""
    if node.items is not None:
        words = f"list of {type_of(node.items, link)}"
    elif node.values is not None:
        words = f"map of {type_of(node.values, link)}"
    elif node.type == "object":
        words = f"[object](#{link})"
    else:
        words = _TYPES.get(node.type, node.type)
    return f"{words} or null" if node.nullable else words


def allowed_by(node: Node) -> str:
    """Return what must hold of a node's value, empty if its type says it all."""
    parts = [*_demands(node.type, node.checks)]
    if node.either:
        parts.append(", or ".join(" and ".join(_demands(node.type, each)) for each in node.either))
    if node.names:
        parts.append(f"names: {' and '.join(_demands('string', node.names))}")
    inner = node.items or node.values
    each = allowed_by(inner) if inner else ""
    return "; ".join([*parts, *([f"each: {each}"] if each else [])])


def default_of(node: Node) -> str:
    """Return the default of a node, empty if there is none."""
    if node.default is None:
        return ""
    if node.fields and node.default == {
        name: field.default for name, field in node.fields.items() if field.default is not None
    }:
        return "that of each field"
    return code(json.dumps(node.default, ensure_ascii=False))


def code(text: str) -> str:
    """Return text as code; a table's cell ends at no bar in it."""
    longest = max((len(found) for found in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if longest else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")


def prose(text: str) -> str:
    """Return a description as Markdown: code stays code, and nothing else has a meaning."""
    parts = []
    end = 0
    for found in _CODE.finditer(text):
        parts += [_escaped(text[end : found.start()]), code(found[2])]
        end = found.end()
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text).replace("`", "\\`")


def _demands(kind: str, checks: Checks) -> list[str]:
    """Return each demand in words."""
    found = []
    if "enum" in checks:
        found.append(", ".join(code(_value(value)) for value in checks["enum"]))
    for suffix, unit in (("Length", "character"), ("Items", "item"), ("Properties", "entry")):
        low, high = checks.get(f"min{suffix}"), checks.get(f"max{suffix}")
        if (low, high) != (None, None):
            found.append(_counted(low, high, unit))
    found += _limits(checks)
    if "format" in checks:
        found.append(_FORMATS.get(checks["format"]) or str(checks["format"]))
    if "pattern" in checks:
        found.append(code(checks["pattern"]))
    return found


def _limits(checks: Checks) -> list[str]:
    low, high = checks.get("minimum"), checks.get("maximum")
    above, below = "exclusiveMinimum" in checks, "exclusiveMaximum" in checks
    found = []
    if None not in {low, high} and not above and not below:
        found.append(f"{low} to {high}")
    else:
        if low is not None:
            found.append(f"{'above' if above else 'at least'} {low}")
        if high is not None:
            found.append(f"{'below' if below else 'at most'} {high}")
    if "multipleOf" in checks:
        found.append(f"a multiple of {checks['multipleOf']}")
    return found


def _counted(low: int | None, high: int | None, unit: str) -> str:
    plural = "entries" if unit == "entry" else f"{unit}s"
    if low and high == low:
        return f"{low} {unit if low == 1 else plural}"
    if low and high is not None:
        return f"{low} to {high} {plural}"
    count = low or high
    words = f"{count} {unit if count == 1 else plural}"
    return f"at least {words}" if high is None else f"at most {words}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)
