"""Events for people: what is worth one, and what it says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from rynxs.operator import notices as module
from rynxs.operator.cluster import ClusterError, Place
from rynxs.operator.notices import Notice, Notices, notices_of
from rynxs.operator.objects import Held
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.led import VirtualClock
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Sequence

ABOUT = Held(Place("example.org/v1/Thing", "team", "a"), "u-1", "5", 1, b"", b"")
SECRET = "sk-canary0123456789abcdefghij"


def condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": SECRET}


def told(
    before: Sequence[dict[str, str]], after: Sequence[dict[str, str]]
) -> list[tuple[bool, str]]:
    found = notices_of(ABOUT, {"conditions": before}, {"conditions": after})
    return [(each.is_warning, each.reason) for each in found]


REFUSED = condition("Accepted", "False", "Invalid")
ACCEPTED = condition("Accepted", "True", "Valid")
FAILED = condition("Applied", "False", "ApplyFailed")
APPLYING = condition("Applied", "False", "Applying")
APPLIED = condition("Applied", "True", "Applied")
DEGRADED = condition("Degraded", "True", "PluginFailed")
UNKNOWN = condition("Ready", "Unknown", "NoWord")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [REFUSED], [(True, "Invalid")]),
        ([], [UNKNOWN], [(True, "NoWord")]),
        ([], [DEGRADED], [(True, "PluginFailed")]),
        ([], [ACCEPTED, APPLIED], []),
        ([ACCEPTED], [REFUSED], [(True, "Invalid")]),
        ([REFUSED], [ACCEPTED], [(False, "Valid")]),
        ([REFUSED], [REFUSED], []),
        ([REFUSED], [condition("Accepted", "False", "TooLarge")], [(True, "TooLarge")]),
        ([APPLIED], [APPLYING], []),
        ([APPLYING], [APPLIED], []),
        ([APPLYING], [FAILED], [(True, "ApplyFailed")]),
        ([FAILED], [APPLYING], []),
        ([FAILED], [APPLIED], [(False, "Applied")]),
        ([DEGRADED], [], []),
    ],
)
def test_a_condition_is_worth_a_notice_when_it_turns_bad_or_good_again(
    before: list[dict[str, str]], after: list[dict[str, str]], expected: list[tuple[bool, str]]
) -> None:
    assert told(before, after) == expected


def test_a_notice_says_where_to_look_and_nothing_of_what_a_message_holds() -> None:
    log = {"leafHash": "", "origin": "log.example", "seq": 7}
    (notice,) = notices_of(ABOUT, {}, {"conditions": [REFUSED], "log": log})
    assert notice.note == (
        "Accepted is False: see the message of this condition in the object's status; rynxs log "
        "why example.org/Thing/team/a conditions.Accepted and rynxs log show 7 tell more, of log "
        "log.example"
    )
    (notice,) = notices_of(ABOUT, {}, {"conditions": [REFUSED]})
    assert notice.note.endswith("in the object's status")
    assert SECRET not in notice.note


def test_what_a_plugin_raised_is_not_looked_for_in_the_log() -> None:
    log = {"leafHash": "", "origin": "log.example", "seq": 7}
    (notice,) = notices_of(ABOUT, {}, {"conditions": [DEGRADED], "log": log})
    assert notice.note.endswith("status; rynxs log show 7 tells more, of log log.example")


def events(cluster: FakeCluster) -> list[dict[str, Any]]:
    return [cluster.show(each) for each in cluster.ids()]


def test_an_event_is_about_the_object_and_each_has_a_name_of_its_own() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        notices = Notices(cluster, VirtualClock(), "pod-1" + "x" * 200)
        task = asyncio.create_task(notices.run())
        long = Held(Place("example.org/v1/Cap", "", "n" * 253), "u-2", "5", 1, b"", b"")
        notices.tell(Notice(ABOUT, is_warning=True, reason="Invalid", note="n" * 5_000))
        notices.tell(Notice(ABOUT, is_warning=False, reason="Valid", note="well"))
        notices.tell(Notice(long, is_warning=False, reason="r" * 200, note="well"))
        await asyncio.sleep(1)
        task.cancel()
        second, first, last = sorted(
            events(cluster),
            key=lambda each: (each["regarding"]["uid"], each["reason"] == "Invalid"),
        )
        assert first["regarding"] == {
            "apiVersion": "example.org/v1",
            "kind": "Thing",
            "name": "a",
            "namespace": "team",
            "uid": "u-1",
        }
        assert (first["type"], second["type"]) == ("Warning", "Normal")
        assert first["metadata"]["namespace"] == "team"
        assert first["metadata"]["name"].startswith("a.")
        assert first["metadata"]["name"] != second["metadata"]["name"]
        assert first["eventTime"] < second["eventTime"]
        # What the API server takes of each, at most.
        assert (len(first["note"]), len(last["reason"])) == (1_000, 128)
        assert len(first["reportingInstance"]) == 128
        assert len(last["metadata"]["name"]) <= 253
        assert last["metadata"]["namespace"] == "default"
        assert "namespace" not in last["regarding"]

    run(main())


def test_an_event_that_is_refused_is_lost_and_the_next_one_is_written() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        cluster.fail("create", ClusterError(403, "Forbidden", "may not"))
        notices = Notices(cluster, VirtualClock(), "pod-1")
        for reason in ("Lost", "Written"):
            notices.tell(Notice(ABOUT, is_warning=True, reason=reason, note=""))
        task = asyncio.create_task(notices.run())
        with capture_logs() as logs:
            await asyncio.sleep(1)
        task.cancel()
        assert [each["reason"] for each in events(cluster)] == ["Written"]
        assert [each["reason"] for each in logs] == ["Lost"]

    run(main())


def test_when_too_many_wait_the_oldest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING_MAX", 2)

    async def main() -> None:
        cluster = FakeCluster()
        notices = Notices(cluster, VirtualClock(), "pod-1")
        for reason in ("One", "Two", "Three"):
            notices.tell(Notice(ABOUT, is_warning=True, reason=reason, note=""))
        task = asyncio.create_task(notices.run())
        await asyncio.sleep(1)
        task.cancel()
        assert sorted(each["reason"] for each in events(cluster)) == ["Three", "Two"]

    run(main())
