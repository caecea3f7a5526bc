"""Users' objects: what is told of them, and what is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rynxs.operator.actors import Actors
from rynxs.operator.cluster import Listed, Place, Seen
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.leader import Gone, Input, Observed, Touched
from rynxs.operator.objects import Objects, identity_of
from rynxs.operator.webhook import Asking
from rynxs.testing import MemorySink
from tests.unit.engine.conftest import ACTOR, THING, thing
from tests.unit.engine.test_governing import CAP
from tests.unit.operator.led import lead_of, stored
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.engine.resource import Resource

A, B = "example.org/Thing/default/a", "example.org/Thing/default/b"


class Heard:
    """Objects, and what they have told."""

    def __init__(
        self,
        resources: Sequence[Resource] = (THING,),
        namespaces: Sequence[str] = (),
        logged: Sequence[str] = (),
    ) -> None:
        self.told: list[Input] = []
        self.actors = Actors()
        lead = lead_of(MemorySink())
        for name in logged:
            lead.pipeline.observe(THING, thing(name), ACTOR)
        self.objects = Objects(resources, namespaces, self.actors, lead.pipeline.state, self._tell)

    async def _tell(self, each: Input) -> None:
        self.told.append(each)

    def kinds(self) -> list[str]:
        """Return what was told since this was last asked."""
        kinds = [type(each).__name__ for each in self.told]
        self.told.clear()
        return kinds

    async def lists(self, *found: dict[str, Any], version: int, namespace: str = "") -> None:
        await self.objects.listed(THING, namespace, Listed(list(found), str(version)))

    async def deletes(self, found: dict[str, Any]) -> None:
        await self.objects.watched(THING, Seen(True, identity_of(found)))


def cap(version: int) -> dict[str, Any]:
    metadata = {"name": "one", "resourceVersion": str(version), "uid": "c"}
    spec = {"total": 9}
    return {"apiVersion": "example.org/v1", "kind": "Cap", "metadata": metadata, "spec": spec}


def test_an_object_is_told_when_it_comes_and_when_what_is_recorded_of_it_changes() -> None:
    async def main() -> None:
        heard = Heard()
        see = heard.objects.seen
        await see(THING, stored("a", 5, size=1))
        (observed,) = heard.told
        assert isinstance(observed, Observed)
        assert observed.manifest["spec"] == {"size": 1}
        assert heard.kinds() == ["Observed"]
        await see(THING, stored("a", 5, size=1))
        await see(THING, stored("a", 4, size=7))
        await see(THING, stored("a", 6, size=1))
        assert heard.kinds() == []
        await see(THING, stored("a", 7, size=2))
        await see(THING, stored("a", 8, uid="v", size=2))
        assert heard.kinds() == ["Observed", "Observed"]
        assert len(heard.objects) == 1

    run(main())


def test_of_a_status_that_somebody_changes_only_that_is_told() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.objects.seen(THING, stored("a", 5, status={"phase": "x"}))
        heard.kinds()
        await heard.objects.seen(THING, stored("a", 6, status={"phase": "y"}))
        assert heard.told == [Touched(A)]
        held = heard.objects.get(A)
        assert held is not None
        assert held.place == Place("example.org/v1/Thing", "default", "a")
        assert (held.version, held.status) == ("6", {"phase": "y"})

    run(main())


def test_who_made_it_what_it_is_is_told_and_who_had_it_deleted() -> None:
    async def main() -> None:
        heard = Heard()
        heard.actors.take(Asking("u", 1, False, "jo", (), "r-1"))
        heard.actors.take(Asking("u", 1, True, "kim", (), "r-2"))
        await heard.objects.seen(THING, stored("a", 5))
        await heard.deletes(stored("a", 6))
        observed, gone = heard.told
        assert isinstance(observed, Observed)
        assert isinstance(gone, Gone)
        assert (observed.actor.name, gone.actor.name) == ("jo", "kim")

    run(main())


def test_what_is_in_a_namespace_waits_for_all_that_is_in_none() -> None:
    async def main() -> None:
        heard = Heard([THING, CAP])
        waiting = asyncio.create_task(heard.objects.seen(THING, stored("a", 5)))
        await asyncio.sleep(1)
        await heard.objects.listed(CAP, "", Listed([identity_of(cap(4))], "9"))
        await asyncio.sleep(1)
        assert (heard.objects.is_open, heard.kinds()) == (False, [])
        await heard.objects.seen(CAP, cap(4))
        await waiting
        assert heard.objects.is_open
        assert [getattr(each, "resource", None) for each in heard.told] == [CAP, THING]

    run(main())


def test_what_is_gone_before_it_was_told_is_not_waited_for() -> None:
    async def main() -> None:
        for by_list in (True, False):
            heard = Heard([THING, CAP])
            await heard.objects.listed(CAP, "", Listed([identity_of(cap(4))], "9"))
            assert not heard.objects.is_open
            if by_list:
                await heard.objects.listed(CAP, "", Listed([], "11"))
            else:
                await heard.objects.watched(CAP, Seen(True, identity_of(cap(10))))
            assert heard.objects.is_open

    run(main())


def test_what_is_not_in_a_complete_list_is_gone_if_it_is_of_its_namespace_and_older() -> None:
    async def main() -> None:
        heard = Heard(logged=["a", "b", "c"])
        assert heard.objects.is_open
        await heard.objects.seen(THING, stored("b", 12))
        heard.kinds()
        await heard.lists(version=11, namespace="other")
        assert heard.told == []
        await heard.lists(identity_of(stored("c", 3)), version=11, namespace="default")
        (gone,) = heard.told
        assert isinstance(gone, Gone)
        assert (gone.subject, gone.uid) == (A, None)
        heard.kinds()
        await heard.lists(identity_of(stored("c", 3)), version=12)
        assert [each for each in heard.told if isinstance(each, Gone) and each.subject == B]

    run(main())


def test_what_a_complete_list_does_not_hold_is_not_made_known_by_late_news() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.lists(version=11)
        await heard.objects.seen(THING, stored("a", 10))
        assert (heard.kinds(), len(heard.objects)) == ([], 0)
        await heard.objects.seen(THING, stored("a", 12))
        assert (heard.kinds(), len(heard.objects)) == (["Observed"], 1)

    run(main())


def test_a_deletion_is_of_what_was_told_last_whatever_came_in_its_place() -> None:
    async def main() -> None:
        heard = Heard(logged=["b"])
        await heard.objects.seen(THING, stored("a", 5, uid="first"))
        await heard.deletes(stored("a", 9, uid="second"))
        await heard.deletes(stored("b", 10, uid="second"))
        gone = [(each.subject, each.uid) for each in heard.told if isinstance(each, Gone)]
        assert gone == [(A, "first"), (B, None)]

    run(main())


def test_a_deletion_that_is_told_late_leaves_what_came_after_it() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.objects.seen(THING, stored("a", 9, uid="second"))
        await heard.deletes(stored("a", 6, uid="first"))
        assert (heard.kinds(), len(heard.objects)) == (["Observed"], 1)

    run(main())


def test_a_status_of_our_own_is_no_news() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.objects.seen(THING, stored("a", 5))
        heard.kinds()
        held = heard.objects.get(A)
        assert held is not None
        heard.objects.is_written(A, held, "6", {"phase": "x"})
        await heard.objects.seen(THING, stored("a", 6, status={"phase": "x"}))
        assert heard.kinds() == []
        await heard.objects.seen(THING, stored("a", 9, uid="v"))
        heard.objects.is_written(A, held, "7", {"phase": "y"})
        known = heard.objects.get(A)
        assert known is not None
        assert (known.uid, known.version, known.status) == ("v", "9", {})

    run(main())


def test_a_spec_that_changed_while_a_status_was_written_is_still_told() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.objects.seen(THING, stored("a", 5, size=1))
        heard.kinds()
        heard.objects.refresh(A, stored("a", 6, size=2))
        held = heard.objects.get(A)
        assert held is not None
        assert held.version == "6"
        heard.objects.is_written(A, held, "7", {"phase": "x"})
        await heard.objects.seen(THING, stored("a", 7, status={"phase": "x"}, size=2))
        (observed,) = heard.told
        assert isinstance(observed, Observed)
        assert observed.manifest["spec"] == {"size": 2}

    run(main())


def test_another_object_of_its_name_that_is_read_is_not_taken_for_it() -> None:
    async def main() -> None:
        heard = Heard()
        await heard.objects.seen(THING, stored("a", 5))
        heard.objects.refresh(A, stored("a", 9, uid="v"))
        heard.objects.refresh(B, stored("b", 9))
        held = heard.objects.get(A)
        assert held is not None
        assert (held.uid, held.version) == ("u", "5")
        assert heard.objects.get(B) is None

    run(main())


def test_what_was_taken_in_is_told_though_whoever_brought_it_waits_no_longer() -> None:
    async def main() -> None:
        inbox: Inbox[Input] = Inbox(1, 1, Patience(0.0, 0.0, 0.0), now_s)
        await inbox.put(Touched(B))
        state = lead_of(MemorySink()).pipeline.state
        objects = Objects([THING], [], Actors(), state, inbox.put)
        seeing = asyncio.create_task(objects.seen(THING, stored("a", 5)))
        await asyncio.sleep(1)
        seeing.cancel()
        await asyncio.wait([seeing])
        seeing = asyncio.create_task(objects.seen(THING, stored("a", 5)))
        taken = [await inbox.take(None) for _ in range(2)]
        assert [type(each).__name__ for (each,) in taken] == ["Touched", "Observed"]
        assert await inbox.take(now_s() + 1) == []
        await seeing

    run(main())


def test_what_counts_is_of_a_kind_that_is_followed_in_a_namespace_that_does_or_in_none() -> None:
    async def main() -> None:
        found = [A, "example.org/Thing/other/a", "example.org/Cap/one"]
        some, all_of = Heard([THING, CAP], ["default"]).objects, Heard([THING, CAP]).objects
        assert [some.counts(each) for each in found] == [True, False, True]
        assert [all_of.counts(each) for each in found] == [True, True, True]
        assert [Heard().objects.counts(each) for each in found] == [True, True, False]

    run(main())


def test_of_what_an_informer_lists_no_more_is_kept_than_who_it_is() -> None:
    found = {**cap(4), "metadata": {**cap(4)["metadata"], "labels": {"a": "b"}}}
    assert identity_of(found) == {"metadata": {"name": "one", "resourceVersion": "4", "uid": "c"}}


def test_what_is_told_before_an_older_list_arrives_is_confirmed_by_that_list() -> None:
    """Else its plan would be on hold until it changes the next time."""

    async def main() -> None:
        heard, confirmed = Heard(logged=["a", "b"]), list[str]()
        heard.objects.confirmed = confirmed.append
        await heard.objects.seen(THING, stored("a", 9, uid="u"))
        assert not heard.objects.is_known(A)
        await heard.lists(version=5)
        assert heard.objects.is_known(A)
        assert confirmed == [A]
        assert [each.subject for each in heard.told if isinstance(each, Gone)] == [B]

    run(main())
