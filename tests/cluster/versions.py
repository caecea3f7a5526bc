"""All versions of a namespace's objects, as a watch told of them one by one."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from rynxs.operator.stamp import stamp_of
from tests.cluster.agents import AGENTS, RENDERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPConnection, HTTPResponse

    from tests.cluster.apiserver import KubeApiserver
    from tests.cluster.invariants import Event

_VOLATILE = ("resourceVersion", "managedFields", "generation")
_WATCH_S = 3_600
_NOT_YET = 429
"""What a kind answers that is new to the API server."""
_PAUSE_S = 0.1


class Versions:
    """What was told so far; `watched` fills it."""

    def __init__(self) -> None:
        self.agents: list[dict[str, Any]] = []
        self.rendered: list[tuple[str, dict[str, Any]]] = []

    def check_contents(self) -> int:
        """Demand that for one plan an object had one content; return the number of contents."""
        contents: dict[tuple[Any, ...], str] = {}
        for plural, found in self.rendered:
            stamp = stamp_of(found["metadata"])
            assert stamp is not None, found
            key = (plural, found["metadata"]["name"], found["metadata"]["uid"], stamp.seq)
            content = json.dumps(_content(found), sort_keys=True)
            assert contents.setdefault(key, content) == content, (key, stamp)
        return len(contents)

    def check_positions(self, events: list[Event], leaves: list[str]) -> int:
        """Demand that all that a status ever said of the log is there; return how much that is.

        Args:
            events: of the log.
            leaves: their leaf hashes, in hex.
        """
        told = set()
        for agent in self.agents:
            metadata, log = agent["metadata"], (agent.get("status") or {}).get("log")
            if log is not None:
                subject = f"universe.ai/Agent/{metadata['namespace']}/{metadata['name']}"
                assert events[log["seq"]].subject == subject, (log, subject)
                assert leaves[log["seq"]] == log["leafHash"], (log, subject)
                told.add(log["seq"])
        return len(told)


def _content(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an applier writes of an object, and what the API server made of that."""
    metadata = {key: part for key, part in found["metadata"].items() if key not in _VOLATILE}
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop("universe.ai/log-epoch")  # each leader stamps its own
    return {**found, "metadata": {**metadata, "annotations": annotations}, "status": None}


@contextmanager
def watched(apiserver: KubeApiserver, namespace: str) -> Iterator[Versions]:
    """Watch a namespace in which there is nothing yet."""
    kinds = {"agents": AGENTS, **RENDERED}
    versions, connections = Versions(), [apiserver.connection() for _ in kinds]
    with ThreadPoolExecutor(len(kinds)) as threads:
        reading = [
            threads.submit(_watch, connection, apiserver.headers, namespace, kind, versions)
            for connection, kind in zip(connections, kinds.items(), strict=True)
        ]
        try:
            yield versions
        finally:
            for connection in connections:
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)
        for each in reading:
            each.result()


def _watch(
    connection: HTTPConnection,
    headers: Mapping[str, str],
    namespace: str,
    kind: tuple[str, str],
    versions: Versions,
) -> None:
    plural, group = kind
    path = f"/{group}/namespaces/{namespace}/{plural}?watch=1&timeoutSeconds={_WATCH_S}"
    connection.timeout = _WATCH_S
    answer = _asked(connection, path, headers)
    while answer.status == _NOT_YET:
        answer.read()
        time.sleep(_PAUSE_S)
        answer = _asked(connection, path, headers)
    assert answer.status == 200, answer.read()
    with closing(connection), closing(answer), suppress(OSError, HTTPException):  # it is cut off
        for line in answer:
            event = json.loads(line)
            found = event["object"]
            if plural == "agents":
                versions.agents.append(found)
            elif stamp_of(found["metadata"]) is not None and event["type"] != "DELETED":
                versions.rendered.append((plural, found))


def _asked(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> HTTPResponse:
    connection.request("GET", path, headers=dict(headers))
    return connection.getresponse()
