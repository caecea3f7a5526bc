"""`from` and `to`, after the API reference of NetworkPolicyPeer and IPBlock."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.network import NAMESPACE_NAME, External, Network, NotUnderstood, Pod
from tests.unit.network.build import (
    CLIENT,
    NAMESPACES,
    SERVER,
    STRANGER,
    egress,
    ingress,
    labels,
    network,
    policy,
)

OUTSIDE, OUTSIDE_SIX = External("198.51.100.7"), External("2001:db8::7")


def blocks(cidr: str, *excluded: str) -> Network:
    block = {"cidr": cidr} | ({"except": list(excluded)} if excluded else {})
    return egress({"ipBlock": block})


def reaches(network: Network, address: str) -> bool:
    return network.allows(CLIENT, External(address), port=443)


class TestSelectors:
    @pytest.mark.parametrize("selector", [{}, labels(app="client")])
    def test_of_pods_alone_stay_in_the_namespace_of_the_policy(
        self, selector: dict[str, Any]
    ) -> None:
        """The stranger has the same labels, in another namespace."""
        by_pods = ingress({"podSelector": selector})
        assert by_pods.allows(CLIENT, SERVER, port=80)
        assert not by_pods.allows(STRANGER, SERVER, port=80)

    def test_of_namespaces_alone_take_all_pods_of_these(self) -> None:
        green = ingress({"namespaceSelector": labels(team="green")})
        assert green.allows(STRANGER, SERVER, port=80)
        assert not green.allows(CLIENT, SERVER, port=80)

    def test_of_namespaces_that_are_empty_take_all_namespaces(self) -> None:
        everywhere = ingress({"namespaceSelector": {}})
        assert everywhere.allows(STRANGER, SERVER, port=80)
        assert everywhere.allows(CLIENT, SERVER, port=80)

    def test_name_a_namespace_by_its_standard_label(self) -> None:
        named = ingress({"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: "green"}}})
        assert named.allows(STRANGER, SERVER, port=80)
        assert not named.allows(CLIENT, SERVER, port=80)

    def test_of_both_in_one_peer_must_both_match(self) -> None:
        one = {"namespaceSelector": labels(team="green"), "podSelector": labels(app="client")}
        assert ingress(one).allows(STRANGER, SERVER, port=80)
        assert not ingress(one).allows(CLIENT, SERVER, port=80)
        other = {"namespaceSelector": labels(team="green"), "podSelector": labels(app="other")}
        assert not ingress(other).allows(STRANGER, SERVER, port=80)

    def test_in_two_peers_are_alternatives(self) -> None:
        two = ingress(
            {"namespaceSelector": labels(team="green")}, {"podSelector": labels(app="six")}
        )
        assert two.allows(STRANGER, SERVER, port=80)
        assert two.allows(two.pod("six"), SERVER, port=80)
        assert not two.allows(CLIENT, SERVER, port=80)

    def test_never_match_addresses_outside(self) -> None:
        everything: dict[str, Any] = {"namespaceSelector": {}, "podSelector": {}}
        assert not ingress(everything).allows(OUTSIDE, SERVER, port=80)
        assert not egress(everything).allows(CLIENT, OUTSIDE, port=80)

    def test_work_on_destinations_likewise(self) -> None:
        out = egress({"podSelector": labels(tier="back")})
        assert out.allows(CLIENT, SERVER, port=80)
        assert not out.allows(CLIENT, STRANGER, port=80)

    def test_that_are_null_are_absent(self) -> None:
        by_pods = ingress({"podSelector": {}, "namespaceSelector": None, "ipBlock": None})
        assert by_pods.allows(CLIENT, SERVER, port=80)
        assert not by_pods.allows(STRANGER, SERVER, port=80)

    def test_of_namespaces_raise_for_labels_that_are_not_known(self) -> None:
        rule = {"from": [{"namespaceSelector": labels(team="green")}]}
        manifests = [policy(ingress=[rule])]
        unknown = Network.of(manifests, pods=[SERVER, STRANGER])
        with pytest.raises(NotUnderstood, match=r"namespace green: .* team"):
            unknown.allows(STRANGER, SERVER, port=80)
        known = Network.of(manifests, pods=[SERVER, STRANGER], namespaces=NAMESPACES)
        assert known.allows(STRANGER, SERVER, port=80)


class TestAnyPeer:
    @pytest.mark.parametrize("peers", [{}, {"from": []}, {"from": None}])
    def test_is_meant_by_a_rule_without_from(self, peers: dict[str, Any]) -> None:
        """A `from` that is empty or missing does not restrict, unlike an `ingress` that is."""
        anyone = network(policy(ingress=[peers]))
        for source in (CLIENT, STRANGER, OUTSIDE, OUTSIDE_SIX):
            assert anyone.allows(source, SERVER, port=80)

    @pytest.mark.parametrize("peers", [{}, {"to": []}, {"to": None}])
    def test_is_meant_by_a_rule_without_to(self, peers: dict[str, Any]) -> None:
        anywhere = network(policy(policyTypes=["Egress"], egress=[peers]))
        for destination in (SERVER, STRANGER, OUTSIDE, OUTSIDE_SIX):
            assert anywhere.allows(CLIENT, destination, port=80)


class TestBlocks:
    @pytest.mark.parametrize(
        ("cidr", "inside", "outside"),
        [
            (
                "198.51.100.0/24",
                ["198.51.100.0", "198.51.100.255"],
                ["198.51.99.255", "198.51.101.0"],
            ),
            ("198.51.100.7/32", ["198.51.100.7"], ["198.51.100.6", "198.51.100.8"]),
            ("0.0.0.0/0", ["198.51.100.7", "203.0.113.9"], []),
            (
                "2001:db8:a::/48",
                ["2001:db8:a::", "2001:db8:a:ffff::1"],
                ["2001:db8:b::", "2001:db8::"],
            ),
            ("2001:db8::7/128", ["2001:db8::7", "2001:0db8:0:0::7"], ["2001:db8::8"]),
            ("::/0", ["2001:db8::7", "2001:db9::"], []),
        ],
    )
    def test_hold_the_addresses_of_their_network(
        self, cidr: str, inside: list[str], outside: list[str]
    ) -> None:
        assert [reaches(blocks(cidr), each) for each in inside] == [True] * len(inside)
        assert [reaches(blocks(cidr), each) for each in outside] == [False] * len(outside)

    def test_of_one_ip_version_hold_no_address_of_the_other(self) -> None:
        assert not reaches(blocks("0.0.0.0/0"), "2001:db8::7")
        assert not reaches(blocks("::/0"), "198.51.100.7")

    @pytest.mark.parametrize(
        ("cidr", "excluded", "held", "left_out"),
        [
            ("198.51.100.0/24", ["198.51.100.0/25"], "198.51.100.128", "198.51.100.127"),
            ("0.0.0.0/0", ["10.0.0.0/8", "192.168.0.0/16"], "11.0.0.0", "192.168.3.4"),
            ("::/0", ["fc00::/7"], "2001:db8::7", "fd00::1"),
        ],
    )
    def test_hold_nothing_that_is_excepted(
        self, cidr: str, excluded: list[str], held: str, left_out: str
    ) -> None:
        assert reaches(blocks(cidr, *excluded), held)
        assert not reaches(blocks(cidr, *excluded), left_out)

    def test_except_for_their_own_peer_only(self) -> None:
        """Another peer may allow what one leaves out, for peers are alternatives."""
        narrow = {"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.0/25"]}}
        assert reaches(egress(narrow, {"ipBlock": {"cidr": "198.51.100.7/32"}}), "198.51.100.7")

    def test_work_on_sources_likewise(self) -> None:
        taking = ingress({"ipBlock": {"cidr": "198.51.100.0/24"}})
        assert taking.allows(OUTSIDE, SERVER, port=80)
        assert not taking.allows(External("203.0.113.1"), SERVER, port=80)

    @pytest.mark.parametrize("cidr", ["0.0.0.0/0", "10.0.0.2/32"])
    def test_never_match_a_pod(self, cidr: str) -> None:
        """Plugins differ here; the package's description says what was chosen."""
        assert ip_address(SERVER.ip) in ip_network(cidr)
        assert not blocks(cidr).allows(CLIENT, SERVER, port=443)

    def test_never_match_a_pod_with_an_ipv6_address(self) -> None:
        out = blocks("::/0")
        assert not out.allows(CLIENT, out.pod("six"), port=443)

    @given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
    @example(0, 0, 2**32 - 1)
    @example(2**32 - 1, 32, 2**32 - 1)
    def test_are_compared_by_the_bits_of_their_prefix(
        self, near: int, length: int, number: int
    ) -> None:
        shift = 32 - length
        cidr = f"{ip_address(near >> shift << shift)}/{length}"
        # Addresses near the network as well as far away, but never one of the pods'.
        for address in {number, near ^ (number % 7)} - {
            int(ip_address(CLIENT.ip)),
            0x0A000002,
            0x0A000003,
        }:
            assert reaches(blocks(cidr), str(ip_address(address))) is (
                address >> shift == near >> shift
            )


