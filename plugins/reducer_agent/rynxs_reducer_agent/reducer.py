"""The reducer of Agents: the slice is the validated spec with its defaults, and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from rynxs.api import Reducer, Resource, problems_of
from rynxs_reducer_agent import __version__
from rynxs_reducer_agent.egress import parse_egress
from rynxs_reducer_agent.model import AgentSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.api import Event, View

AGENT = Resource(
    group="universe.ai",
    kind="Agent",
    plural="agents",
    scope="Namespaced",
    versions=("v1alpha1",),
    spec=AgentSpec,
    short_names=("ag",),
    # What is rendered is called agent-NAME, and pods are best called by a DNS label of up to 63.
    name_pattern=r"[a-z0-9]([-a-z0-9]{0,55}[a-z0-9])?",
    name_rule="lower-case letters, digits and '-', at most 57 characters",
)


class AgentReducer(Reducer):
    """Folds ``AgentObserved`` and ``AgentDeleted``.

    The slice of an accepted agent, which the renderers read::

        {"metadata": {"name", "namespace", "uid"}, "spec": AgentSpec with its defaults,
         "egress": [parsed network.allowEgressTo],
         "conditions": [{"type": "Accepted", "status": "True", ...}], "deleting": bool}

    That of a refused one has no ``spec`` and no ``egress``, so nothing is rendered for it.
    """

    name: ClassVar[str] = "agent"
    version: ClassVar[str] = __version__
    decided_by: ClassVar[frozenset[str]] = frozenset({"AgentObserved", "AgentDeleted"})

    @property
    def resources(self) -> Sequence[Resource]:
        """The Agent kind."""
        return (AGENT,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        """Return the agent's slice after an event."""
        if event.kind == "AgentDeleted":
            return None
        if event.kind != "AgentObserved":
            return current
        return _observed(event.payload)


def _observed(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    observed = payload["object"]
    metadata = observed["metadata"]
    head: dict[str, Any] = {
        "deleting": payload["deleting"],
        "metadata": {key: metadata[key] for key in ("name", "namespace", "uid")},
    }
    problems = [f"{problem['path']}: {problem['rule']}" for problem in payload.get("refused", ())]
    if not problems:
        try:
            spec = AgentSpec.model_validate(observed["spec"])
        except ValidationError as error:
            problems = [
                f"{problem.path}: {problem.rule}"
                for problem in problems_of(error, AgentSpec, ("spec",))
            ]
        else:
            return head | {
                "conditions": [_condition("True", "Valid", "")],
                "egress": [parse_egress(target) for target in spec.network.allow_egress_to],
                "spec": spec.model_dump(mode="json", by_alias=True),
            }
    return head | {"conditions": [_condition("False", "Invalid", "; ".join(problems))]}


def _condition(status: str, reason: str, message: str) -> dict[str, str]:
    return {"message": message, "reason": reason, "status": status, "type": "Accepted"}
