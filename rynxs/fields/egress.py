"""The grammar of ``network.allowEgressTo``: whom pods may connect to."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from rynxs.engine.resource import Text

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE = re.compile(
    rf"([a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])?)\.({_LABEL})(?:\.svc(?:\.cluster\.local)?)?", re.ASCII
)
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}|{_LABEL}", re.ASCII)
_PORT_MAX = 65_535
_HOST_NAME_SIZE_MAX = 253
_ALLOWED = "an IP address, a CIDR, service.namespace or a host name, each with an optional :port"


def parse_egress(text: str) -> dict[str, Any]:
    """Return an egress target as a slice holds it.

    Returns:
        ``{"cidr": ..., "port": ...}``, ``{"service": ..., "namespace": ..., "port": ...}`` or
        ``{"host": ..., "port": ...}``, the port None for all ports. Two labels are a service and
        its namespace; a host name has three or more, or one, or ends in a dot.

    Raises:
        ValueError: the target is none of these.
    """
    host, port = _split_port(text)
    cidr = _cidr(host)
    if cidr is not None:
        return {"cidr": cidr, "port": port}
    service = _SERVICE.fullmatch(host.lower())
    if service is not None:
        return {"namespace": service[2], "port": port, "service": service[1]}
    name = host.lower().removesuffix(".")
    if name.rpartition(".")[2].isdigit():
        raise ValueError(f"{host!r} is not an address; allowed are {_ALLOWED}")
    if len(name) <= _HOST_NAME_SIZE_MAX and _HOST_NAME.fullmatch(name):
        return {"host": name, "port": port}
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


def _is_target(text: str) -> str:
    parse_egress(text)
    return text


EgressTarget = Annotated[
    Text, StringConstraints(min_length=1, max_length=300), AfterValidator(_is_target)
]
"""A text that `parse_egress` takes."""
