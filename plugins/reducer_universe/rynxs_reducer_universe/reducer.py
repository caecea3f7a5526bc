"""The reducer of Universes, which governs the agents and sessions of the namespaces they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.api import Column, Reducer, Resource, admit, condition, head_of, parse_subject
from rynxs_reducer_universe import __version__, quotas
from rynxs_reducer_universe.governing import (
    UNIVERSE_KIND,
    Universe,
    governing,
    overlapping,
    universes,
)
from rynxs_reducer_universe.judging import Judge
from rynxs_reducer_universe.model import UniverseSpec, UniverseStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rynxs.api import Event, Occasion, View

UNIVERSE = Resource(
    group="universe.ai",
    kind="Universe",
    plural="universes",
    scope="Cluster",
    versions=("v1alpha1",),
    spec=UniverseSpec,
    status=UniverseStatus,
    short_names=("uni",),
    categories=("rynxs",),
    columns=(
        Column("Phase", "string", ".status.phase"),
        Column("Agents", "integer", ".status.agents"),
        Column("Sessions", "integer", ".status.sessions"),
    ),
)
_AGENT_KIND = "universe.ai/Agent"
_SESSION_KIND = "universe.ai/Session"
_GOVERNED = (_AGENT_KIND, _SESSION_KIND)
_KEPT = "; the spec accepted before still governs"


class UniverseReducer(Reducer):
    """Folds ``UniverseObserved`` and ``UniverseDeleted``; judges agents and sessions.

    The slice of a universe::

        {"metadata": {"name", "uid"}, "spec": UniverseSpec with its defaults,
         "conditions": [{"type": "Accepted", ...}], "deleting": bool}

    A universe that is refused after one that was accepted keeps that one's spec, for a slip must
    not lift its rules.
    """

    name: ClassVar[str] = "universe"
    version: ClassVar[str] = __version__
    governs: ClassVar[frozenset[str]] = frozenset(_GOVERNED)

    @property
    def resources(self) -> Sequence[Resource]:
        """The Universe kind."""
        return (UNIVERSE,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        """Return the universe's slice after an event."""
        if event.kind == "UniverseDeleted":
            return None
        if event.kind != "UniverseObserved":
            return current
        spec, accepted = admit(event.payload, UniverseSpec)
        head = head_of(event.payload)
        if spec is not None:
            made = spec.model_dump(mode="json", by_alias=True)
            return {**head, "conditions": [accepted], "spec": made}
        if current is not None and "spec" in current:
            kept = {**accepted, "message": f"{accepted['message']}{_KEPT}"}
            return {**head, "conditions": [kept], "spec": current["spec"]}
        return {**head, "conditions": [accepted]}

    def judge(
        self, subject: str, current: Mapping[str, Any] | None, view: View, occasion: Occasion
    ) -> Mapping[str, Any] | None:
        """Return what the universes that govern its namespace say of an agent or a session."""
        if current is None or "spec" not in current:
            return None
        parts = parse_subject(subject)
        found = governing(parts.namespace, view)
        if not found and current["spec"].get("universeRef") is None:
            return None
        judge = Judge(subject, found, view, occasion)
        return judge.agent(current) if parts.group_kind == _AGENT_KIND else judge.session(current)

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        """Return whom a changed universe concerns; or, of who was judged, whom it may make room.

        Each in the order in which they are served: agents before sessions, and who came first in
        the log before who came later.
        """
        if parse_subject(subject).group_kind == UNIVERSE_KIND:
            return _served(_concerned(subject, view), view)
        verdict = view.verdict(subject)
        if verdict is not None and not verdict.get("gives", True):
            return ()
        return _served(_waiting(subject, view), view)

    def status(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        seen: Mapping[str, Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        """Return phase, numbers, and whether other universes govern the same namespaces."""
        conditions = list(current["conditions"])
        if "spec" not in current:
            return {"conditions": conditions, "phase": "Refused"}
        others = overlapping(subject, view)
        if others:
            message = (
                f"spec.namespaces: {', '.join(others)} may govern the same namespaces; the "
                "strictest of each rule applies"
            )
            conditions.append(condition("Overlapping", "True", "SharedNamespaces", message))
        total = view.total(subject)
        return {
            "agents": total.get("agents", 0),
            "conditions": conditions,
            "phase": "Suspended" if current["spec"]["suspend"] else "Active",
            "sessions": total.get("sessions", 0),
        }


def _concerned(subject: str, view: View) -> Iterator[str]:
    """Yield whom a universe governs, governed until now, or is asked for by."""
    name = parse_subject(subject).name
    own = [universe for universe in universes(view) if universe.subject == subject]
    for each, current in _all_governed(view):
        verdict = view.verdict(each) or {}
        governs = any(universe.governs(current["metadata"]["namespace"]) for universe in own)
        is_asked_for = current.get("spec", {}).get("universeRef") == name
        if governs or is_asked_for or name in verdict.get("universes", ()):
            yield each


def _waiting(subject: str, view: View) -> Iterator[str]:
    """Yield who waits for room in a universe that has some; nobody is asked in vain."""
    roomy = {universe.subject for universe in universes(view) if _may_admit(universe, view)}
    if not roomy:
        return
    for each, _ in _all_governed(view):
        holds = (view.verdict(each) or {}).get("holds", {})
        waits_for = [holder for holder, units in holds.items() if quotas.WAITING in units]
        if each != subject and waits_for and roomy.issuperset(waits_for):
            yield each


def _may_admit(universe: Universe, view: View) -> bool:
    waits = view.total(universe.subject).get(quotas.WAITING, 0)
    return waits > 0 and quotas.has_room(universe, view)


def _all_governed(view: View) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group_kind in _GOVERNED:
        yield from view.of_kind(group_kind)


def _served(subjects: Iterable[str], view: View) -> list[str]:
    def order(subject: str) -> tuple[str, int, str]:
        since = (view.verdict(subject) or {}).get("since", -1)
        return parse_subject(subject).group_kind, since, subject

    return sorted(subjects, key=order)
