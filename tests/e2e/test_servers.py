"""What the S3 sink relies on, asked of the real servers."""

from __future__ import annotations

import base64
import datetime as dt
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from copy import copy
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    SSLError,
)

from tests.servers.certificate import Certificate
from tests.servers.faults import drop_reply
from tests.servers.minio import MinioServer
from tests.servers.proxy import FaultyProxy
from tests.servers.versitygw import VersitygwServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.process import ServerProcess

WRITERS = 16


def _outcome(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    try:
        answer = call(**arguments)
    except ClientError as error:
        answer = error.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer.get("Error", {}).get("Code", "")


@pytest.mark.parametrize("same", [True, False], ids=["same bytes", "own bytes"])
def test_of_many_creates_of_one_key_exactly_one_succeeds(
    client: Any, bucket: str, same: bool
) -> None:
    def create(writer: int) -> tuple[int, str]:
        body = b"same" if same else b"%d" % writer
        return _outcome(client.put_object, Bucket=bucket, Key="k", Body=body, IfNoneMatch="*")

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = sorted(pool.map(create, range(WRITERS)))
    assert outcomes == [(200, "")] + [(412, "PreconditionFailed")] * (WRITERS - 1)


def test_of_many_replacements_of_one_version_exactly_one_succeeds(client: Any, bucket: str) -> None:
    tag = client.put_object(Bucket=bucket, Key="k", Body=b"old")["ETag"]

    def replace(writer: int) -> tuple[int, str]:
        body = b"new %d" % writer
        return _outcome(client.put_object, Bucket=bucket, Key="k", Body=body, IfMatch=tag)

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = sorted(pool.map(replace, range(WRITERS)))
    assert outcomes == [(200, "")] + [(412, "PreconditionFailed")] * (WRITERS - 1)


def test_a_replacement_of_a_stale_version_is_refused(client: Any, bucket: str) -> None:
    stale = client.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    fresh = client.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=stale)["ETag"]
    put = client.put_object
    assert _outcome(put, Bucket=bucket, Key="k", Body=b"3", IfMatch=stale)[0] == 412
    assert _outcome(put, Bucket=bucket, Key="none", Body=b"3", IfMatch=fresh) == (404, "NoSuchKey")
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_a_list_starts_after_a_key_keeps_to_the_prefix_and_says_whether_more_follows(
    client: Any, bucket: str
) -> None:
    for name in ("a", "log/1", "log/2", "log/3", "log/4", "log2/1", "z"):
        client.put_object(Bucket=bucket, Key=name, Body=b"")

    def listed(after: str, limit: int) -> tuple[list[str], bool]:
        page = client.list_objects_v2(Bucket=bucket, Prefix="log/", StartAfter=after, MaxKeys=limit)
        return [entry["Key"] for entry in page.get("Contents", [])], page["IsTruncated"]

    assert listed("log/1", 2) == (["log/2", "log/3"], True)
    assert listed("log/2", 2) == (["log/3", "log/4"], False)
    assert listed("log/15", 1000) == (["log/2", "log/3", "log/4"], False)
    assert listed("a", 1) == (["log/1"], True)
    assert listed("log/4", 1000) == ([], False)
    assert listed("z", 1000) == ([], False)


def test_a_body_that_differs_from_its_checksum_is_refused(client: Any, bucket: str) -> None:
    wrong = base64.b64encode(bytes(4)).decode()
    refused = _outcome(client.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32=wrong)
    assert refused[0] == 400
    assert _outcome(client.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32"]


def test_a_locked_object_keeps_its_version(client: Any) -> None:
    bucket = f"locked-{uuid4().hex}"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    put = client.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*", **lock)
    version = {"Bucket": bucket, "Key": "k", "VersionId": put["VersionId"]}
    assert _outcome(client.delete_object, **version)[0] in {400, 403}
    assert client.get_object(**version)["Body"].read() == b"x"
    assert _outcome(client.put_object, Bucket=bucket, Key="k", Body=b"y", IfNoneMatch="*")[0] == 412


def test_minio_encrypts_when_asked_and_says_so(minio: ServerProcess) -> None:
    with closing(minio.client()) as client:
        client.create_bucket(Bucket="encrypted")
        client.put_object(Bucket="encrypted", Key="k", Body=b"x", ServerSideEncryption="AES256")
        got = client.get_object(Bucket="encrypted", Key="k")
    assert (got["ServerSideEncryption"], got["Body"].read()) == ("AES256", b"x")


def test_wrong_credentials_and_a_missing_bucket_are_told_apart(
    s3_server: ServerProcess, client: Any
) -> None:
    missing = _outcome(client.get_object, Bucket=f"none-{uuid4().hex}", Key="k")
    assert missing == (404, "NoSuchBucket")
    mistaken = copy(s3_server)
    mistaken.secret_key = "wrong"
    with closing(mistaken.client()) as stranger:
        assert _outcome(stranger.list_buckets) == (403, "SignatureDoesNotMatch")


def test_data_survive_a_kill_and_a_restart_on_the_same_port(
    mortal_s3_server: ServerProcess,
) -> None:
    server = mortal_s3_server
    with closing(server.client()) as client:
        client.create_bucket(Bucket="data")
        for number in range(20):
            client.put_object(Bucket="data", Key=f"log/{number:02}", Body=b"%d" % number)
        server.kill()
        with pytest.raises(EndpointConnectionError):
            client.list_buckets()
        address = server.endpoint
        server.restart()
        assert server.endpoint == address
        for number in range(20):
            got = client.get_object(Bucket="data", Key=f"log/{number:02}")
            assert got["Body"].read() == b"%d" % number
        assert _outcome(client.put_object, Bucket="data", Key="log/00", IfNoneMatch="*")[0] == 412


def test_a_stopped_server_leaves_neither_data_nor_listener(mortal_s3_server: ServerProcess) -> None:
    mortal_s3_server.stop()
    assert not mortal_s3_server.directory.exists()
    host, port = mortal_s3_server.endpoint.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


@pytest.mark.parametrize("kind", [MinioServer, VersitygwServer])
def test_tls_is_verified_against_the_servers_own_certificate(
    kind: type[ServerProcess], tmp_path: Path
) -> None:
    with kind(Certificate.self_signed(tmp_path / "own")) as server:
        with closing(server.client()) as client:
            client.create_bucket(Bucket="data")
        server.ca_file = Certificate.self_signed(tmp_path / "other").file
        with closing(server.client()) as client, pytest.raises(SSLError):
            client.list_buckets()


def test_signed_requests_pass_through_the_proxy(
    s3_server: ServerProcess, client: Any, bucket: str
) -> None:
    with (
        FaultyProxy(s3_server.endpoint) as proxy,
        closing(s3_server.client(through=proxy.endpoint)) as far,
    ):
        body = b"%d" % 7 * 400_000
        far.put_object(Bucket=bucket, Key="log/a b+c", Body=body, IfNoneMatch="*")
        assert far.get_object(Bucket=bucket, Key="log/a b+c")["Body"].read() == body
        assert proxy.count("PUT") == proxy.count("GET") == 1
        proxy.plan(drop_reply)
        with pytest.raises(ConnectionClosedError):
            far.put_object(Bucket=bucket, Key="dropped", Body=b"x", IfNoneMatch="*")
    assert client.get_object(Bucket=bucket, Key="dropped")["Body"].read() == b"x"
