"""Erasing on real servers: in buckets without versions, with versions, and with Object Lock."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from rynxs.api import Record, SinkUnavailable
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history, verified
from rynxs_sink_s3.batch_object import encode_object, key_of
from rynxs_sink_s3.plugin import rynxs_sink
from rynxs_sink_s3.settings import S3Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tests.servers.process import ServerProcess

    Open = Callable[..., Any]

SIZE = 8
ORDINARY, PERSONAL = 3, 4
DAYS = 30
LOCK = {"mode": "GOVERNANCE", "days": DAYS}


@pytest.fixture(params=["plain", "versioned", "lockable"])
def place(request: pytest.FixtureRequest, client: Any) -> str:
    """A new bucket of each kind."""
    name = f"{request.param}-{uuid4().hex}"
    is_lockable = {"ObjectLockEnabledForBucket": True} if request.param == "lockable" else {}
    client.create_bucket(Bucket=name, **is_lockable)
    if request.param == "versioned":
        status = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
    return name


@pytest.fixture
def lockable(client: Any) -> str:
    """A bucket with Object Lock."""
    name = f"locked-{uuid4().hex}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def open_log(s3_server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the log of a bucket for writing."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    with ExitStack() as stack:

        def open_log(bucket: str, **settings: Any) -> Any:
            named = {"bucket": bucket, "prefix": "prod", "endpoint": s3_server.endpoint}
            checked = S3Settings.model_validate(named | settings)
            return stack.enter_context(closing(rynxs_sink().open_writer(checked, fixed_sources(0))))

        yield open_log


def _erased(seqs: Collection[int], count: int = SIZE) -> list[Record]:
    return [
        Record(record.header, b"", None) if seq in seqs else record
        for seq, record in enumerate(history(count))
    ]


def _holding(client: Any, bucket: str, seqs: Collection[int]) -> list[str]:
    """Return the keys of all versions that hold a payload or a salt of these records."""
    found = []
    for each in client.list_object_versions(Bucket=bucket)["Versions"]:
        stored = client.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
        data = stored["Body"].read()
        for seq in seqs:
            _, salt, payload = history(SIZE)[seq]
            assert payload is not None
            found += [each["Key"]] * (payload in data) + [each["Key"]] * bool(salt and salt in data)
    return found


@pytest.mark.parametrize("is_detached", [True, False])
def test_no_version_holds_what_was_erased_and_the_log_goes_on(
    is_detached: bool, place: str, client: Any, open_log: Open
) -> None:
    if is_detached:
        open_log(place).append(0, history(SIZE))
    else:  # as it was written when no payload was detached
        data = encode_object(0, history(SIZE), bytes(16))
        client.put_object(Bucket=place, Key=f"prod/{key_of(0)}", Body=data)
    seqs = (ORDINARY, PERSONAL)
    assert len(_holding(client, place, seqs)) == 3
    log = open_log(place)
    assert log.locked_until(seqs) is None
    for _ in range(2):
        log.erase(seqs)
        assert _holding(client, place, seqs) == []
        assert verified(list(log.read())) == _erased(seqs)
    log.append(SIZE, history(SIZE + 3)[SIZE:])
    again = open_log(place)
    again.erase([1, SIZE + 2])
    assert verified(list(again.read())) == _erased((1, *seqs, SIZE + 2), SIZE + 3)


def test_an_erasure_that_broke_off_before_the_old_version_was_removed_is_completed(
    lockable: str, client: Any, open_log: Open
) -> None:
    open_log(lockable).append(0, history(SIZE))
    key = f"prod/{key_of(0)}"
    before = client.get_object(Bucket=lockable, Key=key)["Body"].read()
    log = open_log(lockable)
    log.erase([ORDINARY])
    after = client.get_object(Bucket=lockable, Key=key)["Body"].read()
    for data in (before, after):
        client.put_object(Bucket=lockable, Key=key, Body=data)
    assert _holding(client, lockable, [ORDINARY]) == [key]
    log.erase([ORDINARY])
    assert _holding(client, lockable, [ORDINARY]) == []
    assert verified(list(open_log(lockable).read())) == _erased([ORDINARY])


def test_under_a_lock_what_is_personal_goes_and_all_else_is_refused_with_the_date(
    lockable: str, client: Any, open_log: Open
) -> None:
    begun = datetime.now(UTC)
    log = open_log(lockable, objectLock=LOCK)
    log.append(0, history(SIZE))
    opens = datetime.fromtimestamp(log.locked_until([ORDINARY, PERSONAL]) / 1_000_000, UTC)
    assert timedelta(seconds=-1) <= opens - begun - timedelta(days=DAYS) <= timedelta(minutes=10)
    versions = client.list_object_versions(Bucket=lockable)["Versions"]
    with pytest.raises(SinkUnavailable, match=f"locked until {opens:%Y-%m-%dT%H:%M:%S}"):
        log.erase([ORDINARY, PERSONAL])
    assert client.list_object_versions(Bucket=lockable)["Versions"] == versions
    assert log.locked_until([1, PERSONAL, 7]) is None
    log.erase([1, PERSONAL, 7])
    assert _holding(client, lockable, [1, PERSONAL, 7]) == []
    assert verified(list(open_log(lockable).read())) == _erased([1, PERSONAL, 7])
    (batch,) = client.list_object_versions(Bucket=lockable, Prefix="prod/log/")["Versions"]
    with pytest.raises(ClientError):
        client.delete_object(Bucket=lockable, Key=batch["Key"], VersionId=batch["VersionId"])


def test_a_legal_hold_refuses_too(lockable: str, client: Any, open_log: Open) -> None:
    log = open_log(lockable)
    log.append(0, history(SIZE))
    held = {"Bucket": lockable, "Key": f"prod/{key_of(0)}"}
    client.put_object_legal_hold(**held, LegalHold={"Status": "ON"})
    with pytest.raises(SinkUnavailable, match="record 3 is locked until 9999-12-31"):
        log.erase([ORDINARY])
    client.put_object_legal_hold(**held, LegalHold={"Status": "OFF"})
    log.erase([ORDINARY])
    assert _holding(client, lockable, [ORDINARY]) == []


def test_a_deleted_object_leaves_no_version_and_no_marker(
    place: str, client: Any, open_log: Open
) -> None:
    log = open_log(place)
    for data in (b"one", b"two"):
        for name in ("a/b", "a/bc"):
            log.put(name, data)
    client.delete_object(Bucket=place, Key="prod/a/b")
    for name in ("a/b", "nothing"):
        log.delete(name)
    left = client.list_object_versions(Bucket=place, Prefix="prod/a/")
    assert {each["Key"] for each in left["Versions"]} == {"prod/a/bc"}
    assert not left.get("DeleteMarkers")