class TestRefused:
    @pytest.mark.parametrize(
        ("peer", "says"),
        [
            (None, r"from\[0\]: found nothing; allowed: a mapping"),
            ({}, "either an ipBlock, or a podSelector"),
            ({"podSelector": None}, "either an ipBlock, or a podSelector"),
            ({"ipBlock": {"cidr": "0.0.0.0/0"}, "podSelector": {}}, "either an ipBlock"),
            ({"ipBlock": {"cidr": "0.0.0.0/0"}, "namespaceSelector": {}}, "either an ipBlock"),
            ({"fqdn": "example.org"}, "unknown field 'fqdn'; allowed: podSelector, namespaceS"),
            ({"podSelector": {"matchLabel": {}}}, r"podSelector: unknown field 'matchLabel'"),
            ({"namespaceSelector": {"names": []}}, "namespaceSelector: unknown field 'names'"),
            ({"podSelector": labels(**{"job-name": "x"})}, "controllers add: .'job-name'"),
            ({"ipBlock": {}}, "cidr: found nothing"),
            ({"ipBlock": {"cidr": "0.0.0.0/0", "excepts": []}}, "unknown field 'excepts'"),
        ],
    )
    def test_are_peers_that_are_none(self, peer: Any, says: str) -> None:
        with pytest.raises(NotUnderstood, match=says):
            ingress(peer)

    @pytest.mark.parametrize(
        "cidr",
        [
            "198.51.100.7",
            "198.51.100.7/24",
            "198.51.100.0/33",
            "198.51.100.0/255.255.255.0",
            "198.51.100/24",
            "198.051.100.0/24",
            "198.51.100.0/24\n",
            "2001:db8::1/64",
            "2001:db8::/129",
            "fe80::%eth0/64",
            "::ffff:198.51.100.0/120",
            "example.org/24",
            "",
            7,
        ],
    )
    def test_are_networks_that_api_servers_refuse_or_read_otherwise(self, cidr: Any) -> None:
        with pytest.raises(NotUnderstood, match=r"cidr: found .*; allowed: a (network|text)"):
            ingress({"ipBlock": {"cidr": cidr}})

    @pytest.mark.parametrize(
        ("cidr", "excluded"),
        [
            ("198.51.100.0/24", "198.51.100.0/24"),
            ("198.51.100.0/24", "198.51.0.0/16"),
            ("198.51.100.0/24", "198.51.101.0/25"),
            ("198.51.100.0/24", "2001:db8::/64"),
            ("::/0", "198.51.100.0/24"),
            ("198.51.100.0/24", "198.51.100.1/25"),
        ],
    )
    def test_is_an_exception_that_is_not_a_part_of_its_block(
        self, cidr: str, excluded: str
    ) -> None:
        with pytest.raises(NotUnderstood, match=r"except\[0\]: found"):
            blocks(cidr, excluded)


def test_two_pods_of_one_workload_are_peers_like_others() -> None:
    """A pod always reaches itself, but not its twin."""
    twin = Pod("twin", "blue", CLIENT.labels, "10.0.0.9")
    alone = Network.of([policy(ingress=[])], pods=[CLIENT, twin])
    assert alone.allows(CLIENT, CLIENT, port=80)
    assert not alone.allows(CLIENT, twin, port=80)
