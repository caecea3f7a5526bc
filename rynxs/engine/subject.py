"""Subjects: the names of what events are about, ``group/Kind[/namespace]/name``."""

from __future__ import annotations

from typing import NamedTuple

from rynxs.errors import UsageError

_SIZES = (3, 4)


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


def named_subject(text: str) -> Subject:
    """Return the parts of a subject that a person names.

    Raises:
        UsageError: it names none.
    """
    parts = text.split("/")
    if len(parts) in _SIZES and all(parts):
        return parse_subject(text)
    of_record = f"; rynxs log show {text} tells that of record {text}" if text.isdecimal() else ""
    raise UsageError(
        f"found {text!r}; expected is a subject (group/Kind/namespace/name, or group/Kind/name), "
        f"as universe.ai/Agent/default/worker{of_record}"
    )
