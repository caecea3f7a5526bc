"""Selection, isolation and union, after the API reference of NetworkPolicySpec."""

from __future__ import annotations

from typing import Any

import pytest

from tests.network import Direction, End, External, Network, NotUnderstood, Pod
from tests.unit.network.build import CLIENT, PODS, SERVER, SIX, STRANGER, labels, network, policy

OUTSIDE = External("198.51.100.7")
OTHERS: tuple[End, ...] = (SERVER, STRANGER, OUTSIDE)
TO_ALL: dict[str, Any] = {"egress": [{}]}
FROM_ALL: dict[str, Any] = {"ingress": [{}]}
INGRESS, EGRESS, BOTH = ["Ingress"], ["Egress"], ["Ingress", "Egress"]


def of_client(name: str, **spec: Any) -> dict[str, Any]:
    return policy(name, podSelector=labels(app="client"), **spec)


def of_server(name: str, **spec: Any) -> dict[str, Any]:
    return policy(name, podSelector=labels(app="server"), **spec)


def isolated(network: Network, pod: Pod = CLIENT) -> list[str]:
    return [str(each) for each in Direction if network.isolates(pod, each)]


class TestSelection:
    def test_is_by_labels_within_the_namespace_of_the_policy(self) -> None:
        """The stranger has the client's labels, in another namespace."""
        one = network(of_client("one"))
        assert one.selected_by(one.policy("one")) == [CLIENT]

    @pytest.mark.parametrize("selector", [{}, {"matchLabels": {}}, None])
    def test_by_an_empty_or_missing_selector_takes_the_whole_namespace(self, selector: Any) -> None:
        """Missing means empty here, for the field is no pointer in the API's types."""
        every = network(policy("every", podSelector=selector))
        assert every.selected_by(every.policy("every")) == [CLIENT, SERVER, SIX]

    @pytest.mark.parametrize("spec", [{}, {"spec": None}])
    def test_without_a_spec_takes_the_whole_namespace_too(self, spec: dict[str, Any]) -> None:
        manifest = {key: value for key, value in policy("every").items() if key != "spec"} | spec
        every = network(manifest)
        assert every.selected_by(every.policy("every")) == [CLIENT, SERVER, SIX]
        assert isolated(every) == INGRESS

    def test_by_expressions_leaves_out_what_they_leave_out(self) -> None:
        rest = {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}
        front = network(policy("front", podSelector=rest))
        assert front.selected_by(front.policy("front")) == [CLIENT, SIX]

    def test_tells_the_policies_of_a_pod(self) -> None:
        several = network(policy("a"), of_client("b"), of_server("c"), policy("d", "green"))
        assert [each.name for each in several.selecting(CLIENT)] == ["a", "b"]
        assert [each.name for each in several.selecting(STRANGER)] == ["d"]


@pytest.mark.parametrize(
    ("spec", "directions"),
    [
        # Without policyTypes: always Ingress, and Egress iff there are rules of egress.
        ({}, INGRESS),
        ({"ingress": []}, INGRESS),
        ({"ingress": [{}]}, INGRESS),
        ({"egress": []}, INGRESS),
        ({"egress": None}, INGRESS),
        ({"egress": [{}]}, BOTH),
        ({"ingress": [], "egress": [{}]}, BOTH),
        # An empty list, or null, is as no list.
        ({"policyTypes": []}, INGRESS),
        ({"policyTypes": None}, INGRESS),
        ({"policyTypes": [], "egress": [{}]}, BOTH),
        # With them: these and no others, whatever rules there are.
        ({"policyTypes": INGRESS}, INGRESS),
        ({"policyTypes": INGRESS, "egress": [{}]}, INGRESS),
        ({"policyTypes": EGRESS}, EGRESS),
        ({"policyTypes": EGRESS, "ingress": [{}]}, EGRESS),
        ({"policyTypes": EGRESS, "ingress": []}, EGRESS),
        ({"policyTypes": BOTH}, BOTH),
        ({"policyTypes": BOTH[::-1]}, BOTH),
        ({"policyTypes": ["Egress", "Egress"]}, EGRESS),
    ],
)
def test_the_types_of_a_policy_are_those_it_names_or_the_default(
    spec: dict[str, Any], directions: list[str]
) -> None:
    assert isolated(network(policy(**spec))) == directions


