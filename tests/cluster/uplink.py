"""The link between a real node's network and that of the cluster's other programs.

It is the one thing that a node has outside its namespaces. The API server is reached over it at the
address that it advertises, and itself reaches the kubelet and the pods. There is no other way out.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.cluster.apiserver import NOWHERE
from tests.cluster.node_space import NSENTER, SYSTEM_PATH
from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.node_space import NodeSpace

NODE_ADDRESS = "198.51.100.2"
PREFIX_LENGTH = 24
REAL_PODS = "10.245.0.0/24"
"""The addresses of pods on a real node; those of fake ones are elsewhere."""


@contextmanager
def uplink(space: NodeSpace) -> Iterator[str]:
    """Make the link and the route to the pods, and remove them in the end.

    Yields:
        The link's name.

    Raises:
        ServerFailed: It can't be made, as when another has its addresses.
    """
    name = f"rynxs-{uuid4().hex[:8]}"
    _ip(["ip"], f"link add {name} type veth peer name uplink netns {space.first}")
    try:
        _ip(
            ["ip"],
            f"address add {NOWHERE}/{PREFIX_LENGTH} dev {name}",
            f"link set {name} up",
        )
        _ip(
            [f"{NSENTER}", *space.entering("net"), "ip"],
            "link set lo up",
            f"address add {NODE_ADDRESS}/{PREFIX_LENGTH} dev uplink",
            "link set uplink up",
        )
        _ip(["ip"], f"route add {REAL_PODS} via {NODE_ADDRESS}")
        yield name
    finally:
        _remove(name)


def _remove(name: str) -> None:
    """Remove the link at once; the kernel does so by itself, but when it gets to it."""
    try:
        _ip(["ip"], f"link delete {name}")
    except ServerFailed:
        if Path(f"/sys/class/net/{name}").exists():
            raise


def _ip(program: list[str], *commands: str) -> None:
    done = subprocess.run(
        [*program, "-batch", "-"],
        env={"PATH": SYSTEM_PATH},
        input="\n".join(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerFailed(f"the node's network can't be made: {done.stderr.strip()}")
