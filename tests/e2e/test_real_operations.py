"""The procedures of OPERATIONS.md and RUNBOOKS.md, typed from their fences on a real node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.helm import REPOSITORY
from tests.cluster.minio_service import S3, production_s3, url
from tests.cluster.release import Release
from tests.cluster.terminal import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.real_cluster import RealCluster

GUIDE = (REPOSITORY / "docs/OPERATIONS.md").read_text()
RUNBOOKS = (REPOSITORY / "docs/RUNBOOKS.md").read_text()
NAMESPACE = "rynxs"
STOP, FETCH = blocks(GUIDE, "Where a command runs")


@pytest.fixture
def release(real: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release that is not installed yet, in the namespace that the guide is written for."""
    made = Release(real, tmp_path_factory.mktemp("typed"), NAMESPACE)
    made.enter()
    yield made
    made.remove()


def test_a_release_on_s3_is_drilled_and_its_key_and_its_log_rotated(
    release: Release, tmp_path: Path
) -> None:
    typed = release.terminal.done
    install, key = blocks(GUIDE, "Install")
    kill, look = blocks(GUIDE, "Drill a failover")
    with production_s3(release, tmp_path) as server:
        typed(install)
        typed(key)
        release.apply(release.agent("worker"))
        release.until_it_runs("worker")
        before = release.leader()
        typed(kill)
        release.until("another pod leads", lambda: release.leader() not in {before, ""})
        assert '"event": "leading"' in typed(look)

        def stop() -> None:
            """Stop the operator, and have its configuration speak to MinIO from here."""
            typed(STOP)
            typed(f"rm -f signing.key\n{FETCH}")
            own = release.terminal.directory / "operator.yaml"
            text = own.read_text().replace(S3["endpoint"], server.endpoint)
            own.write_text(text.replace("/etc/rynxs/s3/ca.crt", str(server.ca_file)))

        stop()
        typed(blocks(GUIDE, "Rotate the signing key", "console")[0].splitlines()[0])
        typed(blocks(GUIDE, "Rotate the signing key")[0])
        release.until_ready()
        release.apply(release.agent("second"))
        release.until_it_runs("second")
        log = url(server, S3["prefix"])
        for public in ("signing.key.pub", "next.key.pub"):
            typed(f"rynxs log verify --log {log} --key {public}")

        stop()
        typed(blocks(GUIDE, "Rotate the log")[0].replace("ed25519:signing.key", "ed25519:next.key"))
        release.until_ready()
        release.apply(release.agent("worker", team="other"), release.agent("third"))
        for name in ("worker", "third"):
            release.until_it_runs(name)
        log = url(server, "prod-2")
        typed(f"rynxs log verify --log {log} --key next.key.pub")
        listed = json.loads(typed(f"rynxs log list --log {log} --json"))["records"]
        assert {"Carried"} <= {each["kind"] for each in listed}
        assert "ApplyFailed" not in {each["kind"] for each in listed}


def test_a_log_on_a_volume_is_backed_up_and_restored_and_what_it_lacks_is_accepted(
    release: Release,
) -> None:
    typed = release.terminal.done
    back_up, restore = blocks(GUIDE, "Back up and restore")
    (accept,) = blocks(GUIDE, "The log has lost records")
    typed("helm install rynxs ./helm/rynxs")
    release.until_ready()
    release.apply(release.agent("worker"))
    release.until_it_runs("worker")
    typed(back_up)
    release.apply(release.agent("later"))
    release.until_it_runs("later")
    typed(STOP)
    pod = blocks(GUIDE, "Where a command runs", "yaml")[0]
    (release.terminal.directory / "maintenance.yaml").write_text(pod)
    typed("kubectl apply --filename=maintenance.yaml")
    release.wait("condition=Ready", "pod/rynxs-maintenance")
    typed(restore)
    typed("kubectl delete pod rynxs-maintenance --grace-period=1")
    release.terminal.run("helm upgrade rynxs ./helm/rynxs --reuse-values")
    release.until("it refuses the log", lambda: "--accept-loss" in release.logs())
    typed(accept)
    release.until_ready()
    for name in ("worker", "later"):
        release.until_it_runs(name)
    inside = "kubectl exec deployment/rynxs -- rynxs log"
    begun = json.loads(typed(f"{inside} list --kind EpochStarted --json"))["records"]
    shown = [typed(f"{inside} show {each['seq']}") for each in begun]
    assert ["the volume was lost" in each for each in shown] == [False, True, False]


def test_each_command_of_the_runbooks_shows_something(release: Release) -> None:
    typed = release.terminal.done
    typed("helm install rynxs ./helm/rynxs --set leaderElection.enabled=true")
    release.until_ready()
    release.apply(release.agent("worker"))
    release.until_it_runs("worker")
    theirs = {"apiVersion": "v1", "kind": "ServiceAccount"}
    there = {"name": "agent-blocked", "namespace": NAMESPACE}
    release.apply({**theirs, "metadata": there}, release.agent("blocked"))
    release.until("it is in the way", lambda: "ApplyFailed" in release.done("get", "events"))
    pod = release.kill_leader()  # so that there is a container before this one
    release.until("it is started again", lambda: release.restarts() > 0)
    release.until_ready()
    lines = "".join(blocks(RUNBOOKS)).replace("POD", pod).replace("SEQ", "1")
    commands = lines.replace("NAMESPACE/NAME", f"{NAMESPACE}/blocked").splitlines()
    for command in commands:
        typed(command)
    assert len(commands) > 15
