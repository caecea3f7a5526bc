"""Short forms of the manifests that these tests are about."""

from __future__ import annotations

from typing import Any

from tests.network import NamedPort, Network, Pod

NAMESPACES: dict[str, dict[str, str]] = {"blue": {"team": "blue"}, "green": {"team": "green"}}


def policy(name: str = "policy", namespace: str = "blue", **spec: Any) -> dict[str, Any]:
    """Return a policy with a spec as given; it selects every pod of its namespace by default."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {}} | spec,
    }


def workload(
    kind: str, name: str, pod: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """Return a workload of the namespace blue; its pods have its name as the label `app`."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": []} | (pod or {})}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "blue"},
        "spec": {"template": template} | spec,
    }


CLIENT = Pod("client", "blue", {"app": "client"}, "10.0.0.1")
SERVER = Pod(
    "server",
    "blue",
    {"app": "server", "tier": "back"},
    "10.0.0.2",
    (NamedPort("web", 8080), NamedPort("web", 8081, "UDP"), NamedPort("admin", 9090)),
)
STRANGER = Pod("stranger", "green", {"app": "client"}, "10.0.0.3")
SIX = Pod("six", "blue", {"app": "six"}, "2001:db8:1::6")
PODS = (CLIENT, SERVER, STRANGER, SIX)


def network(*policies: dict[str, Any]) -> Network:
    """Return the network of the pods above, blue and green, and of some policies."""
    return Network.of(policies, pods=PODS, namespaces=NAMESPACES)


def labels(**wanted: str) -> dict[str, Any]:
    """Return the selector of labels."""
    return {"matchLabels": wanted}


def ingress(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> Network:
    """Return the network in which the server takes what one rule allows."""
    rule = {"from": list(peers)} | ({} if ports is None else {"ports": ports})
    return network(
        policy(podSelector=labels(app="server"), policyTypes=["Ingress"], ingress=[rule])
    )


def egress(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> Network:
    """Return the network in which the client may reach what one rule allows."""
    rule = {"to": list(peers)} | ({} if ports is None else {"ports": ports})
    return network(policy(podSelector=labels(app="client"), policyTypes=["Egress"], egress=[rule]))
