"""What the S3 sink's tests share: a hermetic server, a faulty way to it, and logs in its bucket."""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack, closing, suppress
from hashlib import md5
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from rynxs.api import RynxsError
from rynxs.cli.main import invoke
from rynxs.eventlog.audit import Audit
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history, verified
from rynxs_sink_s3.plugin import rynxs_sink
from rynxs_sink_s3.settings import S3Settings
from tests.servers.moto import MotoServer
from tests.servers.proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from rynxs.api import Record, Sink

BUCKET = "logs"
VERSIONED = "kept-logs"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """A server with a bucket, and one that keeps versions, for all tests of a worker."""
    with MotoServer() as server, closing(server.client()) as client:
        client.create_bucket(Bucket=BUCKET)
        client.create_bucket(Bucket=VERSIONED)
        client.put_bucket_versioning(
            Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"}
        )
        yield server


@pytest.fixture(autouse=True)
def _emptied(moto: MotoServer) -> Iterator[None]:
    """Let no test pay for what those before it have stored."""
    yield
    moto.empty()


@pytest.fixture(scope="session")
def client(moto: MotoServer) -> Iterator[Any]:
    """The driver's client, to look behind the sink's back."""
    with closing(moto.client()) as made:
        yield made


@pytest.fixture
def proxy(moto: MotoServer) -> Iterator[FaultyProxy]:
    """A way to the server that counts the requests, and breaks those it is told to."""
    with FaultyProxy(moto.endpoint) as running:
        yield running


