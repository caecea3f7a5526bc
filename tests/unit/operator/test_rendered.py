"""Rendered objects: who is told of what, and what is known in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rynxs.operator.cluster import ClusterError, Listed, Seen
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.informer import Failure, Followed
from rynxs.operator.leader import StatusSeen
from rynxs.operator.present import Present
from rynxs.operator.rendered import Rendered, reducing
from rynxs.operator.stamp import Stamp, stamped
from tests.unit.operator.rig import CONFIG, ORIGIN, SUBJECT, asked, config
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIGS = Followed("v1/ConfigMap", "", is_whole=False)
POLICIES = Followed("networking.k8s.io/v1/NetworkPolicy", "", is_whole=False)
OTHER = "example.org/Thing/default/other"


def shown(
    version: int,
    subject: str = SUBJECT,
    status: str | None = None,
    entries: Sequence[dict[str, Any]] = (),
    name: str = "a",
) -> dict[str, Any]:
    """Return what is read of a ConfigMap; without a subject it bears no stamp."""
    metadata = {
        "managedFields": list(entries),
        "name": name,
        "namespace": "default",
        "resourceVersion": str(version),
        "uid": "u",
    }
    body: dict[str, Any] = {"metadata": metadata}
    if subject:
        body = stamped(body, Stamp(ORIGIN, subject, 1, 1, ""))
    return body if status is None else {**body, "status": {"phase": status}}


class Heard:
    """Rendered objects, and what they have told."""

    def __init__(self) -> None:
        self.present = Present(ORIGIN)
        self.rendered = Rendered(self.present)
        self.rendered.follows(CONFIGS)
        self.looks: list[str] = []
        self.statuses: list[tuple[str, str]] = []

    async def begin(self) -> None:
        await self.rendered.told_to(self.looks.append, self._tell)

    async def _tell(self, seen: StatusSeen) -> None:
        assert seen.id == CONFIG
        self.statuses.append((seen.subject, seen.status["phase"]))

    async def lists(self, *found: dict[str, Any], version: int) -> None:
        await self.rendered.listed(CONFIGS, Listed(list(found), str(version)))

    async def sees(self, found: dict[str, Any]) -> None:
        await self.rendered.seen(CONFIGS, Seen(False, found))

    async def is_gone(self, found: dict[str, Any]) -> None:
        await self.rendered.seen(CONFIGS, Seen(True, found))

    def looked(self) -> list[str]:
        """Return the subjects that were looked at since this was last asked."""
        looks, self.looks[:] = list(self.looks), []
        return looks


def test_before_anybody_is_told_all_is_known_and_then_statuses_are_told() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.lists(shown(5, status="x"), version=9)
        await heard.sees(shown(10, status="y"))
        assert heard.present.subjects() == [SUBJECT]
        await heard.begin()
        assert (heard.statuses, heard.looks) == ([(SUBJECT, "y")], [])

    run(main())


def test_all_is_known_once_every_kind_was_listed_or_is_not_served() -> None:
    async def main() -> None:
        heard = Heard()
        heard.rendered.follows(POLICIES)
        complete = asyncio.create_task(heard.rendered.complete())
        await heard.lists(version=9)
        await asyncio.sleep(1)
        forbidden = ClusterError(403, "Forbidden", "may not")
        await heard.rendered.failed(Failure(POLICIES, forbidden, 1))
        await asyncio.sleep(1)
        assert not complete.done()
        unknown = ClusterError(404, "NotFound", "no such kind")
        await heard.rendered.failed(Failure(POLICIES, unknown, 2))
        await complete

    run(main())


def test_whose_object_changed_is_looked_at_unless_only_its_status_did() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.begin()
        await heard.lists(shown(5), version=9)
        assert heard.looked() == [SUBJECT]
        await heard.lists(shown(5), version=10)
        assert heard.looked() == []
        status = {"manager": "kubelet", "subresource": "status"}
        await heard.sees(shown(11, status="x", entries=[status]))
        assert (heard.looked(), heard.statuses) == ([], [(SUBJECT, "x")])
        await heard.sees(shown(12, entries=[status, {"manager": "kubectl"}]))
        assert heard.looked() == [SUBJECT]
        await heard.sees(shown(11))
        assert heard.looked() == []
        await heard.is_gone(shown(13))
        assert (heard.looked(), heard.present.get(CONFIG)) == ([SUBJECT], None)

    run(main())


def test_whoever_loses_an_object_and_whoever_gets_it_are_both_looked_at() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.begin()
        await heard.sees(shown(5))
        heard.looked()
        await heard.sees(shown(6, subject=OTHER))
        assert heard.looked() == sorted([SUBJECT, OTHER])

    run(main())


def test_who_asks_for_an_object_is_looked_at_whosever_it_is() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.begin()
        heard.rendered.wants(asked(1, config()))
        await heard.sees(shown(5, subject=""))
        assert heard.looked() == [SUBJECT]
        await heard.lists(version=9)
        assert heard.looked() == [SUBJECT]
        heard.rendered.wants(asked(2, config(), subject=OTHER))
        heard.rendered.wants(asked(3))
        await heard.sees(shown(10, subject=""))
        assert heard.looked() == [OTHER]
        heard.rendered.wants(asked(4, subject=OTHER))
        await heard.is_gone(shown(11, subject=""))
        assert heard.looked() == []

    run(main())


def test_a_status_is_told_once_and_anew_of_an_object_that_was_made_again() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.begin()
        for version, status in enumerate(["x", "x", "y"], 5):
            await heard.sees(shown(version, status=status))
        await heard.lists(shown(7, status="y"), version=9)
        await heard.sees(shown(10))
        assert heard.statuses == [(SUBJECT, "x"), (SUBJECT, "y")]
        await heard.is_gone(shown(11, status="y"))
        await heard.sees(shown(12, status="y"))
        assert heard.statuses[2:] == [(SUBJECT, "y")]

    run(main())


def test_a_status_of_what_is_nobodys_is_told_once_it_is_somebodys() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.begin()
        await heard.sees(shown(5, subject="", status="x"))
        assert heard.statuses == []
        await heard.sees(shown(6, status="x"))
        assert heard.statuses == [(SUBJECT, "x")]

    run(main())


def test_what_is_gone_while_statuses_are_told_is_left_out() -> None:
    async def main() -> None:
        heard = Heard()
        for name in "ab":
            await heard.sees(shown(5, status="x", name=name))
        inbox: Inbox[StatusSeen] = Inbox(1, 1, Patience(0.0, 0.0, 0.0), now_s)
        await inbox.put(StatusSeen(SUBJECT, "v1/ConfigMap/default/z", {}))
        telling = asyncio.create_task(heard.rendered.told_to(heard.looks.append, inbox.put))
        await asyncio.sleep(1)
        heard.present.put("v1/ConfigMap/default/b", shown(9, name="b")["metadata"])
        await heard.is_gone(shown(8, name="b"))
        taken = [(await inbox.take(now_s() + 1)) for _ in range(3)]
        await telling
        assert [seen.id[-1] for each in taken for seen in each] == ["z", "a"]

    run(main())


def test_of_an_object_no_more_is_kept_than_is_of_use() -> None:
    found = shown(5, status="x")
    found["metadata"]["labels"] = {"a": "b"}
    found["status"]["reason"] = "why"
    kept = reducing(["phase", "absent"])(found)
    assert kept == {"metadata": shown(5)["metadata"], "status": {"phase": "x"}}
    assert "status" not in reducing([])(found)
    assert reducing(["phase"])(shown(5))["status"] == {}
