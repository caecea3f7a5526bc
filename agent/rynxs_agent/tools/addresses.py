"""Addresses that the fetch tool does not connect to, unless the agent's egress names them.

Cloud providers serve the credentials of a machine at link-local and a few other addresses, and
what a pod sends to itself, over loopback or its own address, passes no NetworkPolicy. A wide CIDR
such as 0.0.0.0/0 does not name these: an entry has to be within the guarded network, or be that
address of the pod.
"""

from __future__ import annotations

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

_GUARDED: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this host, by RFC 1122
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local: metadata of most clouds
            "100.100.100.200/32",  # metadata of Alibaba Cloud
            "168.63.129.16/32",  # of Azure
            "192.0.0.192/32",  # of Oracle Cloud
            "::/128",
            "::1/128",
            "fe80::/10",
            "fd00:ec2::/32",  # of AWS
            "fd20:ce::/32",  # of Google Cloud
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_ENTRY = re.compile(r"\[([^\]]*)\](?::([0-9]{1,5}))?|([^:]*):([0-9]{1,5})|(.*)", re.ASCII)


class _Named(NamedTuple):
    """A network that the egress names, and the port, None for all."""

    network: Network
    port: int | None


class Guard:
    """Judges addresses by an agent's ``network.allowEgressTo``."""

    def __init__(self, allow_egress_to: Sequence[str]) -> None:
        self._named = [named for each in allow_egress_to if (named := _named(each))]

    def forbids(self, host: str, port: int, *, is_own: bool = False) -> bool:
        """Tell whether nobody may connect to an address; what is no address is forbidden.

        Args:
            host: the address.
            port: that is connected to.
            is_own: whether it is one of the pod's own.
        """
        try:
            address = ip_address(host)
        except ValueError:
            return True
        own = [ip_network(address)] if is_own else []
        return any(self._is_guarded(each, port, own) for each in _meant(address))

    def _is_guarded(self, address: Address, port: int, own: Sequence[Network]) -> bool:
        guarding = [network for network in _GUARDED if address in network] or own
        return any(not self._is_named(address, port, network) for network in guarding)

    def _is_named(self, address: Address, port: int, guarded: Network) -> bool:
        return any(
            address in named.network
            and named.network.prefixlen >= guarded.prefixlen
            and named.port in {None, port}
            for named in self._named
        )


def _meant(address: Address) -> list[Address]:
    """Return an address, and the one of IPv4 that it stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    plain = IPv6Address(int(address))  # without the zone, with which it is in no network
    inner = plain.ipv4_mapped or plain.sixtofour
    if inner is None and (plain in _NAT64 or (plain in _COMPATIBLE and int(plain) > 1)):
        inner = IPv4Address(int(plain) & 0xFFFF_FFFF)
    return [plain] if inner is None else [plain, inner]


def _named(entry: str) -> _Named | None:
    """Return the network of an egress entry; None if it is a service or a host name."""
    found = _ENTRY.fullmatch(entry)
    if found is None:
        return None
    host = found[1] or found[3] or found[5] or ""
    port = found[2] or found[4]
    try:
        return _Named(ip_network(host), int(port) if port else None)
    except ValueError:
        return None
