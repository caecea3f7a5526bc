"""Strict reading of manifests: a part knows where it stands, and refuses what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection


class NotUnderstood(Exception):
    """A manifest that the evaluator does not know the meaning of, or that no API server takes.

    The text says where, what was found, and what is allowed.
    """


@dataclass(frozen=True)
class Part:
    """A value of a manifest and its path; null means absent, as it does to the API server."""

    value: Any
    path: str

    @classmethod
    def of(cls, manifest: Any) -> Part:
        """Return a whole manifest, named by its kind and name."""
        whole = cls(manifest, "manifest")
        kind, name = whole["kind"].text(), whole["metadata"]["name"].text()
        return cls(manifest, f"{kind}/{name}")

    @property
    def present(self) -> bool:
        return self.value is not None

    def __getitem__(self, name: str) -> Part:
        """Return a field, absent when it or the whole part is."""
        return Part(self._mapping().get(name), f"{self.path}.{name}")

    def only(self, *known: str) -> Part:
        """Return this part, which must be a mapping with no fields but these."""
        if not self.present:
            raise self.refuse("a mapping")
        for name in self._mapping():
            if name not in known:
                raise NotUnderstood(f"{self.path}: unknown field {name!r}; allowed: {_all(known)}")
        return self

    def items(self) -> list[Part]:
        """Return the items of a list, none when it is absent."""
        if self.present and not isinstance(self.value, list | tuple):
            raise self.refuse("a list")
        return [Part(each, f"{self.path}[{n}]") for n, each in enumerate(self.value or ())]

    def texts(self) -> dict[str, str]:
        """Return a mapping of texts to texts, empty when it is absent."""
        return {Part(name, self.path).text(): self[name].text() for name in self._mapping()}

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.refuse("a text")
        return self.value

    def one_of(self, choices: Collection[str]) -> str:
        if self.value not in choices:
            raise self.refuse(_all(choices))
        return self.text()

    def number(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.refuse(f"a number from {low} to {high}")
        return self.value

    def refuse(self, allowed: str) -> NotUnderstood:
        """Return the error that this part is not what is allowed."""
        found = repr(self.value) if self.present else "nothing"
        return NotUnderstood(f"{self.path}: found {found}; allowed: {allowed}")

    def _mapping(self) -> Mapping[str, Any]:
        if self.present and not isinstance(self.value, Mapping):
            raise self.refuse("a mapping")
        return self.value if self.present else {}


def _all(choices: Collection[str]) -> str:
    return ", ".join(choices)
