"""A term: what follows from what happens while a log is led, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.composition import Component, Composition
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Taken
from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.checkpoint import latest
from rynxs.eventlog.record import decode_header
from rynxs.operator.actors import Actors
from rynxs.operator.applier import Done, Doubted, Drifted, NotDone
from rynxs.operator.cluster import Listed, Seen
from rynxs.operator.elector import LeaseLost
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.leader import Gone
from rynxs.operator.metrics import Metrics
from rynxs.operator.objects import Objects, identity_of
from rynxs.operator.present import Present
from rynxs.operator.reconciling import LATER_EPOCH, Drift
from rynxs.operator.rendered import Rendered
from rynxs.operator.term import Parts, Term
from rynxs.operator.troubles import Troubles
from rynxs.operator.upkeep import Upkeep
from rynxs.testing import MemorySink
from tests.unit.engine.conftest import THING, ThingReducer, ThingRenderer
from tests.unit.operator.led import VirtualClock, key_of, lead_of, stored, virtual_sources
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
    from pathlib import Path

    from rynxs.engine.contracts import View
    from rynxs.eventlog.record import Record
    from rynxs.operator.leader import Input
    from rynxs.operator.notices import Notice
    from rynxs.operator.reconciling import Asked
    from rynxs.operator.status_writer import Said

A = "example.org/Thing/default/a"
CONFIG = "v1/ConfigMap/default/a"


class Moody(ThingReducer):
    """Has nothing to say of what is black."""

    def status(
        self, subject: str, current: Mapping[str, Any], view: View, seen: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if current.get("colour") == "black":
            raise ZeroDivisionError("nothing can be seen")
        return {"phase": current.get("colour", "none")}


class Sink(MemorySink):
    """One that may be down, or another's."""

    error: Exception | None = None

    def append(self, start: int, records: Sequence[Record]) -> None:
        if self.error is not None:
            raise self.error
        super().append(start, records)


class FakeEffects:
    """Writes down what it is asked, and applies nothing."""

    is_busy = False

    def __init__(self, sink: MemorySink) -> None:
        self._sink = sink
        self.wanted: list[Asked] = []
        self.said: list[tuple[str, Said]] = []
        self.noticed: list[Notice] = []
        self.looked: list[str] = []
        self.gone_on: list[Doubted] = []
        self.held: set[str] = set()
        self.story: list[str] = []

    def want(self, asked: Asked, applied: int | None) -> None:
        assert asked.seq < self._sink.size(), "it is not durable"
        self.wanted.append(asked)

    def look(self, subject: str) -> None:
        self.looked.append(subject)

    def hold(self, subject: str) -> None:
        self.held.add(subject)

    def go_on(self, doubted: Doubted) -> None:
        self.gone_on.append(doubted)

    def release(self, subject: str) -> None:
        self.held.discard(subject)

    def say(self, subject: str, said: Said) -> None:
        self.said.append((subject, said))

    def notice(self, notice: Notice) -> None:
        self.noticed.append(notice)

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.story.append("no more is heard")

    async def stop(self) -> None:
        self.story.append("stopped")


