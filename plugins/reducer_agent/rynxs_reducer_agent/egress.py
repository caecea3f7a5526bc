"""The grammar of ``network.allowEgressTo``: what a NetworkPolicy can express, and nothing else."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE = re.compile(rf"({_LABEL})\.({_LABEL})(?:\.svc(?:\.cluster\.local)?)?", re.ASCII)
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}|{_LABEL}", re.ASCII)
_PORT_MAX = 65_535
_ALLOWED = "an IP address, a CIDR or service.namespace, each with an optional :port"


def parse_egress(text: str) -> dict[str, Any]:
    """Return an egress target as a slice holds it.

    Returns:
        ``{"cidr": ..., "port": ...}`` or ``{"service": ..., "namespace": ..., "port": ...}``, the
        port None for all ports.

    Raises:
        ValueError: the target is not one that a NetworkPolicy can express.
    """
    host, port = _split_port(text)
    cidr = _cidr(host)
    if cidr is not None:
        return {"cidr": cidr, "port": port}
    service = _SERVICE.fullmatch(host)
    if service is not None:
        return {"namespace": service[2], "port": port, "service": service[1]}
    if _HOST_NAME.fullmatch(host.lower()):
        raise ValueError(
            f"a NetworkPolicy can't allow the host name {host!r}, only addresses and pods; "
            f"allowed are {_ALLOWED}"
        )
    raise ValueError(f"not an egress target; allowed are {_ALLOWED}")


def _split_port(text: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([0-9]{1,5}))?", text, re.ASCII)
    plain = re.fullmatch(r"([^:]*):([0-9]{1,5})", text, re.ASCII)
    if bracketed:
        host, digits = bracketed[1], bracketed[2]
    elif plain:
        host, digits = plain[1], plain[2]
    else:
        return text, None
    port = int(digits) if digits else None
    if port is not None and not 0 < port <= _PORT_MAX:
        raise ValueError(f"port {port} is not between 1 and {_PORT_MAX}")
    return host, port


def _cidr(host: str) -> str | None:
    """Return the CIDR that an address or network is, None when it is neither."""
    if "%" in host:  # an IPv6 zone, which is of one machine only
        return None
    try:
        return str(ipaddress.ip_network(host))
    except ValueError as error:
        if "host bits set" in str(error):
            raise ValueError(f"{error}; the address of the network is expected") from None
        return None
