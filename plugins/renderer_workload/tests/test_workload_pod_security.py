"""Every pod meets the Pod Security Standard "restricted", whatever is asked for.

The standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/. Of its controls
all are checked that a pod for Linux can break; `violations` names them as the page does.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Manifest, World

VOLUME_TYPES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
SECCOMP = {"RuntimeDefault", "Localhost"}
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip


def violations(pod: Manifest) -> set[str]:
    """Return the controls of the standard that the spec of a pod breaks."""
    context = pod.get("securityContext", {})
    containers = [
        each
        for field in ("containers", "initContainers", "ephemeralContainers")
        for each in pod.get(field, ())
    ]
    found = {control for control, broken in _pod_controls(pod, context) if broken}
    for container in containers:
        own = container.get("securityContext", {})
        found |= {control for control, broken in _container_controls(container, own) if broken}
        # What a container does not say, its pod says.
        merged = context | own
        if merged.get("runAsNonRoot") is not True:
            found.add("Running as Non-root")
        if merged.get("seccompProfile", {}).get("type") not in SECCOMP:
            found.add("Seccomp")
    return found


def _pod_controls(pod: Manifest, context: Manifest) -> Iterator[tuple[str, bool]]:
    sources = [set(volume) - {"name"} for volume in pod.get("volumes", ())]
    yield "Host Namespaces", any(pod.get(f"host{what}") for what in ("Network", "PID", "IPC"))
    yield "Volume Types", not all(source and source <= VOLUME_TYPES for source in sources)
    yield "Sysctls", any(each["name"] not in SYSCTLS for each in context.get("sysctls", ()))
    yield from _contexts(context)


def _container_controls(container: Manifest, own: Manifest) -> Iterator[tuple[str, bool]]:
    capabilities = own.get("capabilities", {})
    hooks = container.get("lifecycle", {}).values()
    probes = [each for name, each in container.items() if name.endswith("Probe")]
    yield "Privileged Containers", bool(own.get("privileged"))
    yield "Privilege Escalation", own.get("allowPrivilegeEscalation") is not False
    yield (
        "Capabilities",
        (
            "ALL" not in capabilities.get("drop", ())
            or not {*capabilities.get("add", ())} <= {"NET_BIND_SERVICE"}
        ),
    )
    yield "Host Ports", any(port.get("hostPort") for port in container.get("ports", ()))
    yield "/proc Mount Type", own.get("procMount", "Default") != "Default"
    yield (
        "Host Probes / Lifecycle Hooks",
        any(action.get("host") for each in (*hooks, *probes) for action in _actions(each)),
    )
    yield from _contexts(own)


def _contexts(context: Manifest) -> Iterator[tuple[str, bool]]:
    """Yield the controls of what pods and containers may both say."""
    linux = context.get("seLinuxOptions", {})
    types = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
    armour = context.get("appArmorProfile", {}).get("type", "RuntimeDefault")
    yield "HostProcess", bool(context.get("windowsOptions", {}).get("hostProcess"))
    yield (
        "SELinux",
        (linux.get("type") not in types or bool(linux.get("user") or linux.get("role"))),
    )
    yield "AppArmor", armour not in SECCOMP
    yield "Running as Non-root", context.get("runAsNonRoot") is False
    yield "Running as Non-root user", context.get("runAsUser") == 0
    yield "Seccomp", context.get("seccompProfile", {}).get("type", "Localhost") not in SECCOMP


def _actions(handler: Manifest) -> list[Manifest]:
    return [handler[name] for name in ("httpGet", "tcpSocket") if name in handler]


AUDIT_LOG = {"url": "s3://log/rynxs", "credentialsSecret": "log-reader"}
HEALTH = {"repository": "example.org/agent", "tag": "v1", "health": {}}
AGENTS: list[dict[str, Any]] = [
    {},
    {"workspace": {"size": "1Gi", "retain": True}},
    {"image": HEALTH, "serviceAccountToken": True, "suspend": True},
    {"permissions": {"canAccessAuditLogs": True}, "workspace": {"size": "1Gi"}},
]
SESSIONS: list[dict[str, Any]] = [
    {},
    {"workspace": {"kind": "own", "size": "1Gi"}, "runtimeClassName": "sandbox"},
    {"input": {"configMapKeyRef": {"name": "inputs", "key": "first"}}, "suspend": True},
]


@pytest.mark.parametrize("user", [None, 1, 1_000])
@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("session", SESSIONS)
def test_every_pod_is_restricted(
    worlds: Callable[..., World], agent: Manifest, session: Manifest, user: int | None
) -> None:
    world = worlds({"auditLog": AUDIT_LOG}, None if user is None else {"runAsUser": user})
    for rendered in (world.agent(**agent), world.session(**session)):
        pod = world.pod(rendered)
        assert violations(pod) == set()
        assert pod["securityContext"]["runAsUser"] == (user or 65_532)
        assert world.container(rendered)["securityContext"]["readOnlyRootFilesystem"] is True
        assert "volumeClaimTemplates" not in pod


BREACHES: list[tuple[str, str, Any]] = [
    ("Host Namespaces", "hostNetwork", True),
    ("Host Namespaces", "hostPID", True),
    ("Host Namespaces", "hostIPC", True),
    ("Volume Types", "volumes", [{"name": "host", "hostPath": {"path": "/"}}]),
    ("Sysctls", "securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    ("HostProcess", "securityContext.windowsOptions", {"hostProcess": True}),
    ("Running as Non-root", "securityContext.runAsNonRoot", None),
    ("Running as Non-root", "containers.0.securityContext.runAsNonRoot", False),
    ("Running as Non-root user", "securityContext.runAsUser", 0),
    ("Running as Non-root user", "containers.0.securityContext.runAsUser", 0),
    ("Seccomp", "securityContext.seccompProfile", {}),
    ("Seccomp", "securityContext.seccompProfile", {"type": "Unconfined"}),
    ("Seccomp", "containers.0.securityContext.seccompProfile", {"type": "Unconfined"}),
    ("SELinux", "securityContext.seLinuxOptions", {"type": "spc_t"}),
    ("SELinux", "containers.0.securityContext.seLinuxOptions", {"user": "root"}),
    ("AppArmor", "securityContext.appArmorProfile", {"type": "Unconfined"}),
    ("Privileged Containers", "containers.0.securityContext.privileged", True),
    ("Privilege Escalation", "containers.0.securityContext.allowPrivilegeEscalation", None),
    ("Capabilities", "containers.0.securityContext.capabilities", {}),
    ("Capabilities", "containers.0.securityContext.capabilities.add", ["SYS_ADMIN"]),
    ("Host Ports", "containers.0.ports", [{"containerPort": 80, "hostPort": 80}]),
    ("/proc Mount Type", "containers.0.securityContext.procMount", "Unmasked"),
    (
        "Host Probes / Lifecycle Hooks",
        "containers.0.livenessProbe",
        {"httpGet": {"port": 80, "host": "127.0.0.1"}},
    ),
    (
        "Host Probes / Lifecycle Hooks",
        "containers.0.lifecycle",
        {"preStop": {"tcpSocket": {"port": 80, "host": "127.0.0.1"}}},
    ),
    ("Privilege Escalation", "initContainers", [{"name": "first"}]),
]


@pytest.mark.parametrize(("control", "path", "value"), BREACHES)
def test_the_checker_finds_a_breach_of_every_control(
    world: World, control: str, path: str, value: Any
) -> None:
    pod = copy.deepcopy(world.pod(world.agent()))
    *way, last = path.split(".")
    place: Any = pod
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    assert control in violations(pod)