class Rig:
    """A term that is led."""

    def __init__(self, namespaces: Sequence[str] = (), directory: Path | None = None) -> None:
        self.sink = Sink()
        sources = virtual_sources()
        keys = [] if directory is None else [key_of(directory, sources)]
        made_of = Composition([Component(Moody(), {})], [Component(ThingRenderer(), {})])
        troubles = Troubles()
        lead = lead_of(self.sink, made_of, keys, troubles.plugin_failed)
        self.inbox: Inbox[Input] = Inbox(100, 10, Patience(0.0, 0.0, 0.0), now_s)
        self.objects = Objects([THING], namespaces, Actors(), lead.pipeline.state, self.inbox.put)
        self.metrics = Metrics(["Thing"], [])
        self.effects = FakeEffects(self.sink)
        self.fence: Exception | None = None
        self.guard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stopping = asyncio.Event()
        self.parts = Parts(
            lead=lead,
            upkeep=Upkeep(lead, 0, 600.0, now_s, lambda _: None),
            inbox=self.inbox,
            troubles=troubles,
            objects=self.objects,
            rendered=Rendered(Present(lead.pipeline.origin)),
            effects=self.effects,
            metrics=self.metrics,
            clock=VirtualClock(),
            now_s=now_s,
            may_write=self._may_write,
        )

    @asynccontextmanager
    async def leads(self, *more: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
        guard = asyncio.create_task(self._guards())
        task = asyncio.create_task(
            Term(self.parts).run([self._source(), *more], [guard], self.stopping)
        )
        try:
            yield task
        finally:
            task.cancel()
            guard.cancel()
            await asyncio.wait([task, guard])

    async def see(self, name: str, version: int = 5, **spec: Any) -> None:
        await self.objects.seen(THING, stored(name, version, **spec))
        await asyncio.sleep(1)

    def kinds(self) -> list[str]:
        return [decode_header(record.header).kind for record in self.sink.records]

    def metric(self, line: str) -> bool:
        return f"\n{line}\n" in self.metrics.text()[0].decode()

    async def _guards(self) -> None:
        await self.guard

    async def _source(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.effects.story.append("no more is told")

    def _may_write(self) -> None:
        if self.fence is not None:
            raise self.fence


def conditions(said: Said) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in said.status["conditions"]]


def test_what_is_seen_is_planned_and_what_its_status_says_follows_how_far_that_has_got() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a", colour="red")
            (asked,) = rig.effects.wanted
            assert (asked.subject, asked.seq) == (A, 2)
            subject, said = rig.effects.said[-1]
            assert (subject, said.uid, said.generation) == (A, "u", 1)
            assert said.status["phase"] == "red"
            assert conditions(said) == [("Applied", "Applying")]
            assert said.position is not None
            assert said.position.seq == 2
            await rig.inbox.put(Done(asked, [Taken(CONFIG, "applied", "u-9")]))
            await asyncio.sleep(1)
            _, said = rig.effects.said[-1]
            assert conditions(said) == [("Applied", "Applied")]
            assert said.position is not None
            assert said.position.seq == 3
        assert rig.kinds() == ["EpochStarted", "ThingObserved", "Planned", "Applied"]
        assert rig.metric('rynxs_events_total{kind="ThingObserved"} 1.0')
        assert rig.metric("rynxs_log_records 4.0")

    run(main())


def test_of_a_namespace_that_does_not_count_nothing_is_applied_or_said() -> None:
    async def main() -> None:
        rig = Rig(namespaces=["other"])
        async with rig.leads():
            await rig.see("a")
        assert "Planned" in rig.kinds()
        assert (rig.effects.wanted, rig.effects.said) == ([], [])

    run(main())


def test_a_plugin_that_has_no_status_is_said_and_counted() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a", colour="black")
            _, said = rig.effects.said[-1]
            assert conditions(said)[0] == ("Degraded", "PluginFailed")
            assert rig.metric("rynxs_degraded_subjects 1.0")
            await rig.see("a", 6, colour="red", size=2)
            _, said = rig.effects.said[-1]
            assert conditions(said) == [("Applied", "Applying")]
            assert rig.metric("rynxs_degraded_subjects 0.0")

    run(main())


def test_what_is_doubted_goes_on_once_this_process_has_appended() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            size = rig.sink.size()
            doubted = Doubted(A, Drift(CONFIG, [LATER_EPOCH], []), "7")
            await rig.inbox.put(doubted)
            await asyncio.sleep(1)
            assert rig.effects.gone_on == [doubted]
            assert rig.sink.size() == size + 1

    run(main())


def test_what_is_refused_or_changed_by_others_is_noticed_with_its_record() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            (asked,) = rig.effects.wanted
            await rig.inbox.put(NotDone(asked, CONFIG, "403 Forbidden: may not", 1))
            for fields, managers in ((["data.size"], ["kubectl"]), ([], [])):
                await rig.inbox.put(Drifted(A, Drift(CONFIG, fields, managers), 1))
            unknown = "example.org/Thing/default/unknown"
            await rig.inbox.put(Drifted(unknown, Drift(CONFIG, [], []), 1))
            await asyncio.sleep(1)
        told = [(each.reason, each.note, each.about.place.name) for each in rig.effects.noticed]
        assert told == [
            ("ApplyFailed", f"{CONFIG}: 403 Forbidden: may not (attempt 1, record 3)", "a"),
            ("Drifted", f"{CONFIG}: kubectl changed 1 fields; it is set right (record 4)", "a"),
            ("Drifted", f"{CONFIG}: somebody deleted it; it is set right (record 5)", "a"),
        ]
        assert all(each.is_warning for each in rig.effects.noticed)

    run(main())


def test_what_is_durable_is_covered_by_a_checkpoint_in_time_though_nothing_happens(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        rig = Rig(directory=tmp_path)
        async with rig.leads():
            await asyncio.sleep(1)
            await rig.see("a")
            assert covered(rig) == 1
            await asyncio.sleep(600)
            assert covered(rig) == 3

    def covered(rig: Rig) -> int:
        newest = latest(rig.sink)
        return 0 if newest is None else newest[0].size

    run(main())


def test_an_orderly_stop_writes_no_more_and_then_lets_the_log_take_what_is_left(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        rig = Rig(directory=tmp_path)
        async with rig.leads() as task:
            await asyncio.sleep(1)
            rig.stopping.set()
            await rig.objects.seen(THING, stored("a", 5))
            await task
        assert rig.effects.story[:3] == ["no more is told", "no more is heard", "stopped"]
        assert rig.kinds() == ["EpochStarted", "ThingObserved", "Planned"]
        newest = latest(rig.sink)
        assert newest is not None
        assert newest[0].size == 3

    run(main())


def test_an_orderly_stop_does_not_wait_for_ever_for_a_log_that_is_down() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads() as task:
            rig.sink.error = SinkUnavailable("down")
            await rig.see("a")
            asked_s = now_s()
            rig.stopping.set()
            await task
            assert now_s() == asked_s + 10
        assert rig.kinds() == ["EpochStarted"]
        assert rig.effects.wanted == []

    run(main())


@pytest.mark.parametrize("reason", ["guard", "source", "log", "fence"])
def test_whatever_goes_wrong_ends_it_and_nothing_more_is_written(reason: str) -> None:
    error = {
        "guard": LeaseLost("somebody else may lead by now"),
        "source": ValueError("what is told makes no sense"),
        "log": SinkConflict("another writer"),
        "fence": LeaseLost("it was not renewed in time"),
    }[reason]

    async def breaks() -> None:
        await asyncio.sleep(1)
        raise error

    async def main() -> None:
        rig = Rig()
        more = [breaks()] if reason == "source" else []
        async with rig.leads(*more) as task:
            if reason == "guard":
                rig.guard.set_exception(error)
            elif reason == "log":
                rig.sink.error = error
            elif reason == "fence":
                rig.fence = error
            await rig.see("a")
            await asyncio.wait([task])
            assert task.exception() is error
        assert rig.effects.story[-1] == "stopped"
        assert "no more is told" in rig.effects.story

    run(main())


def test_nothing_is_done_about_an_object_before_a_complete_list_has_it() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            assert [each.subject for each in rig.effects.wanted] == [A]
            assert rig.effects.held == {A}
            await rig.objects.listed(THING, "", Listed([identity_of(stored("a", 5))], "6"))
            assert rig.effects.held == set()

    run(main())


def test_where_nobody_may_list_what_is_recorded_counts() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            assert rig.effects.held == {A}
            rig.objects.forbidden(THING, "elsewhere")
            assert rig.effects.held == {A}
            rig.objects.forbidden(THING, "default")
            assert rig.effects.held == set()
            await rig.see("a", 6, colour="red")
            assert rig.effects.held == set()

    run(main())


def test_nothing_is_done_about_an_object_that_is_gone_until_that_is_recorded() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            there = identity_of(stored("a", 5))
            await rig.objects.listed(THING, "", Listed([there], "6"))
            gone = {"metadata": {**there["metadata"], "resourceVersion": "7"}}
            await rig.objects.watched(THING, Seen(is_gone=True, object=gone))
            assert rig.effects.held == {A}
            await asyncio.sleep(1)
            assert rig.kinds()[-2:] == ["ThingDeleted", "Planned"]
            assert not rig.effects.wanted[-1].manifests
            assert rig.effects.held == set()

    run(main())


def test_nothing_is_done_about_what_came_in_the_place_of_an_object_until_it_is_recorded() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            other = stored("a", 7)
            other["metadata"]["uid"] = "another"
            await rig.objects.listed(THING, "", Listed([identity_of(other)], "8"))
            assert rig.effects.held == {A}
            await rig.objects.seen(THING, other)
            await asyncio.sleep(1)
            assert rig.kinds().count("ThingObserved") == 2
            assert rig.effects.held == set()

    run(main())


def test_what_a_recorded_deletion_left_behind_is_removed_before_any_list() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.leads():
            await rig.see("a")
            await rig.inbox.put(Gone(A, Actor("somebody"), None))
            await asyncio.sleep(1)
            assert not rig.effects.wanted[-1].manifests
            assert rig.effects.held == set()

    run(main())