class TestIsolation:
    def test_is_none_without_a_policy(self) -> None:
        free = network()
        for other in OTHERS:
            assert free.allows(CLIENT, other, port=80)
            assert free.allows(other, CLIENT, port=80, protocol="UDP")
        assert isolated(free) == []

    @pytest.mark.parametrize("rules", [{}, {"ingress": []}, {"ingress": None}])
    def test_without_rules_of_ingress_denies_all_that_comes_in(self, rules: dict[str, Any]) -> None:
        closed = network(of_server("closed", policyTypes=INGRESS, **rules))
        for source in (CLIENT, STRANGER, OUTSIDE):
            assert not closed.allows(source, SERVER, port=80)

    @pytest.mark.parametrize("rules", [{}, {"egress": []}, {"egress": None}])
    def test_without_rules_of_egress_denies_all_that_goes_out(self, rules: dict[str, Any]) -> None:
        closed = network(of_client("closed", policyTypes=EGRESS, **rules))
        for destination in (SERVER, STRANGER, OUTSIDE):
            assert not closed.allows(CLIENT, destination, port=80)

    def test_is_of_one_direction_at_a_time(self) -> None:
        no_way_in = network(of_server("closed", policyTypes=INGRESS))
        assert no_way_in.allows(SERVER, CLIENT, port=80)
        assert no_way_in.allows(SERVER, OUTSIDE, port=80)
        no_way_out = network(of_client("closed", policyTypes=EGRESS))
        assert no_way_out.allows(SERVER, CLIENT, port=80)
        assert no_way_out.allows(OUTSIDE, CLIENT, port=80)

    def test_is_of_selected_pods_only(self) -> None:
        closed = network(policy(policyTypes=BOTH))
        assert isolated(closed, CLIENT) == BOTH
        assert isolated(closed, STRANGER) == []
        assert closed.allows(STRANGER, OUTSIDE, port=80)

    def test_ignores_rules_of_a_type_that_is_not_named(self) -> None:
        ignored = of_client("in", policyTypes=INGRESS, egress=[{}])
        assert isolated(network(ignored)) == INGRESS
        closed = network(ignored, of_client("out", policyTypes=EGRESS))
        assert not closed.allows(CLIENT, SERVER, port=80)

    def test_by_default_comes_with_the_first_rule_of_egress(self) -> None:
        """So a rule that is added to a policy without policyTypes may forbid."""
        to_server = {"to": [{"podSelector": labels(app="server")}]}
        assert network(of_client("p", egress=[])).allows(CLIENT, OUTSIDE, port=80)
        assert not network(of_client("p", egress=[to_server])).allows(CLIENT, OUTSIDE, port=80)


