"""What must hold after every fault: read from the log, the cluster and the API server's audit."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from rynxs.config import load_config
from rynxs.engine.event import EPOCH_STARTED, PLANNED
from rynxs.eventlog import canonical
from rynxs.eventlog.record import decode_header
from rynxs.operator.stamp import stamp_of
from rynxs.plugins import PluginManager
from tests.cluster.replica import RYNXS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.cluster.audit import AuditEvent
    from tests.cluster.kubectl import Kubectl

MANAGED = "app.kubernetes.io/managed-by=rynxs"
RENDERED = (
    "configmaps,services,serviceaccounts,persistentvolumeclaims,deployments,jobs,networkpolicies"
)
_NOT_RENDERED = {"leases", "events", "agents", "sessions", "universes"}
_WRITES = {"create", "update", "patch", "delete"}


class Event(NamedTuple):
    """A record, decoded."""

    seq: int
    epoch: int
    kind: str
    subject: str
    payload: Mapping[str, Any]


def verified_events(log: str, environment: Mapping[str, str] | None = None) -> list[Event]:
    """Return all events of a log that verifies, and replays to the plans that it holds.

    Args:
        log: Its URL.
        environment: Variables, such as credentials.
    """
    variables = {**os.environ, **(environment or {})}
    for command in (["log", "verify"], ["replay", "--check"]):
        done = subprocess.run(
            [RYNXS, *command, "--log", log],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"rynxs {' '.join(command)}: {done.stdout}{done.stderr}"
    with (
        patch.dict(os.environ, variables),
        closing(load_config(None, PluginManager()).with_log(log).open_reader()) as sink,
    ):
        found = [(decode_header(each.header), each.payload) for each in sink.read(0)]
    return [
        Event(
            header.seq,
            header.epoch,
            header.kind,
            header.subject,
            {} if payload is None else canonical.decode(payload),
        )
        for header, payload in found
    ]


def check_objects_are_logged(kubectl: Kubectl, events: list[Event], origin: str) -> int:
    """Demand that each rendered object is what a plan in the log asks for; return how many are."""
    found = kubectl.run("get", RENDERED, "--all-namespaces", f"--selector={MANAGED}", "-o", "json")
    assert found.status == 0, found.err
    count = 0
    for each in found.json()["items"]:
        stamp = stamp_of(each["metadata"])
        assert stamp is not None, each["metadata"]
        if stamp.origin != origin:
            continue
        count += 1
        planned = events[stamp.seq]
        assert (planned.kind, planned.subject) == (PLANNED, stamp.subject), (stamp, planned)
        digests = [entry["digest"] for entry in planned.payload["manifests"]]
        assert stamp.digest in digests, (stamp, planned)
    return count


def check_older_epochs_lose(audit: Iterable[AuditEvent], events: list[Event]) -> int:
    """Demand that no object is written by an older epoch after a newer one has; return the writes.

    A process leads once, so that what it calls itself tells its epoch.
    """
    epochs = {
        event.payload["identity"]: event.epoch for event in events if event.kind == EPOCH_STARTED
    }
    newest: dict[object, list[tuple[Any, int, AuditEvent]]] = {}
    count = 0
    for each in audit:
        if each.verb not in _WRITES or each.code >= 300 or each.object is None:
            continue
        if each.object.resource in _NOT_RENDERED or not each.agent.startswith("rynxs/"):
            continue
        identity = each.agent.partition("(")[2].removesuffix(")")
        assert identity in epochs, f"{each.agent} has written and never led: {each}"
        epoch = epochs[identity]
        for ended, other, event in newest.get(each.object, ()):
            assert not (ended < each.received and other > epoch), (event, each)
        newest.setdefault(each.object, []).append((each.ended, epoch, each))
        count += 1
    return count
