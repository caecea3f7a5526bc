"""The audit log of an API server: who wrote what, when, and how it was answered."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIMIT_S = 30.0
POLL_S = 0.02
COMPLETE = "ResponseComplete"


class AuditFailed(Exception):
    """What should be in an audit log did not get there in time."""


class ObjectRef(NamedTuple):
    """What a request is about; a part that it does not name is empty.

    Attributes:
        group: The API group, as in `apps`; empty for the core group.
        resource: As in `deployments`.
        subresource: As in `status`.
        namespace: Empty also for a resource without namespaces.
        name: Empty also for an object whose name the API server made up.
    """

    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class AuditEvent(NamedTuple):
    """A request that was answered.

    Of two requests, the one that ended before the other was received was done first; for those
    that overlap, the log can't tell.

    Attributes:
        received: When the API server got it.
        ended: When it was answered.
        user: Who asked; who is impersonated, if anyone is.
        agent: What the client calls itself, which tells apart replicas that are one user.
        verb: As in `create`, `update` and `patch`.
        uri: Path and query, with `fieldManager` and `dryRun`.
        object: What it is about; none for a path that is no resource's.
        code: The HTTP status.
    """

    received: datetime
    ended: datetime
    user: str
    agent: str
    verb: str
    uri: str
    object: ObjectRef | None
    code: int

    @classmethod
    def parse(cls, event: dict[str, Any]) -> Self:
        """Make one of an event of the stage `ResponseComplete` (audit.k8s.io/v1)."""
        return cls(
            received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
            ended=datetime.fromisoformat(event["stageTimestamp"]),
            user=event.get("impersonatedUser", event["user"])["username"],
            agent=event.get("userAgent", ""),
            verb=event["verb"],
            uri=event["requestURI"],
            object=_object_ref(event["objectRef"]) if "objectRef" in event else None,
            code=event["responseStatus"]["code"],
        )


class AuditLog:
    """Reads the log of an API server that runs, or of one that was killed."""

    def __init__(self, file: Path) -> None:
        """Take the file, which need not be there yet."""
        self.file = file

    def events(self) -> Iterator[AuditEvent]:
        """Yield what has been answered so far, in the order in which the answers ended.

        A request is there once its client has seen the end of the answer.
        """
        if not self.file.exists():
            return
        with self.file.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return  # it is being written, or the API server was killed while it did
                event = json.loads(line)
                if event["stage"] == COMPLETE:
                    yield AuditEvent.parse(event)

    def until(self, enough: Callable[[list[AuditEvent]], bool]) -> list[AuditEvent]:
        """Wait for what others ask, whose answers one does not see.

        Args:
            enough: Says of all events so far whether what is waited for is among them.

        Returns:
            These events.

        Raises:
            AuditFailed: Half a minute passed.
        """
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            events = list(self.events())
            if enough(events):
                return events
            time.sleep(POLL_S)
        raise AuditFailed(f"{self.file} does not have in {LIMIT_S} s what is waited for")


def _object_ref(found: dict[str, str]) -> ObjectRef:
    return ObjectRef(
        group=found.get("apiGroup", ""),
        resource=found.get("resource", ""),
        subresource=found.get("subresource", ""),
        namespace=found.get("namespace", ""),
        name=found.get("name", ""),
    )
