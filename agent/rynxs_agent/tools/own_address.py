"""Whether an address is one of this pod's own, to which no NetworkPolicy counts."""

from __future__ import annotations

import socket
from typing import Any


def is_own(family: int, address: Any) -> bool:
    """Tell whether a connection to an address would stay in the pod.

    A datagram socket that is connected sends nothing: the kernel only picks the source address, and
    that is the destination itself if that is local.

    Args:
        family: of the address.
        address: as ``getaddrinfo`` gives it.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)
        except OSError:  # there is no way to it, so it is not here
            return False
        source, destination = str(probe.getsockname()[0]), str(address[0])
    return source == destination
