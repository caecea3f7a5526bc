"""The reader of the API server's audit log, on lines as an API server writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import audit
from tests.cluster.audit import AuditEvent, AuditFailed, AuditLog, ObjectRef

if TYPE_CHECKING:
    from pathlib import Path

EVENT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "stage": "ResponseComplete",
    "requestURI": "/apis/apps/v1/namespaces/team/deployments/worker/status?fieldManager=rynxs",
    "verb": "patch",
    "user": {
        "username": "system:serviceaccount:rynxs:operator",
        "groups": ["system:authenticated"],
    },
    "userAgent": "rynxs/replica-1",
    "objectRef": {
        "resource": "deployments",
        "namespace": "team",
        "name": "worker",
        "apiGroup": "apps",
        "apiVersion": "v1",
        "subresource": "status",
    },
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000001Z",
    "stageTimestamp": "2026-01-01T00:00:01.500000Z",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def _write(file: Path, *events: dict[str, Any]) -> None:
    file.write_text("".join(f"{json.dumps(event)}\n" for event in events))


def test_an_event_says_who_asked_for_what_when_and_how_it_was_answered(file: Path) -> None:
    _write(file, EVENT)
    assert list(AuditLog(file).events()) == [
        AuditEvent(
            received=datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
            ended=datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
            user="system:serviceaccount:rynxs:operator",
            agent="rynxs/replica-1",
            verb="patch",
            uri="/apis/apps/v1/namespaces/team/deployments/worker/status?fieldManager=rynxs",
            object=ObjectRef("apps", "deployments", "status", "team", "worker"),
            code=200,
        )
    ]


def test_who_is_impersonated_is_who_asked(file: Path) -> None:
    _write(file, EVENT | {"impersonatedUser": {"username": "alice"}})
    assert [event.user for event in AuditLog(file).events()] == ["alice"]


def test_a_core_object_without_a_namespace_and_a_path_that_is_no_object(file: Path) -> None:
    node = {"resource": "nodes", "name": "fake-0", "apiVersion": "v1"}
    other = {key: value for key, value in EVENT.items() if key != "objectRef"}
    _write(file, EVENT | {"objectRef": node}, other)
    found = [event.object for event in AuditLog(file).events()]
    assert found == [ObjectRef(resource="nodes", name="fake-0"), None]


def test_only_what_was_answered_counts_and_in_the_order_of_the_file(file: Path) -> None:
    stages = ["RequestReceived", "ResponseComplete", "Panic", "ResponseComplete"]
    events = [EVENT | {"stage": stage, "verb": f"{n}"} for n, stage in enumerate(stages)]
    _write(file, *events)
    assert [event.verb for event in AuditLog(file).events()] == ["1", "3"]


def test_a_line_that_is_being_written_is_left_for_later(file: Path) -> None:
    text = json.dumps(EVENT | {"userAgent": "\N{SNOWMAN}"}, ensure_ascii=False).encode()
    whole = text + b"\n" + text + b"\n"
    log = AuditLog(file)
    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        assert len(list(log.events())) == whole[:cut].count(b"\n")


def test_a_log_that_is_not_there_yet_has_no_events(file: Path) -> None:
    assert list(AuditLog(file).events()) == []


def test_waiting_gives_the_events_or_says_that_they_did_not_come(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AuditLog(file)

    def enough(events: list[AuditEvent]) -> bool:
        if not events:
            _write(file, EVENT)
        return bool(events)

    assert len(log.until(enough)) == 1
    monkeypatch.setattr(audit, "LIMIT_S", 0.1)
    with pytest.raises(AuditFailed, match=r"audit.log does not have in 0.1 s what is waited for"):
        log.until(lambda _: False)
