"""What etcd remembers of a cluster: all that happened, until it is told to forget."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cluster.control_plane import Cluster

LIMIT_S = 10.0


def forget(cluster: Cluster) -> None:
    """Let etcd forget all history up to now: no watch can go on from before."""
    found = _asked(cluster, "range", {"key": base64.b64encode(b"x").decode()})
    _asked(cluster, "compaction", {"revision": found["header"]["revision"], "physical": True})


def _asked(cluster: Cluster, path: str, body: dict[str, Any]) -> Any:
    with closing(HTTPConnection(cluster.etcd.endpoint, timeout=LIMIT_S)) as connection:
        connection.request("POST", f"/v3/kv/{path}", json.dumps(body))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return json.load(answer)
