"""The reducer of Sessions: an accepted spec that stays as it is, and the run that comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.api import Column, Reducer, Resource, Subject, admit, condition, head_of
from rynxs_reducer_session import __version__
from rynxs_reducer_session.model import SessionSpec, SessionStatus
from rynxs_reducer_session.phases import ENDED, PENDING, after_deadline, after_status, deadline_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.api import Event, View

SESSION = Resource(
    group="universe.ai",
    kind="Session",
    plural="sessions",
    scope="Namespaced",
    versions=("v1alpha1",),
    spec=SessionSpec,
    status=SessionStatus,
    short_names=("sess",),
    categories=("rynxs",),
    columns=(
        Column("Agent", "string", ".spec.agentRef"),
        Column("Phase", "string", ".status.phase"),
    ),
    # Its Job is called session-NAME-HASH, and pods are best called by a DNS label of up to 63.
    name_pattern=r"[a-z0-9]([-a-z0-9]{0,43}[a-z0-9])?",
    name_rule="lower-case letters, digits and '-', at most 45 characters",
)
_FREE = frozenset({"suspend"})


class SessionReducer(Reducer):
    """Folds ``SessionObserved``, ``SessionDeleted``, and what became of its Job and its time.

    The slice of an accepted session, which the renderers read::

        {"metadata": {"name", "namespace", "uid"}, "spec": SessionSpec with its defaults,
         "run": see `phases`, "agent": the agent's governed slice as it was when the run started,
         None before, "conditions": [...], "deleting": bool}

    That of a refused one has no ``spec``.
    """

    name: ClassVar[str] = "session"
    version: ClassVar[str] = __version__
    watches: ClassVar[Mapping[str, Sequence[str]]] = {
        "batch/v1/Job": ("active", "conditions", "failed", "succeeded")
    }

    @property
    def resources(self) -> Sequence[Resource]:
        """The Session kind."""
        return (SESSION,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        """Return the session's slice after an event."""
        if event.kind == "SessionDeleted":
            return None
        if event.kind == "SessionObserved":
            return _observed(current, event.payload)
        if current is not None and "spec" in current:
            if event.kind == "StatusObserved":
                return _seen(current, event, view)
            if event.kind == "DeadlineReached":
                return _due(current, event)
        return current

    def reads(self, subject: str, current: Mapping[str, Any]) -> Iterable[str]:
        """Return the agent that the session is a run of."""
        return [agent_of(current)] if "spec" in current else []

    def deadline(self, subject: str, current: Mapping[str, Any]) -> int | None:
        """Return when the session expires, or when what was made for it is to go."""
        return deadline_us(current["run"], current["spec"]) if "spec" in current else None

    def status(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        seen: Mapping[str, Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        """Return phase, times and conditions."""
        conditions = list(current["conditions"])
        if "spec" not in current:
            return {"conditions": conditions, "phase": "Refused"}
        run, governed = current["run"], view.governed(subject)
        if run["phase"] in ENDED:
            phase = run["phase"]
            succeeded = "True" if phase == "Succeeded" else "False"
            conditions.append(condition("Succeeded", succeeded, phase, run["message"]))
        elif governed is None:
            phase = "Refused"
        else:
            waits = _waits_for(governed, view)
            conditions.append(waits)
            is_suspended = governed["spec"]["suspend"] or waits["reason"] == "AgentSuspended"
            phase = "Suspended" if is_suspended else run["phase"]
            phase = phase if waits["status"] == "True" or is_suspended else "Pending"
        return {
            "conditions": conditions,
            "finishedAt": _rfc3339(run["finishedUs"]),
            "phase": phase,
            "startedAt": _rfc3339(run["startedUs"]),
        }


def agent_of(current: Mapping[str, Any]) -> str:
    """Return the subject of a session's agent."""
    namespace = current["metadata"]["namespace"]
    return str(Subject(SESSION.group, "Agent", namespace, current["spec"]["agentRef"]))


def _observed(current: Mapping[str, Any] | None, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the slice of an observed session; what was once accepted stays as it was."""
    head = head_of(payload)
    spec, accepted = admit(payload, SessionSpec)
    known = current if current and "spec" in current and _is_one_object(current, head) else None
    if known is None:
        if spec is None:
            return {**head, "conditions": [accepted]}
        return {
            **head,
            "agent": None,
            "conditions": [accepted],
            "run": dict(PENDING),
            "spec": spec.model_dump(mode="json", by_alias=True),
        }
    if spec is None:
        ignored = _ignored(accepted["message"])
        return {**known, **head, "conditions": [*_accepted(known), ignored]}
    wanted = spec.model_dump(mode="json", by_alias=True)
    before = known["spec"]
    changed = sorted(
        name for name in wanted if name not in _FREE and wanted[name] != before.get(name)
    )
    told = [_ignored(", ".join(f"spec.{name}" for name in changed))] if changed else []
    kept = {**before, **{name: wanted[name] for name in sorted(_FREE)}}
    return {**known, **head, "conditions": [*_accepted(known), *told], "spec": kept}


def _is_one_object(current: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    """Tell whether it is still the same object; without a cluster there is no uid to tell by."""
    before, now = current["metadata"]["uid"], head["metadata"]["uid"]
    return before is None or now is None or before == now


def _accepted(current: Mapping[str, Any]) -> list[Any]:
    return [each for each in current["conditions"] if each["type"] == "Accepted"]


def _ignored(what: str) -> dict[str, str]:
    message = f"{what}: a session's spec can't change, save suspend; it goes on as it was accepted"
    return condition("SpecIgnored", "True", "Immutable", message)


def _seen(current: Mapping[str, Any], event: Event, view: View) -> Mapping[str, Any]:
    """Return the slice after its Job's status was seen; the agent stays as it is at the start."""
    run = after_status(current["run"], event.payload["status"], event.time_us)
    agent = current["agent"]
    if agent is None and run["phase"] != "Pending":
        agent = _in_force(agent_of(current), view)
    return {**current, "agent": None if agent is None else dict(agent), "run": run}


def _due(current: Mapping[str, Any], event: Event) -> Mapping[str, Any]:
    """Return the slice after a deadline was reached; unchanged by one that is no longer set."""
    due_us = deadline_us(current["run"], current["spec"])
    if due_us is None or due_us != event.payload["deadlineUs"]:
        return current
    return {**current, "run": after_deadline(current["run"], due_us, event.time_us)}


def _waits_for(governed: Mapping[str, Any], view: View) -> dict[str, str]:
    """Return the condition ``AgentReady``: whether the agent lets the session run."""
    name, subject = governed["spec"]["agentRef"], agent_of(governed)
    if view.get(subject) is None:
        return _agent_ready("False", "AgentMissing", f"spec.agentRef: there is no agent {name}")
    agent = _in_force(subject, view)
    if agent is None:
        return _agent_ready("False", "AgentRefused", f"spec.agentRef: agent {name} is refused")
    workspace, run_of = governed["spec"]["workspace"] or {}, governed["agent"] or agent
    if workspace.get("kind") == "agent" and run_of["spec"]["workspace"] is None:
        message = f"spec.workspace.kind: agent {name} has no workspace"
        return _agent_ready("False", "NoWorkspace", message)
    if agent["spec"]["suspend"]:
        message = f"spec.agentRef: agent {name} is suspended"
        return _agent_ready("False", "AgentSuspended", message)
    return _agent_ready("True", "Ready", "")


def _in_force(subject: str, view: View) -> Mapping[str, Any] | None:
    """Return an agent as it is to run; None if it is not there, or is refused.

    It is refused, too, if it asks for a universe while nobody judges agents.
    """
    agent = view.governed(subject)
    if agent is None or "spec" not in agent:
        return None
    is_unjudged = agent["spec"]["universeRef"] is not None and view.verdict(subject) is None
    return None if is_unjudged else agent


def _agent_ready(status: str, reason: str, message: str) -> dict[str, str]:
    return condition("AgentReady", status, reason, message)


def _rfc3339(time_us: int | None) -> str | None:
    if time_us is None:
        return None
    moment = datetime.fromtimestamp(time_us // 1_000_000, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
