"""The S3 servers that need nothing built: what tests of the S3 sink may rely on."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto.s3.models import S3Backend

from tests.servers.endpoint import LOOPBACK
from tests.servers.fake import FakeS3
from tests.servers.minio import MinioServer
from tests.servers.moto import MotoServer
from tests.servers.port import ReservedPort
from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.endpoint import S3Endpoint

WRITERS = 16
BODY = b"x" * 100_000


def _create_many(server: S3Endpoint, key: str) -> list[int]:
    """Create one key from many threads; give the statuses in order."""

    def create(client: Any) -> int:
        try:
            answer = client.put_object(Bucket="bucket", Key=key, Body=BODY, IfNoneMatch="*")
        except ClientError as error:
            answer = error.response
        status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status

    with closing(server.client()) as client, ThreadPoolExecutor(WRITERS) as pool:
        return sorted(pool.map(create, repeat(client, WRITERS)))


def test_moto_lets_exactly_one_of_many_creates_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = S3Backend.get_object

    def look_and_dawdle(*arguments: Any, **options: Any) -> Any:
        found = looked(*arguments, **options)
        time.sleep(0.01)
        return found

    with MotoServer() as server:
        with closing(server.client()) as client:
            client.create_bucket(Bucket="bucket")
        monkeypatch.setattr(S3Backend, "get_object", look_and_dawdle)
        assert _create_many(server, "k") == [200] + [412] * (WRITERS - 1)


def test_each_moto_server_has_its_own_buckets() -> None:
    with MotoServer() as server, closing(server.client()) as client:
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="k", Body=BODY)
        with MotoServer() as other, closing(other.client()) as other_client:
            assert not other_client.list_buckets()["Buckets"]
            other_client.create_bucket(Bucket="bucket")
            other_client.put_object(Bucket="bucket", Key="k", Body=b"other", IfNoneMatch="*")
            assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == BODY
        assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == BODY


def test_the_fake_lets_every_create_succeed_and_keeps_the_objects() -> None:
    with FakeS3() as server, closing(server.client()) as client:
        assert _create_many(server, "log/1") == [200] * WRITERS
        for key in ("log/2", "log/3", "other"):
            client.put_object(Bucket="bucket", Key=key, Body=key.encode())
        assert client.get_object(Bucket="bucket", Key="log/2")["Body"].read() == b"log/2"
        assert client.head_object(Bucket="bucket", Key="log/1")["ContentLength"] == len(BODY)
        page = client.list_objects_v2(Bucket="bucket", Prefix="log/", StartAfter="log/1", MaxKeys=1)
        assert [entry["Key"] for entry in page["Contents"]] == ["log/2"]
        assert page["IsTruncated"]
        client.delete_object(Bucket="bucket", Key="log/2")
        with pytest.raises(ClientError, match="NoSuchKey"):
            client.get_object(Bucket="bucket", Key="log/2")


@pytest.mark.parametrize("kind", [MotoServer, FakeS3])
def test_a_connection_stays_open_until_the_server_stops(
    kind: type[MotoServer | FakeS3],
) -> None:
    server = kind()
    with closing(HTTPConnection(server.endpoint)) as connection:
        with server:
            for _ in range(3):
                connection.request("PUT", "/bucket/k", BODY)
                connection.getresponse().read()
                kept = connection.sock
                connection.request("GET", "/bucket/k")
                connection.getresponse().read()
                assert connection.sock is kept
        assert kept.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(server.endpoint).connect()


def test_a_reserved_port_can_be_listened_on_again_and_again() -> None:
    with closing(ReservedPort()) as port:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port.number))
            with (
                socket.create_server((LOOPBACK, port.number)),
                socket.create_connection((LOOPBACK, port.number)),
            ):
                pass


def test_a_missing_program_says_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MinioServer, "program", tmp_path / "minio")
    with pytest.raises(ServerFailed, match="minio is missing; `make e2e` builds it"):
        MinioServer().__enter__()


def test_a_program_that_ends_by_itself_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "minio"
    program.write_text("#!/bin/sh\necho no room on the drive\nexit 3\n")
    program.chmod(0o700)
    monkeypatch.setattr(MinioServer, "program", program)
    with pytest.raises(ServerFailed, match=r"(?s)ended with status 3.*no room on the drive"):
        MinioServer().__enter__()
