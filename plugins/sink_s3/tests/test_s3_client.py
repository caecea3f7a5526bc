"""What the driver is told, and what it sends: where, as whom, and with which parameters."""

from __future__ import annotations

import base64
import io
import os
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from urllib3 import HTTPResponse

from rynxs.api import ABSENT, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_s3 import writer as writing
from rynxs_sink_s3.batch_object import key_of
from rynxs_sink_s3.client import make_client
from rynxs_sink_s3.settings import S3Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import S3Log

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Sent(list[Any]):
    """The requests that a sink sends, as they leave the driver."""

    def of(self, method: str, key: str) -> list[dict[str, str]]:
        """Return the headers of those of a method and a key, their names in lower case."""
        return [
            {
                name.lower(): value.decode() if isinstance(value, bytes) else value
                for name, value in request.headers.items()
            }
            for request in self
            if request.method == method and f"/{key}" in request.url
        ]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Every request of the sinks that are opened in this test."""
    requests = Sent()

    def watched(settings: S3Settings) -> Any:
        client = make_client(settings)
        client.meta.events.register("before-send.s3", lambda request, **_: requests.append(request))
        return client

    monkeypatch.setattr("rynxs_sink_s3.client.make_client", watched)
    return requests


@pytest.fixture
def client_of(credentials: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make the driver's client for some settings."""
    return lambda **settings: make_client(
        S3Settings.model_validate({"bucket": "logs", "endpoint": "127.0.0.1:9", **settings})
    )


def _use(log: S3Log, **settings: Any) -> None:
    """Put one object of each sort."""
    writer = log.writer(**settings)
    writer.append(0, history(2))
    version = writer.put("name", b"data", ABSENT)
    writer.put("name", b"more", version)
    writer.close()


def _request_of(client: Any) -> Any:
    """Return a GET as a client would send it, signed; nothing is sent."""
    requests = []

    def answered(request: Any, **_: Any) -> AWSResponse:
        requests.append(request)
        return AWSResponse(request.url, HTTPStatus.NOT_FOUND, {}, HTTPResponse(io.BytesIO()))

    client.meta.events.register("before-send.s3", answered)
    with pytest.raises(ClientError):
        client.head_object(Bucket="logs", Key="key")
    (request,) = requests
    return request


SORTS = (key_of(0), "name", "hint", "probe/")


def test_every_put_has_a_checksum_and_each_batch_is_put_if_none_is_there(
    s3_log: S3Log, sent: Sent
) -> None:
    _use(s3_log)
    for key in SORTS:
        for headers in sent.of("PUT", key):
            assert len(headers["x-amz-checksum-crc32"]) == 8
    (batch,) = sent.of("PUT", key_of(0))
    data = s3_log.get(key_of(0))
    assert base64.b64decode(batch["x-amz-checksum-crc32"]) == crc32(data).to_bytes(4)
    assert batch["if-none-match"] == "*"
    assert [headers["if-none-match"] for headers in sent.of("PUT", "probe/")] == ["*"] * 5
    created, replaced = sent.of("PUT", "name")
    assert created["if-none-match"] == "*"
    assert "if-match" in replaced
    (hint,) = sent.of("PUT", "hint")
    assert not {"if-none-match", "if-match"} & {*hint}


def test_a_get_asks_for_the_servers_checksum(s3_log: S3Log, sent: Sent) -> None:
    s3_log.fill([1])
    s3_log.reader().close()
    assert {headers["x-amz-checksum-mode"] for headers in sent.of("GET", "hint")} == {"ENABLED"}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {}),
        ({"sse": "AES256"}, {"": "AES256"}),
        ({"sse": "aws:kms", "sseKmsKeyId": "1"}, {"": "aws:kms", "-aws-kms-key-id": "1"}),
    ],
)
def test_encryption_is_asked_for_with_every_put(
    settings: dict[str, Any], wanted: dict[str, str], s3_log: S3Log, sent: Sent
) -> None:
    _use(s3_log, **settings)
    start = "x-amz-server-side-encryption"
    for key in SORTS:
        puts = sent.of("PUT", key)
        assert puts
        for headers in puts:
            found = {name.removeprefix(start): headers[name] for name in headers if start in name}
            assert found == wanted


def test_a_server_that_does_not_confirm_encryption_is_refused_before_anything_is_logged(
    memory_log: S3Log,
) -> None:
    with pytest.raises(SinkUnavailable, match="the server does not encrypt with sse AES256"):
        memory_log.writer(sse="AES256")
    assert memory_log.stored("log/") == []


