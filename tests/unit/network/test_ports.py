"""`ports`, after the API reference of NetworkPolicyPort, and KEP-2079 for `endPort`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.network import External, Network, NotUnderstood
from tests.unit.network.build import CLIENT, SERVER, STRANGER, egress, ingress, network, policy

PROTOCOLS = ("TCP", "UDP", "SCTP")
SMALL = st.integers(1, 9)


def server_takes(*ports: dict[str, Any]) -> Network:
    return ingress(ports=list(ports))


def taken(network: Network, port: int) -> list[str]:
    """Return the protocols on which the server takes connections to a port."""
    return [
        protocol
        for protocol in PROTOCOLS
        if network.allows(CLIENT, SERVER, port=port, protocol=protocol)
    ]


@pytest.mark.parametrize("ports", [{}, {"ports": []}, {"ports": None}])
def test_missing_or_empty_ports_mean_all_of_all_protocols(ports: dict[str, Any]) -> None:
    everything = network(policy(ingress=[ports]))
    assert [taken(everything, port) for port in (1, 80, 65535)] == [[*PROTOCOLS]] * 3


@pytest.mark.parametrize("item", [{}, {"protocol": "TCP"}, {"protocol": None, "port": None}])
def test_an_item_without_a_port_means_all_of_its_protocol(item: dict[str, Any]) -> None:
    all_tcp = server_takes(item)
    assert [taken(all_tcp, port) for port in (1, 80, 65535)] == [["TCP"]] * 3


def test_the_protocol_is_tcp_by_default() -> None:
    assert taken(server_takes({"port": 80}), 80) == ["TCP"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_number_is_that_port_of_that_protocol(protocol: str) -> None:
    one = server_takes({"protocol": protocol, "port": 80})
    assert [taken(one, port) for port in (79, 80, 81)] == [[], [protocol], []]


def test_items_are_alternatives() -> None:
    dns = server_takes(
        {"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}, {"port": 80}
    )
    assert [taken(dns, port) for port in (53, 80, 443)] == [["TCP", "UDP"], ["TCP"], []]


def test_peers_and_ports_of_a_rule_must_both_match() -> None:
    one = ingress({"podSelector": {}}, ports=[{"port": 80}])
    assert one.allows(CLIENT, SERVER, port=80)
    assert not one.allows(CLIENT, SERVER, port=81)
    assert not one.allows(STRANGER, SERVER, port=80)


class TestNames:
    """A name stands for what the destination pod calls so, for the protocol of the item."""

    def test_are_those_of_the_selected_pod_on_the_way_in(self) -> None:
        assert [taken(server_takes({"port": "web"}), port) for port in (8080, 8081)] == [
            ["TCP"],
            [],
        ]
        udp = server_takes({"port": "web", "protocol": "UDP"})
        assert [taken(udp, port) for port in (8080, 8081)] == [[], ["UDP"]]

    def test_are_those_of_the_pod_that_is_connected_to_on_the_way_out(self) -> None:
        """The client has no port with this name; it is not asked."""
        out = egress(ports=[{"port": "admin"}])
        assert out.allows(CLIENT, SERVER, port=9090)
        assert not out.allows(CLIENT, SERVER, port=8080)

    def test_match_nothing_on_a_pod_without_them(self) -> None:
        assert not egress(ports=[{"port": "admin"}]).allows(CLIENT, STRANGER, port=9090)
        assert taken(server_takes({"port": "metrics"}), 9090) == []

    def test_match_nothing_outside_the_cluster(self) -> None:
        assert not egress(ports=[{"port": "admin"}]).allows(
            CLIENT, External("192.0.2.1"), port=9090
        )

    def test_are_asked_of_the_destination_for_sources_outside_too(self) -> None:
        assert server_takes({"port": "web"}).allows(External("192.0.2.1"), SERVER, port=8080)


class TestRanges:
    """KEP-2079: `endPort` is the last port of a range that begins at `port`, both included."""

    def test_hold_both_ends_and_what_is_between(self) -> None:
        several = server_takes({"port": 8000, "endPort": 8002})
        ports = range(7999, 8004)
        assert [taken(several, port) for port in ports] == [[], ["TCP"], ["TCP"], ["TCP"], []]

    def test_may_hold_one_port(self) -> None:
        one = server_takes({"port": 80, "endPort": 80})
        assert [taken(one, port) for port in (79, 80, 81)] == [[], ["TCP"], []]

    def test_are_of_one_protocol(self) -> None:
        assert taken(server_takes({"protocol": "UDP", "port": 1, "endPort": 65535}), 7) == ["UDP"]

    @given(SMALL, SMALL, SMALL)
    def test_allow_what_their_ports_allow_one_by_one(
        self, first: int, more: int, asked: int
    ) -> None:
        last = first + more
        single = [{"port": port} for port in range(first, last + 1)]
        as_range = server_takes({"port": first, "endPort": last})
        assert taken(as_range, asked) == taken(server_takes(*single), asked)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (None, r"ports\[0\]: found nothing; allowed: a mapping"),
        (80, r"ports\[0\]: found 80; allowed: a mapping"),
        ({"ports": 80}, "unknown field 'ports'; allowed: protocol, port, endPort"),
        ({"protocol": "tcp"}, "protocol: found 'tcp'; allowed: TCP, UDP, SCTP"),
        ({"protocol": "ICMP"}, "allowed: TCP, UDP, SCTP"),
        ({"protocol": ""}, "allowed: TCP, UDP, SCTP"),
        ({"port": 0}, "port: found 0; allowed: a number from 1 to 65535"),
        ({"port": 65536}, "allowed: a number from 1 to 65535"),
        ({"port": True}, "allowed: a number from 1 to 65535"),
        ({"port": 80.0}, "allowed: a number from 1 to 65535"),
        ({"port": "80"}, "a port's name"),
        ({"port": "Web"}, "a port's name"),
        ({"port": "we--b"}, "a port's name"),
        ({"port": "-web"}, "a port's name"),
        ({"port": "web-"}, "a port's name"),
        ({"port": "sixteen-letters-"}, "a port's name"),
        ({"port": "abcdefghijklmnop"}, "a port's name"),
        ({"port": "web\n"}, "a port's name"),
        ({"port": ""}, "a port's name"),
        ({"endPort": 80}, "endPort: found 80; allowed: no endPort without a port"),
        ({"port": "web", "endPort": 80}, "no endPort beside a port that is a name"),
        ({"port": 80, "endPort": 79}, "endPort: found 79; allowed: a number from 80 to 65535"),
        ({"port": 80, "endPort": 65536}, "allowed: a number from 80 to 65535"),
        ({"port": 80, "endPort": "81"}, "allowed: a number from 80 to 65535"),
    ],
)
def test_what_is_no_port_is_refused(item: Any, says: str) -> None:
    with pytest.raises(NotUnderstood, match=says):
        server_takes(item)


@pytest.mark.parametrize("name", ["a", "1a", "http-2", "abcdefghijklmno"])
def test_names_are_such_as_containers_may_have(name: str) -> None:
    assert taken(server_takes({"port": name}), 80) == []
