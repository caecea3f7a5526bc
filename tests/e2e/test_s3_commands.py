"""The command line on real servers: what works, with TLS and without, and what a user is told."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import load_config
from rynxs.plugins import PluginManager
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from tests.servers import faults
from tests.servers.certificate import Certificate
from tests.servers.minio import MinioServer
from tests.servers.proxy import FaultyProxy
from tests.servers.versitygw import VersitygwServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rynxs.api import Record
    from tests.conftest import Cli
    from tests.servers.process import ServerProcess

    Refused = Callable[..., None]

FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")


def _use(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)


@pytest.fixture
def url(s3_server: ServerProcess, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A log on the shared server."""
    _use(s3_server, monkeypatch)
    return f"s3://{bucket}/prod?endpoint={s3_server.endpoint}&attempts=1"


@pytest.fixture(params=[MinioServer, VersitygwServer])
def tls_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A log on a server that speaks TLS; nothing is said of that."""
    with request.param(Certificate.self_signed(tmp_path / "tls")) as server:
        _use(server, monkeypatch)
        with closing(server.client()) as client:
            client.create_bucket(Bucket="logs")
        yield f"s3://logs/prod?endpoint={server.endpoint}&attempts=1"


@pytest.fixture
def refused(cli: Cli, repository: Path) -> Refused:
    """Demand that reading and writing a log is refused with one sentence that names the bucket."""

    def check(log: str, *told: str) -> None:
        for command in (("log", "verify"), ("run", repository / "examples")):
            done = cli(*command, "--log", log)
            assert (done.status, done.out) == (3, "")
            assert done.err.startswith(f"error: {log.partition('?')[0]} at ")
            assert done.err.count("\n") == 1
            for part in told:
                assert part in done.err

    return check


def _records(url: str) -> list[Record]:
    with closing(load_config(None, PluginManager()).with_log(url).open_reader()) as reader:
        return list(reader.read())


def _assert_works(cli: Cli, log: str, repository: Path) -> None:
    cli("keys", "generate", "key", *FIXED)
    for where in ("file:log", log):
        run = ("run", repository / "examples", "--signer", "ed25519:key", *FIXED)
        done = cli(*run, "--log", where)
        assert done.status == 0, done.err
    assert _records(log) == _records("file:log")
    for command in (
        ("log", "verify", "--key", "key.pub"),
        ("log", "list"),
        ("log", "show", 0),
        ("log", "tail"),
        ("replay", "--check"),
        ("checkpoint", "verify", "--key", "key.pub"),
        ("checkpoint", "show"),
    ):
        done = cli(*command, "--log", log)
        assert done.status == 0, done.err
        assert done.out == cli(*command, "--log", "file:log").out


def test_a_run_gives_the_file_sinks_records_and_each_command_works(
    url: str, cli: Cli, repository: Path
) -> None:
    _assert_works(cli, url, repository)


def test_with_tls_it_is_the_same(tls_url: str, cli: Cli, repository: Path, tmp_path: Path) -> None:
    _assert_works(cli, f"{tls_url}&tls=true&caFile={tmp_path}/tls/public.crt", repository)
    https = tls_url.replace("endpoint=", "endpoint=https://")
    assert cli("log", "verify", "--log", f"{https}&caFile={tmp_path}/tls/public.crt").status == 0


def test_a_certificate_of_an_unknown_authority_is_told(
    tls_url: str, refused: Refused, tmp_path: Path
) -> None:
    other = Certificate.self_signed(tmp_path / "other").file
    for trusted in ("", f"&caFile={other}"):
        refused(f"{tls_url}&tls=true{trusted}", "TLS fails", "check endpoint, tls and caFile")


def test_no_tls_to_a_tls_port_is_told(tls_url: str, refused: Refused) -> None:
    refused(tls_url, "set tls if the server wants it")


def test_tls_to_a_plain_port_is_told(url: str, refused: Refused) -> None:
    refused(f"{url}&tls=true", "TLS fails", "check endpoint, tls and caFile")


def test_a_wrong_secret_and_an_unknown_key_are_told(
    url: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "mistaken")
            refused(url, "the credentials are refused", "AWS_ACCESS_KEY_ID")


def test_a_missing_bucket_is_told(url: str, refused: Refused) -> None:
    refused(url.replace("s3://test-", "s3://none-"), "the bucket does not exist; make it first")


def test_a_missing_log_is_told(url: str, cli: Cli) -> None:
    done = cli("log", "verify", "--log", url)
    assert (done.status, "no log is here" in done.err) == (3, True)


@pytest.mark.parametrize("fault", [faults.break_off, faults.truncate, faults.garble])
def test_an_object_damaged_on_its_way_is_fetched_again(
    fault: faults.Fault, s3_server: ServerProcess, url: str, client: Any, bucket: str
) -> None:
    """Also a named one, which only the server's checksum protects."""
    with FaultyProxy(s3_server.endpoint) as proxy:
        far = url.replace(s3_server.endpoint, proxy.endpoint).replace("attempts=1", "attempts=3")
        config = load_config(None, PluginManager()).with_log(far)
        with closing(config.open_writer(fixed_sources(0))) as writer:
            for size in range(3):
                writer.append(size, history(3)[size : size + 1])
            version = writer.put("name", b"data" * 1_000)
            proxy.plan(fault, lambda method, path: method == "GET" and "/log/" in path, 2)
            proxy.plan(fault, lambda method, path: method == "GET" and "/name" in path, 2)
            assert writer.get("name") == (b"data" * 1_000, version)
            assert tuple(writer.read()) == history(3)
        assert proxy.pending == 0
