"""The verdict of all universes that govern a namespace, on an agent or a session in it.

Beside what every verdict has, it says ``since``, the record for which it was first given, or for
which who had been admitted began to wait: by that, those who wait are served; ``universes``, the
names of those that gave it; ``stated``, what of it all the subject asks for itself, no default; and
``gives``, whether what it holds had been more until it last changed, so that others may find room
now.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from rynxs.api import ACCEPTED, Subject, condition
from rynxs.fields import filled
from rynxs_reducer_universe import quotas
from rynxs_reducer_universe.rules import Violation, agent_violations, session_violations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.api import Occasion, View
    from rynxs_reducer_universe.governing import Universe

_ENDED = frozenset({"Succeeded", "Failed", "Expired"})
_MESSAGE_SIZE_MAX: Final = 24_000
"""A condition's message may have 32,768 characters (metav1.Condition); none here has 8,000."""


class Judge:
    """Judges one subject; make one for each occasion."""

    def __init__(
        self, subject: str, universes: Sequence[Universe], view: View, occasion: Occasion
    ) -> None:
        self._universes = universes
        self._view = view
        self._occasion = occasion
        self._last: Mapping[str, Any] = view.verdict(subject) or {}

    def agent(self, current: Mapping[str, Any]) -> dict[str, Any]:
        """Return the verdict on an agent."""
        patch = self._agent_patch(current)
        found = [*self._without_reference(current)]
        spec = {**current["spec"], **patch}
        given = {**current, "spec": {**current["spec"], "provider": spec["provider"]}}
        for universe in self._universes:
            judged = _as_judged(given, universe) if "provider" in patch else current
            found += agent_violations(judged, universe)
        resources = filled(spec["resources"], current["defaults"]["resources"])
        verdict = self._verdict(
            found, patch, quotas.wanted("agents", resources), current["spec"]["resources"]
        )
        giver = self._giver() if "provider" in patch else None
        given = {} if giver is None else {"given": {"provider": giver.name}}
        return {**verdict, "patch": {**verdict["patch"], **given}}

    def session(self, current: Mapping[str, Any]) -> dict[str, Any]:
        """Return the verdict on a session; it holds something while its agent lets it run."""
        started = current["agent"]
        found = list(
            chain.from_iterable(
                session_violations(current, started and _as_started(started, each), each)
                for each in self._universes
            )
        )
        agent = started or self._view.governed(_agent_of(current))
        taken: dict[str, int] = {}
        stated: Mapping[str, Any] = {}
        if agent is not None and "spec" in agent and current["run"]["phase"] not in _ENDED:
            resources = filled(agent["spec"]["resources"], agent["defaults"]["resources"])
            taken = quotas.wanted("sessions", resources)
            own = started or self._view.get(_agent_of(current)) or agent
            stated = own["spec"]["resources"]
        patch: dict[str, Any] = {"suspend": True} if self._is_suspended() else {}
        workspace = current["spec"]["workspace"] or {}
        if workspace.get("kind") == "own":
            patch |= self._storage_class(workspace)
        return self._verdict(found, patch, taken, stated)

    def _verdict(
        self,
        found: Sequence[Violation],
        patch: Mapping[str, Any],
        taken: Mapping[str, int],
        stated: Mapping[str, Any],
    ) -> dict[str, Any]:
        violations, holds = list(found), dict[str, dict[str, int]]()
        if not violations and taken:
            violations, holds = self._admission(taken, stated)
        return {
            "conditions": [*_refusal(violations), *self._suspension()],
            "gives": self._gives(holds),
            "holds": holds,
            "patch": {"spec": dict(patch)} if patch else {},
            "refused": bool(violations),
            "since": self._since(holds),
            "stated": dict(stated),
            "universes": [universe.name for universe in self._universes],
        }

    def _admission(
        self, taken: Mapping[str, int], stated: Mapping[str, Any]
    ) -> tuple[list[Violation], dict[str, dict[str, int]]]:
        """Return why who breaks no rule is kept out, and what it holds of each universe.

        Who is kept out gives up what it held, and asks for all of it again. It is told of each
        quota that it asks, be there room in that one or not, and waits for all of them. So neither
        it nor others need be told again as these fill up and empty.
        """
        if all(self._fits(universe, taken, stated) for universe in self._universes):
            return [], {universe.subject: dict(taken) for universe in self._universes}
        unlimited = [v for each in self._universes for v in quotas.unlimited(each, taken, {})]
        if unlimited:
            return unlimited, {}
        asks = [ask for each in self._universes for ask in quotas.asks(each, taken, {})]
        waits = [Violation("QuotaExceeded", ask.message) for ask in asks]
        waits.append(Violation("QuotaExceeded", "it waits until there is room for all of this"))
        return waits, {ask.universe: {quotas.WAITING: 1} for ask in asks}

    def _fits(
        self, universe: Universe, taken: Mapping[str, int], stated: Mapping[str, Any]
    ) -> bool:
        """Tell whether a universe admits what is taken.

        Who ran before it came is admitted whatever it takes, and so is who was admitted and has not
        asked for anything else since: larger defaults are no wish of its own.
        """
        if self._occasion.is_planned and universe.name not in self._last.get("universes", ()):
            return True
        held = self._last.get("holds", {}).get(universe.subject, {})
        if quotas.WAITING in held:
            held = {}
        if held and stated == self._last["stated"]:
            return True
        asks = quotas.asks(universe, taken, held)
        is_limited = not any(quotas.unlimited(universe, taken, held))
        return is_limited and all(ask.has_room(self._view) for ask in asks)

    def _gives(self, holds: Mapping[str, Mapping[str, int]]) -> bool:
        before = self._last.get("holds", {})
        if before == holds:
            return bool(self._last.get("gives", False))
        return any(
            amount > holds.get(holder, {}).get(unit, 0)
            for holder, amounts in before.items()
            for unit, amount in amounts.items()
            if unit != quotas.WAITING
        )

    def _since(self, holds: Mapping[str, Mapping[str, int]]) -> int:
        waits = any(quotas.WAITING in units for units in holds.values())
        was_admitted = not self._last.get("refused", True)
        seq: int = self._last.get("since", self._occasion.seq)
        return self._occasion.seq if waits and was_admitted else seq

    def _agent_patch(self, current: Mapping[str, Any]) -> dict[str, Any]:
        """Return what universes give to an agent; of several, the first by name that has it."""
        spec, patch = current["spec"], dict[str, Any]()
        defaults = [universe.spec["defaults"] for universe in self._universes]
        if self._is_suspended():
            patch["suspend"] = True
        giver = self._giver()
        if spec["provider"] is None and giver is not None:
            patch["provider"] = giver.spec["defaults"]["provider"]
        patch |= self._storage_class(spec["workspace"])
        resources = filled(spec["resources"], *(each["resources"] for each in defaults))
        if resources != spec["resources"]:
            patch["resources"] = resources
        return patch

    def _storage_class(self, workspace: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the patch that gives a workspace its storage class, if it needs one."""
        if workspace is None or workspace["storageClassName"] is not None:
            return {}
        classes = (each.spec["defaults"]["storageClassName"] for each in self._universes)
        found = next((name for name in classes if name), None)
        return {"workspace": {"storageClassName": found}} if found else {}

    def _giver(self) -> Universe | None:
        """Return the universe whose provider is the default."""
        givers = (each for each in self._universes if each.spec["defaults"]["provider"])
        return next(givers, None)

    def _without_reference(self, current: Mapping[str, Any]) -> Iterable[Violation]:
        wanted = current["spec"]["universeRef"]
        names = [universe.name for universe in self._universes]
        if wanted is not None and wanted not in names:
            governing = f"{', '.join(names)} would" if names else "none is there that would"
            yield Violation(
                "UniverseMismatch",
                f"spec.universeRef: universe {wanted} does not govern namespace "
                f"{current['metadata']['namespace']} ({governing})",
            )

    def _is_suspended(self) -> bool:
        return any(universe.spec["suspend"] for universe in self._universes)

    def _suspension(self) -> list[dict[str, str]]:
        names = [universe.name for universe in self._universes if universe.spec["suspend"]]
        if not names:
            return []
        message = f"suspended by universe {', '.join(names)}: spec.suspend"
        return [condition("Suspended", "True", "UniverseSuspended", message)]


def _as_judged(agent: Mapping[str, Any], universe: Universe) -> Mapping[str, Any]:
    """Return an agent without its provider, if that is the one which a universe gives."""
    spec = agent["spec"]
    if spec["provider"] != universe.spec["defaults"]["provider"]:
        return agent
    return {**agent, "spec": {**spec, "provider": None}}


def _as_started(agent: Mapping[str, Any], universe: Universe) -> Mapping[str, Any]:
    """Return a session's agent without its provider, if this universe gave it that one.

    The universe may have another one to give by now.
    """
    if agent.get("given", {}).get("provider") != universe.name:
        return agent
    return {**agent, "spec": {**agent["spec"], "provider": None}}


def _agent_of(current: Mapping[str, Any]) -> str:
    namespace, name = current["metadata"]["namespace"], current["spec"]["agentRef"]
    return str(Subject("universe.ai", "Agent", namespace, name))


def _refusal(violations: Sequence[Violation]) -> list[dict[str, str]]:
    """Return the condition of who breaks rules, naming as many of them as a condition may hold."""
    if not violations:
        return []
    message = violations[0].message
    for index, violation in enumerate(violations[1:], 1):
        if len(message) + len(violation.message) > _MESSAGE_SIZE_MAX:
            message += f"; and {len(violations) - index} more"
            break
        message += f"; {violation.message}"
    return [condition(ACCEPTED, "False", violations[0].reason, message)]
