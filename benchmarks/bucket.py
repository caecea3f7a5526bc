"""A bucket on a local versitygw, and what a program without rynxs would do with it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.workload import config
from tests.servers.versitygw import VersitygwServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.config import Config

_NAME = "benchmarks"
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class LocalBucket:
    """The bucket.

    Attributes:
        client: a boto3 client of its server, with boto3's own settings.
    """

    def __init__(self, server: VersitygwServer) -> None:
        self._server = server
        self.client: Any = server.client()
        self.client.create_bucket(Bucket=_NAME)

    def log_config(self, prefix: str) -> Config:
        """Return the default configuration with a log of the S3 sink below a prefix."""
        return config(f"s3://{_NAME}/{prefix}?endpoint={self._server.endpoint}")

    def put_new(self, key: str, data: bytes) -> None:
        """Create an object by a conditional PUT."""
        self.client.put_object(Bucket=_NAME, Key=key, Body=data, IfNoneMatch="*")

    def size_of(self, key: str) -> int:
        """Return the bytes of an object."""
        return int(self.client.head_object(Bucket=_NAME, Key=key)["ContentLength"])

    def delete(self, key: str) -> None:
        """Delete an object."""
        self.client.delete_object(Bucket=_NAME, Key=key)


class BareObjects:
    """A growing list of objects below a prefix: what `BareFile` is to a file."""

    def __init__(self, bucket: LocalBucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._count = 0

    def write(self, data: bytes) -> None:
        """Create the next object."""
        self._bucket.put_new(f"{self._prefix}/{self._count:020d}", data)
        self._count += 1

    def write_parts(self, parts: list[bytes]) -> None:
        """Create the next object of the records of a batch."""
        self.write(b"".join(parts))


@contextmanager
def local_bucket() -> Iterator[LocalBucket]:
    """Start a server, and give its credentials to whoever looks for them in the environment."""
    before = {name: os.environ.get(name) for name in _CREDENTIALS}
    with VersitygwServer() as server:
        os.environ.update(zip(_CREDENTIALS, (server.access_key, server.secret_key), strict=True))
        try:
            yield LocalBucket(server)
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
