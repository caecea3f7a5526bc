"""The settings, in the configuration and in URLs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from rynxs.api import ConfigError
from rynxs_sink_s3.settings import S3Settings, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUES: dict[str, Any] = {
    "endpoint": "127.0.0.1:9000",
    "tls": True,
    "caFile": "/etc/ssl/ca@home.crt",
    "region": "eu-north-1",
    "pathStyle": False,
    "profile": "audit@corp",
    "sse": "aws:kms",
    "sseKmsKeyId": "1234",
    "batchRecords": 10,
    "batchBytes": 4096,
    "lingerMs": 0,
    "readAhead": 0,
    "attempts": 2,
    "backoffMs": 1,
    "connectTimeoutMs": 2,
    "readTimeoutMs": 3,
}
"""One allowed value, not the default, of every setting that a URL's query can hold."""
LOCK = {"mode": "COMPLIANCE", "days": 30}
SECRET = "hunter2"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_every_setting_is_set_by_a_url_as_by_the_configuration() -> None:
    aliases = {str(field.alias) for field in S3Settings.model_fields.values()}
    assert aliases == {*VALUES, "bucket", "prefix", "objectLock"}
    raw = {"bucket": "logs", "prefix": "a/b", **VALUES, "objectLock": LOCK}
    query = "&".join(f"{name}={_text(value)}" for name, value in VALUES.items())
    parsed = parse_url(f"//logs/a/b?{query}&objectLockMode=COMPLIANCE&objectLockDays=30")
    assert parsed == raw
    configured = S3Settings.model_validate(raw)
    assert S3Settings.model_validate(parsed) == configured
    assert configured.model_dump(by_alias=True) == raw
    defaults = S3Settings.model_validate({"bucket": "logs"}).model_dump(by_alias=True)
    assert [name for name, value in VALUES.items() if defaults[name] == value] == []