class TestBothEnds:
    @pytest.mark.parametrize(
        ("out", "into", "allowed"),
        [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
    )
    def test_of_a_connection_must_allow_it(self, *, out: bool, into: bool, allowed: bool) -> None:
        both = network(
            of_client("client", policyTypes=EGRESS, egress=[{}] if out else []),
            of_server("server", policyTypes=INGRESS, ingress=[{}] if into else []),
        )
        assert both.allows(CLIENT, SERVER, port=80) is allowed

    def test_are_told_apart(self) -> None:
        """What the client may open to the server says nothing on the way back."""
        one_way = network(
            of_client("client", policyTypes=BOTH, egress=[{}], ingress=[]),
            of_server("server", policyTypes=BOTH, egress=[], ingress=[{}]),
        )
        assert one_way.allows(CLIENT, SERVER, port=80)
        assert not one_way.allows(SERVER, CLIENT, port=80)

    def test_may_be_in_different_namespaces_each_under_its_own_policies(self) -> None:
        closed_blue = policy(policyTypes=BOTH)
        open_green = policy("green", "green", policyTypes=BOTH, **FROM_ALL, **TO_ALL)
        across = network(closed_blue, open_green)
        assert not across.allows(STRANGER, SERVER, port=80)
        assert not across.allows(SERVER, STRANGER, port=80)
        assert network(open_green).allows(STRANGER, SERVER, port=80)

    def test_that_are_one_pod_are_never_kept_apart(self) -> None:
        """ "Network Policies": a pod cannot block access to itself."""
        closed = network(policy(policyTypes=BOTH))
        for pod in PODS:
            assert closed.allows(pod, pod, port=80)


class TestUnion:
    def test_of_rules_allows_what_one_of_them_does(self) -> None:
        rules = [{"ports": [{"port": 80}]}, {"from": [{"podSelector": labels(app="client")}]}]
        either = network(of_server("either", ingress=rules))
        assert either.allows(STRANGER, SERVER, port=80)
        assert either.allows(CLIENT, SERVER, port=81)
        assert not either.allows(STRANGER, SERVER, port=81)

    def test_of_policies_allows_what_one_of_them_does(self) -> None:
        either = network(
            of_server("closed"),
            of_server("by-port", ingress=[{"ports": [{"port": 80}]}]),
            policy("by-pod", ingress=[{"from": [{"podSelector": labels(app="client")}]}]),
        )
        assert either.allows(STRANGER, SERVER, port=80)
        assert either.allows(CLIENT, SERVER, port=81)
        assert not either.allows(STRANGER, SERVER, port=81)

    def test_does_not_join_the_peers_of_one_rule_with_the_ports_of_another(self) -> None:
        rules = [
            {"from": [{"podSelector": labels(app="client")}], "ports": [{"port": 80}]},
            {"from": [{"namespaceSelector": labels(team="green")}], "ports": [{"port": 81}]},
        ]
        crossed = network(of_server("crossed", ingress=rules))
        assert [crossed.allows(CLIENT, SERVER, port=port) for port in (80, 81)] == [True, False]
        assert [crossed.allows(STRANGER, SERVER, port=port) for port in (80, 81)] == [False, True]

    def test_is_made_of_policies_that_isolate_in_the_direction_and_select_the_pod(self) -> None:
        """Neither a policy of the other direction nor one of other pods opens anything."""
        closed = network(
            of_server("closed", policyTypes=INGRESS),
            of_server("out", policyTypes=EGRESS, **TO_ALL, **FROM_ALL),
            of_client("client", **FROM_ALL),
            policy("green", "green", **FROM_ALL),
        )
        assert not closed.allows(CLIENT, SERVER, port=80)


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"status": {}}, "unknown field 'status'; allowed: apiVersion, kind, metadata, spec"),
            ({"spec": []}, r"NetworkPolicy/policy\.spec: found \[\]; allowed: a mapping"),
            ({"metadata": {"name": "policy"}}, "metadata.namespace: found nothing"),
        ],
    )
    def test_are_policies_that_are_none(self, change: dict[str, Any], says: str) -> None:
        with pytest.raises(NotUnderstood, match=says):
            network(policy() | change)

    @pytest.mark.parametrize(
        ("spec", "says"),
        [
            ({"policyType": ["Egress"]}, "spec: unknown field 'policyType'; allowed: podSelector"),
            ({"podSelector": {"app": "x"}}, "podSelector: unknown field 'app'"),
            ({"podSelector": labels(**{"pod-template-hash": "x"})}, "pod-template-hash"),
            ({"policyTypes": ["egress"]}, "found 'egress'; allowed: Ingress, Egress"),
            ({"policyTypes": ["Ingress", "Egress", "Egress"]}, "at most two types"),
            ({"policyTypes": "Egress"}, "policyTypes: found 'Egress'; allowed: a list"),
            ({"ingress": {}}, "ingress: found {}; allowed: a list"),
            ({"ingress": [None]}, r"ingress\[0\]: found nothing; allowed: a mapping"),
            ({"ingress": [{"to": []}]}, "unknown field 'to'; allowed: from, ports"),
            ({"egress": [{"from": []}]}, "unknown field 'from'; allowed: to, ports"),
            ({"ingress": [{"from": {}}]}, r"ingress\[0\]\.from: found {}; allowed: a list"),
            ({"ingress": [{"ports": 80}]}, "ports: found 80; allowed: a list"),
        ],
    )
    def test_are_specs_that_are_not_known(self, spec: dict[str, Any], says: str) -> None:
        with pytest.raises(NotUnderstood, match=says):
            network(policy(**spec))

    def test_are_rules_also_of_a_type_that_is_not_named(self) -> None:
        with pytest.raises(NotUnderstood, match="unknown field 'hosts'"):
            network(policy(policyTypes=INGRESS, egress=[{"hosts": ["example.org"]}]))


def test_a_policy_with_all_of_this_means_what_it_says() -> None:
    """A store: its clients come in, and an office but for its guests; it backs itself up."""
    office = {"cidr": "198.51.100.0/24", "except": ["198.51.100.128/25"]}
    clients = [
        {"ipBlock": office},
        {"namespaceSelector": labels(team="green")},
        {"podSelector": labels(app="client")},
    ]
    backup = {"ipBlock": {"cidr": "192.0.2.0/24"}}
    store = network(
        of_server(
            "store",
            policyTypes=BOTH,
            ingress=[{"from": clients, "ports": [{"protocol": "TCP", "port": "web"}]}],
            egress=[{"to": [backup], "ports": [{"port": 7000, "endPort": 7002}]}],
        )
    )
    inside: list[End] = [CLIENT, STRANGER, External("198.51.100.1"), External("198.51.100.127")]
    assert [store.allows(each, SERVER, port=8080) for each in inside] == [True] * 4
    assert [store.allows(each, SERVER, port=9090) for each in inside] == [False] * 4
    refused: list[End] = [SIX, *map(External, ("198.51.100.128", "198.51.101.1", "2001:db8::1"))]
    assert [store.allows(each, SERVER, port=8080) for each in refused] == [False] * 4
    assert store.allows(SERVER, External("192.0.2.9"), port=7001)
    assert not store.allows(SERVER, External("192.0.2.9"), port=7001, protocol="UDP")
    assert not store.allows(SERVER, External("192.0.3.9"), port=7001)
    assert not store.allows(SERVER, CLIENT, port=7001)
    assert store.allows(CLIENT, OUTSIDE, port=7003)
