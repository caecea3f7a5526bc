"""moto's S3 over HTTP in this process: hermetic, and one request at a time."""

from __future__ import annotations

import io
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.models import FakeKey, FakeMultipart, s3_backends
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.test import run_wsgi_app

from tests.servers.endpoint import LOOPBACK, S3Endpoint
from tests.servers.inprocess import Handler, InProcessServer, TrackingServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class MotoServer(InProcessServer, S3Endpoint):
    """Starts empty, whatever other servers of its kind run in this process.

    moto looks at no signature: any access key and any secret will do.
    """

    def __init__(self) -> None:
        self._buckets = _Buckets()
        server = _Server(LOOPBACK, 0, create_backend_app("s3"), _Handler)
        server.buckets = self._buckets
        InProcessServer.__init__(self, server)
        S3Endpoint.__init__(self, server.server_port)

    def empty(self) -> None:
        """Remove all objects, which are kept in memory, and of which every listing sees each."""
        self._buckets.empty()

    def stop(self) -> None:
        """Stop serving and forget every bucket."""
        super().stop()
        self._buckets.forget()


class _Buckets:
    """The buckets of one server, in moto's globals while one of its requests is answered.

    The lock is there for these globals, and because moto looks whether a key exists and writes it
    later: two conditional PUTs of one key could otherwise both succeed.
    """

    _lock = Lock()

    def __init__(self) -> None:
        self._accounts: dict[str, Any] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._keys: list[Any] = []
        self._uploads: list[Any] = []

    @contextmanager
    def in_place(self) -> Iterator[None]:
        with self._lock:
            s3_backends.clear()
            s3_backends.update(self._accounts)
            s3_backends.bucket_accounts = self._owners
            FakeKey.instances_tracked = self._keys  # type: ignore[attr-defined]
            FakeMultipart.instances_tracked = self._uploads  # type: ignore[attr-defined]
            try:
                yield
            finally:
                self._accounts = dict(s3_backends)

    def empty(self) -> None:
        with self.in_place():
            for stored in (*self._keys, *self._uploads):
                stored.dispose()
            self._keys.clear()
            self._uploads.clear()
            for account in s3_backends.values():
                for backend in account.values():
                    for bucket in backend.buckets.values():
                        bucket.keys.clear()
                        bucket.multiparts.clear()

    def forget(self) -> None:
        """Close the temporary files that hold the objects; moto warns of those left to chance."""
        with self.in_place():
            for backends in s3_backends.values():
                backends.reset()
            s3_backends.clear()


class _Server(TrackingServer, ThreadedWSGIServer):
    buckets: _Buckets


class _Handler(Handler, MotoRequestHandler):
    """Answers as werkzeug's handler does, but keeps the connection open.

    werkzeug's closes it after each answer, and waits 10 ms for bytes to throw away.
    """

    server: _Server

    def answer(self) -> None:
        environ = self.make_environ() | {"wsgi.input": io.BytesIO(self.body())}
        with self.server.buckets.in_place():
            parts, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        body = b"".join(parts)
        if self.command != "HEAD":
            headers["Content-Length"] = str(len(body))
        self.reply(int(status.split()[0]), headers, body)
