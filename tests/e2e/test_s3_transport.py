"""TLS and encryption at rest, as real servers do them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import KINDS
from tests.servers.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.process import ServerProcess

RYNXS = Path(sys.executable).with_name("rynxs")
REPOSITORY = Path(__file__).parents[2]


def rynxs(server: ServerProcess, *arguments: str, **query: str) -> subprocess.CompletedProcess[str]:
    settings = "&".join(f"{key}={value}" for key, value in query.items())
    url = (
        f"s3://logs/log?attempts=2&backoffMs=1&connectTimeoutMs=2000&readTimeoutMs=2000&{settings}"
    )
    environment = {
        "PATH": os.defpath,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }
    return subprocess.run(
        [RYNXS, *arguments, "--log", url],
        cwd=server.directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run(server: ServerProcess, **query: str) -> subprocess.CompletedProcess[str]:
    return rynxs(server, "run", str(REPOSITORY / "examples/agent-basic.yaml"), **query)


@pytest.fixture(scope="module", params=KINDS)
def tls_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """Each real server in turn, speaking TLS only, with a certificate of its own."""
    certificate = Certificate.self_signed(tmp_path_factory.mktemp("certificate"))
    with KINDS[request.param](certificate) as server:
        with closing(server.client()) as client:
            client.create_bucket(Bucket="logs")
        yield server


def test_a_log_is_kept_over_tls_by_the_named_authority(tls_server: ServerProcess) -> None:
    for where in (
        {"endpoint": tls_server.endpoint, "tls": "true"},
        {"endpoint": f"https://{tls_server.endpoint}"},
    ):
        done = run(tls_server, **where, caFile=str(tls_server.ca_file))
        assert done.returncode == 0, done.stderr
    verified = rynxs(
        tls_server,
        *("log", "verify", "--json"),
        endpoint=f"https://{tls_server.endpoint}",
        caFile=str(tls_server.ca_file),
    )
    assert json.loads(verified.stdout)["verified"]


def test_a_server_of_an_unknown_authority_is_refused(tls_server: ServerProcess) -> None:
    done = run(tls_server, endpoint=tls_server.endpoint, tls="true")
    assert done.returncode == 3
    assert "s3://logs/log" in done.stderr
    assert "TLS fails" in done.stderr
    assert "Traceback" not in done.stderr


def test_plain_http_to_a_tls_port_is_told(tls_server: ServerProcess) -> None:
    done = run(tls_server, endpoint=tls_server.endpoint)
    assert done.returncode == 3
    assert "s3://logs/log" in done.stderr
    assert "Traceback" not in done.stderr


def test_tls_to_a_plain_port_is_told(s3_server: ServerProcess) -> None:
    done = run(s3_server, endpoint=s3_server.endpoint, tls="true")
    assert done.returncode == 3
    assert "TLS fails" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def logs(s3_server: ServerProcess, client: Any) -> Iterator[Any]:
    """A bucket named ``logs`` on the shared server, emptied afterwards."""
    client.create_bucket(Bucket="logs")
    yield client
    for found in client.list_objects_v2(Bucket="logs").get("Contents", ()):
        client.delete_object(Bucket="logs", Key=found["Key"])
    client.delete_bucket(Bucket="logs")


def test_batches_are_encrypted_where_that_is_asked_for_or_the_server_is_refused(
    s3_server: ServerProcess, logs: Any
) -> None:
    done = run(s3_server, endpoint=s3_server.endpoint, sse="AES256")
    batches = logs.list_objects_v2(Bucket="logs", Prefix="log/log/").get("Contents", ())
    if done.returncode == 0:
        stored = logs.head_object(Bucket="logs", Key=batches[0]["Key"])
        assert stored["ServerSideEncryption"] == "AES256"
    else:
        assert done.returncode == 3
        assert "the server does not encrypt with sse AES256" in done.stderr
        assert not batches
