"""Network policies: nothing in and nothing out, save what the agent's spec and its team ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs_renderer_workload.identity import (
    AGENT_APP,
    AGENT_LABEL,
    ASSIGNS_TASKS_LABEL,
    MANAGES_TEAM_LABEL,
    NAME_LABEL,
    TEAM_LABEL,
    manages_label,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_renderer_workload.identity import Identity
    from rynxs_renderer_workload.settings import Dns, WorkloadSettings

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_DNS_PORT = 53


def closed_policy(identity: Identity) -> dict[str, Any]:
    """Return the policy of what is suspended: nothing in, nothing out, not even DNS."""
    return _policy(identity, [], [])


def agent_policy(
    identity: Identity, agent: Mapping[str, Any], settings: WorkloadSettings
) -> dict[str, Any]:
    """Return the policy of an agent's pods: who may give them tasks, and what they may reach."""
    return _policy(identity, _ingress(agent, settings.task_port), _egress(agent, settings))


def session_policy(
    identity: Identity, agent: Mapping[str, Any], settings: WorkloadSettings
) -> dict[str, Any]:
    """Return the policy of a session's pods: they reach what the agent may, and nothing in."""
    return _policy(identity, [], _egress(agent, settings))


def host_name_policy(
    identity: Identity, agent: Mapping[str, Any], dns: Dns
) -> dict[str, Any] | None:
    """Return the policy of Cilium that allows the agent's host names, None if it has none.

    Cilium learns the addresses of a name from the answers of DNS, so these have to pass it:
    https://docs.cilium.io/en/stable/security/policy/language/#dns-based.
    """
    named = [target for target in _targets(agent) if "host" in target]
    if not named:
        return None
    labels = {f"k8s:{name}": value for name, value in sorted(dns.pod_labels.items())}
    ask = {
        "toEndpoints": [
            {"matchLabels": {"k8s:io.kubernetes.pod.namespace": dns.namespace, **labels}}
        ],
        "toPorts": [
            {
                "ports": [{"port": str(_DNS_PORT), "protocol": "ANY"}],
                "rules": {"dns": [{"matchPattern": "*"}]},
            }
        ],
    }
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": identity.metadata_of(identity.name),
        "spec": {
            "egress": [ask, *map(_host_rule, named)],
            "endpointSelector": {"matchLabels": dict(identity.selector)},
        },
    }


def _policy(
    identity: Identity, ingress: list[dict[str, Any]], egress: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": identity.metadata_of(identity.name),
        "spec": {
            "egress": egress,
            "ingress": ingress,
            "podSelector": {"matchLabels": dict(identity.selector)},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def _ingress(agent: Mapping[str, Any], task_port: int) -> list[dict[str, Any]]:
    """Return who may give an agent tasks: its managers, and those who manage its team."""
    name, team = agent["metadata"]["name"], agent["spec"]["team"]
    givers = [{ASSIGNS_TASKS_LABEL: "true", manages_label(name): "true"}]
    if team is not None:
        givers.append({MANAGES_TEAM_LABEL: "true", TEAM_LABEL: team})
    return [{"from": [_mates(labels) for labels in givers], "ports": [_tcp(task_port)]}]


def _egress(agent: Mapping[str, Any], settings: WorkloadSettings) -> list[dict[str, Any]]:
    """Return what an agent may reach: DNS, its targets, the audit log, and whom it gives tasks."""
    rules = [_rule(target) for target in _targets(agent) if "host" not in target]
    takers = _takers(agent["spec"])
    if takers:
        rules.append({"ports": [_tcp(settings.task_port)], "to": takers})
    return [_dns_rule(settings.dns), *rules]


def _targets(agent: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the targets of the spec, and those of the audit log if it is offered to the agent."""
    return [*agent["egress"], *(agent["auditLog"] or {}).get("egress", ())]


def _takers(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    permissions = spec["permissions"]
    takers: list[dict[str, str]] = []
    if permissions["canAssignTasks"]:
        takers += [{AGENT_LABEL: name, NAME_LABEL: AGENT_APP} for name in spec["manages"]]
    if permissions["canManageTeam"]:
        takers.append({NAME_LABEL: AGENT_APP, TEAM_LABEL: spec["team"]})
    return [_mates(labels) for labels in takers]


def _dns_rule(dns: Dns) -> dict[str, Any]:
    return {
        "ports": [{"port": _DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")],
        "to": [_pods(dns.namespace, dict(sorted(dns.pod_labels.items())))],
    }


def _rule(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule of one target.

    NetworkPolicy knows pods, not Services: a service stands for the pods in its namespace whose
    standard name label is the service's name.
    """
    if "cidr" in target:
        peer: dict[str, Any] = {"ipBlock": {"cidr": target["cidr"]}}
    else:
        peer = _pods(target["namespace"], {NAME_LABEL: target["service"]})
    rule: dict[str, Any] = {"to": [peer]}
    return rule if target["port"] is None else rule | {"ports": [_tcp(target["port"])]}


def _host_rule(target: Mapping[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"toFQDNs": [{"matchName": target["host"]}]}
    if target["port"] is None:
        return rule
    return rule | {"toPorts": [{"ports": [{"port": str(target["port"]), "protocol": "TCP"}]}]}


def _mates(labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the peer that is pods of the same namespace."""
    return {"podSelector": {"matchLabels": dict(labels)}}


def _pods(namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: namespace}},
        "podSelector": {"matchLabels": dict(labels)},
    }


def _tcp(port: int) -> dict[str, Any]:
    return {"port": port, "protocol": "TCP"}
