"""What a real node does to the machine that it runs on, to see whether it leaves something."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.cgroup import in_hierarchies
from tests.cluster.node_space import NEVER_SET

if TYPE_CHECKING:
    from tests.cluster.real_node import RealNode

PROCESSES = Path("/proc")
SETTINGS = PROCESSES / "sys"
LINKS = Path("/sys/class/net")
FIXED_PLACES = ("/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/run/containerd")
"""Where the programs of a node write, whatever they are told."""


def machine_state() -> dict[str, object]:
    """Return what no node may change, in a form to compare."""
    settings = [*NEVER_SET, "net/ipv4/ip_forward"]
    return {
        "mounts": (PROCESSES / "self/mounts").read_text(),
        "places": [place for place in FIXED_PLACES if Path(place).exists()],
        "settings": {name: (SETTINGS / name).read_text() for name in settings},
    }


def traces(node: RealNode) -> list[Path]:
    """Return what is there as long as a node is: its cgroups, its link and its directories."""
    return [
        *in_hierarchies(node.cgroup),
        LINKS / node.link,
        node.space.directory,
        *(component.directory for component in node.components),
    ]


def processes(node: RealNode) -> dict[Path, str]:
    """Return the command lines of what runs in a node's namespaces, in pods too, by directory."""
    namespace = (PROCESSES / f"{node.space.first}/ns/pid").readlink()
    found = {}
    for process in PROCESSES.glob("[0-9]*"):
        # Some have ended meanwhile, and the machine's own may not be looked at.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (process / "ns/pid").readlink() == namespace:
                found[process] = _command_line(process)
    return found


def pod_processes(node: RealNode, pod: dict[str, Any]) -> dict[int, str]:
    """Return the command lines of the processes in a pod's cgroup, by PID."""
    cgroup = in_hierarchies(node.cgroup)[0]
    files = cgroup.glob(f"kubepods/**/pod{pod['metadata']['uid']}/**/cgroup.procs")
    pids = [int(pid) for file in files for pid in file.read_text().split()]
    return {pid: _command_line(PROCESSES / f"{pid}") for pid in pids}


def _command_line(process: Path) -> str:
    return (process / "cmdline").read_text().replace("\0", " ").strip()
