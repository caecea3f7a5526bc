"""Several replicas on a real node: the README's examples, and the values for production."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cluster.helm import CHART
from tests.cluster.minio_service import PRODUCTION, S3, minio_service, production_s3, url
from tests.cluster.release import Release
from tests.cluster.terminal import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.real_cluster import RealCluster

README = (CHART / "README.md").read_text()
NAMESPACE = "rynxs"


@pytest.fixture
def release(real: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release that is not installed yet, in the namespace that the README's S3 example names."""
    made = Release(real, tmp_path_factory.mktemp("typed"), NAMESPACE)
    yield made
    made.remove()


def kill_the_leader_and_see_the_next_go_on(release: Release) -> None:
    release.apply(release.agent("before"))
    release.until_it_runs("before")
    killed = release.holder()
    release.kill_leader()
    # Another pod, or this one's next container: whoever is first.
    release.until("another process leads", lambda: release.holder() not in {killed, ""})
    release.apply(release.agent("after"))
    release.until_it_runs("after")
    release.until_ready()


def is_whole(release: Release, log: str) -> None:
    """Verify a log from outside the cluster, and replay it."""
    verified = release.terminal.done(f"rynxs log verify --log {log} --key rynxs.key.pub")
    assert "epoch 1\n" not in verified
    assert f"signed by rynxs.local/{release.namespace}/rynxs" in verified
    assert "all as recorded" in release.terminal.done(f"rynxs replay --check --log {log}")
    listed = json.loads(release.terminal.done(f"rynxs log list --log {log} --json"))
    subjects = {each["subject"] for each in listed["records"]}
    assert {f"universe.ai/Agent/{NAMESPACE}/{name}" for name in ("before", "after")} <= subjects


def test_replicas_share_a_volume_as_in_the_readme_and_the_next_goes_on_when_the_leader_is_killed(
    release: Release,
) -> None:
    section = "High Availability Deployment"
    values = release.terminal.directory / "ha-values.yaml"
    values.write_text(blocks(README, section, "yaml")[0])
    notes = release.install(blocks(README, section)[0])
    kill_the_leader_and_see_the_next_go_on(release)
    assert len(release.pods()) == 3
    release.fetch_log(notes)
    is_whole(release, "file:./copy")


def test_the_log_is_in_s3_as_in_the_readme_and_verifies_from_outside(release: Release) -> None:
    section = "S3 Remote Storage"
    text = blocks(README, section, "yaml")[0]
    s3 = yaml.safe_load(text)["logSink"]["s3"]
    secret, install = blocks(README, section)[0].split("# Install with S3 storage\n")
    with minio_service(release, s3["endpoint"]) as server:
        server.client().create_bucket(Bucket=s3["bucket"])
        (release.terminal.directory / "s3-values.yaml").write_text(text)
        release.terminal.done(secret.replace("secret generic", f"-n {NAMESPACE} secret generic"))
        notes = release.install(install)
        release.apply(release.agent("worker"))
        release.until_it_runs("worker")
        outside = notes.replace(s3["endpoint"], server.endpoint)
        assert "the log, the newest of" in release.fetch_log(outside)


def test_production_values_hold_when_the_leaders_pod_is_killed(
    release: Release, tmp_path: Path
) -> None:
    with production_s3(release, tmp_path) as server:
        notes = release.install(f"helm install rynxs ./helm/rynxs --values {PRODUCTION}")
        kill_the_leader_and_see_the_next_go_on(release)
        (key,) = [line for line in notes.splitlines() if line.endswith("> rynxs.key.pub")]
        release.terminal.done(key)
        is_whole(release, url(server, S3["prefix"]))
        client, batches = server.client(), f"{S3['prefix']}/log/"
        first = client.list_objects_v2(Bucket=S3["bucket"], Prefix=batches)["Contents"][0]["Key"]
        kept = client.get_object_retention(Bucket=S3["bucket"], Key=first)
        assert kept["Retention"]["Mode"] == S3["objectLock"]["mode"]
