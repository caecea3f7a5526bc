"""What a machine must have for a real node to run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.cluster.cgroup import missing_controllers
from tests.cluster.containerd import CNI_PLUGINS, CTR, RUNC, SHIM, Containerd
from tests.cluster.coredns import CoreDNS
from tests.cluster.kube_proxy import KubeProxy
from tests.cluster.kubelet import Kubelet
from tests.cluster.node_space import PROBE, SYSTEM_PATH

BUILT = (
    Containerd.executable,
    SHIM,
    CTR,
    RUNC,
    *CNI_PLUGINS,
    Kubelet.executable,
    KubeProxy.executable,
    CoreDNS.executable,
    PROBE,
)
"""What `make real-pods` builds."""

PACKAGES = {
    "ip": "iproute2",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
"""The Debian package of each program that a node's programs, or those that start them, run."""

TRY = ("unshare", "--pid", "--fork", "--mount", "--net", "nft", "add", "table", "ip", "try")
"""Makes namespaces and a table of nftables in them, and is gone."""


def missing_for_node() -> str | None:
    """Say what this machine or this user lacks to run a real node; nothing if it can be tried."""
    if sys.platform != "linux":
        return "a real node needs Linux"
    if os.geteuid() != 0:
        return "a real node needs root"
    return _unbuilt() or _not_installed() or _refused()


def _unbuilt() -> str | None:
    names = [program.name for program in BUILT if not program.is_file()]
    if not names:
        return None
    return f"a real node needs programs that `make real-pods` builds: {', '.join(names)}"


def _not_installed() -> str | None:
    for program, package in PACKAGES.items():
        if shutil.which(program, path=SYSTEM_PATH) is None:
            return f"a real node needs {program}; on Debian: apt-get install {package}"
    return None


def _refused() -> str | None:
    """Say what the kernel, or a container that this runs in, does not give, if anything."""
    if controllers := missing_controllers():
        return f"a real node needs the cgroup controllers {', '.join(sorted(controllers))}"
    tried = subprocess.run(
        TRY, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False
    )
    if tried.returncode == 0:
        return None
    return f"a real node needs namespaces and nftables: {' '.join(tried.stderr.split())}"
