"""Users' objects: in whatever order it is told, the log ends up with what is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from rynxs.engine.composition import Component, Composition
from rynxs.engine.event import Event
from rynxs.eventlog.record import decode_header
from rynxs.operator.actors import Actors
from rynxs.operator.cluster import Listed, Seen
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.leader import Input, Leader, Told
from rynxs.operator.objects import Objects, identity_of
from rynxs.operator.troubles import Troubles
from rynxs.operator.upkeep import Upkeep
from rynxs.testing import MemorySink
from tests.unit.engine.conftest import ACTOR, THING, ThingReducer, ThingRenderer
from tests.unit.engine.test_governing import CAP, CapReducer
from tests.unit.operator.led import VirtualClock, lead_of
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rynxs.engine.resource import Resource
    from rynxs.operator.takeover import Lead

NAMES = {"a": THING, "b": THING, "one": CAP}
COMPOSITION = Composition(
    [Component(ThingReducer(), {}), Component(CapReducer(), {})],
    [Component(ThingRenderer(), {})],
)
Call = tuple[str, "Callable[[Objects], Awaitable[None]]"]


class Change(NamedTuple):
    """What became of an object: as it was before and is after it, None where there is none."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def happened(actions: list[tuple[str, bool]]) -> list[Change]:
    """Return what happens when objects are made, and then changed or, if so asked, deleted."""
    changes: list[Change] = []
    there: dict[str, dict[str, Any]] = {}
    for version, (name, is_deletion) in enumerate(actions, 101):
        before = there.get(name)
        if before is not None and is_deletion:
            metadata = {**before["metadata"], "resourceVersion": str(version)}
            changes.append(Change(name, {**before, "metadata": metadata}, None))
            del there[name]
            continue
        there[name] = _made(name, version, before)
        changes.append(Change(name, before, there[name]))
    return changes


def _made(name: str, version: int, before: dict[str, Any] | None) -> dict[str, Any]:
    resource = NAMES[name]
    known = {} if before is None else before["metadata"]
    metadata = {
        "generation": known.get("generation", 0) + 1,
        "name": name,
        "resourceVersion": str(version),
        "uid": known.get("uid", f"{version}"),
    }
    if resource is THING:
        metadata["namespace"] = "default"
    spec = {"size": version} if resource is THING else {"total": 10 * version}
    return {
        "apiVersion": "example.org/v1",
        "kind": resource.kind,
        "metadata": metadata,
        "spec": spec,
    }


def at(changes: list[Change], count: int) -> dict[str, dict[str, Any]]:
    """Return what is there after so many changes."""
    last = {change.name: change.after for change in changes[:count]}
    return {name: after for name, after in last.items() if after is not None}


def informed(resource: Resource, changes: list[Change], start: int, lost: list[bool]) -> list[Call]:
    """Return what an informer tells that lists after `start` changes, and misses those `lost`."""

    caller = f"informer of {resource.kind}"

    def lists(count: int) -> Call:
        there = [each for name, each in at(changes, count).items() if NAMES[name] is resource]
        listed = Listed([identity_of(each) for each in there], str(100 + count))
        return caller, lambda objects: objects.listed(resource, "", listed)

    def watches(seen: Seen) -> Call:
        return caller, lambda objects: objects.watched(resource, seen)

    calls = [lists(start)]
    for number, change in list(enumerate(changes))[start:]:
        found = change.after or change.before
        if lost[number]:
            if number + 1 == len(changes) or not lost[number + 1]:
                calls.append(lists(number + 1))
        elif NAMES[change.name] is resource and found is not None:
            calls.append(watches(Seen(change.after is None, identity_of(found))))
    return calls


def told(name: str, changes: list[Change], start: int, is_told: list[bool]) -> list[Call]:
    """Return what the framework tells of an object: not all, but what it is at last, twice."""
    known = at(changes, start).get(name)
    states = [] if known is None else [known]
    states += [
        change.after
        for number, change in enumerate(changes)
        if number >= start and change.name == name and change.after is not None and is_told[number]
    ]
    last = at(changes, len(changes)).get(name)
    states += [] if last is None else [last, last]

    def sees(found: dict[str, Any]) -> Call:
        return name, lambda objects: objects.seen(NAMES[name], found)

    return [sees(each) for each in states]


