"""The chart on a real API server: it takes all objects, and what is installed is enough."""

from __future__ import annotations

import base64
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster import objects
from tests.cluster.elections import terms
from tests.cluster.helm import CHART, EXAMPLES, RELEASE, helm_on, of_kind, template
from tests.cluster.operated import Operated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.cluster.kubectl import Kubectl

OF_OTHERS = ("monitoring.coreos.com/", "cert-manager.io/")
WITH_OWN_KINDS = [each for each in EXAMPLES if each.stem != "everything-values"]
"""Helm looks up each kind, and so asks for those that others bring."""

OWN_KEY = "--set=signingKey.existingSecret=my-key"
"""Without nodes no Job ends, so the hook that makes a key can't be waited for here."""


@pytest.fixture
def restricted(operated: Cluster) -> str:
    """A namespace with the restricted Pod Security level, and the account that pods need there."""
    kubectl = operated.kubectl
    namespace = objects.make_namespace(kubectl)
    level = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    for command in (
        ("label", "namespace", namespace, *level),
        ("create", "serviceaccount", "default", "--namespace", namespace),
    ):
        done = kubectl.run(*command)
        assert done.status == 0, done.err
    return namespace


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda file: file.stem)
def test_the_api_server_takes_every_object_of_an_example_and_warns_of_none(
    operated: Cluster, restricted: str, values: Path
) -> None:
    manifests = [
        each
        for each in template(values, namespace=restricted)
        if not each["apiVersion"].startswith(OF_OTHERS)
    ]
    _make_namespaces(operated.kubectl, manifests)
    done = operated.kubectl.apply(*manifests, dry_run=True)
    assert done.status == 0, done.err
    assert done.warnings == []
    assert done.out.count("serverside-applied (server dry run)") == len(manifests)


@pytest.mark.parametrize("values", [None, *WITH_OWN_KINDS], ids=lambda file: file and file.stem)
def test_a_dry_run_as_the_readme_has_it_shows_everything(
    operated: Cluster, restricted: str, values: Path | None
) -> None:
    given = [] if values is None else [f"--values={values}"]
    done = helm_on(operated, restricted, "install", RELEASE, CHART, "--dry-run", "--debug", *given)
    assert done.status == 0, done.err
    assert "kind: Deployment" in done.out
    assert "kubectl rollout status deployment/" in done.out


def test_helm_makes_a_certificate_once_and_keeps_it(
    operated: Cluster, restricted: str, tmp_path: Path
) -> None:
    values = CHART / "ci/webhook-values.yaml"
    options = (f"--values={values}", OWN_KEY, "--set=rbac.create=false")
    bundles = []
    for command in ("install", "upgrade"):
        done = helm_on(operated, restricted, command, RELEASE, CHART, *options)
        assert done.status == 0, done.err
        secret = _get(operated, restricted, "secret", "rynxs-webhook")["data"]
        name = f"{restricted}-rynxs"
        hook = _get(operated, restricted, "validatingwebhookconfiguration", name)["webhooks"][0]
        assert hook["clientConfig"]["caBundle"] == secret["ca.crt"]
        bundles.append(secret)
    assert bundles[0] == bundles[1]
    _shake_hands(bundles[0], f"rynxs-webhook.{restricted}.svc", tmp_path)
    done = helm_on(operated, restricted, "uninstall", RELEASE)
    assert done.status == 0, done.err