def test_retention_is_asked_for_batches_only_and_counted_from_now(
    s3_log: S3Log, sent: Sent, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "utc_now", lambda: NOW)
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    _use(s3_log, bucket="locked", objectLock={"mode": "GOVERNANCE", "days": 30})
    for key in SORTS[1:]:
        assert not [
            name for headers in sent.of("PUT", key) for name in headers if "object-lock" in name
        ]
    stored = client.head_object(Bucket="locked", Key=f"{s3_log.prefix}/{key_of(0)}")
    assert stored["ObjectLockMode"] == "GOVERNANCE"
    assert stored["ObjectLockRetainUntilDate"] == NOW + timedelta(days=30)


def test_retention_in_a_bucket_without_object_lock_is_refused_with_the_servers_words(
    s3_log: S3Log,
) -> None:
    writer = s3_log.writer(objectLock={"mode": "COMPLIANCE", "days": 1})
    with pytest.raises(SinkUnavailable, match=r"logs/.*ObjectLockConfiguration"):
        writer.append(0, history(1))
    assert s3_log.stored("log/") == []


def test_without_object_lock_nothing_is_said_of_retention(s3_log: S3Log, sent: Sent) -> None:
    _use(s3_log)
    assert not [name for request in sent for name in request.headers if "lock" in name.lower()]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"endpoint": "127.0.0.1:9000"}, "http://127.0.0.1:9000/logs/key"),
        ({"endpoint": "minio.test:9000", "tls": True}, "https://minio.test:9000/logs/key"),
        ({"endpoint": "https://minio.test", "pathStyle": True}, "https://minio.test/logs/key"),
        ({"endpoint": "https://minio.test", "pathStyle": False}, "https://logs.minio.test/key"),
        (
            {"endpoint": None, "region": "eu-north-1"},
            "https://logs.s3.eu-north-1.amazonaws.com/key",
        ),
        (
            {"endpoint": None, "region": "eu-north-1", "pathStyle": True},
            "https://s3.eu-north-1.amazonaws.com/logs/key",
        ),
    ],
)
def test_the_endpoint_and_the_style_decide_where_requests_go(
    settings: dict[str, Any], url: str, client_of: Callable[..., Any]
) -> None:
    assert _request_of(client_of(**settings)).url == url


def test_the_region_is_the_settings_else_the_environments_else_the_default(
    client_of: Callable[..., Any], credentials: pytest.MonkeyPatch
) -> None:
    assert client_of().meta.region_name == "us-east-1"
    credentials.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert client_of().meta.region_name == "eu-north-1"
    assert client_of(region="eu-west-2").meta.region_name == "eu-west-2"


def test_time_limits_connections_and_retries_are_the_sinks_own(
    client_of: Callable[..., Any],
) -> None:
    config = client_of(connectTimeoutMs=1500, readTimeoutMs=2500, readAhead=40).meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.5, 2.5)
    assert config.max_pool_connections == 49
    assert config.retries["total_max_attempts"] == 1
    assert client_of(readAhead=0).meta.config.max_pool_connections == 10


def _key_of(client: Any) -> str:
    """Return the access key that a client signs with."""
    signature: str = _request_of(client).headers["Authorization"].decode()
    return signature.partition("Credential=")[2].partition("/")[0]


def test_credentials_come_from_the_environment_or_from_a_profile(
    client_of: Callable[..., Any], credentials: pytest.MonkeyPatch
) -> None:
    credentials.setenv("AWS_ACCESS_KEY_ID", "OFTHEENVIRONMENT")
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[audit]\naws_access_key_id = OFTHEPROFILE\naws_secret_access_key = x\n"
    )
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[profile audit]\nregion = eu-south-1\n")
    assert _key_of(client_of()) == "OFTHEENVIRONMENT"
    audit = client_of(profile="audit")
    assert _key_of(audit) == "OFTHEPROFILE"
    assert audit.meta.region_name == "eu-south-1"


def test_credentials_are_looked_for_at_every_opening(
    client_of: Callable[..., Any], credentials: pytest.MonkeyPatch
) -> None:
    for key in ("FIRST", "SECOND"):
        credentials.setenv("AWS_ACCESS_KEY_ID", key)
        assert _key_of(client_of()) == key
