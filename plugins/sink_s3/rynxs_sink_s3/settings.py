"""The settings of the S3 sink, and the URLs that name its logs."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from rynxs.api import RECORDS_MAX, ConfigError, ConfigModel

_EXAMPLE = "s3://bucket/prefix?endpoint=127.0.0.1:9000"
_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_PREFIX = r"^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?$"
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_NO_USER_INFO = (
    "credentials do not belong here; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
)
_NESTED = {"objectLockMode": "mode", "objectLockDays": "days"}


class ObjectLock(ConfigModel):
    """Retention of the log's batches (not of the named objects)."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"] = Field(
        description="COMPLIANCE: nobody can shorten it. GOVERNANCE: a special permission can."
    )
    days: int = Field(ge=1, le=36_500, description="Days for which a batch can't be deleted.")


class S3Settings(ConfigModel):
    """``settings.sink`` of the S3 sink. Credentials are not among them: see the README."""

    bucket: str = Field(pattern=_BUCKET, description="Name of the bucket; it must exist.")
    prefix: str = Field(
        "", max_length=400, pattern=_PREFIX, description="Where in the bucket the log is."
    )
    endpoint: str | None = Field(
        None,
        min_length=1,
        description="host:port or URL of the server; default is AWS's own for the region.",
    )
    tls: bool | None = Field(
        None, description="Whether to speak TLS to an endpoint given as host:port; default no."
    )
    ca_file: str | None = Field(
        None, min_length=1, description="PEM file of the authorities that the server is checked by."
    )
    region: str | None = Field(
        None, min_length=1, description="Region; default from the environment, else us-east-1."
    )
    path_style: bool | None = Field(
        None,
        description="Whether the bucket stands in the path of URLs, not in the host name; default "
        "yes with an endpoint, no without.",
    )
    profile: str | None = Field(
        None, min_length=1, description="Profile of the AWS configuration files."
    )
    sse: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        None, description="Encryption at rest, by the server; default is the bucket's."
    )
    sse_kms_key_id: str | None = Field(
        None, min_length=1, description="Key of the server's key management, with sse aws:kms."
    )
    object_lock: ObjectLock | None = Field(
        None, description="Retention of batches; the bucket must have Object Lock."
    )
    batch_records: int = Field(
        RECORDS_MAX, ge=1, le=RECORDS_MAX, description="Records in one object, at most."
    )
    batch_bytes: int = Field(
        16 * 1024 * 1024,
        ge=1,
        le=32 * 1024 * 1024,
        description="Bytes of payload in one object, at most, unless one record has more.",
    )
    linger_ms: int = Field(
        50,
        ge=0,
        le=1_000,
        description="The operator appends once it has been quiet for so many milliseconds.",
    )
    read_ahead: int = Field(
        4, ge=0, le=64, description="Objects fetched ahead of the one that is being read."
    )
    attempts: int = Field(
        6, ge=1, le=20, description="How often a request is sent before the sink is unavailable."
    )
    backoff_ms: int = Field(
        100,
        ge=0,
        le=10_000,
        description="Longest pause before the second attempt; doubles with each, up to 5 s.",
    )
    connect_timeout_ms: int = Field(
        5_000, ge=1, le=600_000, description="Milliseconds to wait for a connection."
    )
    read_timeout_ms: int = Field(
        20_000, ge=1, le=600_000, description="Milliseconds to wait for the next bytes."
    )

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        if "@" in endpoint:
            raise PydanticCustomError("credential", _NO_USER_INFO)
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        try:
            sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            sound = False
        if not sound or parts.scheme not in {"", "http", "https"} or parts.query or parts.fragment:
            raise ValueError("expected is host, host:port or http(s)://host[:port]")
        return endpoint

    @field_validator("tls")
    @classmethod
    def _is_for_a_bare_endpoint(cls, tls: Any, others: ValidationInfo) -> Any:
        endpoint = others.data.get("endpoint", "refused")
        if tls is not None and endpoint is None:
            raise ValueError("it is for an endpoint, and none is given")
        if tls is not None and endpoint is not None and "://" in endpoint:
            raise ValueError("endpoint says itself whether to speak TLS; leave tls out")
        return tls

    @field_validator("sse_kms_key_id")
    @classmethod
    def _is_for_kms(cls, key: str | None, others: ValidationInfo) -> str | None:
        if key is not None and others.data.get("sse") in {None, "AES256"}:
            raise ValueError("it is for sse aws:kms or aws:kms:dsse")
        return key

    @property
    def endpoint_url(self) -> str | None:
        """The endpoint with its scheme; None for AWS."""
        if self.endpoint is None or "://" in self.endpoint:
            return self.endpoint
        return f"{'https' if self.tls else 'http'}://{self.endpoint}"

    @property
    def url(self) -> str:
        """How errors name the log."""
        where = f"s3://{self.bucket}/{self.prefix}"
        return where if self.endpoint is None else f"{where} at {self.endpoint_url}"


def parse_url(rest: str) -> dict[str, Any]:
    """Return settings from ``//BUCKET[/PREFIX][?setting=value&...]``.

    Raises:
        ConfigError: no bucket, user info, or an unknown setting.
    """
    path, _, query = rest.partition("?")
    if not path.startswith("//") or not path.strip("/"):
        raise ConfigError(f"s3:{rest}: names no bucket; expected is {_EXAMPLE}")
    if "@" in unquote(path):
        raise ConfigError(f"s3 URL with user info: {_NO_USER_INFO}")
    bucket, _, prefix = unquote(path[2:]).partition("/")
    settings: dict[str, Any] = {"bucket": bucket, "prefix": prefix.strip("/")}
    lock: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key in _NESTED:
            lock[_NESTED[key]] = _value(text)
        elif key == "endpoint" and "@" in text:
            raise ConfigError(f"s3:{path}: endpoint: {_NO_USER_INFO}")
        elif key in _ALLOWED:
            settings[key] = text if key in _TEXTS else _value(text)
        else:
            allowed = ", ".join(sorted({*_ALLOWED, *_NESTED}))
            raise ConfigError(f"s3:{path}: unknown setting '{key}', allowed are {allowed}")
    if lock:
        settings["objectLock"] = lock
    return settings


def _value(text: str) -> Any:
    """Return a number or a boolean where the text is one; the model refuses what does not fit."""
    return int(text) if _NUMBER.fullmatch(text) else _BOOLEANS.get(text, text)


_TEXTS = {"endpoint", "caFile", "region", "profile", "sse", "sseKmsKeyId"}
_ALLOWED = {
    str(field.alias)
    for name, field in S3Settings.model_fields.items()
    if name not in {"bucket", "prefix", "object_lock"}
}
