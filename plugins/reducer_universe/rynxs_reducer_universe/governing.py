"""Which universes govern a namespace, and what of their rules applies to whom they govern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.api import parse_subject
from rynxs.fields import covers
from rynxs_reducer_universe.matching import overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rynxs.api import View

UNIVERSE_KIND = "universe.ai/Universe"


class Universe(NamedTuple):
    """An accepted universe.

    Attributes:
        subject: the universe's subject, by which quotas are counted.
        spec: its spec with the defaults.
    """

    subject: str
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The universe's name."""
        return parse_subject(self.subject).name

    def governs(self, namespace: str) -> bool:
        """Tell whether it governs a namespace."""
        return any(covers(pattern, namespace) for pattern in self.spec["namespaces"])


def universes(view: View) -> list[Universe]:
    """Return the accepted universes, sorted by name."""
    return [
        Universe(subject, current["spec"])
        for subject, current in view.of_kind(UNIVERSE_KIND)
        if "spec" in current
    ]


def governing(namespace: str, view: View) -> list[Universe]:
    """Return the universes that govern a namespace, sorted by name; all their rules apply."""
    return [universe for universe in universes(view) if universe.governs(namespace)]


def overlapping(subject: str, view: View) -> list[str]:
    """Return the names of the universes that may govern a namespace of this one, sorted."""
    known = universes(view)
    own = [universe for universe in known if universe.subject == subject]
    return [
        other.name
        for universe in own
        for other in known
        if other.subject != subject
        and _overlap(universe.spec["namespaces"], other.spec["namespaces"])
    ]


def _overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    patterns = list(others)
    return any(overlap(one, other) for one in some for other in patterns)
