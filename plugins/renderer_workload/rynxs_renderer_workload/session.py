"""The manifests of a session: a Job of its agent's image, with the input, confined like the agent.

A Job's pod can't be changed, so its name bears a hash of it: what has to differ before the session
has started is another Job. Once it has started, the agent's spec is taken as it was then.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rynxs.api import Subject
from rynxs.fields import seconds_of
from rynxs_renderer_workload.agent import wants_a_judge
from rynxs_renderer_workload.claims import claim_name, volume_claim
from rynxs_renderer_workload.configuration import INPUT_KEY, config_map, digest_annotation
from rynxs_renderer_workload.identity import of_agent, of_session
from rynxs_renderer_workload.network import closed_policy, host_name_policy, session_policy
from rynxs_renderer_workload.pod import (
    INPUT_MOUNT,
    agent_pod,
    config_volume,
    workspace_volume,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.api import View
    from rynxs_renderer_workload.identity import Identity
    from rynxs_renderer_workload.settings import WorkloadSettings

_ENDED = frozenset({"Succeeded", "Failed", "Expired"})
_HASH_SIZE = 8
_INPUT = "input"


def session_manifests(
    session: Mapping[str, Any], view: View, settings: WorkloadSettings
) -> list[dict[str, Any]]:
    """Return a session's manifests; none while its agent is not there to run, or has no workspace.

    Nor are there any once its time to live is over. What has ended is suspended: a Job that is made
    anew, for another version renders it, must not run it a second time.
    """
    spec, run = session["spec"], session["run"]
    now = _agent_now(session, view)
    if run["collected"] or now is None:
        return []
    agent = session["agent"] or now
    workspace = spec["workspace"] or {}
    if workspace.get("kind") == "agent" and agent["spec"]["workspace"] is None:
        return []
    identity = of_session(session, agent)
    own = workspace.get("kind") == "own"
    text = spec["input"]["text"]
    config = config_map(identity, agent, {} if text is None else {INPUT_KEY: text})
    suspend = spec["suspend"] or now["spec"]["suspend"] or run["phase"] in _ENDED
    if suspend:
        policies = [closed_policy(identity)]
    else:
        named = host_name_policy(identity, agent, settings.dns)
        policies = [session_policy(identity, agent, settings), *([named] if named else [])]
    template = _template(identity, session, agent, config, settings.run_as_user)
    return [
        config,
        *([volume_claim(identity, workspace)] if own else []),
        *policies,
        _job(identity, spec, template, suspend),
    ]


def _agent_now(session: Mapping[str, Any], view: View) -> Mapping[str, Any] | None:
    """Return the agent that decides whether the session may be there, None if it may not.

    What has ended stays, with the workspace, though its agent may be gone.
    """
    if session["run"]["phase"] in _ENDED and session["agent"] is not None:
        ended: Mapping[str, Any] = session["agent"]
        return ended
    subject = _agent_of(session)
    now = view.governed(subject)
    may_run = now is not None and "spec" in now and not wants_a_judge(subject, now, view)
    return now if may_run else None


def _job(
    identity: Identity,
    spec: Mapping[str, Any],
    template: Mapping[str, Any],
    suspend: bool,  # noqa: FBT001 - the Job's own field
) -> dict[str, Any]:
    """Return the Job; only whether it is suspended may change while it is there."""
    fixed = {
        "activeDeadlineSeconds": seconds_of(spec["timeout"]),
        "backoffLimit": spec["retries"],
        "template": dict(template),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": identity.metadata_of(f"{identity.name}-{_hash(fixed)}"),
        "spec": {**fixed, "suspend": suspend},
    }


def _hash(fixed: Mapping[str, Any]) -> str:
    """Return what is put into a Job's name of what can't change, the input left out.

    The name outlives the input in the log, and a short input could be guessed from it; within one
    session the input never changes.
    """
    template = fixed["template"]
    pod = template["spec"]
    volumes = [volume for volume in pod["volumes"] if volume["name"] != _INPUT]
    hashed = {**fixed, "template": {**template, "spec": {**pod, "volumes": volumes}}}
    canonical = json.dumps(hashed, sort_keys=True, ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()[:_HASH_SIZE]


def _template(
    identity: Identity,
    session: Mapping[str, Any],
    agent: Mapping[str, Any],
    config: Mapping[str, Any],
    run_as_user: int,
) -> dict[str, Any]:
    spec = session["spec"]
    kind = (spec["workspace"] or {}).get("kind")
    claims = {"own": claim_name(identity), "agent": claim_name(of_agent(agent)), None: None}
    volumes = [config_volume(identity.name), workspace_volume(claims[kind]), _input(identity, spec)]
    pod = agent_pod(agent, run_as_user, volumes)
    container = pod["containers"][0]
    container["env"] += [
        {"name": "RYNXS_SESSION", "value": session["metadata"]["name"]},
        {"name": "RYNXS_SESSION_INPUT", "value": f"{INPUT_MOUNT}/{INPUT_KEY}"},
    ]
    mount = {"mountPath": INPUT_MOUNT, "name": _INPUT, "readOnly": True}
    container["volumeMounts"] = [*container["volumeMounts"], mount]
    if spec["runtimeClassName"] is not None:
        pod["runtimeClassName"] = spec["runtimeClassName"]
    return {
        "metadata": {"annotations": digest_annotation(config), "labels": dict(identity.labels)},
        "spec": pod | {"restartPolicy": "Never"},
    }


def _input(identity: Identity, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the volume with the input, from the session's own ConfigMap or the one it names."""
    reference = spec["input"]["configMapKeyRef"] or {"key": INPUT_KEY, "name": identity.name}
    items = [{"key": reference["key"], "path": INPUT_KEY}]
    return {"configMap": {"items": items, "name": reference["name"]}, "name": _INPUT}


def _agent_of(session: Mapping[str, Any]) -> str:
    namespace, name = session["metadata"]["namespace"], session["spec"]["agentRef"]
    return str(Subject("universe.ai", "Agent", namespace, name))
