"""An S3 server that knows no conditions: every PUT succeeds, whatever `If-None-Match` says."""

from __future__ import annotations

from functools import partial
from hashlib import md5
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.servers.endpoint import LOOPBACK, S3Endpoint
from tests.servers.inprocess import Handler, InProcessServer, TrackingServer


class FakeS3(InProcessServer, S3Endpoint):
    """Puts, gets, deletes and lists objects. Every bucket exists, and any credentials will do."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        """Bodies by `/bucket/key`."""
        server = TrackingServer((LOOPBACK, 0), partial(_Handler, self.objects))
        InProcessServer.__init__(self, server)
        S3Endpoint.__init__(self, server.server_port)


class _Handler(Handler):
    def __init__(self, objects: dict[str, bytes], *arguments: Any) -> None:
        self._objects = objects
        super().__init__(*arguments)

    def answer(self) -> None:
        url = urlsplit(self.path)
        name, query = unquote(url.path), dict(parse_qsl(url.query))
        body = self.body()
        if self.command == "PUT":
            self._objects[name] = body
            self._give(200, b"", _etag(body))
        elif self.command == "DELETE":
            self._objects.pop(name, None)
            self.reply(204, [])
        elif "list-type" in query:
            self._give(200, self._listing(f"{name.rstrip('/')}/", query))
        elif name in self._objects:
            self._give(200, self._objects[name], _etag(self._objects[name]))
        else:
            self._give(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _give(self, status: int, body: bytes, tag: str = '""') -> None:
        headers = [("ETag", tag), ("Content-Length", str(len(body)))]
        self.reply(status, headers, b"" if self.command == "HEAD" else body)

    def _listing(self, root: str, query: dict[str, str]) -> bytes:
        keys = sorted(name.removeprefix(root) for name in self._objects if name.startswith(root))
        prefix, after = query.get("prefix", ""), query.get("start-after", "")
        found = [key for key in keys if key.startswith(prefix) and key > after]
        page = found[: int(query.get("max-keys", "1000"))]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self._objects[root + key])}</Size>"
            f"<ETag>{escape(_etag(self._objects[root + key]))}</ETag></Contents>"
            for key in page
        )
        cut = f"<IsTruncated>{str(len(page) < len(found)).lower()}</IsTruncated>"
        return f"<ListBucketResult>{cut}{contents}</ListBucketResult>".encode()


def _etag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'
