"""Subjects: the names of what events are about, ``group/Kind[/namespace]/name``."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """The parts of a subject; `namespace` is empty for a cluster-scoped object."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        scope = f"{self.namespace}/" if self.namespace else ""
        return f"{self.group}/{self.kind}/{scope}{self.name}"

    @property
    def group_kind(self) -> str:
        """``group/Kind``."""
        return f"{self.group}/{self.kind}"


def parse_subject(text: str) -> Subject:
    """Return the parts of a subject that a header holds."""
    group, kind, rest = text.split("/", 2)
    namespace, _, name = rest.rpartition("/")
    return Subject(group, kind, namespace, name)
