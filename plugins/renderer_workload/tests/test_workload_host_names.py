"""Host names: a NetworkPolicy can't allow them, and a CiliumNetworkPolicy can.

Its form: https://docs.cilium.io/en/stable/security/policy/language/#dns-based.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World

CILIUM = {"hostNames": "cilium"}
HOSTS = {"allowEgressTo": ["models.example.org:443", "files.example.org.", "10.0.0.0/8"]}
ASK_DNS = {
    "toEndpoints": [
        {
            "matchLabels": {
                "k8s:io.kubernetes.pod.namespace": "kube-system",
                "k8s:k8s-app": "kube-dns",
            }
        }
    ],
    "toPorts": [
        {
            "ports": [{"port": "53", "protocol": "ANY"}],
            "rules": {"dns": [{"matchPattern": "*"}]},
        }
    ],
}


def to(name: str, port: int | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"toFQDNs": [{"matchName": name}]}
    if port is not None:
        rule["toPorts"] = [{"ports": [{"port": str(port), "protocol": "TCP"}]}]
    return rule


@pytest.mark.parametrize("kind", ["Agent", "Session"])
def test_each_host_name_is_a_rule_beside_the_one_for_dns(
    worlds: Callable[..., World], kind: str
) -> None:
    world = worlds(CILIUM)
    agent = world.agent(network=HOSTS)
    rendered = agent if kind == "Agent" else world.session()
    policy = rendered["CiliumNetworkPolicy"]
    assert policy["apiVersion"] == "cilium.io/v2"
    assert policy["metadata"]["name"] == rendered["NetworkPolicy"]["metadata"]["name"]
    selector = rendered["NetworkPolicy"]["spec"]["podSelector"]
    assert policy["spec"] == {
        "egress": [ASK_DNS, to("models.example.org", 443), to("files.example.org")],
        "endpointSelector": selector,
    }


def test_it_comes_before_the_pods(worlds: Callable[..., World]) -> None:
    world = worlds(CILIUM)
    kinds = list(world.agent(network=HOSTS))
    assert kinds.index("CiliumNetworkPolicy") < kinds.index("Deployment")
    kinds = list(world.session())
    assert kinds.index("CiliumNetworkPolicy") < kinds.index("Job")


def test_the_network_policy_has_the_other_targets_only(worlds: Callable[..., World]) -> None:
    world = worlds(CILIUM)
    with_names = world.agent(network=HOSTS)["NetworkPolicy"]
    without = world.agent(network={"allowEgressTo": ["10.0.0.0/8"]})["NetworkPolicy"]
    assert with_names == without


def test_without_host_names_there_is_none(worlds: Callable[..., World]) -> None:
    world = worlds(CILIUM)
    assert "CiliumNetworkPolicy" not in world.agent(network={"allowEgressTo": ["10.0.0.0/8"]})
    assert "CiliumNetworkPolicy" not in world.session()


def test_what_is_suspended_has_none(worlds: Callable[..., World]) -> None:
    world = worlds(CILIUM)
    world.agent(network=HOSTS)
    assert "CiliumNetworkPolicy" not in world.session(suspend=True)
    assert "CiliumNetworkPolicy" not in world.agent(network=HOSTS, suspend=True)


def test_the_dns_of_the_settings_is_asked(worlds: Callable[..., World]) -> None:
    dns = {"namespace": "dns", "podLabels": {"b": "2", "a": "1"}}
    world = worlds(CILIUM, {"dns": dns})
    ask, *_ = world.agent(network=HOSTS)["CiliumNetworkPolicy"]["spec"]["egress"]
    assert ask["toEndpoints"] == [
        {"matchLabels": {"k8s:a": "1", "k8s:b": "2", "k8s:io.kubernetes.pod.namespace": "dns"}}
    ]


AUDIT_LOG = {"url": "s3://log/rynxs", "allowEgressTo": ["s3.eu.example.org:443", "10.9.0.1:443"]}
MAY_READ: dict[str, Any] = {"permissions": {"canAccessAuditLogs": True}}


def test_the_host_names_of_the_audit_log_are_allowed_to_who_may_read_it(
    worlds: Callable[..., World],
) -> None:
    world = worlds(CILIUM | {"auditLog": AUDIT_LOG})
    rules = world.agent(**MAY_READ)["CiliumNetworkPolicy"]["spec"]["egress"]
    assert rules == [ASK_DNS, to("s3.eu.example.org", 443)]
    assert "CiliumNetworkPolicy" not in world.agent()
