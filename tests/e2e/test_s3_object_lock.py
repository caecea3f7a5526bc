"""Retention of the batches, in a bucket of MinIO with Object Lock."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers.process import ServerProcess

DAYS = 30
FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")


@pytest.fixture
def client(minio: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio.secret_key)
    with closing(minio.client()) as made:
        yield made


@pytest.fixture
def locked(client: Any) -> str:
    """A bucket with Object Lock."""
    name = f"locked-{uuid4().hex}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def _run(cli: Cli, minio: ServerProcess, bucket: str, manifests: Path, mode: str) -> Any:
    lock = f"objectLockMode={mode}&objectLockDays={DAYS}"
    url = f"s3://{bucket}/prod?endpoint={minio.endpoint}&{lock}"
    return cli("run", manifests, "--log", url, "--signer", "ed25519:key", *FIXED)


def _versions(client: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.list_object_versions(Bucket=bucket, Prefix=prefix)[
        "Versions"
    ]
    return found


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_batches_can_not_be_deleted_until_their_time_and_the_log_works_as_any(
    mode: str, minio: ServerProcess, client: Any, locked: str, cli: Cli, repository: Path
) -> None:
    cli("keys", "generate", "key", *FIXED)
    begun = datetime.now(UTC)
    for manifests in ("examples/agent-basic.yaml", "examples"):
        assert _run(cli, minio, locked, repository / manifests, mode).status == 0
    batches = _versions(client, locked, "prod/log/")
    assert len(batches) == 2
    for version in batches:
        target = {"Bucket": locked, "Key": version["Key"], "VersionId": version["VersionId"]}
        stored = client.head_object(**target)
        assert stored["ObjectLockMode"] == mode
        kept = stored["ObjectLockRetainUntilDate"] - begun
        assert timedelta(days=DAYS, seconds=-1) <= kept <= timedelta(days=DAYS, hours=1)
        with pytest.raises(ClientError) as refused:
            client.delete_object(**target)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
        assert client.head_object(**target)["ContentLength"] > 0
    url = f"s3://{locked}/prod?endpoint={minio.endpoint}"
    for command in (("log", "verify", "--key", "key.pub"), ("replay", "--check")):
        assert cli(*command, "--log", url).status == 0


def test_named_objects_the_hint_and_the_probe_are_not_locked(
    minio: ServerProcess, client: Any, locked: str, cli: Cli, repository: Path
) -> None:
    cli("keys", "generate", "key", *FIXED)
    team = repository / "examples/agent-team.yaml"  # nothing of it is personal
    assert _run(cli, minio, locked, team, "COMPLIANCE").status == 0
    others = [
        version
        for version in _versions(client, locked, "prod/")
        if not version["Key"].startswith("prod/log/")
    ]
    assert {version["Key"].split("/")[1] for version in others} == {
        *("checkpoint", "checkpoints", "frontier", "hint", "probe", "tile"),
    }
    for version in others:
        client.delete_object(Bucket=locked, Key=version["Key"], VersionId=version["VersionId"])


def test_a_bucket_without_object_lock_is_told_and_nothing_is_logged(
    minio: ServerProcess, client: Any, cli: Cli, repository: Path
) -> None:
    plain = f"plain-{uuid4().hex}"
    client.create_bucket(Bucket=plain)
    cli("keys", "generate", "key", *FIXED)
    done = _run(cli, minio, plain, repository / "examples", "GOVERNANCE")
    assert done.status == 3
    assert done.err.startswith(f"error: s3://{plain}/prod at http://")
    assert "PutObject of log/00000000000000000000" in done.err
    assert "ObjectLock" in done.err
    assert "Contents" not in client.list_objects_v2(Bucket=plain, Prefix="prod/log/")
