"""What tests on a real node rely on: pods run as on any node, and nothing of it is left."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.apiserver import NODE
from tests.cluster.by_hand import by_hand
from tests.cluster.node_prerequisites import missing_for_node
from tests.cluster.node_traces import machine_state, pod_processes, processes, traces
from tests.cluster.real_node import PROBE_IMAGE, real_node
from tests.cluster.restricted_pods import USER, RestrictedNamespace
from tests.cluster.running import running_cluster
from tests.cluster.uplink import REAL_PODS
from tests.servers.failing import logs_kept, told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.real_node import RealNode
    from tests.cluster.running import RunningCluster

LIMIT_S = 120
PROGRAMS = {"containerd", "containerd-shim-runc-v2", "coredns", "kube-proxy", "kubelet", "probe"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    """A running cluster, where a real node can join."""
    if missing := missing_for_node():
        pytest.skip(missing)
    with told_plainly(), running_cluster() as running:
        yield running


@pytest.fixture(scope="class")
def node(cluster: RunningCluster, request: pytest.FixtureRequest) -> Iterator[RealNode]:
    """The cluster's real node, whose logs are kept if a test fails while it runs."""
    with (
        told_plainly(),
        real_node(cluster) as running,
        logs_kept(request.session, "node", running.keep_logs),
    ):
        yield running


@pytest.fixture
def namespace(cluster: RunningCluster) -> RestrictedNamespace:
    """A new namespace in which only restricted pods are admitted."""
    return RestrictedNamespace(cluster.kubectl)


