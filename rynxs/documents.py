"""Reading YAML and JSON files strictly, within bounds, with the place of what is refused.

Scalars resolve as kubectl resolves them: no timestamps, no sexagesimal numbers. Duplicate keys,
keys that are not text, and tags beyond JSON's types are refused; so is a document that is too
large, too deep, or that grows too large when its aliases are expanded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import yaml

from rynxs.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE_SIZE_MAX = 8 * 1024 * 1024
DEPTH_MAX = 128
NODES_MAX = 500_000
DIGITS_MAX = 1_000
"""Of an integer in decimal; of over 4,300 digits, Python neither reads nor writes one."""

_INTEGER_LIMIT = 10**DIGITS_MAX
_TAG = "tag:yaml.org,2002:"
_FLOAT = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"(?i:true|false|yes|no|on|off)", list("tTfFyYnNoO")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*|0o?[0-7]+|0x[0-9a-fA-F]+)", list("-+0123456789")),
    "float": (_FLOAT, list("-+0123456789.")),
    "merge": (r"<<", ["<"]),
}


class Document(NamedTuple):
    """One YAML document: its value, the file as the user named it, and its first line from 1."""

    value: Any
    source: str
    line: int

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.source}:{self.line}"


def read_documents(path: Path) -> list[Document]:
    """Return the documents of a file, empty ones left out.

    Raises:
        ManifestError: the file can't be read, or is not YAML within the bounds.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from None
    return parse_documents(data, str(path))


def parse_documents(data: bytes, source: str) -> list[Document]:
    """Return the documents of a YAML text; `source` names it in errors."""
    if len(data) > FILE_SIZE_MAX:
        raise ManifestError(f"{source}: larger than {FILE_SIZE_MAX} bytes, the limit for one file")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ManifestError(f"{source}: byte {error.start} is not UTF-8") from None
    try:
        _check_bounds(text, source)
        return _construct(text, source)
    except yaml.MarkedYAMLError as error:
        line = _line(error.problem_mark) if error.problem_mark else 1
        raise ManifestError(f"{source}:{line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ManifestError(f"{source}: {str(error).splitlines()[0]}") from None
    # PyYAML's constructors trust that a tag is on the kind of node that it belongs on.
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ManifestError(f"{source}: a tag stands on a value that it does not fit") from None


def _check_bounds(text: str, source: str) -> None:
    """Walk the parser's events, which neither recurses nor expands, and count."""
    bounds = _Bounds()
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        problem = bounds.exceeded_by(event)
        if problem is not None:
            raise ManifestError(f"{source}:{_line(event.start_mark)}: {problem}")


class _Bounds:
    """Counts values as they would be after expanding aliases."""

    def __init__(self) -> None:
        self._total = 0
        self._anchored: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = []

    def exceeded_by(self, event: Any) -> str | None:
        """Take in an event; return what is wrong with it, None for nothing."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchored:
                return f"alias *{event.anchor} is not defined before here"
            self._total += self._anchored[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self._total))
            self._total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            self._note(*self._open.pop())
        elif isinstance(event, yaml.ScalarEvent):
            self._total += 1
            self._note(event.anchor, self._total - 1)
        elif isinstance(event, yaml.DocumentEndEvent):
            self._anchored.clear()
        if len(self._open) > DEPTH_MAX:
            return f"nested deeper than {DEPTH_MAX}"
        if self._total > NODES_MAX:
            return f"more than {NODES_MAX} values, aliases expanded"
        return None

    def _note(self, anchor: str | None, before: int) -> None:
        if anchor is not None:
            self._anchored[anchor] = self._total - before


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _construct(text: str, source: str) -> list[Document]:
    loader = _Loader(text)
    documents = []
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                documents.append(Document(value, source, _line(node.start_mark)))
    finally:
        loader.dispose()
    return documents


class _Loader(yaml.CSafeLoader):
    """Knows JSON's types only; without these two it would share PyYAML's own tables."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}  # type: ignore[misc]
    yaml_constructors: ClassVar[dict[Any, Any]] = {}


def _construct_map(loader: Any, node: Any) -> Any:
    value: dict[str, Any] = {}
    yield value
    loader.flatten_mapping(node)
    merged = loader.construct_mapping(node)
    value.update(merged)


def _construct_text_map(loader: Any, node: Any) -> Any:
    """Construct a map whose keys are text and, before merging, distinct."""
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key_node.tag == f"{_TAG}merge":
            continue
        if type(key) is not str:
            raise _refused(f"key {key!r} is not text; quote it", key_node)
        if key in seen:
            raise _refused(f"key '{key}' stands twice", key_node)
        seen.add(key)
    yield from _construct_map(loader, node)


def _construct_number(loader: Any, node: Any) -> Any:
    """Construct an integer or a float; an integer of too many digits is refused."""
    text = loader.construct_scalar(node)
    try:
        if node.tag == f"{_TAG}float":
            special = text.lower().endswith((".inf", ".nan"))
            return float(text.replace(".", "") if special else text)
        octal = re.fullmatch(r"([-+]?)0o?([0-7]+)", text)
        number = int(octal[1] + octal[2], 8) if octal else int(text, 16 if "x" in text else 10)
    except ValueError:
        what = "not a number" if len(text) <= DIGITS_MAX else _too_long(text)
        raise _refused(what, node) from None
    if abs(number) >= _INTEGER_LIMIT:
        raise _refused(_too_long(text), node)
    return number


def _too_long(text: str) -> str:
    return f"number of {len(text)} characters is too long"


def _refused(problem: str, node: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _set_up(loader: Any) -> None:
    for name, (pattern, first) in _SCALARS.items():
        loader.add_implicit_resolver(_TAG + name, re.compile(f"(?:{pattern})\\Z"), first)
    safe = yaml.constructor.SafeConstructor
    loader.add_constructor(f"{_TAG}null", safe.construct_yaml_null)
    loader.add_constructor(f"{_TAG}bool", safe.construct_yaml_bool)
    loader.add_constructor(f"{_TAG}int", _construct_number)
    loader.add_constructor(f"{_TAG}float", _construct_number)
    loader.add_constructor(f"{_TAG}str", safe.construct_yaml_str)
    loader.add_constructor(f"{_TAG}seq", safe.construct_yaml_seq)
    loader.add_constructor(f"{_TAG}map", _construct_text_map)
    loader.add_constructor(f"{_TAG}merge", safe.construct_yaml_str)
    loader.add_constructor(None, safe.construct_undefined)


_set_up(_Loader)


class _Dumper(yaml.CSafeDumper):
    """Quotes whatever a YAML 1.1 or 1.2 reader would not take for text."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}  # type: ignore[misc]

    def ignore_aliases(self, data: object) -> bool:
        """Write every value out; a reader should not have to follow anchors."""
        return True


def dump_documents(values: Sequence[Any]) -> str:
    """Return values as YAML documents, keys sorted, the same text for the same values."""
    return "".join(
        "---\n" * (len(values) > 1)
        + yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=100)
        for value in values
    )


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text.rstrip("\n") else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


def _set_up_dumper(dumper: Any) -> None:
    for first, resolvers in yaml.resolver.Resolver.yaml_implicit_resolvers.items():
        dumper.yaml_implicit_resolvers[first] = list(resolvers)
    for name, (pattern, first) in _SCALARS.items():
        dumper.add_implicit_resolver(_TAG + name, re.compile(f"(?:{pattern})\\Z"), first)
    dumper.add_representer(str, _represent_text)


_set_up_dumper(_Dumper)