def test_an_upgrade_changes_the_configuration_and_an_uninstall_leaves_log_key_and_agents(
    operated: Cluster, restricted: str
) -> None:
    kubectl = operated.kubectl
    secret = ("create", "secret", "generic", "my-key", "--from-literal=signing.key=x")
    assert kubectl.run(*secret, "-n", restricted).status == 0
    done = kubectl.apply(objects.agent(restricted))
    assert done.status == 0, done.err
    scoped = f"--set=watchNamespaces={{{restricted}}}"
    for command, batch in (("install", 100), ("upgrade", 50)):
        options = (OWN_KEY, scoped, f"--set=operator.batch={batch}")
        done = helm_on(operated, restricted, command, RELEASE, CHART, *options)
        assert done.status == 0, done.err
        text = _get(operated, restricted, "configmap", RELEASE)["data"]["rynxs.yaml"]
        assert yaml.safe_load(text)["operator"]["batch"] == batch
    claim = _get(operated, restricted, "persistentvolumeclaim", RELEASE)["metadata"]["uid"]
    done = helm_on(operated, restricted, "uninstall", RELEASE)
    assert done.status == 0, done.err
    assert "[PersistentVolumeClaim] rynxs" in done.out
    left = kubectl.run(
        "get", "pvc,secret,agent,deployment,configmap,role", "-o=name", "-n", restricted
    )
    assert set(left.out.split()) == {
        "persistentvolumeclaim/rynxs",
        "secret/my-key",
        "agent.universe.ai/worker",
    }
    done = helm_on(operated, restricted, "install", RELEASE, CHART, OWN_KEY, scoped)
    assert done.status == 0, done.err
    kept = _get(operated, restricted, "persistentvolumeclaim", RELEASE)["metadata"]["uid"]
    assert kept == claim


@pytest.fixture
def installed(operated: Cluster, tmp_path: Path) -> Iterator[tuple[Operated, Path]]:
    """A place whose operator has the rights of a release, and a kubeconfig with them."""
    place = Operated(operated, tmp_path)
    values = (
        f"--values={CHART / 'ci/ha-values.yaml'}",
        OWN_KEY,
        f"--set=watchNamespaces={{{place.namespace}}}",
    )
    done = helm_on(operated, place.namespace, "install", RELEASE, CHART, *values)
    assert done.status == 0, done.err
    token = place.run("create", "token", RELEASE).strip()
    kubeconfig = operated.apiserver.write_kubeconfig(f"release-{place.namespace}", token)
    yield place, kubeconfig
    done = helm_on(operated, place.namespace, "uninstall", RELEASE)
    assert done.status == 0, done.err


def test_an_operator_with_the_rights_of_a_release_does_its_work_and_is_forbidden_nothing(
    installed: tuple[Operated, Path],
) -> None:
    place, kubeconfig = installed
    election = terms(place.namespace)
    with place.replica("a", kubeconfig=kubeconfig, leaderElection=election) as replica:
        place.apply(place.agent("worker"))
        replica.until("it is applied", place.applied("worker"))
        place.delete("configmap", "agent-worker")
        replica.until("it is told", lambda: bool(place.notices("Drifted", "worker")))
        place.delete("agent", "worker")
        replica.until("its objects are gone", place.has_objects_of("worker", 0))
        replica.until_ready()
        assert replica.terminate() == 0
        assert [each for each in place.requests() if each.code == 403] == []
        assert "forbidden" not in replica.errors.read_text()
    place.checked()


def _get(cluster: Cluster, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found = cluster.kubectl.run("get", kind, name, "--namespace", namespace, "-o=json")
    assert found.status == 0, found.err
    got: dict[str, Any] = found.json()
    return got


def _shake_hands(secret: dict[str, str], host: str, directory: Path) -> None:
    """Let a server with a Secret's certificate and a client that trusts its authority meet."""
    for name, text in secret.items():
        (directory / name).write_bytes(base64.b64decode(text))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    asking = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(back, there, server_hostname=host)
    server = serving.wrap_bio(there, back, server_side=True)
    for _ in range(2):
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert client.getpeercert()
    assert server.version() == "TLSv1.3"


def _make_namespaces(kubectl: Kubectl, manifests: list[dict[str, Any]]) -> None:
    """Make those that roles are in; `default` is there."""
    names = {each["metadata"]["namespace"] for each in of_kind(manifests, "Role")}
    made = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in names & {"research", "newsroom"}
    ]
    if made:
        done = kubectl.apply(*made)
        assert done.status == 0, done.err