def ignore(*_: object) -> None:
    """Be told of something."""


class Nobody:
    def want(self, asked: object, applied: object) -> None:
        """Apply nothing."""


async def leading(lead: Lead, inbox: Inbox[Input]) -> None:
    leader = Leader(lead, inbox, Troubles(), VirtualClock(), now_s, ignore)
    upkeep = Upkeep(lead, 0, 60.0, now_s, ignore)
    await leader.run(Nobody(), Told(ignore, ignore, ignore, ignore, ignore), upkeep)


async def bring(calls: list[tuple[Call, int]], objects: Objects) -> None:
    """Make calls, those of one caller one after the other, and let so many rounds pass between."""
    last: dict[str, asyncio.Task[None]] = {}

    async def after(before: asyncio.Task[None] | None, call: Any) -> None:
        if before is not None:
            await before
        await call(objects)

    tasks = []
    for (caller, call), rounds in calls:
        last[caller] = asyncio.create_task(after(last.get(caller), call))
        tasks.append(last[caller])
        for _ in range(rounds):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)


def recorded(sink: MemorySink) -> list[tuple[str, int, bool]]:
    """Return of each observation and deletion of the log its name, uid, and which it is."""
    found = []
    for record in sink.records:
        event = Event.of_record(decode_header(record.header), record)
        name = event.subject.rpartition("/")[2]
        if event.kind.endswith("Observed"):
            found.append((name, int(event.payload["object"]["metadata"]["uid"]), False))
        elif event.kind.endswith("Deleted"):
            found.append((name, int(event.payload["uid"]), True))
    return found


_actions = st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.booleans()), max_size=8)


@given(_actions, st.integers(1, 4), st.data())
def test_the_log_ends_up_with_what_is_there(
    actions: list[tuple[str, bool]], most: int, data: st.DataObject
) -> None:
    changes = happened(actions)
    flags = st.lists(st.booleans(), min_size=len(changes), max_size=len(changes))
    known = data.draw(st.integers(0, len(changes)), label="known before")
    channels = [
        informed(resource, changes, data.draw(st.integers(known, len(changes))), data.draw(flags))
        for resource in (THING, CAP)
    ]
    channels += [told(name, changes, known, data.draw(flags)) for name in NAMES]
    order = data.draw(
        st.permutations([each for each, calls in enumerate(channels) for _ in calls]), label="order"
    )
    merged = [channels[each].pop(0) for each in order]
    rounds = data.draw(st.lists(st.integers(0, 9), min_size=len(merged), max_size=len(merged)))

    async def main() -> MemorySink:
        sink = MemorySink()
        before = lead_of(sink, COMPOSITION)
        for name, each in sorted(at(changes, known).items(), reverse=True):
            before.pipeline.observe(NAMES[name], each, ACTOR)
        before.log.append(before.pipeline.take_entries())
        lead = lead_of(sink, COMPOSITION)
        inbox: Inbox[Input] = Inbox(most, 2, Patience(0.0, 0.0, 0.0), now_s)
        objects = Objects([THING, CAP], [], Actors(), lead.pipeline.state, inbox.put)
        task = asyncio.create_task(leading(lead, inbox))
        await bring(list(zip(merged, rounds, strict=True)), objects)
        await inbox.close()
        await task
        there = at(changes, len(changes))
        state = lead.pipeline.state
        assert {
            subject.rpartition("/")[2]: state.newest[subject].payload["object"]["spec"]
            for subject in state.live()
        } == {name: each["spec"] for name, each in there.items()}
        assert len(objects) == len(there)
        return sink

    gone: dict[str, int] = {}
    for name, uid, is_gone in recorded(run(main())):
        assert uid > gone.get(name, 0), "resurrected, or taken for gone though it was there"
        if is_gone:
            gone[name] = uid
