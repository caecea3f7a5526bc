"""docs/MINIO.md, run as it stands against MinIO."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from boto3.session import Session
from botocore.exceptions import ClientError

from rynxs.api import SinkUnavailable
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from rynxs_sink_s3.plugin import rynxs_sink
from rynxs_sink_s3.settings import S3Settings
from tests.servers.endpoint import ONE_ATTEMPT
from tests.servers.minio import MinioServer
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
WRITTEN_FOR = "127.0.0.1:9000"
WRITER, SECRET = "rynxs-writer", "a-secret-of-this-test"
FIRST = "prod/log/00000000000000000000"
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Shell(NamedTuple):
    """Runs blocks of the document against a server."""

    server: MinioServer
    directory: Path

    def run(self, block: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", block.replace(WRITTEN_FOR, self.server.endpoint)],
            cwd=self.directory,
            env={
                "PATH": f"{Path(sys.executable).parent}:{TOOLS}:/usr/bin:/bin",
                "HOME": str(self.directory),
                "MINIO_ROOT_USER": self.server.access_key,
                "MINIO_ROOT_PASSWORD": self.server.secret_key,
                "RYNXS_WRITER_SECRET": SECRET,
                "AWS_ACCESS_KEY_ID": WRITER,
                "AWS_SECRET_ACCESS_KEY": SECRET,
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A server on which all has been done that the document says before "What is left"."""
    directory = tmp_path_factory.mktemp("minio-doc")
    (directory / "examples").symlink_to(REPOSITORY / "examples")
    with MinioServer() as server:
        shell = Shell(server, directory)
        before, _ = _blocks()
        for block in before:
            done = shell.run(block)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        yield shell


@pytest.fixture
def writer(shell: Shell) -> Any:
    """A client with the writer's keys."""
    return Session().client(
        "s3",
        endpoint_url=f"http://{shell.server.endpoint}",
        aws_access_key_id=WRITER,
        aws_secret_access_key=SECRET,
        region_name=shell.server.region,
        config=ONE_ATTEMPT,
    )


def _blocks() -> tuple[list[str], list[str]]:
    """Return the shell blocks of the document, before and after the heading "What is left"."""
    text = (REPOSITORY / "docs/MINIO.md").read_text()
    parts = text.split("## What is left")
    before, after = (_CONSOLE.findall(each) for each in parts)
    return before, after


def _versions(client: Any, key: str) -> list[dict[str, Any]]:
    listed = client.list_object_versions(Bucket="rynxs", Prefix=key)
    return [each for each in listed["Versions"] if each["Key"] == key]


def test_the_log_that_the_document_writes_is_in_the_bucket_and_verifies(shell: Shell) -> None:
    done = shell.run(_blocks()[0][-1].splitlines()[-1] + " --json")
    assert json.loads(done.stdout)["verified"]


def test_the_writer_can_delete_no_batch_and_no_checkpoint(shell: Shell, writer: Any) -> None:
    root = shell.server.client()
    (version,) = [each["VersionId"] for each in _versions(root, FIRST)]
    for extra in (
        {},
        {"VersionId": version},
        {"VersionId": version, "BypassGovernanceRetention": True},
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            writer.delete_object(Bucket="rynxs", Key=FIRST, **extra)
    for name in ("checkpoint", "hint", "probe/0"):
        with pytest.raises(ClientError, match="AccessDenied"):
            writer.delete_object(Bucket="rynxs", Key=f"prod/{name}")
    assert len(_versions(root, FIRST)) == 1


def test_the_writer_can_erase_what_is_personal_and_delete_a_snapshot(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings = S3Settings.model_validate(
        {
            "bucket": "rynxs",
            "prefix": "personal",
            "endpoint": shell.server.endpoint,
            "objectLock": {"mode": "GOVERNANCE", "days": 30},
        }
    )
    root = shell.server.client()
    with closing(rynxs_sink().open_writer(settings, fixed_sources(0))) as log:
        log.append(0, history(6))
        log.put("snapshots/1", b"state")
        log.delete("snapshots/1")
        log.erase([1, 4])
        with pytest.raises(SinkUnavailable, match="record 3 is locked until"):
            log.erase([3])
        assert [record.payload for record in log.read()].count(None) == 2
    for part in ("payload", "snapshots"):
        listed = root.list_object_versions(Bucket="rynxs", Prefix=f"personal/{part}/")
        assert not listed.get("Versions")
        assert not listed.get("DeleteMarkers")


def test_nobody_deletes_a_batch_before_its_time(shell: Shell) -> None:
    root = shell.server.client()
    held = root.get_object_retention(Bucket="rynxs", Key=FIRST)["Retention"]
    assert held["Mode"] == "GOVERNANCE"
    (version,) = [each["VersionId"] for each in _versions(root, FIRST)]
    with pytest.raises(ClientError, match="WORM protected"):
        root.delete_object(Bucket="rynxs", Key=FIRST, VersionId=version)


def test_a_batch_that_the_writer_overwrites_is_told_and_brought_back_as_described(
    shell: Shell, writer: Any
) -> None:
    whole = writer.get_object(Bucket="rynxs", Key=FIRST)["Body"].read()
    writer.put_object(Bucket="rynxs", Key=FIRST, Body=whole[:-1] + b"?")
    _, (commands,) = _blocks()
    verify = commands.splitlines()[-1]
    told = shell.run(verify)
    assert told.returncode == 1
    assert "record" in told.stderr
    back = shell.run(commands)
    assert back.returncode == 0, back.stdout + back.stderr
    assert writer.get_object(Bucket="rynxs", Key=FIRST)["Body"].read() == whole


def test_an_object_that_an_administrator_deleted_is_brought_back_as_described(shell: Shell) -> None:
    root = shell.server.client()
    root.delete_object(Bucket="rynxs", Key=FIRST)
    _, (commands,) = _blocks()
    gone = shell.run(commands.splitlines()[-1])
    assert gone.returncode != 0
    back = shell.run(commands)
    assert back.returncode == 0, back.stdout + back.stderr


def test_probes_and_old_hints_have_a_rule_that_lets_them_expire(shell: Shell) -> None:
    rules = shell.server.client().get_bucket_lifecycle_configuration(Bucket="rynxs")["Rules"]
    prefixes = {rule["Filter"]["Prefix"]: rule for rule in rules}
    assert set(prefixes) == {"prod/probe/", "prod/hint"}
    assert prefixes["prod/probe/"]["Expiration"] == {"Days": 1}
    assert "Expiration" not in prefixes["prod/hint"]
