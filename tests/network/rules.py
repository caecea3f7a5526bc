"""The rules of a network policy: who is at the other end, and on which port.

Source: the API reference of NetworkPolicyPeer, IPBlock and NetworkPolicyPort, networking.k8s.io/v1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from tests.network.model import (
    MAX_PORT,
    NAMESPACE_NAME,
    Direction,
    External,
    Pod,
    Protocol,
    address_of,
)
from tests.network.selectors import LabelSelector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.network.model import Connection, End, Namespace
    from tests.network.reading import Part

IPNetwork = IPv4Network | IPv6Network

_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*")
_CIDR = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")
_PEERS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


@dataclass(frozen=True)
class PodPeer:
    """Pods by their labels, in namespaces by theirs; both must match."""

    pods: LabelSelector
    namespaces: LabelSelector

    @classmethod
    def of(cls, part: Part, own_namespace: str) -> PodPeer:
        """Read `podSelector` and `namespaceSelector`, of which at least one is there.

        Without podSelector all pods of the namespaces match; without namespaceSelector only pods of
        the policy's own namespace do. Every namespace has a label with its name, so this too is a
        selector.
        """
        pods, namespaces = part["podSelector"], part["namespaceSelector"]
        own = LabelSelector.label(NAMESPACE_NAME, own_namespace)
        return cls(
            LabelSelector.of_pods(pods) if pods.present else LabelSelector(),
            LabelSelector.of(namespaces) if namespaces.present else own,
        )

    def matches(self, end: End, namespaces: Mapping[str, Namespace]) -> bool:
        return (
            isinstance(end, Pod)
            and self.pods.matches(end.labels)
            and namespaces[end.namespace].matches(self.namespaces)
        )


@dataclass(frozen=True)
class IpBlock:
    """Addresses outside the cluster; never a pod's, see the package's description."""

    cidr: IPNetwork
    excluded: tuple[IPNetwork, ...] = ()

    @classmethod
    def of(cls, part: Part) -> IpBlock:
        """Read a block; what is excluded must be less than it, and lie within it."""
        part.only("cidr", "except")
        cidr = _network(part["cidr"])
        return cls(cidr, tuple(_within(each, cidr) for each in part["except"].items()))

    def matches(self, end: End, namespaces: Mapping[str, Namespace]) -> bool:
        if not isinstance(end, External):
            return False
        address = address_of(end.address)
        return address in self.cidr and not any(address in each for each in self.excluded)


Peer = PodPeer | IpBlock


@dataclass(frozen=True)
class Ports:
    """An item of `ports`: numbers, or the name that the destination pod gives its port."""

    protocol: str
    port: range | str

    @classmethod
    def of(cls, part: Part) -> Ports:
        """Read an item; no port means all of the protocol, no protocol means TCP.

        `endPort` makes it a range, both ends included (KEP-2079); it needs a port that is a number
        and not above it.
        """
        part.only("protocol", "port", "endPort")
        protocol, port, end = part["protocol"], part["port"], part["endPort"]
        chosen = protocol.one_of([*Protocol]) if protocol.present else Protocol.TCP
        if isinstance(port.value, str):
            if _PORT_NAME.fullmatch(port.value) is None:
                raise port.refuse("a port's name: up to 15 of a-z, 0-9, -, a letter among them")
            if end.present:
                raise end.refuse("no endPort beside a port that is a name")
            return cls(chosen, port.value)
        if not port.present:
            if end.present:
                raise end.refuse("no endPort without a port")
            return cls(chosen, range(1, MAX_PORT + 1))
        first = port.number(1, MAX_PORT)
        last = end.number(first, MAX_PORT) if end.present else first
        return cls(chosen, range(first, last + 1))

    def matches(self, connection: Connection) -> bool:
        if connection.protocol != self.protocol:
            return False
        if isinstance(self.port, range):
            return connection.port in self.port
        pod = connection.destination
        return isinstance(pod, Pod) and connection.port in pod.numbers_of(self.port, self.protocol)


@dataclass(frozen=True)
class Rule:
    """A rule of one direction: one of its peers and one of its ports must match.

    If `from` or `to` is missing or empty, everything matches, also outside the cluster; if `ports`
    is missing or empty, all ports of all protocols do.
    """

    direction: Direction
    peers: tuple[Peer, ...]
    ports: tuple[Ports, ...]

    @classmethod
    def of(cls, part: Part, direction: Direction, own_namespace: str) -> Rule:
        peers = _PEERS[direction]
        part.only(peers, "ports")
        return cls(
            direction,
            tuple(_peer(each, own_namespace) for each in part[peers].items()),
            tuple(map(Ports.of, part["ports"].items())),
        )

    def matches(self, connection: Connection, namespaces: Mapping[str, Namespace]) -> bool:
        if self.ports and not any(each.matches(connection) for each in self.ports):
            return False
        end = self.direction.peer(connection)
        return not self.peers or any(each.matches(end, namespaces) for each in self.peers)


def _peer(part: Part, own_namespace: str) -> Peer:
    part.only("podSelector", "namespaceSelector", "ipBlock")
    selectors = part["podSelector"].present or part["namespaceSelector"].present
    if part["ipBlock"].present is selectors:
        raise part.refuse("either an ipBlock, or a podSelector, a namespaceSelector or both")
    return PodPeer.of(part, own_namespace) if selectors else IpBlock.of(part["ipBlock"])


def _network(part: Part) -> IPNetwork:
    """Return a network in CIDR form; refused with bits set beyond its prefix, or mapped IPv4.

    API servers still take such bits, but read them as if they were not set.
    """
    allowed = "a network such as 192.0.2.0/24 or 2001:db8::/64, no bits set beyond the prefix"
    if _CIDR.fullmatch(part.text()) is None:
        raise part.refuse(allowed)
    try:
        network = ip_network(part.text())
    except ValueError:
        raise part.refuse(allowed) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise part.refuse(allowed)
    return network


def _within(part: Part, cidr: IPNetwork) -> IPNetwork:
    network = _network(part)
    if network.network_address not in cidr or network.prefixlen <= cidr.prefixlen:
        raise part.refuse(f"a network within {cidr} and smaller")
    return network