@pytest.fixture(autouse=True)
def credentials(
    moto: MotoServer, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> pytest.MonkeyPatch:
    """Set credentials, and nothing else of what the driver reads; child processes inherit it."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name in PROXIES]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.secret_key)
    return monkeypatch


class S3Log:
    """A log below a prefix of its own: opened as a user would, and looked at as the server has it.

    Attributes:
        settings: of the sink, as in the configuration.
    """

    def __init__(
        self, client: Any, endpoint: str, prefix: str, stack: ExitStack, bucket: str = BUCKET
    ) -> None:
        self._client = client
        self._stack = stack
        self._bucket = bucket
        self.prefix = prefix
        self.settings: dict[str, Any] = {
            "bucket": bucket,
            "prefix": prefix,
            "endpoint": endpoint,
            "attempts": 3,
            "backoffMs": 0,
        }

    def writer(self, **settings: Any) -> Any:
        """Open it for appending; what the test leaves open is closed after it."""
        checked = S3Settings.model_validate(self.settings | settings)
        return self._opened(rynxs_sink().open_writer(checked, fixed_sources(0)))

    def reader(self, **settings: Any) -> Any:
        """Open it for reading; what the test leaves open is closed after it."""
        checked = S3Settings.model_validate(self.settings | settings)
        return self._opened(rynxs_sink().open_reader(checked))

    def fill(
        self,
        counts: Sequence[int],
        of: Callable[[int], Sequence[Record]] = history,
        **settings: Any,
    ) -> Sequence[Record]:
        """Append batches of a history, close, and return all records of the log."""
        with closing(self.writer(**settings)) as writer:
            for number in counts:
                size = writer.size()
                writer.append(size, of(size + number)[size:])
            return of(writer.size())

    def url(self, **query: Any) -> str:
        """Return the URL that names it on the command line."""
        settings = {"endpoint": self.settings["endpoint"], "attempts": 1, **query}
        return f"s3://{self._bucket}/{self.prefix}?" + "&".join(
            f"{name}={value}" for name, value in settings.items()
        )

    def stored(self, start: str = "") -> list[str]:
        """Return its keys that start so, at most 1,000, without the prefix."""
        root = f"{self.prefix}/"
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=root + start)
        return [found["Key"].removeprefix(root) for found in page.get("Contents", ())]

    def get(self, key: str) -> bytes:
        """Return what is stored under a key."""
        answer = self._client.get_object(Bucket=self._bucket, Key=f"{self.prefix}/{key}")
        data: bytes = answer["Body"].read()
        return data

    def put(self, key: str, data: bytes) -> None:
        """Store something behind the sink's back."""
        self._client.put_object(Bucket=self._bucket, Key=f"{self.prefix}/{key}", Body=data)

    def delete(self, key: str) -> None:
        """Delete something behind the sink's back."""
        self._client.delete_object(Bucket=self._bucket, Key=f"{self.prefix}/{key}")

    def versions(self) -> list[tuple[str, bytes]]:
        """Return every version of every object, at most 1,000: keys without the prefix, bytes."""
        root = f"{self.prefix}/"
        page = self._client.list_object_versions(Bucket=self._bucket, Prefix=root)
        found = []
        for each in page.get("Versions", ()):
            answer = self._client.get_object(
                Bucket=self._bucket, Key=each["Key"], VersionId=each["VersionId"]
            )
            found.append((each["Key"].removeprefix(root), answer["Body"].read()))
        return found

    def verified(self) -> list[Record]:
        """Return the records as an auditor reads them; each must hold."""
        with closing(self.reader()) as reader:
            return [record for batch in Audit(reader, []).batches() for record in batch]

    def chained(self) -> list[Record]:
        """Return the records as a new reader has them; their chain must hold."""
        with closing(self.reader()) as reader:
            return list(verified(list(reader.read())))

    def _opened(self, sink: Sink) -> Sink:
        self._stack.callback(_close, sink)
        return sink


class MemoryS3:
    """Stands in for the driver's client where a request must cost nothing.

    Attributes:
        objects: what is stored, by key.
        locks: until when objects are retained, by key.
        held: keys of the objects under a legal hold.
        asked: the operation and the key, or the listing's prefix, of every request.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.locks: dict[str, datetime] = {}
        self.held: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._lock = Lock()

    def put_object(self, **request: Any) -> dict[str, Any]:
        key, data = request["Key"], request["Body"]
        self.asked.append(("PutObject", key))
        with self._lock:
            there = self.objects.get(key)
            if "IfMatch" in request and there is None:
                raise _refusal(404, "NoSuchKey", "PutObject")
            if (there is not None and request.get("IfNoneMatch") == "*") or (
                there is not None and request.get("IfMatch", _etag(there)) != _etag(there)
            ):
                raise _refusal(412, "PreconditionFailed", "PutObject")
            self.objects[key] = data
        return {"ETag": _etag(data)}

    def get_object(self, **request: Any) -> dict[str, Any]:
        key = request["Key"]
        self.asked.append(("GetObject", key))
        if key not in self.objects:
            raise _refusal(404, "NoSuchKey", "GetObject")
        data = self.objects[key]
        return {"Body": io.BytesIO(data), "ContentLength": len(data), "ETag": _etag(data)}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        prefix, most = request["Prefix"], request.get("MaxKeys", 1_000)
        self.asked.append(("ListObjectsV2", prefix))
        after = request.get("StartAfter", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        found = [{"Key": key, "ETag": _etag(self.objects[key])} for key in keys[:most]]
        return {"IsTruncated": len(keys) > most, **({"Contents": found} if found else {})}

    def list_object_versions(self, **request: Any) -> dict[str, Any]:
        prefix = request["Prefix"]
        self.asked.append(("ListObjectVersions", prefix))
        found = [
            {"Key": key, "VersionId": "null", "IsLatest": True, "ETag": _etag(self.objects[key])}
            for key in sorted(self.objects)
            if key.startswith(prefix)
        ]
        return {"IsTruncated": False, **({"Versions": found} if found else {})}

    def delete_object(self, **request: Any) -> None:
        self.asked.append(("DeleteObject", request["Key"]))
        with self._lock:
            self.objects.pop(request["Key"], None)

    def get_object_lock_configuration(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetObjectLockConfiguration", request["Bucket"]))
        if not self.locks and not self.held:
            raise _refusal(404, "ObjectLockConfigurationNotFoundError", "")
        return {}

    def get_object_retention(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetObjectRetention", request["Key"]))
        if request["Key"] not in self.locks:
            raise _refusal(400, "NoSuchObjectLockConfiguration", "GetObjectRetention")
        return {"Retention": {"RetainUntilDate": self.locks[request["Key"]]}}

    def get_object_legal_hold(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetObjectLegalHold", request["Key"]))
        return {"LegalHold": {"Status": "ON" if request["Key"] in self.held else "OFF"}}

    def close(self) -> None:
        pass


def _etag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def _refusal(status: int, code: str, operation: str) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def _close(sink: Sink) -> None:
    with suppress(RynxsError):
        sink.close()


@pytest.fixture
def new_log(client: Any, tmp_path: Path) -> Iterator[Callable[[str], S3Log]]:
    """Make a log that is reached at an endpoint."""
    numbers = count()
    with ExitStack() as stack:
        yield lambda endpoint: S3Log(client, endpoint, f"{tmp_path.name}/{next(numbers)}", stack)


@pytest.fixture
def s3_log(moto: MotoServer, new_log: Callable[[str], S3Log]) -> S3Log:
    """A log that is reached at the server itself."""
    return new_log(moto.endpoint)


@pytest.fixture(params=[BUCKET, VERSIONED])
def any_log(
    request: pytest.FixtureRequest, client: Any, proxy: FaultyProxy, tmp_path: Path
) -> Iterator[S3Log]:
    """A log in a bucket without versions, and in one with, which is reached through the proxy."""
    with ExitStack() as stack:
        yield S3Log(client, proxy.endpoint, tmp_path.name, stack, request.param)


@pytest.fixture
def memory_s3(monkeypatch: pytest.MonkeyPatch) -> MemoryS3:
    """A bucket in memory, which every sink that is opened in this process gets."""
    memory = MemoryS3()
    monkeypatch.setattr("rynxs_sink_s3.client.make_client", lambda _: memory)
    return memory


@pytest.fixture
def memory_log(memory_s3: MemoryS3, tmp_path: Path) -> Iterator[S3Log]:
    """A log in the bucket in memory."""
    with ExitStack() as stack:
        yield S3Log(memory_s3, "in.memory", tmp_path.name, stack)


@pytest.fixture
def far_log(proxy: FaultyProxy, new_log: Callable[[str], S3Log]) -> S3Log:
    """A log that is reached through the proxy."""
    return new_log(proxy.endpoint)


class Outcome(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Outcome]:
    """Run the command line in this process, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RYNXS_CONFIG", raising=False)
    monkeypatch.delenv("RYNXS_DEBUG", raising=False)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["rynxs", *map(str, arguments)])
        status = invoke()
        return Outcome(status, *capsys.readouterr())

    return run
