"""Make values.schema.json and the table in README.md from values.yaml, and copy the CRDs.

A comment stands right above its key and says what the value does. Its last line, ``@schema {...}``,
adds to the type that the default shows. Keys that are not there are refused.

    python helm/generate.py          # write them
    python helm/generate.py --check  # say which of them is out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
CHART: Final = HERE / "rynxs"
CRDS: Final = HERE.parent / "crds"
BEGIN: Final = "<!-- values: made by helm/generate.py -->\n"
END: Final = "<!-- end of values -->\n"
_SCHEMA: Final = "@schema "
_TYPES: Final = {
    "bool": "boolean",
    "int": "integer",
    "str": "string",
    "seq": "array",
    "map": "object",
}


class Value(NamedTuple):
    """A key of values.yaml.

    Attributes:
        path: its name with those above it, as ``image.tag``.
        description: the comment; empty for a group of values.
        default: the value.
        schema: what it may be.
        members: the keys below it; none if it is a value of its own.
    """

    path: str
    description: str
    default: Any
    schema: dict[str, Any]
    members: tuple[Value, ...]


def values_of(text: str) -> tuple[Value, ...]:
    """Return the keys of a values file.

    Raises:
        ValueError: a value has no comment, or its type can't be told.
    """
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    return tuple(_members(root, text.splitlines(), ""))


def schema_of(values: tuple[Value, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a values file; draft 7 is what every Helm 3 understands."""
    properties = {_name(value): _property(value) for value in values}
    # Helm itself puts this there when the chart is a part of another.
    properties["global"] = {"type": "object"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the rynxs chart",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": definitions,
    }


def table_of(values: tuple[Value, ...]) -> str:
    """Return a Markdown table of all values."""
    lines = ["| Parameter | Description | Default |", "|-----------|-------------|---------|"]
    for value in _leaves(values):
        default = json.dumps(value.default, separators=(", ", ": ")).strip('"')
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{value.path}` | {value.description} | {shown} |")
    return "\n".join(lines) + "\n"


def generated() -> dict[Path, str]:
    """Return what the generated files should hold."""
    values = values_of((CHART / "values.yaml").read_text())
    definitions = yaml.safe_load((HERE / "definitions.yaml").read_text())
    readme = (CHART / "README.md").read_text()
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        CHART / "values.schema.json": json.dumps(schema_of(values, definitions), indent=2) + "\n",
        CHART / "README.md": f"{before}{BEGIN}\n{table_of(values)}\n{END}{after}",
        # A link to them would be no file in a package.
        **{CHART / "crds" / file.name: file.read_text() for file in sorted(CRDS.glob("*.yaml"))},
    }


def main() -> None:
    """Write the files, or check them."""
    made = generated()
    stale = [file for file, text in made.items() if _held(file) != text]
    if sys.argv[1:] == ["--check"]:
        if stale:
            names = ", ".join(file.name for file in stale)
            sys.exit(f"{names}: out of date; run: python helm/generate.py")
        return
    for file, text in made.items():
        file.write_text(text)


def _held(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _members(node: yaml.MappingNode, lines: list[str], above: str) -> Iterator[Value]:
    for key, value in node.value:
        path = f"{above}{key.value}"
        said, more = _comment(lines, key.start_mark.line)
        default = yaml.safe_load(yaml.serialize(value))
        kind = value.tag.rpartition(":")[2]
        if kind == "map" and default and not more:
            members = tuple(_members(value, lines, f"{path}."))
            yield Value(path, said, default, {"type": "object"}, members)
            continue
        if not said:
            raise ValueError(f"{path}: no comment says what it does")
        if kind not in _TYPES or (kind in {"seq", "map"} and not more):
            raise ValueError(f"{path}: its default does not show its type; add @schema")
        shown = {} if {"$ref", "enum", "type"} & more.keys() else {"type": _TYPES[kind]}
        yield Value(path, said, default, shown | more, ())


def _comment(lines: list[str], line: int) -> tuple[str, dict[str, Any]]:
    """Return the description and the schema in the comment that ends above a line."""
    said: list[str] = []
    more: dict[str, Any] = {}
    while line and lines[line - 1].lstrip().startswith("# "):
        line -= 1
        text = lines[line].lstrip().removeprefix("# ")
        if text.startswith(_SCHEMA):
            more = yaml.safe_load(text.removeprefix(_SCHEMA))
        else:
            said.insert(0, text)
    return " ".join(said), more


def _property(value: Value) -> dict[str, Any]:
    if not value.members:
        return {"description": value.description, "default": value.default, **value.schema}
    return {
        **value.schema,
        "additionalProperties": False,
        "properties": {_name(each): _property(each) for each in value.members},
    }


def _name(value: Value) -> str:
    return value.path.rpartition(".")[2]


def _leaves(values: tuple[Value, ...]) -> Iterator[Value]:
    for value in values:
        if value.members:
            yield from _leaves(value.members)
        else:
            yield value


if __name__ == "__main__":
    main()
