"""The hook that makes the signing key, run with its rights on a real API server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import objects
from tests.cluster.helm import template, the

if TYPE_CHECKING:
    from tests.cluster.control_plane import Cluster


@pytest.fixture
def namespace(operated: Cluster) -> str:
    return objects.make_namespace(operated.kubectl)


def test_the_hook_makes_a_key_with_its_own_rights_once(
    operated: Cluster, namespace: str, tmp_path: Path
) -> None:
    manifests = template(namespace=namespace)
    hook = [each for each in manifests if "make-signing-key" in each["metadata"]["name"]]
    made = operated.kubectl.apply(*[each for each in hook if each["kind"] != "Job"])
    assert made.status == 0, made.err
    job = the(hook, "Job")
    account = _account(operated, namespace, "rynxs-make-signing-key", tmp_path)
    acting = f"--as=system:serviceaccount:{namespace}:rynxs-make-signing-key"
    operated.kubectl.wait_for_right("create", "secrets", acting, "-n", namespace)
    first = _run_hook(operated, job, account)
    assert first.returncode == 0, first.stderr
    secret = _get(operated, namespace, "secret", "rynxs-signing-key")
    assert "immutable" not in secret, "the kubelet would keep it after it was made anew"
    private, public = (
        base64.b64decode(secret["data"][key]) for key in ("signing.key", "signing.key.pub")
    )
    assert private.decode().startswith("PRIVATE+KEY+")
    assert private.decode().strip() not in first.stdout + first.stderr
    assert public.decode().startswith(f"rynxs.local/{namespace}/rynxs+")
    second = _run_hook(operated, job, account)
    assert second.returncode == 0, second.stderr
    assert "there already" in second.stdout
    assert _get(operated, namespace, "secret", "rynxs-signing-key") == secret


@pytest.mark.parametrize(("verb", "left"), [("get", "create"), ("create", "get")])
def test_the_hook_says_which_right_it_lacks(
    operated: Cluster, namespace: str, tmp_path: Path, verb: str, left: str
) -> None:
    manifests = template(namespace=namespace)
    name = "rynxs-make-signing-key"
    role = the(manifests, "Role", name)
    role["rules"] = [rule for rule in role["rules"] if verb not in rule["verbs"]]
    kinds = ("ServiceAccount", "RoleBinding")
    made = operated.kubectl.apply(role, *(the(manifests, kind, name) for kind in kinds))
    assert made.status == 0, made.err
    account = _account(operated, namespace, name, tmp_path)
    acting = f"--as=system:serviceaccount:{namespace}:{name}"
    operated.kubectl.wait_for_right(left, "secrets/rynxs-signing-key", acting, "-n", namespace)
    done = _run_hook(operated, the(manifests, "Job"), account)
    assert done.returncode != 0
    assert f'cannot {verb} resource "secrets" in API group ""' in done.stderr
    assert "Traceback" not in done.stderr


def _get(cluster: Cluster, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found = cluster.kubectl.run("get", kind, name, "--namespace", namespace, "-o=json")
    assert found.status == 0, found.err
    got: dict[str, Any] = found.json()
    return got


def _account(cluster: Cluster, namespace: str, name: str, directory: Path) -> Path:
    """Write what a pod of an account finds, and return the directory."""
    token = cluster.kubectl.run("create", "token", name, "--namespace", namespace)
    assert token.status == 0, token.err
    (directory / "token").write_text(token.out)
    (directory / "namespace").write_text(namespace)
    (directory / "ca.crt").write_bytes(cluster.apiserver.ca_file.read_bytes())
    return directory


def _run_hook(
    cluster: Cluster, job: dict[str, Any], account: Path
) -> subprocess.CompletedProcess[str]:
    """Run the container of the Job as a process, with what its pod would find."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python3", "-P", "-c"]
    program, *arguments = container["args"]
    in_pod = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert json.dumps(in_pod) in program
    host, _, port = cluster.apiserver.endpoint.rpartition(":")
    return subprocess.run(
        [sys.executable, "-P", "-c", program.replace(in_pod, str(account)), *arguments],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(account),
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
        },
        capture_output=True,
        text=True,
        check=False,
    )