@pytest.mark.usefixtures("node")
class TestPods:
    """Pods on one node, which ends after the last of these tests."""

    def test_a_restricted_pod_runs_confined_as_it_says(
        self, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        lines = namespace.probe("show", "/proc/self/status").out.splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert set(status["Uid"].split()) == {str(USER)}
        assert (status["CapEff"], status["CapBnd"]) == ("0" * 16, "0" * 16)
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        refused = namespace.probe("write", "/written")
        assert refused.status == 1
        assert "read-only file system" in refused.err

    def test_a_pod_that_is_not_restricted_is_refused(self, namespace: RestrictedNamespace) -> None:
        answer = namespace.run("run", "free", f"--image={PROBE_IMAGE.name}")
        assert answer.status == 1
        assert 'violates PodSecurity "restricted:latest"' in answer.err

    def test_a_pod_is_on_the_real_node_and_has_an_address_there(
        self, node: RealNode, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        pod = namespace.pod()
        assert pod["spec"]["nodeName"] == node.name
        assert pod["status"]["podIP"].startswith(REAL_PODS.removesuffix("0/24"))

    def test_its_token_reaches_the_api_server_at_the_services_address_over_verified_tls(
        self, cluster: RunningCluster, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        path = f"/api/v1/namespaces/{namespace.name}/pods"
        status, body = namespace.probe("ask", path).out.split("\n", 1)
        assert status == "403 10.96.0.1:443"
        assert f"system:serviceaccount:{namespace.name}:default" in body
        namespace.done("create", "role", "reader", "--verb=list", "--resource=pods")
        account = f"--serviceaccount={namespace.name}:default"
        namespace.done("create", "rolebinding", "reader", "--role=reader", account)
        user = f"--as=system:serviceaccount:{namespace.name}:default"
        cluster.kubectl.wait_for_right("list", "pods", user, f"--namespace={namespace.name}")
        status, body = namespace.probe("ask", path).out.split("\n", 1)
        assert status == "200 10.96.0.1:443"
        assert '"name":"one"' in body

    def test_the_clusters_dns_knows_services_and_nothing_else(
        self, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        for name in ("kubernetes.default.svc.cluster.local", "kubernetes.default"):
            assert namespace.probe("resolve", name).out == "10.96.0.1\n"
        assert "no such host" in namespace.probe("resolve", "none.default.svc.cluster.local").err
        assert namespace.probe("resolve", "example.org").status == 1

    def test_kubectl_reads_what_a_pod_prints_while_it_runs_and_after(
        self, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        assert namespace.done("logs", "one") == "it stays\n"
        namespace.start("end", "0", name="other")
        namespace.wait("jsonpath={.status.phase}=Succeeded", "pod/other")
        assert namespace.done("logs", "other") == "it ends with 0\n"

    def test_kubectl_exec_gives_the_status_of_what_it_ran(
        self, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        assert namespace.probe("end", "0").out == "it ends with 0\n"
        assert namespace.probe("end", "7").status == 7

    def test_a_container_that_fails_is_noticed_with_its_status(
        self, namespace: RestrictedNamespace
    ) -> None:
        namespace.start("end", "3")
        namespace.wait("jsonpath={.status.phase}=Failed", "pod/one")
        (container,) = namespace.pod()["status"]["containerStatuses"]
        assert container["state"]["terminated"]["exitCode"] == 3

    def test_a_pod_whose_process_is_killed_is_noticed(
        self, node: RealNode, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        pod = namespace.pod()
        # The container's, and that which holds the pod's namespaces.
        processes = pod_processes(node, pod)
        assert list(processes.values()) == ["/probe stay"] * 2
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        namespace.wait("jsonpath={.status.phase}=Failed", "pod/one")
        (container,) = namespace.pod()["status"]["containerStatuses"]
        assert container["state"]["terminated"]["exitCode"] == 128 + signal.SIGKILL

    def test_a_pod_that_is_deleted_is_gone_with_its_processes(
        self, node: RealNode, namespace: RestrictedNamespace
    ) -> None:
        namespace.start_ready()
        pod = namespace.pod()
        assert pod_processes(node, pod)
        namespace.done("delete", "pod", "one")
        assert namespace.run("get", "pod", "one").status == 1
        assert pod_processes(node, pod) == {}


def test_a_node_that_ends_leaves_nothing_but_the_logs_that_its_failure_names(
    cluster: RunningCluster, namespace: RestrictedNamespace
) -> None:
    before = machine_state()
    found: list[Path] = []

    def fail() -> None:
        with real_node(cluster) as node:
            namespace.start_ready()
            found.extend(traces(node))
            assert [trace for trace in found if not trace.exists()] == []
            running = processes(node)
            assert {Path(f"{line} ".split(" ", 1)[0]).name for line in running.values()} >= PROGRAMS
            found.extend(running)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as failed:
        fail()
    assert [trace for trace in found if trace.exists()] == []
    assert machine_state() == before
    assert cluster.kubectl.run("get", "node", NODE).status == 1
    said = f"The logs of the node {NODE} are in "
    (kept,) = (Path(note.removeprefix(said)) for note in failed.value.__notes__)
    logs = {file.name for file in kept.glob("*.log")}
    (printed,) = kept.glob(f"pod-logs/{namespace.name}_one_*/main/0.log")
    text = printed.read_text()
    shutil.rmtree(kept)
    assert logs == {"containerd.log", "coredns.log", "kube-proxy.log", "kubelet.log"}
    assert "it stays" in text


def test_a_cluster_by_hand_can_have_a_real_node_which_ends_with_it(repository: Path) -> None:
    if missing := missing_for_node():
        pytest.skip(missing)
    before = machine_state()
    with by_hand(repository, "--nodes=0", "--real-node") as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Press Ctrl-C"):
                break
        assert f"The node real-0 has the image {PROBE_IMAGE.name}; to give it another:\n" in said
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("All of it has ended, and nothing is left.\n")
    assert machine_state() == before


HOLD = """
from tests.cluster.node_space import NodeSpace
with NodeSpace() as space:
    print(space.first, flush=True)
    input()
"""


def test_a_nodes_processes_end_with_the_process_that_made_it_even_if_it_is_killed(
    repository: Path, tmp_path: Path
) -> None:
    if missing := missing_for_node():
        pytest.skip(missing)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=repository,
        env={"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        first = int(holder.stdout.readline())
        pidfd = os.pidfd_open(first)
        holder.kill()
    with os.fdopen(pidfd) as ended:
        assert select.select([ended], [], [], LIMIT_S)[0], "it has not ended"
