"""An admission webhook by which what a user writes comes too late, whenever a test wants it."""

from __future__ import annotations

import json
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.cluster.admission import webhook_configuration
from tests.servers.certificate import Certificate
from tests.servers.endpoint import LOOPBACK
from tests.servers.inprocess import Handler, InProcessServer, TrackingServer

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class Conflicts(InProcessServer):
    """Answers as the API server does when an object has changed meanwhile: 409 Conflict.

    Attributes:
        configuration: By which the API server asks about the writes of a namespace, and about what
            has none.
        resources: Of which what the user writes comes too late, as in `configmaps` and
            `agents/status`; none at first.
    """

    def __init__(
        self, user: str, namespace: str, resources: Collection[str], directory: Path
    ) -> None:
        """Take a port.

        Args:
            user: As the API server calls him.
            namespace: Of the objects.
            resources: All that are ever asked about, of any group.
            directory: For a certificate.
        """
        self.user = user
        self.resources: Collection[str] = ()
        certificate = Certificate.self_signed(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file, certificate.key_file)
        server = TrackingServer((LOOPBACK, 0), partial(_Handler, self))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        super().__init__(server)
        self.configuration = webhook_configuration(namespace, server.server_port, certificate)
        (rule,) = self.configuration["webhooks"][0]["rules"]
        rule |= {"apiGroups": ["*"], "apiVersions": ["*"], "resources": sorted(resources)}


class _Handler(Handler):
    def __init__(self, conflicts: Conflicts, *arguments: Any) -> None:
        self._conflicts = conflicts
        super().__init__(*arguments)

    def answer(self) -> None:
        review = json.loads(self.body())
        asked = review["request"]
        told: dict[str, Any] = {"uid": asked["uid"], "allowed": True}
        if self._is_late(asked):
            status = {"code": 409, "reason": "Conflict", "message": "it has changed"}
            told |= {"allowed": False, "status": status}
        body = json.dumps({**review, "response": told}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self.reply(200, headers, body)

    def _is_late(self, asked: dict[str, Any]) -> bool:
        resource, subresource = asked["resource"]["resource"], asked.get("subResource")
        written = f"{resource}/{subresource}" if subresource else resource
        is_his = asked["userInfo"]["username"] == self._conflicts.user
        return is_his and written in self._conflicts.resources