@pytest.mark.parametrize(
    ("rest", "bucket", "prefix"),
    [
        ("//logs", "logs", ""),
        ("//logs/", "logs", ""),
        ("//logs/prod", "logs", "prod"),
        ("//logs/prod/eu-1/", "logs", "prod/eu-1"),
        ("//logs/%70rod", "logs", "prod"),
        ("//my.logs-2/_a/B.c", "my.logs-2", "_a/B.c"),
        ("//logs?", "logs", ""),
    ],
)
def test_a_url_names_a_bucket_and_a_prefix(rest: str, bucket: str, prefix: str) -> None:
    assert parse_url(rest) == {"bucket": bucket, "prefix": prefix}
    S3Settings.model_validate(parse_url(rest))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        *((rest, "names no bucket; expected is s3://bucket") for rest in ("", "//", "logs", "///")),
        ("//logs?bucket=other", "unknown setting 'bucket', allowed are attempts, backoffMs"),
        ("//logs?prefix=other", "unknown setting 'prefix'"),
        ("//logs?read_ahead=1", "unknown setting 'read_ahead'"),
        (f"//logs?secretAccessKey={SECRET}", "unknown setting 'secretAccessKey'"),
        *(
            (rest, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            for rest in (
                f"//key:{SECRET}@logs/prod",
                f"//key%3A{SECRET}%40logs/prod",
                f"//logs?endpoint=http://key:{SECRET}@127.0.0.1:9000",
                f"//logs?endpoint=key:{SECRET}%40127.0.0.1:9000",
            )
        ),
    ],
)
def test_a_url_that_does_not_name_a_log_is_refused_and_no_secret_is_shown(
    rest: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        parse_url(rest)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("///prod", "bucket: found ''"),
        ("//Logs", "bucket: found 'Logs'"),
        ("//lo", "bucket: found 'lo'"),
        ("//logs.", "bucket: found 'logs.'"),
        *((f"//logs/{prefix}", "prefix: ") for prefix in ("a//b", "../b", "a/.b", "a b", "a%0a")),
        ("//logs/" + "x" * 401, "at most 400 characters"),
        ("//logs?attempts=0", "attempts: found 0; input should be greater than or equal to 1"),
        ("//logs?attempts=21", "attempts: found 21; input should be less than or equal to 20"),
        ("//logs?attempts=six", "attempts: found 'six'; input should be a valid integer"),
        ("//logs?attempts=-1", "attempts: found '-1'"),
        ("//logs?attempts=", "attempts: found ''"),
        ("//logs?batchRecords=1001", "less than or equal to 1000"),
        ("//logs?batchBytes=33554433", "less than or equal to 33554432"),
        ("//logs?readAhead=65", "less than or equal to 64"),
        ("//logs?lingerMs=1001", "less than or equal to 1000"),
        ("//logs?backoffMs=10001", "less than or equal to 10000"),
        ("//logs?connectTimeoutMs=0", "greater than or equal to 1"),
        ("//logs?readTimeoutMs=0", "greater than or equal to 1"),
        ("//logs?pathStyle=maybe", "pathStyle: found 'maybe'; input should be a valid boolean"),
        ("//logs?region=", "region: found ''; string should have at least 1 character"),
        ("//logs?sse=none", "'AES256', 'aws:kms' or 'aws:kms:dsse'"),
        ("//logs?sseKmsKeyId=k", "sseKmsKeyId: found 'k'; it is for sse aws:kms"),
        ("//logs?sse=AES256&sseKmsKeyId=k", "it is for sse aws:kms"),
        ("//logs?objectLockMode=GOVERNANCE", "objectLock.days: required, and missing"),
        ("//logs?objectLockDays=1", "objectLock.mode: required, and missing"),
        ("//logs?objectLockMode=ON&objectLockDays=1", "'GOVERNANCE' or 'COMPLIANCE'"),
        ("//logs?objectLockMode=GOVERNANCE&objectLockDays=0", "greater than or equal to 1"),
        ("//logs?tls=true", "tls: found True; it is for an endpoint, and none is given"),
        ("//logs?endpoint=http://h&tls=true", "endpoint says itself whether to speak TLS"),
        *(
            (f"//logs?endpoint={endpoint}", "expected is host, host:port or http")
            for endpoint in (
                "ftp://h",
                "h:0",
                "h:65536",
                "h:x",
                "http://",
                ":9000",
                "h%3fx",
                "h%23x",
            )
        ),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(
    rest: str, told: str, cli: Callable[..., Any]
) -> None:
    done = cli("log", "verify", "--log", f"s3:{rest}")
    assert (done.status, done.out) == (2, "")
    assert told in done.err


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bucket": 7},
        {"bucket": "logs", "attempts": "6"},
        {"bucket": "logs", "attempts": True},
        {"bucket": "logs", "path_style": True},
        {"bucket": "logs", "objectLock": {"mode": "GOVERNANCE", "days": 1, "hold": True}},
        {"bucket": "logs\n"},
        {"bucket": "logs", "prefix": "a\n"},
        {"bucket": "logs", "prefix": "/a"},
        {"bucket": "logs", "prefix": "a/"},
        {"bucket": "logs", "secretAccessKey": SECRET},
    ],
)
def test_settings_that_are_not_allowed_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        S3Settings.model_validate(settings)


def test_user_info_in_a_configured_endpoint_is_refused_and_not_shown(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    for endpoint in (f"key:{SECRET}@h:9000", f"http://key:{SECRET}@h:9000"):
        sink = f"{{bucket: logs, endpoint: '{endpoint}'}}"
        (tmp_path / "rynxs.yaml").write_text(f"plugins: {{sink: s3}}\nsettings: {{sink: {sink}}}\n")
        done = cli("log", "verify")
        assert done.status == 2
        assert "settings.sink.endpoint: credentials do not belong here" in done.err
        assert SECRET not in done.err


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, None),
        ({"endpoint": "127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        ({"endpoint": "127.0.0.1:9000", "tls": False}, "http://127.0.0.1:9000"),
        ({"endpoint": "minio.example.org", "tls": True}, "https://minio.example.org"),
        ({"endpoint": "[::1]:9000"}, "http://[::1]:9000"),
        ({"endpoint": "http://minio:9000"}, "http://minio:9000"),
        ({"endpoint": "https://minio.example.org"}, "https://minio.example.org"),
    ],
)
def test_an_endpoint_without_scheme_is_http_unless_tls_is_set(
    settings: dict[str, Any], url: str | None
) -> None:
    assert S3Settings.model_validate({"bucket": "logs", **settings}).endpoint_url == url
