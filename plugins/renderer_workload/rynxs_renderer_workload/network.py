"""The network policy of an agent: nothing in, DNS and the allowed targets out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs_renderer_workload.identity import metadata, resource_name, selector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_renderer_workload.settings import Dns

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_DNS_PORT = 53


def network_policy(current: Mapping[str, Any], dns: Dns) -> dict[str, Any]:
    """Return the policy that selects exactly the agent's pods; a suspended agent's is closed."""
    egress = [] if current["spec"]["suspend"] else [_dns_rule(dns), *map(_rule, current["egress"])]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(current, resource_name(current)),
        "spec": {
            "egress": egress,
            "ingress": [],
            "podSelector": {"matchLabels": selector(current)},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


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
        peer = _pods(target["namespace"], {"app.kubernetes.io/name": target["service"]})
    rule: dict[str, Any] = {"to": [peer]}
    if target["port"] is not None:
        rule["ports"] = [{"port": target["port"], "protocol": "TCP"}]
    return rule


def _pods(namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: namespace}},
        "podSelector": {"matchLabels": dict(labels)},
    }
