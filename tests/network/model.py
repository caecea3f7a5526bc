"""Pods, namespaces, addresses outside the cluster, and the connections between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, NamedTuple

from tests.network.reading import NotUnderstood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.network.selectors import LabelSelector

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server gives every namespace; its value is the namespace's name."""

MAX_PORT = 65535


class BadQuestion(Exception):
    """A question that has no answer in this network; the text says why."""


class Protocol(StrEnum):
    """The protocols that network policies know."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class NamedPort(NamedTuple):
    """A port of a container that policies may name."""

    name: str
    number: int
    protocol: str = Protocol.TCP


@dataclass(frozen=True)
class Namespace:
    """A namespace.

    Attributes:
        labels: besides the one with its name, which it always has; None when they are not known.
    """

    name: str
    labels: Mapping[str, str] | None = field(default=None, hash=False)

    def matches(self, selector: LabelSelector) -> bool:
        """Tell whether a selector selects this namespace.

        Raises:
            NotUnderstood: it asks for labels, and nobody told which ones this namespace has.
        """
        asked = selector.keys - {NAMESPACE_NAME}
        if self.labels is None and asked:
            raise NotUnderstood(
                f"namespace {self.name}: a policy asks for its labels {', '.join(sorted(asked))}, "
                "which are not known; give them to Network.of(namespaces=...)"
            )
        return selector.matches({**(self.labels or {}), NAMESPACE_NAME: self.name})


@dataclass(frozen=True)
class Pod:
    """A pod; within a network its namespace, kind and name tell it from all others.

    Attributes:
        ip: its own address, IPv4 or IPv6. No policy matches it; see the package's description.
        ports: the ports of its containers that have names.
        running: False for the pod of a workload that is scaled to zero or suspended. What policies
            say about such a pod holds once it runs, so whoever asks decides what it means.
        kind: of the workload that it stands for; Pod for one that stands alone.
    """

    name: str
    namespace: str
    labels: Mapping[str, str] = field(hash=False)
    ip: str
    ports: tuple[NamedPort, ...] = ()
    running: bool = True
    kind: str = "Pod"

    def __post_init__(self) -> None:
        address_of(self.ip)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def numbers_of(self, name: str, protocol: str) -> frozenset[int]:
        """Return the ports of a name; none when no container has it for this protocol."""
        return frozenset(
            port.number for port in self.ports if (port.name, port.protocol) == (name, protocol)
        )


@dataclass(frozen=True)
class External:
    """An address outside the cluster, IPv4 or IPv6."""

    address: str

    def __post_init__(self) -> None:
        address_of(self.address)

    def __str__(self) -> str:
        return self.address


End = Pod | External


@dataclass(frozen=True)
class Connection:
    """A connection that one end opens to a port of the other."""

    source: End
    destination: End
    port: int
    protocol: str = Protocol.TCP

    def __post_init__(self) -> None:
        if type(self.port) is not int or not 1 <= self.port <= MAX_PORT:
            raise BadQuestion(f"port {self.port!r}: allowed are 1 to {MAX_PORT}")
        if self.protocol not in [*Protocol]:
            raise BadQuestion(f"protocol {self.protocol!r}: allowed are {', '.join(Protocol)}")
        if isinstance(self.source, External) and isinstance(self.destination, External):
            raise BadQuestion(f"{self.source} to {self.destination}: neither end is a pod")


class Direction(StrEnum):
    """A direction in which a pod may be isolated, and the ends of connections that this means."""

    INGRESS = "Ingress"
    EGRESS = "Egress"

    def subject(self, connection: Connection) -> End:
        """Return the end that the policies of this direction confine, if it is a pod."""
        return connection.source if self is Direction.EGRESS else connection.destination

    def peer(self, connection: Connection) -> End:
        """Return the end that their rules look at."""
        return connection.destination if self is Direction.EGRESS else connection.source


def address_of(text: str) -> IPv4Address | IPv6Address:
    """Return an address.

    Raises:
        BadQuestion: it is none, or of a form that Kubernetes and Python read differently: an IPv4
            address written as IPv6, or one with a zone.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise BadQuestion(f"{text!r} is not an IP address") from None
    if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or address.scope_id):
        raise BadQuestion(f"{text!r}: allowed are IPv4 and IPv6 addresses, unmapped, with no zone")
    return address
