"""A release of the chart on a real node, as a platform team has it."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.helm import RELEASE, REPOSITORY
from tests.cluster.node_traces import pod_processes
from tests.cluster.real_cluster import RESTRICTED
from tests.cluster.terminal import Terminal, typed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.kubectl import Kubectl
    from tests.cluster.real_cluster import RealCluster

EXAMPLE = REPOSITORY / "examples/agent-basic.yaml"
POLL_S = 0.2
LIMIT_S = 180
"""A pod is up in seconds; but several start at once, on a machine that has more to do."""
SELECTOR = f"--selector=app.kubernetes.io/name={RELEASE}"
CUSTOM = "agents,sessions,universes"


class Release:
    """Installs a release into a namespace that takes restricted pods only, and looks after it."""

    def __init__(self, real: RealCluster, directory: Path, namespace: str) -> None:
        """Make the namespace, if it is not there; nothing is installed yet.

        Args:
            real: The cluster.
            directory: An empty one, to type commands in.
            namespace: Of the release.
        """
        self.namespace = namespace
        self.terminal = Terminal(directory, real.kubectl.kubeconfig)
        self._real = real
        self.need_namespace(namespace)

    def need_namespace(self, name: str) -> None:
        """Make a namespace for restricted pods, unless it is there."""
        if self.run("get", "namespace", name).status != 0:
            self.done("create", "namespace", name)
            self.done("label", "namespace", name, RESTRICTED)

    @property
    def kubectl(self) -> Kubectl:
        """kubectl, as the administrator, in no namespace."""
        return self._real.kubectl

    def run(self, *arguments: object) -> Any:
        """Run kubectl in the namespace."""
        return self.kubectl.run(f"--namespace={self.namespace}", *arguments, limit_s=2 * LIMIT_S)

    def wait(self, condition: str, what: str) -> None:
        """Wait until an object of the namespace is so."""
        answer = self.run("wait", f"--for={condition}", f"--timeout={LIMIT_S}s", what)
        assert answer.status == 0, f"{answer.err}{self.told()}"

    def done(self, *arguments: object) -> str:
        """Run kubectl in the namespace, successfully, and return what it prints."""
        answer = self.run(*arguments)
        assert answer.status == 0, answer.err
        out: str = answer.out
        return out

    def enter(self) -> None:
        """Make the namespace the current one in the terminal, as the operations guide begins."""
        own = self.terminal.directory / "kubeconfig"
        self.terminal.done(f"kubectl config view --raw --flatten > {own}")
        self.terminal.environment["KUBECONFIG"] = str(own)
        self.terminal.done(f"kubectl config set-context --current --namespace={self.namespace}")

    def install(self, command: str) -> str:
        """Type a command of Helm, wait until all replicas are ready, and return its notes."""
        notes = self.terminal.done(f"{command.strip()} --namespace {self.namespace}")
        self.until_ready()
        return notes

    def until_ready(self) -> None:
        """Wait until each replica is ready."""
        limit = f"--timeout={LIMIT_S}s"
        answer = self.run("rollout", "status", f"deployment/{RELEASE}", limit)
        assert answer.status == 0, f"{answer.out}{answer.err}{self.told()}"

    def told(self) -> str:
        """Return what there is to see of the release when it does not do what it should."""
        logs = self.run("logs", SELECTOR, "--all-containers", "--tail=40", "--prefix").out
        return f"{self.run('describe', 'pods', SELECTOR).out}{logs}"

    def logs(self) -> str:
        """Return what the operator's containers have said, those before the present ones too."""
        return "".join(self.run("logs", SELECTOR, *previous).out for previous in ((), ("-p",)))

    def restarts(self) -> int:
        """Return how often containers of the operator were started again."""
        found = [each["status"].get("containerStatuses", ()) for each in self.pods()]
        return sum(status["restartCount"] for statuses in found for status in statuses)

    def remove(self) -> None:
        """Uninstall it, with everything that it watched over and that it leaves."""
        kubectl = self.kubectl
        everywhere = ("--all", "--all-namespaces", f"--timeout={LIMIT_S}s")
        gone = kubectl.run("delete", CUSTOM, *everywhere, limit_s=2 * LIMIT_S)
        assert gone.status == 0, gone.err
        rendered = ("--selector=app.kubernetes.io/managed-by=rynxs", "--all-namespaces", "-o=name")
        self.until(
            "what was rendered is gone",
            lambda: kubectl.run("get", "deployments,jobs,pods,pvc", *rendered).out == "",
        )
        self.terminal.run(f"helm uninstall {RELEASE} --namespace {self.namespace} --wait")
        self.done("delete", "pvc,secret,pod,lease", "--all", "--wait=false")

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, for three minutes."""
        deadline = time.monotonic() + LIMIT_S
        while not is_so():
            assert time.monotonic() < deadline, f"after {LIMIT_S} s it is not so that {what}"
            time.sleep(POLL_S)

    def agent(self, name: str, **spec: Any) -> dict[str, Any]:
        """Return the manifest of an agent like that of the example, in this namespace."""
        made: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
        made["metadata"] |= {"name": name, "namespace": self.namespace}
        made["spec"] |= spec
        return made

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests as the administrator."""
        answer = self.kubectl.apply(*manifests)
        assert answer.status == 0, answer.err

    def until_it_runs(self, agent: str) -> None:
        """Wait until an agent of this namespace has a pod that is ready, and its status says so."""
        for condition, what in (
            ("create", f"deployment/agent-{agent}"),
            ("condition=Available", f"deployment/agent-{agent}"),
            ("jsonpath={.status.ready}=true", f"agent/{agent}"),
        ):
            self.wait(condition, what)

    def pods(self) -> list[dict[str, Any]]:
        """Return the operator's pods that are not about to go."""
        items = json.loads(self.done("get", "pods", SELECTOR, "-o=json"))["items"]
        return [each for each in items if "deletionTimestamp" not in each["metadata"]]

    def holder(self) -> str:
        """Return the process that leads, as it calls itself; empty if none does."""
        return self.done("get", "lease", RELEASE, "-o=jsonpath={.spec.holderIdentity}")

    def leader(self) -> str:
        """Return the name of the pod that leads."""
        return self.holder().partition("@")[2].rpartition("/")[0]

    def kill_leader(self) -> str:
        """Kill the process of the pod that leads, as a fault would, and return the pod's name."""
        name = self.leader()
        pod = json.loads(self.done("get", "pod", name, "-o=json"))
        found = pod_processes(self._real.node, pod)
        operators = [pid for pid, line in found.items() if "rynxs" in line and "/probe" not in line]
        assert operators, found
        for pid in operators:
            os.kill(pid, signal.SIGKILL)
        return name

    def fetch_log(self, notes: str) -> str:
        """Do what the notes say to have the log outside and verify it; return what that prints."""
        self.terminal.done("rm -rf copy rynxs.key.pub")
        return self.terminal.done(typed(notes))
