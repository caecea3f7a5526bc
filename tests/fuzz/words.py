"""Words of textual formats: what a JSON Schema knows by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE_MAX = 60  # libFuzzer takes no longer ones


def words_of(schema: Any) -> list[bytes]:
    """Return the names of a schema's members, as YAML begins them, and its enumerated texts."""
    found = {word for word in _words(schema) if len(word) <= _SIZE_MAX}
    return sorted(word.encode() for word in found)


def _words(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from (f"{name}: " for name in properties)
        for key in ("const", "default", "examples", "enum"):
            stated = schema.get(key)
            texts = stated if isinstance(stated, list) else [stated]
            yield from (text for text in texts if isinstance(text, str) and text)
        for inner in schema.values():
            yield from _words(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _words(inner)
