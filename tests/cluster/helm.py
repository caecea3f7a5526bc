"""Helm and our chart: rendered, and installed in a test's cluster."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.cluster.kubectl import Answer
from tests.servers.process import TOOLS, require

if TYPE_CHECKING:
    from tests.cluster.control_plane import Cluster

REPOSITORY: Final = Path(__file__).parents[2]
CHART: Final = REPOSITORY / "helm/rynxs"
EXAMPLES: Final = (*sorted((CHART / "ci").glob("*-values.yaml")), CHART / "values-production.yaml")
RELEASE, NAMESPACE = "rynxs", "ops"
_LIMIT_S: Final = 120


def helm(*arguments: object, kubeconfig: Path | None = None, program: str = "helm") -> Answer:
    """Run a command of Helm, without the user's settings, whatever its exit status will be.

    Args:
        arguments: As on the command line.
        kubeconfig: Of the cluster; None for a command that needs none.
        program: `helm`, or `helm-unittest`.

    Raises:
        ServerFailed: The program is missing.
        TimeoutExpired: Two minutes passed.
    """
    require(TOOLS / program)
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [TOOLS / program, *map(str, arguments)],
            cwd=REPOSITORY,
            env={"PATH": os.defpath, "HOME": home, "KUBECONFIG": str(kubeconfig or os.devnull)},
            capture_output=True,
            encoding="utf-8",
            timeout=_LIMIT_S,
            check=False,
        )
    return Answer(done.returncode, done.stdout, done.stderr)


def helm_on(cluster: Cluster, namespace: str, *arguments: object) -> Answer:
    """Run a command of Helm in a namespace of a cluster, as its admin."""
    return helm(*arguments, f"--namespace={namespace}", kubeconfig=cluster.apiserver.kubeconfig)


def template(*options: object, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    """Return what the chart renders, as Helm would install it as the release `rynxs`.

    Args:
        options: Such as `--set=replicaCount=1`; a file holds values.
        namespace: Of the release.
    """
    given = [f"--values={each}" if isinstance(each, Path) else each for each in options]
    done = helm("template", RELEASE, CHART, f"--namespace={namespace}", *given)
    assert done.status == 0, done.err
    return [each for each in yaml.safe_load_all(done.out) if each]


def of_kind(manifests: list[dict[str, Any]], kind: str, name: str = "") -> list[dict[str, Any]]:
    """Return the manifests of a kind, or those that also have a name."""
    found = [each for each in manifests if each["kind"] == kind]
    return [each for each in found if not name or each["metadata"]["name"] == name]


def the(manifests: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """Return the one manifest of a kind, or of a kind and a name."""
    (found,) = of_kind(manifests, kind, name)
    return found


def pod_templates(manifests: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return the kind that makes each pod, and the pod's metadata and spec."""
    makers = {
        "Pod": lambda each: each,
        "Deployment": lambda each: each["spec"]["template"],
        "Job": lambda each: each["spec"]["template"],
    }
    return [
        (each["kind"], makers[each["kind"]](each)) for each in manifests if each["kind"] in makers
    ]
